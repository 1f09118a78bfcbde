"""On trouble the work parks, keeps everything, says why, and waits for a person."""

from __future__ import annotations

from collections.abc import Callable

from console.events import Batches, KeysListed, Throttled
from tests.servers.database import Database
from tests.walk.shops import SHOPS
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
SHOP = SHOPS[0]


DIVIDING = """
[change]
table = "public.t"
column = "ratio"
type = "int"
[backfill]
value = "100 / amount"
"""


def test_a_value_that_fails(database: Database, make_walk: MakeWalk) -> None:
    """The key is named; a retry after mending goes on; what is not mended can be skipped, and is listed."""
    database.run(
        "CREATE TABLE t (id int PRIMARY KEY, amount int NOT NULL);"
        "INSERT INTO t SELECT n, CASE WHEN n IN (1234, 4321) THEN 0 ELSE n END FROM generate_series(1, 5000) n"
    )
    walk = make_walk(DIVIDING)
    walk.start(advance="auto", alone=False)
    session = walk.wait(lambda s: s.state == "parked", "the failing row")
    assert "failing key 1234" in session.reason
    assert "division by zero" in session.reason
    database.run("UPDATE t SET amount = 1 WHERE id = 1234")
    assert walk.ask("retry").state == "done"
    session = walk.wait(lambda s: s.state == "parked" and "4321" in s.reason, "the second failing row")
    assert walk.ask("skip-rows").state == "done"
    session = walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    listed = [e for e in walk.events(KeysListed) if isinstance(e, KeysListed) and e.what == "skipped"]
    assert [e.keys for e in listed] == [("4321",)]
    walk.ask("skip-gate", reason="nobody reads it in this test")
    session = walk.end()
    assert session.totals.differences == 0
    assert database.rows("SELECT count(*) FROM t WHERE ratio IS NULL") == [(1,)]
    assert database.rows("SELECT count(*) FROM t WHERE ratio = 100 / nullif(amount, 0)") == [(4999,)]


def test_alone_it_ends_parked_and_goes_on_when_run_again(database: Database, make_walk: MakeWalk) -> None:
    database.run(
        "CREATE TABLE t (id int PRIMARY KEY, amount int NOT NULL);"
        "INSERT INTO t SELECT n, n - 7 FROM generate_series(1, 3000) n"
    )
    walk = make_walk(DIVIDING)
    walk.start()
    session = walk.end(expected=1)
    assert session.ended is not None
    assert session.ended.outcome == "parked"
    assert "failing key 7" in session.ended.text
    database.run("UPDATE t SET amount = 1 WHERE id = 7")
    walk.start()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    walk.ask("skip-gate", reason="nobody reads it in this test")
    session = walk.end()
    assert session.header is not None
    assert session.header.resumed
    assert session.ended is not None
    assert session.ended.outcome == "completed"


def test_a_replica_that_stops_replaying(database: Database, make_walk: MakeWalk) -> None:
    """Lag spends its budget, the backfill stops, says so, and goes on when the replica has caught up."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits='replication_lag = "1s"\nrows_per_second = 1000')
    walk.start()
    walk.wait(lambda s: s.totals.batches > 0, "the first batch")
    database.cluster.pause_replay()
    session = walk.wait(lambda s: any(r.stops for r in s.throttle), "a stop")
    names = {reason.name for reason in session.throttle if reason.stops}
    assert names & {"replication lag", "replica stalled", "replica conflict"}, names
    stopped_at = session.s
    # Readings go on while the work stands still.
    walk.wait(lambda s: s.s > stopped_at + 4, "more readings")
    later = [e for e in walk.events(Batches) if isinstance(e, Batches) and e.s > stopped_at]
    assert later == []
    database.cluster.resume_replay()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence", "the rest of the walk")
    told = [e for e in walk.events(Throttled) if isinstance(e, Throttled)]
    assert any(not any(r.stops for r in e.reasons) for e in told if e.s > stopped_at)
    peak = walk.session().totals.max_replication_lag_s
    assert max(peak.values()) > 1.0


def test_a_replica_that_vanishes(database: Database, make_walk: MakeWalk) -> None:
    """No row is not lag 0: it stops the backfill under its own name."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits="rows_per_second = 1000")
    walk.start()
    walk.wait(lambda s: s.totals.batches > 0, "the first batch")
    database.cluster.standby.stop()
    session = walk.wait(lambda s: any("gone" in r.name for r in s.throttle if r.stops), "the replica gone")
    stopped_at = session.s
    walk.wait(lambda s: s.s > stopped_at + 4, "more readings")
    assert [e for e in walk.events(Batches) if isinstance(e, Batches) and e.s > stopped_at + 1] == []
    database.cluster.standby.start()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence", "the rest of the walk")


def test_the_connection_is_lost(database: Database, make_walk: MakeWalk) -> None:
    """The server throws our sessions out, again and again: the walk connects again, looks, and goes on."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits="rows_per_second = 4000")
    walk.start()
    for _ in range(3):
        before = walk.session().totals.batches
        _wait_for_more(walk, before)
        database.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'column-console%'"
        )
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    walk.ask("skip-gate", reason="nobody reads it in this test")
    session = walk.end()
    assert session.totals.rows_backfilled == 8000
    assert database.rows(SHOP.wrong_rows()) == [(0,)]


def _wait_for_more(walk: Walk, batches: int) -> None:
    walk.wait(lambda s: s.totals.batches > batches or s.phase == "reads", "one more batch")


def test_differences_end_with_a_status_of_their_own(database: Database, make_walk: MakeWalk) -> None:
    """sync = none, and the application changes a source behind the backfill: verify names the key."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body().replace("[backfill]", '[backfill]\nsync = "none"'))
    walk.start(advance="manual", alone=False)
    for phase in ("add-column", "backfill"):
        _advance(walk, phase)
    walk.wait(lambda s: s.phase == "verify" and s.waits_for == "advance")
    database.run("UPDATE t SET source = 'other' WHERE id = 77")
    _advance(walk, "verify")
    session = walk.wait(lambda s: s.state == "parked")
    assert "1 row of 8,000 differ from the expression, the first at key 77" in session.reason
    walk.ask("abort")
    walk.end(expected=5)


def _advance(walk: Walk, phase: str) -> None:
    walk.wait(lambda s: s.phase == phase and s.waits_for == "advance", phase)
    answer = walk.ask("advance", phase=phase)
    assert answer.state == "done", answer.text
