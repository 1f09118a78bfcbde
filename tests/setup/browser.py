"""The browser that opens reports, headless."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.setup.environment import BROWSER, load
from tests.setup.prepare import installed_browser


@contextmanager
def opened() -> Iterator[Browser]:
    """The browser that `make test` found. RuntimeError, with the way to get one, where it found none."""
    load()
    found = installed_browser()
    if found is None:
        raise RuntimeError(
            "no browser: `make test` fetches one, as does `python -m tests.setup.prepare tests`; or name a Chromium in "
            + BROWSER
        )
    with sync_playwright() as playwright:
        # A container's root has no namespaces for Chromium's sandbox; what it opens is ours.
        browser = playwright.chromium.launch(
            executable_path=found[BROWSER], chromium_sandbox=False, env=dict(os.environ)
        )
        try:
            yield browser
        finally:
            browser.close()
