"""What tests ask a page in the browser."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Page

Show = Callable[..., Page]
"""Opens a recording's report in the browser, with Playwright's options of a page."""


def until(page: Page, expression: str, argument: object = None) -> None:
    """Waits until it is true in the page. Playwright's own way to wait is an `eval`, which the page forbids."""
    deadline = time.monotonic() + 30
    while not page.evaluate(expression, argument):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(20)


def shown(page: Page) -> tuple[float, float]:
    """What the charts show: from, to, in seconds of the session."""
    begins, ends = page.evaluate("document.documentElement.dataset.shown").split()
    return float(begins), float(ends)


def ink(page: Page, chart: str) -> int:
    """How many different colours a chart's picture has."""
    colours: int = page.evaluate(
        """chart => {
            const canvas = document.querySelector(`#chart-${chart} canvas`);
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            const seen = new Set();
            for (let at = 0; at < pixels.length; at += 4)
                if (pixels[at + 3] > 200) seen.add(pixels[at] * 65536 + pixels[at + 1] * 256 + pixels[at + 2]);
            return seen.size;
        }""",
        chart,
    )
    return colours


def brightness(page: Page, property_: str) -> int:
    """The sum of red, green and blue of a colour of the body."""
    total: int = page.evaluate(
        "name => getComputedStyle(document.body)[name].match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0)",
        property_,
    )
    return total


def drag(page: Page, chart: str, begins: float, ends: float) -> None:
    """Drag the mouse over a chart, between two shares of its width."""
    box = page.locator(f"#chart-{chart} .u-over").bounding_box()
    assert box is not None
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + begins * box["width"], height)
    page.mouse.down()
    page.mouse.move(box["x"] + ends * box["width"], height, steps=4)
    page.mouse.up()
