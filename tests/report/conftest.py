"""Recordings to report on, and a browser to read the report in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

from console import events
from console.recording import Recording
from console.report import render, render_both
from tests.recording.streams import record
from tests.report.pages import Show, until
from tests.servers.leave_out import left_out
from tests.setup.browser import opened

Recorded = Callable[[list[events.Event]], Recording]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs the browser, where the machine's owner left that out."""
    if not left_out("browser"):
        return
    needing = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in needing]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """Makes recordings."""

    def make(stream: list[events.Event]) -> Recording:
        (tmp_path / "r.jsonl").unlink(missing_ok=True)
        return Recording.open(record(tmp_path / "r.jsonl", stream))

    return make


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A headless browser, one for each test: while it is there, no other event loop of this process can run."""
    with opened() as browser:
        yield browser


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Opens the report of a recording, or of two. Afterwards: nothing else was asked for, and nobody complained."""
    asked: list[str] = []
    said: list[str] = []
    pages: list[Page] = []
    path = tmp_path / "report.html"

    def open_it(recording: Recording, beside: Recording | None = None, **options: object) -> Page:
        text = render(recording, "html") if beside is None else render_both(recording, beside, "html")
        path.write_text(text, encoding="utf-8")
        page = browser.new_page(**options)  # type: ignore[arg-type]  # passed on to Playwright as they are
        pages.append(page)

        def heard(request: Request) -> None:
            asked.append(request.url)

        page.on("request", heard)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        until(page, "document.documentElement.dataset.charts !== undefined")
        return page

    yield open_it
    for page in pages:
        page.close()
    assert set(asked) == {path.as_uri()}
    assert said == []
    assert path.stat().st_size < 1_000_000
