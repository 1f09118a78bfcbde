"""On trouble the work parks, keeps everything, says why, and waits for a person."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pymysql

from console.events import Batches, KeysListed, Throttled
from tests.servers.mysql_database import MySqlDatabase
from tests.walk.mysql.shops import SHOPS
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
SHOP = SHOPS[0]

DIVIDING = """
[change]
table = "t"
column = "ratio"
type = "int"
[backfill]
value = "100 DIV amount"
"""


def numbers(database: MySqlDatabase, rows: int, amount: str) -> None:
    values = ", ".join(f"({n})" for n in range(1, rows + 1))
    database.run(
        f"CREATE TABLE n (n int); INSERT INTO n VALUES {values};"
        "CREATE TABLE t (id int PRIMARY KEY, amount int NOT NULL);"
        f"INSERT INTO t SELECT n, {amount} FROM n; DROP TABLE n"
    )


def test_a_value_that_fails(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """The key is named; a retry after mending goes on; what is not mended can be skipped, and is listed."""
    numbers(mysql_database, 5000, "IF(n IN (1234, 4321), 0, n)")
    walk = make_walk(DIVIDING)
    walk.start(advance="auto", alone=False)
    session = walk.wait(lambda s: s.state == "parked", "the failing row")
    assert "failing key 1234" in session.reason
    assert "Division by 0" in session.reason
    mysql_database.run("UPDATE t SET amount = 1 WHERE id = 1234")
    assert walk.ask("retry").state == "done"
    walk.wait(lambda s: s.state == "parked" and "4321" in s.reason, "the second failing row")
    assert walk.ask("skip-rows").state == "done"
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    listed = [e for e in walk.events(KeysListed) if isinstance(e, KeysListed) and e.what == "skipped"]
    assert [e.keys for e in listed] == [("4321",)]
    walk.ask("skip-gate", reason="nobody reads it in this test")
    session = walk.end()
    assert session.totals.differences == 0
    assert mysql_database.rows("SELECT COUNT(*) FROM t WHERE ratio IS NULL") == [(1,)]
    assert mysql_database.rows("SELECT COUNT(*) FROM t WHERE ratio = 100 DIV NULLIF(amount, 0)") == [(4999,)]


def test_a_replica_that_stops_applying(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """The backfill stops, says why, and goes on when the replica has caught up."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body(), limits='replication_lag = "1s"\nrows_per_second = 1000')
    walk.start()
    walk.wait(lambda s: s.totals.batches > 0, "the first batch")
    mysql_database.cluster.stop_applier()
    session = walk.wait(lambda s: any(r.stops for r in s.throttle), "a stop")
    stopped_at = session.s
    # Readings go on while the work stands still.
    walk.wait(lambda s: s.s > stopped_at + 4, "more readings")
    assert [e for e in walk.events(Batches) if isinstance(e, Batches) and e.s > stopped_at] == []
    mysql_database.cluster.start_applier()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence", "the rest of the walk")
    told = [e for e in walk.events(Throttled) if isinstance(e, Throttled)]
    assert any(not any(r.stops for r in e.reasons) for e in told if e.s > stopped_at)


def test_a_replica_that_vanishes(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """No answer is not lag 0: it stops the backfill."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body(), limits="rows_per_second = 1000")
    walk.start()
    walk.wait(lambda s: s.totals.batches > 0, "the first batch")
    mysql_database.cluster.replica.stop()
    session = walk.wait(lambda s: any(r.stops for r in s.throttle), "a stop")
    stopped_at = session.s
    walk.wait(lambda s: s.s > stopped_at + 4, "more readings")
    assert [e for e in walk.events(Batches) if isinstance(e, Batches) and e.s > stopped_at + 1] == []
    mysql_database.cluster.replica.start()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence", "the rest of the walk")


def test_the_connection_is_lost(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """The server throws our sessions out, again and again: the walk connects again, looks, and goes on."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body(), limits="rows_per_second = 4000")
    walk.start()
    for _ in range(3):
        before = walk.session().totals.batches
        walk.wait(lambda s: s.totals.batches > before or s.phase == "reads", "one more batch")  # noqa: B023
        for (pid,) in mysql_database.rows(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'deploy' AND ID <> CONNECTION_ID()"
        ):
            with (
                contextlib.suppress(pymysql.OperationalError),  # it went by itself
                mysql_database.connect("root") as link,
                link.cursor() as cursor,
            ):
                cursor.execute(f"KILL {pid}")
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    walk.ask("skip-gate", reason="nobody reads it in this test")
    session = walk.end()
    assert session.totals.rows_backfilled == 8000
    assert mysql_database.rows(SHOP.wrong_rows()) == [(0,)]


def test_differences_end_with_a_status_of_their_own(
    mysql_database: MySqlDatabase, make_walk: MakeWalk
) -> None:
    """sync = none, and the application changes a source behind the backfill: verify names the key."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body().replace("[backfill]", '[backfill]\nsync = "none"'))
    walk.start(advance="manual", alone=False)
    for phase in ("add-column", "backfill"):
        _advance(walk, phase)
    walk.wait(lambda s: s.phase == "verify" and s.waits_for == "advance")
    mysql_database.run("UPDATE t SET source = 'other' WHERE id = 77")
    _advance(walk, "verify")
    session = walk.wait(lambda s: s.state == "parked")
    assert "1 row of 8,000 differ from the expression, the first at key 77" in session.reason
    walk.ask("abort")
    walk.end(expected=5)


def test_rolled_back_from_the_middle(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """Only a person rolls back: then everything of ours goes, and the application never notices."""
    SHOP.make(mysql_database)
    before = mysql_database.rows("SHOW CREATE TABLE t")
    walk = make_walk(SHOP.body())
    walk.start(advance="manual", alone=False)
    for phase in ("add-column", "dual-writes", "backfill", "verify", "indexes"):
        _advance(walk, phase)
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    answer = walk.ask("roll-back", "t", reason="not today")
    assert answer.state == "done", answer.text
    walk.end(expected=4)
    assert mysql_database.rows("SHOW CREATE TABLE t") == before
    assert mysql_database.rows("SHOW TABLES") == [("t",)]
    assert mysql_database.rows("SHOW TRIGGERS") == []


def _advance(walk: Walk, phase: str) -> None:
    walk.wait(lambda s: s.phase == phase and s.waits_for == "advance", phase)
    answer = walk.ask("advance", phase=phase)
    assert answer.state == "done", answer.text
