"""The model of a backfill under other limits: what it must be right about, and that it never pretends."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console import events
from console.change import Limits, Window
from console.recording import Recording
from console.report.what_if import ASSUMPTIONS, NoBackfill, WhatIf, as_text, what_if
from console.report.what_if.model import next_lag
from tests.recording.streams import header, record, streams

Recorded = Callable[[list[events.Event]], Recording]
SECONDS, RATE = 60, 2000
FREE = Limits()


def backfill(
    lag: Callable[[int], float] = lambda _: 0.0,
    *,
    rows: Callable[[int], int] = lambda _: RATE,
    active: Callable[[int], int] = lambda _: 0,
    more: tuple[tuple[float, events.Event], ...] = (),
) -> list[events.Event]:
    """A backfill of a minute: each second a reading, and one batch that took half of it."""
    told: list[tuple[float, events.Event]] = [(0.0, header()), (0.5, events.PhaseBegan(phase="backfill"))]
    done = 0
    for second in range(1, SECONDS + 1):
        filled = rows(second)
        done += filled
        batch = events.Batches(
            rows=(filled,),
            milliseconds=(500.0 * filled / RATE,),
            size=RATE,
            done=done,
            scanned=done,
            total=SECONDS * RATE,
            cursor=str(done),
        )
        replica = events.Replica(name="db2", state="streaming", lag=lag(second))
        t = float(second)
        sample = events.Sample(
            rows_per_second=float(filled),
            activity_at=t,
            active=active(second),
            locks_at=t,
            replication_at=t,
            replicas=(replica,),
        )
        told += [(t - 0.01, batch)] if filled else []
        told.append((t, sample))
    told += [*more, (SECONDS + 0.5, events.PhaseEnded(phase="backfill", outcome="passed", seconds=SECONDS))]
    told.sort(key=lambda pair: pair[0])
    return [replace(event, t=t, s=s) for s, (t, event) in enumerate(told, 1)]


def test_the_recorded_limits_give_the_recorded_course(recorded: Recorded) -> None:
    model = what_if(recorded(backfill()), FREE, FREE)
    assert model.recorded.seconds == SECONDS
    assert model.control.seconds == pytest.approx(SECONDS, rel=0.02)
    assert model.control == model.modelled
    assert (model.recorded.rows, model.control.rows) == (SECONDS * RATE, SECONDS * RATE)
    assert (model.control.stops, model.control.beyond_rows) == (0, 0)
    assert model.at_work == pytest.approx(0.5, rel=0.02), "the batches took half of the time"


def test_half_the_rows_a_second_take_twice_as_long(recorded: Recorded) -> None:
    model = what_if(recorded(backfill()), FREE, Limits(rows_per_second=RATE / 2))
    assert model.modelled.seconds == pytest.approx(2 * SECONDS, rel=0.02)
    assert model.modelled.beyond_rows == pytest.approx(SECONDS * RATE / 2, rel=0.02)
    assert model.modelled.beyond_s == pytest.approx(SECONDS, rel=0.02)
    assert "beyond the recorded readings" in " ".join(as_text(model, "t", "f").split())


def test_a_lag_over_the_limit_stops_it_and_half_the_limit_lets_it_go_on(recorded: Recorded) -> None:
    """A replica that replays nothing for five seconds, and catches up."""
    stall = lambda second: max(0.0, min(5.0, second - 20.0)) if second < 30 else 0.0  # noqa: E731 - a curve, not a step
    recording = recorded(backfill(stall))
    strict, lax = (what_if(recording, FREE, Limits(replication_lag=limit)).modelled for limit in (1.0, 9.0))
    assert (strict.stops, lax.stops) == (1, 0)
    assert strict.stopped_s == 8.0, "from the reading of 2 s, at 22, to that of 0, at 30"
    assert lax.stopped_s == 0.0
    assert strict.seconds == pytest.approx(lax.seconds + 8, abs=1.5)
    assert strict.max_lag_s == lax.max_lag_s == {"db2": 5.0}, "a standstill is not ours"
    assert strict.reasons["replication lag"] == 8.0


def test_a_lag_of_our_making_grows_with_what_we_fill(recorded: Recorded) -> None:
    creeping = lambda second: 0.02 * second  # noqa: E731 - a curve, not a step
    recording = recorded(backfill(creeping))
    whole, half = (
        what_if(recording, FREE, limits).modelled for limits in (FREE, Limits(rows_per_second=RATE / 2))
    )
    assert whole.max_lag_s["db2"] == pytest.approx(1.2, rel=0.05)
    assert half.max_lag_s["db2"] == pytest.approx(0.6, rel=0.1)


def test_load_slows_it_down_as_the_controller_would(recorded: Recorded) -> None:
    busy = lambda second: 30 if second > 20 else 1  # noqa: E731 - a curve, not a step
    model = what_if(recorded(backfill(active=busy)), FREE, Limits(running_queries=20))
    assert "load" in model.modelled.reasons
    assert model.modelled.seconds > 1.5 * SECONDS
    rates = [step.rows_per_second for step in model.steps]
    assert rates[10] == pytest.approx(RATE, rel=0.05)
    assert rates[-1] == pytest.approx(RATE / 16, rel=0.05), "never slower than the slowest pace"


def test_people_hold_it_in_the_model_as_they_did(recorded: Recorded) -> None:
    """A pause of ten seconds, and a throttle of the operator's."""
    more: tuple[tuple[float, events.Event], ...] = (
        (20.0, events.StateChanged(state="paused", reason="by ana")),
        (30.0, events.StateChanged(state="running")),
        (40.0, events.OperatorThrottle(percent=100, rows_per_second=RATE / 4, by="ana")),
        (
            40.1,
            events.Throttled(reasons=(events.Reason(name="operator", reading="", limit="", stops=False),)),
        ),
    )
    held = lambda second: 0 if 20 < second <= 30 else RATE // 4 if second > 40 else RATE  # noqa: E731 - a curve
    model = what_if(recorded(backfill(rows=held, more=more)), FREE, Limits(replication_lag=99))
    assert model.modelled.seconds == pytest.approx(model.recorded.seconds, rel=0.03)
    paused = [step for step in model.steps if 21 <= step.t <= 29]
    assert [step.rows_per_second for step in paused] == [0.0] * len(paused)
    assert model.modelled.stops == 0, "a pause is no stop by the throttle"
    assert "operator" in model.modelled.reasons


def test_a_replica_that_is_gone_stops_it_under_any_limit(recorded: Recorded) -> None:
    stream = [
        replace(event, replicas=(events.Replica(name="db2", state="gone", lag=None),))
        if isinstance(event, events.Sample) and 10 <= event.t < 20
        else event
        for event in backfill()
    ]
    model = what_if(recorded(stream), FREE, Limits(replication_lag=99))
    assert (model.modelled.stops, model.modelled.stopped_s) == (1, 10.0)
    assert set(model.modelled.reasons) == {"replica gone"}


def test_a_closed_window_is_waited_for(recorded: Recorded) -> None:
    """The recorded backfill begins at 02:15 UTC: a window at three lets none of it run until then."""
    recording = recorded(backfill())
    model = what_if(recording, FREE, Limits(window=Window(3 * 60, 4 * 60)))
    course = model.modelled
    assert course.stops == 1
    assert all(step.stopped and step.rows_per_second == 0 for step in model.steps)
    assert course.beyond_rows == SECONDS * RATE, "nothing is filled while it is closed"
    until_three = 45 * 60.0
    assert course.reasons["outside the window"] == pytest.approx(until_three, abs=2)
    assert course.seconds == pytest.approx(until_three + SECONDS, rel=0.02)
    assert course.stopped_s == course.reasons["outside the window"]
    text = as_text(model, "t", "night.toml")
    assert "window: any time -> 03:00-04:00 UTC" in text
    assert "The window 03:00-04:00 UTC is closed for 44 min 59 s of the model's time." in text
    assert "no other stop" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 120


def test_a_window_that_closes_on_the_way_stops_it_until_the_next_day(recorded: Recorded) -> None:
    model = what_if(
        recorded(backfill()), FREE, Limits(window=Window(60, 2 * 60 + 16), rows_per_second=RATE / 2)
    )
    assert [step.stopped for step in model.steps][:50].count(True) == 0
    assert model.modelled.stops == 1
    assert model.modelled.beyond_closed_s == pytest.approx(22 * 3600 + 44 * 60, abs=2)
    an_open_one = what_if(recorded(backfill()), FREE, Limits(window=Window(60, 300)))
    assert an_open_one.modelled == what_if(recorded(backfill()), FREE, FREE).modelled
    assert "is closed for" not in as_text(an_open_one, "t", "f")


def test_without_a_backfill_there_is_nothing_to_model(recorded: Recorded) -> None:
    with pytest.raises(NoBackfill):
        what_if(recorded([header()]), FREE, FREE)


def test_it_says_that_it_is_a_model_and_what_it_takes_for_granted(recorded: Recorded) -> None:
    model = what_if(recorded(backfill()), FREE, Limits(replication_lag=7))
    text = as_text(model, "a\x1b[31m", "other\n.toml")
    assert "This is a model and did not happen." in " ".join(text.split())
    assert all(assumption in " ".join(text.split()) for assumption in ASSUMPTIONS)
    assert "replication_lag: 2.0 s -> 7.0 s" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 120
    assert model.model is True
    assert msgspec.json.decode(msgspec.json.encode(model), type=WhatIf) == model


@given(
    streams(max_size=40),
    st.floats(0.1, 10),
    st.sampled_from([0, 1, 500]),
    st.sampled_from([None, Window(60, 300), Window(1380, 60)]),
)
@settings(deadline=None, max_examples=40)
def test_any_recording_has_a_model_or_none(
    stream: list[events.Event], lag: float, rate: float, window: Window | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recording = Recording.open(record(Path(folder) / "r.jsonl", stream))
    try:
        limits = Limits(replication_lag=lag, rows_per_second=rate, window=window)
        model = what_if(recording, FREE, limits)
    except NoBackfill:
        return
    for course in (model.recorded, model.control, model.modelled):
        assert course.seconds >= 0
        assert course.beyond_rows >= 0
        assert 0 <= course.stopped_s <= course.seconds + 0.001
    assert as_text(model, "t", "f").endswith("\n")


_lag = st.floats(0, 1000)


@given(_lag, _lag, _lag, st.floats(0, 100), st.tuples(st.floats(0, 100), st.floats(0, 100)))
def test_a_modelled_lag_is_never_negative_and_grows_with_the_share(
    modelled: float, before: float, after: float, seconds: float, shares: tuple[float, float]
) -> None:
    less, more = sorted(shares)
    small, large = (
        next_lag(modelled, before=before, after=after, seconds=seconds, share=share) for share in (less, more)
    )
    assert 0 <= small <= large
