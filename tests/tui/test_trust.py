"""What the screen says of readings that can't be trusted, of a lost connection, and of the time that is left. Pure."""

from msgspec.structs import replace

from console import events
from console.session import Point, Session, apply, fold
from console.tui import actions, eta
from console.tui.draw import charts, current, header, readings
from console.tui.view import View
from tests.tui.stories import backfilling, completed, session


def chart(view: View, name: str) -> charts.Chart:
    """One chart."""
    return next(chart for chart in charts.charts(view) if chart.name == name)


def words(given: charts.Chart) -> str:
    """The words over a chart."""
    return "".join(part if isinstance(part, str) else part[0] for part in given.legend)


def test_an_old_reading_of_the_replicas_is_a_question_with_its_age_and_its_line_stops() -> None:
    story = backfilling()
    read = story.t
    fresh = fold(story.events)
    assert "?" not in words(chart(View(fresh, fresh.t), "lag"))
    # Samples go on, and repeat what was read last.
    for _ in range(6):
        story.t += 1.0
        sample = next(event for event in reversed(fold(story.events).history))
        assert sample.lags[0] is not None
        last = fold(story.events).sample
        assert last is not None
        story.events.append(replace(last, t=story.t, s=len(story.events) + 1, replication_at=read))
    now = fold(story.events)
    said = words(chart(View(now, now.t), "lag"))
    assert "OLD 6s" in said
    assert said.count("?") == 2
    drawn = [t for t, value in chart(View(now, now.t), "lag").series[0].points if value is not None]
    assert max(drawn) <= read + 1.0
    assert "OLD: read 6s ago" in readings.replicas(View(now, now.t), 60, 9)[0].text


def test_a_failed_reading_is_not_shown_even_before_it_is_old() -> None:
    now = session("backfill")
    now = apply(
        now, events.ReadingFailed(t=now.t, s=now.s + 1, reading="replication", why="permission denied")
    )
    assert words(chart(View(now, now.t), "lag")).count("?") == 2


def test_rates_and_latency_grow_old_too() -> None:
    now = session("backfill")
    late = View(now, now.t + 7)
    assert "? rows/s OLD 7s" in words(chart(late, "backfill"))
    assert "? ms OLD 7s" in words(chart(late, "application"))
    assert "? rows/s" in "".join(row.text for row in current.draw(late, 100, 20))


def test_the_last_readings_of_a_session_that_has_ended_stand() -> None:
    now = fold(completed().events)
    assert "?" not in words(chart(View(now, now.t + 60), "lag"))


def test_of_a_queue_that_no_reading_saw_no_length_is_told() -> None:
    ended = fold(completed().events)
    for seconds, told in ((0.0, "12 sessions"), (0.25, "12 sessions, at most 250 ms")):
        totals = replace(ended.totals, max_lock_queue=12, max_lock_queue_s=seconds)
        drawn = current.draw(View(replace(ended, totals=totals), ended.t), 80, 20)
        row = next(text for line in drawn if (text := line.text).lstrip().startswith("worst queue"))
        assert row.removeprefix("worst queue behind us").strip() == told


def test_no_connection_and_rolling_back_are_said_in_panel_and_header() -> None:
    for reason, word in (
        ("no connection to the database: refused; next try in 2.0 s", "NO CONNECTION"),
        ("rolling back, asked by ana", "ROLLING BACK"),
    ):
        now = session("backfill")
        view = View(apply(now, events.StateChanged(s=now.s + 1, state="running", reason=reason)), now.t)
        first = current.banner(view, 100)[0]
        assert reason in first.text
        assert next(span.style for span in first.spans if reason in span.text) == "warn"
        badge = header.draw(view, 120)[0].text
        assert word in badge
        assert "RUNNING" not in badge


def test_ended_does_not_live_and_a_lost_link_was_something() -> None:
    ended = session("completed")
    assert "LIVE" not in header.draw(View(ended, ended.t), 120)[0].text
    now = session("backfill")
    lost = header.draw(View(now, now.t, link="the runner is gone"), 120)[0].text
    assert "NO LINK" in lost
    assert "WAS RUNNING" in lost


def test_the_database_is_named_where_there_is_room() -> None:
    now = session("throttled")
    assert "HELD BACK" in header.draw(View(now, now.t), 120)[0].text
    assert "db1.internal/shop" in header.draw(View(now, now.t), 120)[0].text
    assert len(header.draw(View(now, now.t), 80)[0].text) <= 80


def stopped(rates: list[float]) -> Session:
    """A backfill with these rates, second by second, up to now."""
    now = session("backfill")
    began = now.t - len(rates)
    history = tuple(Point(began + n, rate, ()) for n, rate in enumerate(rates, 1))
    views = tuple(
        replace(view, began=began, done=960_000.0, total=1_000_000.0) if view.name == "backfill" else view
        for view in now.phases
    )
    return replace(now, history=history, phases=views)


def test_a_stop_that_is_over_does_not_count() -> None:
    now = stopped([*[398.0] * 10, *[0.0] * 60, *[398.0] * 15])
    found = eta.eta(now, now.t)
    assert found is not None
    assert 90 < found[0] < found[1] < 110
    assert eta.words(found).startswith("about ")


def test_slow_batches_make_no_endless_time() -> None:
    now = stopped([0.0, 800.0] * 20)
    found = eta.eta(now, now.t)
    assert found is not None
    assert found[1] < 300


def test_faster_names_the_bound_that_holds() -> None:
    now = session("backfill")
    bound = events.OperatorThrottle(s=now.s + 1, percent=100, rows_per_second=500, by="ana")
    said = actions.BY_NAME["faster"].allowed(apply(now, bound), "live")
    assert said == "it is at 100 %, but bound to 500 rows/s by ana: v, then off, lifts that"


def test_a_replay_says_that_nothing_was_heard_as_the_live_screen_did() -> None:
    """The runner was dead, or nobody could record: the state that stands there is of before."""
    now = session("backfill")
    said = [
        header.draw(View(now, now.t + late, mode=mode), 140)[1].text
        for mode in ("live", "replay")
        for late in (1.0, 29.0)
    ]
    assert ["OLD: nothing heard for 29s" in one for one in said] == [False, True, False, True]
