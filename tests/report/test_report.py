"""The report tells what a recording holds: one story told in events, and all that may be odd about a recording."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from console import events
from console.recording import Recording
from console.report import FORMATS, render, render_both, summarise
from console.report.markdown import fenced, safe
from console.session import fold
from tests.recording.streams import header, record, streams, typical
from tests.report.story import BO, action, story


def test_a_phase_that_a_later_run_finds_done_took_no_longer_for_it(
    recorded: Callable[[list[events.Event]], Recording],
) -> None:
    stream = story()
    found = [
        replace(event, seconds=0.0)
        if isinstance(event, events.PhaseEnded) and event.outcome == "already-done"
        else event
        for event in stream
        if not (isinstance(event, events.PhaseBegan) and event.phase == "add-column" and event.t > 3600)
    ]
    numbered = [replace(event, s=s) for s, event in enumerate(found, 1)]
    (phase,) = [phase for phase in summarise(recorded(numbered)).phases if phase.name == "add-column"]
    assert (phase.outcome, phase.seconds) == ("passed", 3.1)


def test_the_story(recorded: Callable[[list[events.Event]], Recording]) -> None:
    report = summarise(recorded(story()))
    assert (report.outcome, report.complete, report.exit_status) == ("completed", True, 0)
    assert (report.title, report.owner, report.runs) == ("public.orders.placed_on", "ana", 2)
    assert report.server == "db1.internal/shop, PostgreSQL 18.1"
    assert (report.started, report.ended) == ("2026-11-28T02:15:00+00:00", "2026-11-28T03:15:05+00:00")
    assert report.seconds == 3605.0
    assert {phase.name: (phase.outcome, phase.seconds) for phase in report.phases} == {
        "preflight": ("passed", 1.0),
        "add-column": ("passed", 3.3),
        "replicas": ("skipped", 0.6),
        "dual-writes": ("left-out", 0.0),
        "backfill": ("passed", 11.0),
        "verify": ("passed", 0.2),
        "constraints": ("passed", 0.1),
    }
    assert (report.rows_backfilled, report.batches, report.retries) == (5000, 4, 2)
    assert (report.verified_rows, report.differences) == (4999, 0)
    assert report.max_replication_lag_s == {"db2": 3.25}
    assert (report.max_lock_queue, report.throttled_s) == (4, 5.0)
    (stop,) = report.stops
    assert (stop.t, stop.seconds, stop.why) == (12.0, 5.0, "replication lag: 3 s")
    assert stop.at == "2026-11-28T02:15:12+00:00"
    first, second = report.actions
    assert (first.who, first.what, first.t, first.result, first.phase) == (
        "ana",
        "advance",
        5.0,
        "done",
        "preflight",
    )
    assert first.when == "2026-11-28T02:15:05+00:00"
    assert (second.who, second.what, second.reason) == (BO.name, "skip-gate", "db3 is being rebuilt")
    (one, again) = report.statements
    assert (one.name, one.outcome, one.tries, one.queue) == ("add", "done", 2, 4)
    assert (one.held_by, one.sql) == (("pid 77 report psql",), "ALTER TABLE x")
    assert (again.outcome, again.sql) == ("already-done", "")
    assert [(listed.what, listed.keys) for listed in report.keys] == [
        ("failing", ("17",)),
        ("skipped", ("17",)),
    ]
    assert [finding.severity for finding in report.findings] == ["warning", "note"]
    assert report.deviations == (
        "The session was interrupted, and taken up again 1 time.",
        "replicas was passed against its evidence by bo|<b>, because: db3 is being rebuilt.",
        "backfill stopped 1 time before it went on, the last time because: 1 row fails.",
        "The throttle stopped the backfill for 5.0 s in all.",
        "1 batch had to be tried again.",
        "add (add-column) took 2 tries to get its lock, held by pid 77 report psql.",
        "1 row left out of the backfill, and listed.",
        "db2 was up to 3.2 s behind; the limit is 2.0 s.",
    )
    assert report.problems == ()
    assert [(tried.t, tried.outcome, tried.seconds) for tried in one.each_try] == [
        (5.2, "lock-timeout", 1.0),
        (8.0, "done", 0.01),
    ]


def test_a_phase_whose_runner_was_killed_counts_both_runs(
    recorded: Callable[[list[events.Event]], Recording],
) -> None:
    first = story()[0]
    stream: list[events.Event] = [
        *story()[:3],
        events.PhaseBegan(phase="backfill", t=100.0),
        events.Log(level="info", text="at work", t=107.0),
        replace(first, resumed=True, t=200.0),
        *(replace(event, t=200.0) for event in story()[1:3]),
        events.PhaseBegan(phase="backfill", t=201.0),
        events.PhaseEnded(phase="backfill", outcome="passed", seconds=5.0, t=206.0),
    ]
    report = summarise(recorded([replace(event, s=n) for n, event in enumerate(stream, 1)]))
    assert {phase.name: phase.seconds for phase in report.phases}["backfill"] == 12.0
    assert "taken up again 1 time" in report.deviations[0]


def test_what_programs_read(recorded: Callable[[list[events.Event]], Recording]) -> None:
    """The names that are promised."""
    read: dict[str, Any] = json.loads(render(recorded(story()), "json"))
    promised = (
        "outcome phases rows_backfilled batches retries max_replication_lag_s max_lock_queue max_lock_queue_s "
        "actions verified_rows differences complete"
    )
    assert set(promised.split()) <= set(read)
    assert {"name", "outcome", "seconds"} <= set(read["phases"][0])
    assert {"who", "what", "when", "reason", "result"} <= set(read["actions"][0])
    assert read["outcome"] == "completed"
    assert read["max_replication_lag_s"] == {"db2": 3.25}


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("parked", "parked"),
        ("paused", "parked"),
        ("waiting", "parked"),
        ("running", "failed"),
        ("starting", "failed"),
    ],
)
def test_without_an_end(
    recorded: Callable[[list[events.Event]], Recording], state: events.RunnerState, outcome: str
) -> None:
    stream = [*story()[:17], events.StateChanged(state=state, reason="why", t=20.0, s=18)]
    report = summarise(recorded(stream))
    assert (report.outcome, report.complete, report.exit_status) == (outcome, False, 1)
    assert report.headline == "no end so far"
    doing = f"{state} in backfill (why), passed were preflight, add-column, replicas"
    assert report.text == f"By 2026-11-28 02:15:20, the last that it holds: {doing}."
    assert "backfill was not finished." in report.deviations
    assert "verify was not reached." in report.deviations
    assert "The recording has no end" in render(recorded(stream), "markdown")


def test_a_torn_copy_of_a_good_recording_is_not_called_failed(tmp_path: Path) -> None:
    """What is missing is not known: neither title nor tasks may claim it."""
    path = record(tmp_path / "r.jsonl", story())
    assert summarise(Recording.open(path)).headline == "completed"
    path.write_bytes(path.read_bytes()[:-40])
    torn = Recording.open(path)
    report = summarise(torn)
    assert (report.headline, report.complete) == ("its end is missing", False)
    assert report.text.startswith("By 2026-11-28 03:15:05, the last that it holds: starting, passed were ")
    assert "can't be told from it" in report.end_missing
    text, page = render(torn, "markdown"), render(torn, "html")
    assert text.splitlines()[0] == "# public.orders.placed_on: its end is missing"
    assert report.end_missing in text
    assert report.text in page
    assert "failed" not in text.partition("## ")[0]
    assert report.remaining[0].startswith("Find out first how it ended")
    both = render_both(torn, torn, "markdown")
    assert both.splitlines()[0].endswith("its end is missing (A), its end is missing (B)")


def test_an_end_that_was_followed_by_another_run_is_none(
    recorded: Callable[[list[events.Event]], Recording],
) -> None:
    stream = story()
    last = stream[-1]
    again = header(resumed=True)
    parked = replace(events.Ended(outcome="parked", exit_status=1, text="parked"), t=last.t, s=last.s)
    report = summarise(recorded([*stream[:-1], parked, replace(again, t=last.t + 9, s=last.s + 1)]))
    assert (report.outcome, report.complete) == ("failed", False)


def test_differences_and_a_rolled_back_session(recorded: Callable[[list[events.Event]], Recording]) -> None:
    stream = story()
    s = len(stream)
    more = [
        events.Verified(rows=10, differences=3),
        events.KeysListed(what="different", keys=("1", "2"), total=3),
        events.PhaseEnded(phase="add-column", outcome="undone"),
        events.Ended(outcome="rolled-back", exit_status=4, text="undone"),
    ]
    stream = [*stream[:-1], *(replace(event, t=4000.0, s=s + n) for n, event in enumerate(more))]
    report = summarise(recorded(stream))
    assert (report.outcome, report.exit_status, report.differences) == ("rolled-back", 4, 3)
    assert "Verification found 3 differences." in report.deviations
    assert "add-column is undone." in report.deviations


def test_a_damaged_recording_is_reported_as_far_as_it_goes(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", story())
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([b"{damaged", *lines[1:-3], lines[-2][:30]]))
    recording = Recording.open(path)
    report = summarise(recording)
    assert report.title == "public.orders.placed_on", "the plan knows it"
    assert len(report.problems) == len(recording.problems) >= 2
    assert report.rows_backfilled == 5000
    assert not report.complete
    assert "Missing from the recording" in render(recording, "markdown")


@pytest.mark.slow
@given(streams(max_size=40))
@settings(deadline=None, max_examples=30)
def test_any_recording_has_a_report(stream: list[events.Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recording = Recording.open(record(Path(folder) / "r.jsonl", stream))
    report = summarise(recording)
    final = fold(stream)
    assert report.batches == final.totals.batches
    assert [phase.name for phase in report.phases] == [view.name for view in final.phases]
    for form in FORMATS:
        text = render(recording, form)
        assert text.endswith("\n")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", text)
    json.loads(render(recording, "json"))


def test_a_night_is_reported(recorded: Callable[[list[events.Event]], Recording]) -> None:
    report = summarise(recorded(list(typical(4000))))
    assert report.batches == 4000 * 9
    assert len(report.max_replication_lag_s) == 2


def test_markdown_answers_first_and_has_all_that_a_ticket_needs(
    recorded: Callable[[list[events.Event]], Recording],
) -> None:
    text = render(recorded(story()), "markdown")
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "Left to do",
        "Where it left the plan",
        "What it cost",
        "When the throttle stopped the backfill",
        "Phases",
        "Actions",
        "Rows that stand out",
        "Preflight",
        "Statements",
        "Is it what was written?",
        "SQL",
    ]
    assert text.startswith("# public.orders.placed_on: completed\n")
    assert "| add-column | add | done | 10 ms | 2 | ACCESS EXCLUSIVE | 4 sessions, 1.0 s at most |" in text
    assert "- at most 4 sessions queued behind a statement of ours, for at most 1.0 s" in text


# -- Text from outside


def test_markdown_shows_text_and_nothing_else(recorded: Callable[[list[events.Event]], Recording]) -> None:
    evil = "a|b `x` *y* <script>\n\n# big\x1b[31m [link](http://x) @all"
    stream = story()
    s = len(stream)
    end = stream[-1]
    stream = [
        *stream[:-1],
        replace(action("e", evil, "refused", evil, events.Owner(name=evil)), t=end.t, s=s),
        replace(end, s=s + 1, text=evil),
    ]
    text = render(recorded(stream), "markdown")
    assert "\x1b" not in text
    assert "<script>" not in text
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert all(re.fullmatch(r"#{1,2} [A-Za-z ,.:?_\\-]+", heading) for heading in headings), headings
    rows = [line for line in text.splitlines() if "script" in line and line.startswith("|")]
    assert rows
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)


def test_a_query_stays_in_its_fence() -> None:
    for sql in ("SELECT 1", "```\n# out\n```", "a\n````\nb", "\x1b[2J"):
        lines = fenced(sql).splitlines()
        fence = lines[-1]
        assert set(fence) == {"`"}
        assert lines[0] == fence + "sql"
        assert all(fence not in line for line in lines[1:-1])
        assert "\x1b" not in fenced(sql)


def test_safe_text_is_one_line_without_live_markup() -> None:
    assert safe("x\n- y") == "x - y"
    assert safe("_a_ `b` ~c~ $d$") == "\\_a\\_ \\`b\\` \\~c\\~ \\$d\\$"


# -- Is it what was written?


def test_a_changed_recording_is_told_in_every_format(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", story())
    whole = Recording.open(path)
    assert summarise(whole).chain.state == "whole"
    assert summarise(whole).chain.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes().replace(b"db3 is being rebuilt", b"db3 was never there"))
    changed = Recording.open(path)
    chain = summarise(changed).chain
    assert (chain.state, len(chain.breaks)) == ("broken", 1)
    for form in FORMATS:
        assert "the chain of hashes is whole" in render(whole, form)
        assert "the chain of hashes is broken" in render(changed, form)
