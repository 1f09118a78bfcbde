"""Two sessions side by side: what differs is said, what does not is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from console import events
from console.recording import Recording
from console.report import compare, render_both, summarise
from tests.recording.streams import record
from tests.report.pages import Show, ink, shown
from tests.report.story import BO, story
from tests.report.test_page import EVIL, hostile, outline

Make = Callable[[list[events.Event]], Recording]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes recordings that stay beside each other."""
    number = 0

    def recorded(stream: list[events.Event]) -> Recording:
        nonlocal number
        number += 1
        return Recording.open(record(tmp_path / f"{number}.jsonl", stream))

    return recorded


def calmer() -> list[events.Event]:
    """The same walk, that ended in the backfill, after a first statement that had its lock at once."""
    told = [
        event
        for event in story()[:21]
        if not (isinstance(event, events.StatementEnded) and event.attempt == 1)
        and not (isinstance(event, events.StatementBegan) and event.attempt == 1)
    ]
    changed = [
        replace(event, attempt=1, sql="ALTER TABLE y")
        if isinstance(event, events.StatementBegan)
        else replace(event, attempt=1)
        if isinstance(event, events.StatementEnded)
        else event
        for event in told
    ]
    return [replace(event, s=s) for s, event in enumerate(changed, 1)]


def test_what_differs_is_said(make: Make) -> None:
    found = compare(summarise(make(story())), summarise(make(calmer())))
    assert found.outcome_same is False
    assert list(found.differences) == [
        "A: completed, B: no end so far.",
        "B did not come to verify, constraints.",
        "backfill is passed in A, running in B.",
        "add (add-column) was another statement in B than in A.",
        "add (add-column) took 2 tries in A, 1 in B.",
        "Behind add (add-column) stood 4 sessions in A, 0 in B.",
    ]
    figures = {figure.name: (figure.a, figure.b) for figure in found.figures}
    known = {
        "rows filled": (5000, 2000),
        "furthest behind": (3.25, 3.25),
        "most queued behind us": (4, 2),
        "rows verified": (4999, 0),
    }
    assert {name: figures[name] for name in known} == known


def test_of_a_statement_that_one_did_not_send_no_text_is_called_the_same(make: Make) -> None:
    sent = (events.StatementBegan, events.StatementEnded)
    none = make([event for event in story() if not isinstance(event, sent)])
    both = render_both(make(story()), none, "markdown")
    rows = [row for row in both.splitlines() if "not there" in row]
    assert rows
    assert all(row.endswith("|  |") for row in rows)


def test_a_session_beside_itself_differs_in_nothing(make: Make) -> None:
    report = summarise(make(story()))
    found = compare(report, report)
    assert found.outcome_same
    assert found.differences == ()
    assert all(figure.a == figure.b for figure in found.figures)
    assert "Nothing that stands out." in render_both(make(story()), make(story()), "markdown")


def test_limits_that_differ_are_among_the_figures(make: Make) -> None:
    limits = {"replication_lag": 9.0, "lock_timeout": 1.0}
    stream = [
        replace(event, limits=limits) if isinstance(event, events.Header) else event for event in story()
    ]
    found = compare(summarise(make(story())), summarise(make(stream)))
    differing = [figure for figure in found.figures if figure.name.startswith("limit ")]
    assert [(figure.name, figure.a, figure.b) for figure in differing] == [
        ("limit replication_lag", 2.0, 9.0)
    ]


def test_text_from_outside_stays_text(make: Make) -> None:
    plain, evil = (
        outline(render_both(make(stream), make(story()), "html")) for stream in (story(), hostile())
    )
    assert set(evil.tags) == set(plain.tags)
    assert EVIL[:30] in evil.text
    markdown = render_both(make(hostile()), make(story()), "markdown")
    assert "<script" not in markdown
    assert "\x1b" not in markdown
    assert BO.name not in markdown


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_the_curves_lie_over_each_other_in_a_browser(show: Show, make: Make) -> None:
    page = show(make(story()), beside=make(calmer()))
    assert page.evaluate("[...document.querySelectorAll('.chart')].map(chart => chart.id)") == [
        "chart-rate",
        "chart-lag",
        "chart-queue",
    ]
    assert ink(page, "lag") >= 3
    assert page.locator("#range").inner_text().startswith("00:00:00 to ")
    page.click("[data-zoom=in]")
    begins, ends = shown(page)
    assert 0 < begins < ends
