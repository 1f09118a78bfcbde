"""The monitor's rhythm on a clock that jumps, readings failing on command. On a real server: `test_monitor_live`."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from msgspec.structs import replace

from console import events
from console.change import Limits
from console.databases.base import Activity, Refused, Unreachable
from console.events import LockWait, Replica, ServerSession
from console.throttle import Throttle
from tests.runner.scripted import Run, Scripted, counting, failing


def test_one_sample_a_second_with_every_reading_and_nothing_else() -> None:
    standby = Replica(name="a", state="streaming", lag=0.12345, server_lag=0.98765, replied=1.0)
    done = Run(Scripted(standbys=lambda _: (standby,)), 9.5)
    assert [at for at, event in done.told] == [float(second) for second in range(10)]
    assert done.others() == []
    assert done.watcher.asked == {name: [float(s) for s in range(10)] for name in done.watcher.asked}
    sample = done.samples()[5]
    assert (sample.activity_at, sample.locks_at, sample.replication_at) == (5.0, 5.0, 5.0)
    assert (sample.active, sample.connections, sample.rows_per_second) == (6, 7, 42.0)
    assert (sample.replicas[0].lag, sample.replicas[0].server_lag) == (0.123, 0.988)
    assert [s.transactions_per_second for s in done.samples()] == [None] + [100.0] * 9
    assert done.monitor.active_seen() == tuple(range(1, 11))
    assert done.left == set()


def test_a_failed_reading_is_told_once_backs_off_and_is_told_when_it_is_back() -> None:
    check = failing(range(2, 9), Unreachable("the server is away", "Start the server"))

    def standbys(call: int) -> tuple[Replica, ...]:
        check(call)
        return ()

    done = Run(Scripted(standbys=standbys), 130)
    # Fails at 1; then after 1, 2, 4, 8, 16, 30 s; and works at the ninth call, 30 s later.
    assert done.watcher.asked["replication"][:10] == [0, 1, 2, 4, 8, 16, 32, 62, 92, 93]
    assert done.others() == [
        events.ReadingFailed(reading="replication", why="the server is away", remedy="Start the server"),
        events.ReadingMended(reading="replication"),
    ]
    assert [at for at, event in done.told if event in done.others()] == [1.0, 92.0]
    assert len(done.watcher.asked["locks"]) == len(done.watcher.asked["activity"]) == 130


def test_a_reading_that_is_away_stops_the_throttle_with_the_reason() -> None:
    check = failing(range(2, 99), Unreachable("the server is away"))

    def standbys(call: int) -> tuple[Replica, ...]:
        check(call)
        return (Replica(name="a", state="streaming", lag=0.1),)

    readings = Run(Scripted(standbys=standbys), 9.5).monitor.readings()
    assert (readings.replication_at, readings.activity_at, readings.rows_per_second) == (0.0, 9.0, 41.96)
    decision = Throttle(Limits()).decide(readings, 9.5, 0.0)
    assert decision.stop
    assert "the server is away" in decision.reasons[0].reading


def test_a_reading_that_is_late_holds_up_no_other_and_comes_in_the_next_sample() -> None:
    done = Run(Scripted(slow={"activity": 2.5}), 7.9)
    assert done.watcher.asked["locks"] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert done.watcher.asked["activity"] == [0, 3, 6]
    assert [sample.activity_at for sample in done.samples()] == [None, None, None, 2.5, 2.5, 2.5, 5.5, 5.5]
    # A sample waits a little for its readings, and the next is on time again.
    assert [at for at, _ in done.told] == [0.4, 1.4, 2.4, 3.4, 4.4, 5.4, 6.4, 7.4]


def test_what_the_role_may_not_see_is_told_with_the_grant_and_the_rest_is_shown() -> None:
    def active(call: int) -> Activity:
        return counting(call, why="hidden", remedy="GRANT x TO y") if 2 <= call <= 4 else counting(call)

    done = Run(Scripted(active=active), 6.5)
    assert done.others() == [
        events.ReadingFailed(reading="activity", why="hidden", remedy="GRANT x TO y"),
        events.ReadingMended(reading="activity"),
    ]
    assert [sample.active for sample in done.samples()] == [1, None, None, None, 5, 6, 7]
    assert done.samples()[3].connections == 7
    assert done.monitor.active_seen() == (1, 5, 6, 7)


def test_what_a_reading_had_to_leave_out_is_told_and_the_rest_is_shown() -> None:
    def lacks(reading: events.ReadingName, call: int) -> tuple[str, str]:
        return (f"no {reading}", "GRANT x TO y") if reading != "activity" and 2 <= call <= 4 else ("", "")

    done = Run(Scripted(lacks=lacks), 6.5)
    assert done.others() == [
        events.ReadingFailed(reading="locks", why="no locks", remedy="GRANT x TO y"),
        events.ReadingFailed(reading="replication", why="no replication", remedy="GRANT x TO y"),
        events.ReadingMended(reading="locks"),
        events.ReadingMended(reading="replication"),
    ]
    assert [sample.locks_at for sample in done.samples()] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_a_counter_that_was_reset_is_no_rate() -> None:
    def active(call: int) -> Activity:
        return Activity(
            transactions=[500, 600, 10, 30][call - 1], active=0, connections=0, oldest=None, oldest_began=None
        )

    done = Run(Scripted(active=active), 3.5)
    assert [sample.transactions_per_second for sample in done.samples()] == [None, 100.0, None, 20.0]


def test_a_defect_in_one_reading_is_told_and_takes_no_other_away() -> None:
    check = failing(range(1, 99), KeyError("oops"))

    def locks(call: int) -> tuple[LockWait, ...]:
        check(call)
        return ()

    done = Run(Scripted(locks=locks), 5.5)
    (failed,) = done.others()
    assert isinstance(failed, events.ReadingFailed)
    assert (failed.reading, failed.why) == ("locks", "a defect of the console: KeyError('oops')")
    assert len(done.watcher.asked["activity"]) == 6


def test_lock_waits_are_told_when_they_begin_and_end() -> None:
    ours = LockWait(
        session=ServerSession(pid=2, ours=True),
        blocked_by=(1,),
        mode="AccessExclusiveLock",
        on="t",
        began=1.0,
    )
    behind = LockWait(
        session=ServerSession(pid=3), blocked_by=(2,), mode="AccessShareLock", on="t", began=2.0
    )
    root = LockWait(session=ServerSession(pid=1), blocked_by=())

    def locks(call: int) -> tuple[LockWait, ...]:
        return (root, ours, behind) if 2 <= call <= 5 else ()

    done = Run(Scripted(locks=locks), 7.5)
    assert done.others() == [
        events.LockWaitsChanged(began=(root, ours, behind)),
        events.LockWaitsChanged(ended=(1, 2, 3)),
    ]
    assert [sample.waiting for sample in done.samples()] == [0, 2, 2, 2, 2, 0, 0, 0]
    assert [sample.queued_behind_us for sample in done.samples()] == [0, 1, 1, 1, 1, 0, 0, 0]


def test_the_applications_figures_carry_the_time_at_which_they_were_taken(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    path.write_text(json.dumps({"at": time.time() - 100, "version": "v2", "tps": 12.34, "p99_ms": 5.67}))
    done = Run(Scripted(), 3.5, path=path)
    sample = done.samples()[-1]
    assert sample.application_at is not None
    assert -101 < sample.application_at < -97
    assert (sample.application_version, sample.application_tps, sample.p50_ms, sample.p99_ms) == (
        "v2",
        12.3,
        None,
        5.7,
    )
    assert len({sample.application_at for sample in done.samples()}) == 1


def test_without_the_applications_file_its_reading_failed_and_the_others_go_on(tmp_path: Path) -> None:
    done = Run(Scripted(), 2.5, path=tmp_path / "none.json")
    (failed,) = done.others()
    assert isinstance(failed, events.ReadingFailed)
    assert failed.reading == "application"
    assert len(done.samples()) == 3


def test_who_holds_the_table_is_told_while_somebody_decides_and_only_when_it_changes() -> None:
    old = ServerSession(pid=7, transaction_began=1.0, query="SELECT 1")

    def holders(table: str, call: int) -> tuple[ServerSession, ...]:
        busy = tuple(ServerSession(pid=100 + n, transaction_began=float(call)) for n in range(3))
        return (*busy, replace(old, query=f"SELECT {call}")) if call < 5 else busy

    done = Run(Scripted(holders=holders), 12.5, looking={1.5: "t", 9.5: ""})
    # From the first reading after it is told to look until it is told that nobody decides any more.
    assert done.watcher.asked["holders of t"] == [2, 3, 4, 5, 6, 7, 8, 9]
    told = [(at, event) for at, event in done.told if isinstance(event, events.TableHeld)]
    assert [(at, event.tables, [h.pid for h in event.holders]) for at, event in told] == [
        (2.0, ("t",), []),
        (4.0, ("t",), [7]),
        (6.0, ("t",), []),
        (9.5, (), []),
    ]


def test_what_hides_the_holders_is_told_once_where_it_hides_the_waits_as_well() -> None:
    hidden = Refused("no metadata locks", "UPDATE x")

    def holders(table: str, call: int) -> tuple[ServerSession, ...]:
        raise hidden

    def lacks(reading: events.ReadingName, call: int) -> tuple[str, str]:
        return (hidden.text, hidden.remedy) if reading == "locks" else ("", "")

    alone = Run(Scripted(holders=holders), 3.5, looking={0.5: "t"})
    assert [event.reading for event in alone.others() if isinstance(event, events.ReadingFailed)] == [
        "holders"
    ]
    both = Run(Scripted(holders=holders, lacks=lacks), 3.5, looking={0.5: "t"})
    assert [event.reading for event in both.others() if isinstance(event, events.ReadingFailed)] == ["locks"]


def test_holders_that_can_not_be_read_any_more_are_not_shown_as_nobody() -> None:
    def holders(table: str, call: int) -> tuple[ServerSession, ...]:
        if 3 <= call <= 4:
            raise Unreachable("the server is away")
        return ()

    done = Run(Scripted(holders=holders), 9.5, looking={0.5: "t"})
    told = [event for event in done.others() if isinstance(event, events.TableHeld | events.ReadingFailed)]
    assert [getattr(event, "tables", "failed") for event in told] == [("t",), (), "failed", ("t",)]


def test_a_reading_that_fails_when_nobody_looks_any_more_is_not_told() -> None:
    class Slow(Scripted):
        async def holders(self, table: str) -> tuple[ServerSession, ...]:
            await asyncio.sleep(0.3)
            raise Unreachable("the server is away")

    assert Run(Slow(), 3.5, looking={0.5: "t", 1.1: ""}).others() == []


def test_whoever_decides_next_does_not_wait_for_the_end_of_a_pause() -> None:
    """Nor is told that a reading is back which nobody took."""

    def holders(table: str, call: int) -> tuple[ServerSession, ...]:
        if table == "t":
            raise Unreachable("the server is away")
        return ()

    done = Run(Scripted(holders=holders), 22.5, looking={0.5: "t", 20.5: "", 20.9: "u"})
    assert done.watcher.asked["holders of t"] == [1, 2, 4, 8, 16]
    assert done.watcher.asked["holders of u"][0] == 21
    told = [(at, type(event).__name__) for at, event in done.told if not isinstance(event, events.Sample)]
    assert told == [(1.0, "ReadingFailed"), (20.5, "TableHeld"), (21.0, "TableHeld")]


def test_a_defect_does_not_leave_what_was_known_standing() -> None:
    def holders(table: str, call: int) -> tuple[ServerSession, ...]:
        if call > 1:
            raise KeyError("oops")
        return ()

    done = Run(Scripted(holders=holders), 3.5, looking={0.5: "t"})
    told = [getattr(event, "tables", "failed") for event in done.others()]
    assert told == [("t",), (), "failed"]
