"""The throttle, simulated: no clock, no database, any readings."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.change import Limits, Window
from console.events import OperatorThrottle, Replica
from console.facts import ReplicaState
from console.throttle import BEHIND_US, SLOWEST, STALE, Decision, Readings, Throttle

NOON = 12 * 3600.0
"""Unix time of some noon, UTC."""


def replica(
    lag: float | None,
    *,
    name: str = "standby1",
    state: ReplicaState = "streaming",
    slot: str = "",
    why: str = "",
) -> Replica:
    return Replica(name=name, state=state, lag=lag, slot=slot, why=why)


def at(now: float, *replicas: Replica, active: int | None = None, behind_us: float = 0.0) -> Readings:
    """Fresh readings."""
    return Readings(
        replication_at=now,
        replicas=replicas,
        activity_at=now,
        active=active,
        locks_at=now,
        behind_us=behind_us,
    )


def decide(throttle: Throttle, readings: Readings, now: float, unix: float = NOON) -> Decision:
    decision = throttle.decide(readings, now, unix)
    assert decision.stop == any(reason.stops for reason in decision.reasons)
    assert 0 < decision.pace <= 1
    return decision


def names(decision: Decision) -> list[str]:
    return [reason.name for reason in decision.reasons]


states = st.sampled_from(["streaming", "stalled", "conflict", "gone", "unread"])
lags = st.none() | st.floats(0, 100)
some_replicas = st.lists(
    st.builds(
        replica,
        lags,
        name=st.sampled_from(["a", "b", "c"]),
        state=states,
        slot=st.sampled_from(["", "inactive", "lost"]),
    ),
    max_size=4,
    unique_by=lambda found: found.name,
)


# -- Lag is a budget


def test_a_healthy_replica_holds_nothing_back() -> None:
    decision = decide(Throttle(Limits()), at(5, replica(0.3)), 5)
    assert (decision.stop, decision.pace, decision.cut, decision.reasons) == (False, 1.0, False, ())


def test_stops_when_the_budget_is_spent_and_goes_on_under_half_of_it() -> None:
    throttle = Throttle(Limits(replication_lag=2))
    lag = [0.5, 1.9, 2.0, 2.1, 1.9, 1.0, 0.99, 1.9, 2.1]
    stops = [decide(throttle, at(t, replica(seconds)), t).stop for t, seconds in enumerate(lag)]
    assert stops == [False, False, False, True, True, True, False, False, True]


@given(st.lists(lags, min_size=1, max_size=40), st.floats(0.1, 10))
def test_never_runs_over_the_limit_and_resumes_only_under_half(
    seen: list[float | None], limit: float
) -> None:
    throttle = Throttle(Limits(replication_lag=limit))
    stopped = False
    for now, lag in enumerate(seen):
        decision = decide(throttle, at(now, replica(lag)), now)
        if lag is None or lag > limit:
            assert decision.stop
        elif stopped and not decision.stop:
            assert lag < limit / 2 or seen[now - 1] is None
        stopped = decision.stop


def test_each_replica_has_a_budget_of_its_own() -> None:
    throttle = Throttle(Limits(replication_lag=2))
    decision = decide(throttle, at(0, replica(3, name="a"), replica(5, name="b"), replica(0, name="c")), 0)
    assert [reason.reading for reason in decision.reasons] == ["a 3.0 s", "b 5.0 s"]
    decision = decide(throttle, at(1, replica(0, name="a"), replica(5, name="b"), replica(0, name="c")), 1)
    assert [(reason.reading, reason.since) for reason in decision.reasons] == [("b 5.0 s", 0)]


def test_a_conflict_that_spends_the_budget_is_named_with_who_causes_it() -> None:
    found = replica(4, state="conflict", why="held up by pid 7 (psql, 5 min)")
    (reason,) = decide(Throttle(Limits()), at(0, found), 0).reasons
    assert (reason.name, reason.reading, reason.stops) == (
        "replay conflict",
        "standby1 4.0 s: held up by pid 7 (psql, 5 min)",
        True,
    )


# -- What can't be read stops


@pytest.mark.parametrize("state", ["gone", "unread", "stalled"])
def test_a_replica_that_does_not_answer_stops_under_its_own_name(state: ReplicaState) -> None:
    for lag in (None, 0.0):
        decision = decide(Throttle(Limits()), at(0, replica(lag, state=state)), 0)
        assert (decision.stop, names(decision)) == (True, [f"replica {state}"])


def test_a_lag_that_could_not_be_told_is_not_lag_0() -> None:
    decision = decide(Throttle(Limits()), at(0, replica(None)), 0)
    assert (decision.stop, names(decision)) == (True, ["replica unread"])


def test_a_slot_that_is_not_reserved_stops() -> None:
    decision = decide(Throttle(Limits()), at(0, replica(0, slot="extended")), 0)
    assert (decision.stop, names(decision)) == (True, ["slot not reserved"])


def test_no_reading_yet_stops() -> None:
    decision = decide(Throttle(Limits()), Readings(replication_failure="permission denied"), 0)
    assert decision.stop
    assert "permission denied" in decision.reasons[0].reading


@given(some_replicas, st.floats(0, 1000), st.floats(0, 20))
def test_an_old_reading_stops_whatever_it_said(found: list[Replica], read: float, age: float) -> None:
    now = read + age
    decision = decide(Throttle(Limits()), at(read, *found), now)
    assert ("stale reading" in names(decision)) == (now - read > STALE)
    if now - read > STALE:
        assert decision.stop


@given(st.lists(some_replicas, min_size=1, max_size=10))
def test_all_reasons_are_listed(readings: list[list[Replica]]) -> None:
    throttle = Throttle(Limits(replication_lag=2, window=Window(60, 300)))
    for now, found in enumerate(readings):
        decision = decide(throttle, at(now, *found), now)
        listed = names(decision)
        assert "outside the window" in listed
        assert listed.count("slot not reserved") == sum(1 for one in found if one.slot)
        assert listed.count("replica gone") == sum(1 for one in found if one.state == "gone")
        over = sum(1 for one in found if one.lag is not None and one.lag > 2)
        assert listed.count("replication lag") + listed.count("replay conflict") >= over


def test_no_replica_at_all_is_no_reason() -> None:
    assert decide(Throttle(Limits()), at(0), 0).reasons == ()


# -- Limits


@given(st.lists(st.floats(0, 20), min_size=1, max_size=30), st.floats(0.1, 10), st.floats(1, 3))
def test_a_wider_limit_never_stops_first(seen: list[float], limit: float, wider: float) -> None:
    """Up to the first stop; later the wider one may still be on its way down to half of its own limit."""
    tight, loose = Throttle(Limits(replication_lag=limit)), Throttle(Limits(replication_lag=limit * wider))
    for now, lag in enumerate(seen):
        readings = at(now, replica(lag))
        stopped = decide(tight, readings, now).stop
        if decide(loose, readings, now).stop:
            assert stopped or any(earlier > limit * wider for earlier in seen[:now])
        if stopped:
            break


@given(st.lists(st.integers(0, 300), min_size=1, max_size=40), st.integers(1, 100), st.integers(0, 100))
def test_a_higher_load_limit_is_never_slower(seen: list[int], limit: int, more: int) -> None:
    low, high = Throttle(Limits(running_queries=limit)), Throttle(Limits(running_queries=limit + more))
    for now, active in enumerate(seen):
        readings = at(now, active=active)
        assert decide(low, readings, now).pace <= decide(high, readings, now).pace


# -- Load is a gauge


@given(st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_load_slows_and_never_stops(seen: list[int]) -> None:
    throttle = Throttle(Limits(running_queries=20))
    pace = 1.0
    for now, active in enumerate(seen):
        decision = decide(throttle, at(now, active=active), now)
        assert not decision.stop
        assert SLOWEST <= decision.pace <= min(1.0, pace * 1.5 + 1e-9)
        if active < 8:
            assert decision.pace >= pace
        elif active <= 14:
            assert decision.pace == pace
        elif pace > SLOWEST:
            assert decision.pace < pace
        if active > 20:
            assert decision.pace == max(SLOWEST, pace / 2)
        pace = decision.pace


def test_one_reading_is_one_step_however_often_it_is_asked() -> None:
    throttle = Throttle(Limits(running_queries=10))
    readings = at(1, active=50)
    assert [decide(throttle, readings, now).pace for now in (1.0, 1.1, 1.2, 3.9)] == [0.5] * 4


def test_an_old_load_reading_leaves_the_pace_where_it_is() -> None:
    throttle = Throttle(Limits(running_queries=10))
    decide(throttle, at(1, active=50), 1)
    decision = decide(throttle, Readings(replication_at=60, activity_at=1, active=0), 60)
    assert (decision.stop, decision.pace, names(decision)) == (False, 0.5, ["load"])
    assert "not read" in decision.reasons[0].reading


def test_the_limit_is_learnt_where_none_is_given() -> None:
    throttle = Throttle(Limits())
    throttle.learn([20] * 30)
    assert throttle.most_active == 50
    assert decide(throttle, at(0, active=20), 0).reasons == ()
    assert decide(throttle, at(1, active=60), 1).pace == 0.5
    given = Throttle(Limits(running_queries=7))
    given.learn([20] * 30)
    assert given.most_active == 7


def test_a_session_that_waits_behind_a_batch_cuts_it_once_a_reading() -> None:
    throttle = Throttle(Limits())
    assert not decide(throttle, at(1, behind_us=BEHIND_US), 1).cut
    waiting = at(2, behind_us=0.3)
    assert [decide(throttle, waiting, now).cut for now in (2.0, 2.1)] == [True, False]
    decision = decide(throttle, at(3, behind_us=0.3), 3)
    assert (decision.cut, decision.stop, names(decision)) == (True, False, ["lock waits"])


# -- People


def operator(percent: float = 100, rows: float = 0, expires: float | None = None) -> OperatorThrottle:
    return OperatorThrottle(percent=percent, rows_per_second=rows, by="ana", expires=expires)


def test_the_operator_comes_on_top_with_a_name() -> None:
    throttle = Throttle(Limits(rows_per_second=400))
    throttle.set_operator(operator(50, 1000))
    decision = decide(throttle, at(0), 0)
    assert (decision.stop, decision.pace, decision.rows_per_second) == (False, 0.5, 400)
    assert [(reason.name, reason.owner) for reason in decision.reasons] == [
        ("operator", "ana"),
        ("rows per second", "change file"),
    ]
    throttle.set_operator(operator(100, 100))
    assert decide(throttle, at(0), 0).rows_per_second == 100
    throttle.set_operator(operator())
    assert names(decide(throttle, at(0), 0)) == ["rows per second"]


def test_0_percent_stops() -> None:
    throttle = Throttle(Limits())
    throttle.set_operator(operator(0))
    assert decide(throttle, at(0), 0).stop


@given(st.floats(0, 99), st.floats(0, 100), st.floats(0.1, 100))
def test_the_operators_throttle_expires(percent: float, began: float, lasts: float) -> None:
    throttle = Throttle(Limits())
    throttle.set_operator(operator(percent, expires=began + lasts))
    assert names(decide(throttle, at(began), began)) == ["operator"]
    after = decide(throttle, at(began + lasts), began + lasts)
    assert (after.pace, after.reasons, throttle.operator(began + lasts)) == (1.0, (), None)


@pytest.mark.parametrize(
    ("hour", "zone", "stops"),
    [
        (0.99, "UTC", True),
        (1, "UTC", False),
        (4.99, "UTC", False),
        (5, "UTC", True),
        (6, "America/New_York", False),
    ],
)
def test_outside_the_window_nothing_runs(hour: float, zone: str, stops: bool) -> None:
    throttle = Throttle(Limits(window=Window(60, 300, zone)))
    decision = decide(throttle, at(0), 0, unix=hour * 3600)
    assert decision.stop == stops
    if stops:
        (reason,) = decision.reasons
        assert (reason.name, reason.limit) == ("outside the window", "01:00-05:00 UTC")


def test_a_reason_keeps_the_time_since_when_it_holds() -> None:
    throttle = Throttle(Limits(replication_lag=2))
    since = []
    for now, lag in enumerate([3.0, 4.0, 0.1, 3.0]):
        since.append([reason.since for reason in decide(throttle, at(now, replica(lag)), now).reasons])
    assert since == [[0], [0], [], [3]]


def test_names_tell_whether_the_reasons_changed_and_not_their_readings() -> None:
    throttle = Throttle(Limits(replication_lag=2))
    first, second = (decide(throttle, at(now, replica(3.0 + now)), now) for now in (0, 1))
    assert first.reasons != second.reasons
    assert first.names == second.names == (("replication lag", "", True),)


# -- On a simulated clock


@dataclass
class Standby:
    """A standby whose lag grows while the work runs and falls while it does not, as replay is slower or not."""

    growth: float
    fall: float
    lag: float = 0.0

    def pass_time(self, seconds: float, *, working: bool) -> None:
        self.lag = max(0.0, self.lag + seconds * (self.growth if working else -self.fall))


@pytest.mark.slow
@given(st.floats(0.05, 5), st.floats(0.1, 5), st.floats(0.01, 0.5), st.floats(0.5, 5))
def test_lag_is_over_the_limit_no_longer_than_a_batch_and_a_reading(
    growth: float, fall: float, batch: float, limit: float
) -> None:
    """The standby is read once a second; the throttle is asked before each batch."""
    throttle = Throttle(Limits(replication_lag=limit))
    standby = Standby(growth, fall)
    now, reading, read_at = 0.0, at(0.0, replica(0.0)), 0.0
    worked_since_over = 0.0
    for _ in range(2000):
        if now - read_at >= 1:
            reading, read_at = at(now, replica(standby.lag)), now
            if standby.lag > limit:
                assert decide(throttle, reading, now).stop, "the very next decision stops"
        working = not decide(throttle, reading, now).stop
        worked_since_over = worked_since_over + batch if working and standby.lag > limit else 0.0
        assert worked_since_over <= 1 + 2 * batch + 1e-6
        standby.pass_time(batch, working=working)
        now += batch
