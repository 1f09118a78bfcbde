"""The page in a real browser: it draws, zooms, prints and fits a phone; it asks nobody, and nothing in it runs."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from console import events
from console.recording import Recording
from console.report import render
from tests.report.pages import Show, brightness, drag, ink, shown, until
from tests.report.story import story
from tests.report.test_page import hostile
from tests.tui.tapes import record

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

PALE, DARK = 600, 200
"""Sums of red, green and blue that are surely light, and surely dark."""


@pytest.fixture
def night(tmp_path: Path) -> Recording:
    """Three minutes of a session with two replicas and an application."""
    return record("completed", tmp_path / "r.jsonl")


def test_all_charts_are_drawn(show: Show, night: Recording) -> None:
    page = show(night)
    charts = ["rate", "lag", "queue", "latency"]
    assert page.evaluate("[...document.querySelectorAll('.chart')].map(chart => chart.id)") == [
        f"chart-{name}" for name in charts
    ]
    for name in charts:
        assert ink(page, name) >= 3, name
    legend = page.locator("#chart-lag .u-legend").inner_text()
    assert all(name in legend for name in ("db2", "db3", "limit 2.0 s"))
    begins, ends = shown(page)
    assert (begins, ends) == (night.points[0].t, night.points[-1].t)
    assert page.locator("#range").inner_text() == "02:00:06 to 02:03:05"


def test_zoom_by_dragging_holds_for_all_charts(show: Show, night: Recording) -> None:
    page = show(night)
    whole = shown(page)
    page.locator("#chart-lag").scroll_into_view_if_needed()
    drag(page, "lag", 0.25, 0.5)
    until(
        page, "before => document.documentElement.dataset.shown !== before", f"{whole[0]:.3f} {whole[1]:.3f}"
    )
    begins, ends = shown(page)
    length = whole[1] - whole[0]
    assert begins == pytest.approx(whole[0] + 0.25 * length, abs=0.02 * length)
    assert ends == pytest.approx(whole[0] + 0.5 * length, abs=0.02 * length)
    # A double click shows all of it again.
    page.locator("#chart-rate .u-over").dblclick()
    until(
        page, "before => document.documentElement.dataset.shown === before", f"{whole[0]:.3f} {whole[1]:.3f}"
    )


def test_zoom_by_buttons_and_phases(show: Show, night: Recording) -> None:
    page = show(night)
    whole = shown(page)
    length = whole[1] - whole[0]
    page.locator("[data-zoom=in]").focus()
    page.keyboard.press("Enter")
    begins, ends = shown(page)
    assert ends - begins == pytest.approx(length / 2, rel=0.01)
    page.click("[data-zoom=on]")
    later = shown(page)
    assert later[0] > begins
    assert later[1] - later[0] == pytest.approx(length / 2, rel=0.01)
    for _ in range(4):
        page.click("[data-zoom=on]")
    assert shown(page)[1] == pytest.approx(whole[1], abs=0.01)
    for _ in range(6):
        page.click("[data-zoom=back]")
    assert shown(page)[0] == pytest.approx(whole[0], abs=0.01)
    for _ in range(30):
        page.click("[data-zoom=in]")
    assert shown(page)[1] - shown(page)[0] == pytest.approx(1, abs=0.01), "no closer than a second"
    page.click("[data-zoom=whole]")
    assert shown(page) == whole
    page.select_option("#phases", label="backfill")
    (began,) = (
        e.t
        for _, e in night.of(events.PhaseBegan)
        if isinstance(e, events.PhaseBegan) and e.phase == "backfill"
    )
    (ended,) = (
        e.t
        for _, e in night.of(events.PhaseEnded)
        if isinstance(e, events.PhaseEnded) and e.phase == "backfill"
    )
    begins, ends = shown(page)
    assert began - 0.1 * (ended - began) < begins < began < ended < ends < ended + 0.1 * (ended - began)


def test_dark_and_light_and_paper(show: Show, night: Recording) -> None:
    light = show(night, color_scheme="light")
    assert brightness(light, "backgroundColor") > PALE
    assert brightness(light, "color") < DARK
    dark = show(night, color_scheme="dark")
    assert brightness(dark, "backgroundColor") < DARK
    assert brightness(dark, "color") > PALE
    dark.emulate_media(media="print")
    until(dark, "document.documentElement.classList.contains('paper')")
    assert brightness(dark, "backgroundColor") > PALE
    assert not dark.locator(".zoom").is_visible()
    assert ink(dark, "rate") >= 3
    assert dark.evaluate("document.querySelector('.uplot').clientWidth") <= 182 / 25.4 * 96, (
        "A4, less its margins"
    )
    assert dark.pdf().startswith(b"%PDF-")
    dark.emulate_media(media="screen")
    until(dark, "!document.documentElement.classList.contains('paper')")
    assert brightness(dark, "backgroundColor") < DARK


def test_a_change_of_scheme_draws_the_charts_anew(show: Show, night: Recording) -> None:
    page = show(night, color_scheme="light")
    picture = "document.querySelector('#chart-rate canvas').toDataURL()"
    page.click("[data-zoom=in]")
    before, range_before = page.evaluate(picture), shown(page)
    page.emulate_media(color_scheme="dark")
    until(page, "before => document.querySelector('#chart-rate canvas').toDataURL() !== before", before)
    assert shown(page) == range_before


@pytest.mark.parametrize("width", [360, 390, 800, 1280])
def test_nothing_is_wider_than_the_screen(show: Show, night: Recording, width: int) -> None:
    page = show(night, viewport={"width": width, "height": 800}, is_mobile=width < 500, has_touch=width < 500)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.locator(".zoom button").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 38, "large enough for a thumb"
    if width < 500:
        cell = page.locator("#plan td[data-label=Outcome]").first
        assert (
            page.evaluate("cell => getComputedStyle(cell, '::before').content", cell.element_handle())
            == '"Outcome: "'
        )


def test_text_from_outside_is_shown_and_never_runs(
    show: Show, recorded: Callable[[list[events.Event]], Recording]
) -> None:
    page = show(recorded(hostile()))
    assert page.evaluate("window.hit") is None
    assert "<script>window.hit=1</script>" in page.locator("h1").inner_text()
    assert page.locator("img").count() == 0


def test_the_policy_holds_even_where_markup_got_in(
    browser: Browser, recorded: Callable[[list[events.Event]], Recording], tmp_path: Path
) -> None:
    """As if the escaping had failed: the browser runs no script, loads no picture and sends nothing."""
    text = render(recorded(story()), "html")
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    server = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    slipped = (
        f"<script>window.hit=1</script><img src='{server}' onerror='window.hit=2'><p style='color:red' id=p>x"
    )
    path = tmp_path / "slipped.html"
    path.write_text(text.replace("<main>", f"<main>{slipped}", 1), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    until(page, "document.documentElement.dataset.charts !== undefined")
    assert page.evaluate("window.hit") is None
    assert page.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
    assert page.evaluate("url => fetch(url).then(() => 'sent', () => 'refused')", server) == "refused"
    page.close()
    with pytest.raises(BlockingIOError):
        listener.accept()
    listener.close()
