"""The other shapes of a plan, and its undoing: backfill first, no sync, constants, volatile values, roll-back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.servers.mysql_database import MySqlDatabase
from tests.walk.mysql.shops import SHOPS, Application, application
from tests.walk.mysql.test_keys import check_end_state
from tests.walk.traffic import Traffic
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
SHOP = SHOPS[0]
COLUMN = (
    "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'copy'"
)


def states(walk: Walk) -> dict[str, str]:
    return {view.name: view.state for view in walk.session().phases}


def advance(walk: Walk, *phases: str) -> None:
    for phase in phases:
        walk.wait(lambda s: s.phase == phase and s.waits_for == "advance", phase)  # noqa: B023
        answer = walk.ask("advance", phase=phase)
        assert answer.state == "done", answer.text


@pytest.mark.slow
@pytest.mark.parametrize("route", ["auto", "from-start"])
def test_backfill_first(mysql_database: MySqlDatabase, make_walk: MakeWalk, route: str) -> None:
    """Rows whose source changed between the backfill and the dual writes are set right by the second pass."""
    SHOP.make(mysql_database)
    body = SHOP.body().replace("[backfill]", f'not_null = "{route}"\n[backfill]\norder = "backfill-first"')
    walk = make_walk(body, limits='batch_time = "20ms"')
    writer = Application(SHOP)
    with Traffic(application(mysql_database), writer.deeds) as traffic:
        walk.start(advance="manual", alone=False)
        advance(walk, "add-column", "backfill")
        # The application goes on for a while, as it was: what it changes now is stale.
        walk.wait(lambda s: s.phase == "dual-writes" and s.waits_for == "advance")
        traffic.settle()
        assert mysql_database.rows(SHOP.wrong_rows())[0][0] > 0
        advance(walk, "dual-writes", "backfill-again", "verify")
        walk.wait(lambda s: s.phase in ("constraints", "indexes") and s.waits_for == "advance")
        if walk.session().phase == "constraints":
            advance(walk, "constraints")
        advance(walk, "indexes")
        # A look of this test's own may count as a reader, where the server keeps no summaries of statements.
        session = walk.wait(lambda s: s.phase == "reads" and s.waits_for in ("evidence", "advance"))
        writer.writes_column = True
        traffic.settle()
        if session.waits_for == "advance":
            advance(walk, "reads")
        else:
            walk.ask("skip-gate", reason="nobody reads it in this test")
        advance(walk, "finish")
        walk.end()
        traffic.settle()
    assert traffic.errors == []
    check_end_state(mysql_database, SHOP)


@pytest.mark.slow
def test_no_sync(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """Rows that are inserted behind the backfill are swept up before NOT NULL."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body().replace("[backfill]", '[backfill]\nsync = "none"'))
    walk.start(advance="manual", alone=False)
    advance(walk, "add-column", "backfill")
    walk.wait(lambda s: s.phase == "verify" and s.waits_for == "advance")
    mysql_database.run("INSERT INTO t (id, source) VALUES (900001, 'late')")
    advance(walk, "verify", "constraints")
    walk.wait(lambda s: s.phase in ("indexes", "reads"))
    assert states(walk)["dual-writes"] == "left-out"
    assert mysql_database.rows("SELECT copy FROM t WHERE id = 900001") == [("LATE",)]
    assert mysql_database.rows(SHOP.wrong_rows()) == [(0,)]


def test_a_constant(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """One instant statement: nothing to backfill."""
    SHOP.make(mysql_database)
    walk = make_walk(
        '[change]\ntable = "t"\ncolumn = "kind"\ntype = "varchar(9)"\nnullable = false\n[backfill]\nvalue = "\'old\'"\n'
    )
    walk.start()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    left_out = {name for name, state in states(walk).items() if state == "left-out"}
    assert left_out == {"dual-writes", "backfill", "verify", "constraints", "indexes"}
    walk.ask("skip-gate", reason="nobody reads it in this test")
    walk.end()
    assert mysql_database.rows("SELECT kind, COUNT(*) FROM t GROUP BY 1") == [("old", 8000)]


def test_a_volatile_value(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """It differs each time it is computed, so it is not compared."""
    SHOP.make(mysql_database)
    walk = make_walk(
        '[change]\ntable = "t"\ncolumn = "token"\ntype = "char(36)"\n[backfill]\nvalue = "uuid()"\nsync = "none"\n'
    )
    walk.start()
    walk.wait(lambda s: s.phase == "reads")
    assert states(walk)["verify"] == "left-out"
    assert mysql_database.rows("SELECT COUNT(DISTINCT token) FROM t") == [(8000,)]


def test_run_again_when_all_is_done(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """Nothing is begun again: no trigger, no scan, no row."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body())
    walk.start()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    walk.ask("skip-gate", reason="nobody reads it in this test")
    walk.end()
    walk.start()
    session = walk.end()
    assert session.ended is not None
    assert session.ended.text.startswith("the change was complete already")
    assert session.statements == ()
    assert set(states(walk).values()) <= {"passed", "already-done", "left-out"}


def test_run_again_leaves_the_applications_own_nulls(
    mysql_database: MySqlDatabase, make_walk: MakeWalk
) -> None:
    """A nullable constant, whose default is taken off again: its rows without a value are shown, and not filled."""
    SHOP.make(mysql_database)
    walk = make_walk(
        '[change]\ntable = "t"\ncolumn = "kind"\ntype = "varchar(9)"\n[backfill]\nvalue = "\'old\'"\n'
    )
    walk.start()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    walk.ask("skip-gate", reason="nobody reads it in this test")
    walk.end()
    mysql_database.run("UPDATE t SET kind = NULL ORDER BY id LIMIT 3")
    walk.start()
    walk.end(expected=5)
    assert states(walk)["backfill"] == "left-out"
    assert mysql_database.rows("SELECT COUNT(*) FROM t WHERE kind IS NULL") == [(3,)]
    assert mysql_database.rows("SHOW TRIGGERS") == []


@pytest.mark.parametrize("until", ["replicas", "backfill", "verify", "reads"])
def test_roll_back(mysql_database: MySqlDatabase, make_walk: MakeWalk, until: str) -> None:
    """From wherever the walk is: the table is as it was, and nothing of ours is left on either server."""
    SHOP.make(mysql_database)
    before = mysql_database.rows("SELECT COUNT(*), SUM(CRC32(source)) FROM t")
    walk = make_walk(SHOP.body())
    walk.start(advance="manual", alone=False)
    while True:
        session = walk.wait(lambda s: s.waits_for == "advance" or s.phase == "reads")
        if session.phase in (until, "dual-writes" if until == "replicas" else until):
            break
        advance(walk, session.phase)
        walk.wait(lambda s: s.phase != session.phase, f"{session.phase} to end")  # noqa: B023
    assert walk.ask("roll-back", "t").state == "done"
    session = walk.end(expected=4)
    assert session.ended is not None
    assert session.ended.outcome == "rolled-back"
    mysql_database.wait_until_replayed()
    for replica in (False, True):
        assert mysql_database.rows(COLUMN, replica=replica) == [(0,)]
        assert mysql_database.rows("SHOW TABLES", replica=replica) == [("t",)]
        assert mysql_database.rows("SHOW TRIGGERS", replica=replica) == []
    assert mysql_database.rows("SELECT COUNT(*), SUM(CRC32(source)) FROM t") == before


@pytest.mark.parametrize("until", ["", "add-column"], ids=["at once", "when it went on"])
def test_killed_before_the_change_was_noted(
    mysql_database: MySqlDatabase, make_walk: MakeWalk, until: str
) -> None:
    """The progress table is there, and nothing in it: both it and the column that comes next are ours."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body())
    walk.start(advance="manual", alone=False)
    plan = walk.wait(lambda s: s.waits_for == "advance").plan
    assert plan is not None
    progress = plan.phase("add-column").statements[0]
    assert progress.name == "create-progress"
    mysql_database.run(progress.sql)
    if until:
        advance(walk, until)
        walk.wait(lambda s: s.phase == "dual-writes" and s.waits_for == "advance")
    walk.ask("roll-back", "t")
    walk.end(expected=4)
    assert mysql_database.rows(COLUMN) == [(0,)]
    assert mysql_database.rows("SHOW TABLES") == [("t",)]


def test_roll_back_leaves_what_was_there_before(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """The column was there, filled by somebody: we may fill it on, but never drop it."""
    SHOP.make(mysql_database)
    mysql_database.run(
        "ALTER TABLE t ADD COLUMN copy varchar(60); UPDATE t SET copy = 'THEIRS' WHERE id = 1000003"
    )
    mysql_database.run("INSERT INTO t (id, source, copy) VALUES (900009, 's', 'THEIRS')")
    walk = make_walk(SHOP.body().replace("nullable = false", "nullable = true"))
    walk.start(advance="manual", alone=False)
    walk.wait(lambda s: s.phase == "dual-writes" and s.waits_for == "advance")
    advance(walk, "dual-writes")
    walk.wait(lambda s: s.phase == "backfill" and s.waits_for == "advance")
    walk.ask("roll-back", "t")
    walk.end(expected=4)
    assert mysql_database.rows("SELECT copy FROM t WHERE id = 900009") == [("THEIRS",)]
    assert mysql_database.rows("SHOW TRIGGERS") == []
