"""The other shapes of a plan: backfill first, writers deployed by people, no sync, constants, no backfill, volatile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.servers.database import Database
from tests.walk.shops import SHOPS, Application
from tests.walk.test_keys import check_end_state
from tests.walk.traffic import Traffic, as_shop
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
SHOP = SHOPS[0]


def states(walk: Walk) -> dict[str, str]:
    return {view.name: view.state for view in walk.session().phases}


@pytest.mark.slow
@pytest.mark.parametrize("sync", ["trigger", "application"])
def test_backfill_first(database: Database, make_walk: MakeWalk, sync: str) -> None:
    """Rows whose source changed between the backfill and the dual writes are set right by the second pass, where the
    value is ours to set; what the application itself wrote is never overwritten.
    """
    database.run(f"{SHOP.create}; {SHOP.fill}")
    body = SHOP.body().replace("[backfill]", f'[backfill]\nsync = "{sync}"\norder = "backfill-first"')
    walk = make_walk(body, limits='batch_time = "20ms"')
    application = Application(SHOP)
    changes = [application.update] if sync == "trigger" else []
    with Traffic(as_shop(database), [application.insert, application.delete, *changes]) as traffic:
        walk.start(advance="manual", alone=False)
        for phase in ("add-column", "backfill"):
            walk.wait(lambda s: s.phase == phase and s.waits_for == "advance", phase)  # noqa: B023
            walk.ask("advance", phase=phase)
        # The application goes on for a while, as it was: what it changes now is stale.
        walk.wait(lambda s: s.phase == "dual-writes")
        traffic.settle()
        if sync == "trigger":
            assert database.rows(SHOP.wrong_rows() + " AND copy IS NOT NULL")[0][0] > 0
        else:
            assert walk.ask("advance").state == "refused"
            application.writes_column = True
            walk.wait(lambda s: s.waits_for == "advance" and s.phase == "dual-writes", "the gate's evidence")
        walk.ask("advance", phase="dual-writes")
        for phase in ("backfill-again", "verify", "constraints", "indexes"):
            walk.wait(lambda s: s.phase == phase and s.waits_for == "advance", phase)  # noqa: B023
            walk.ask("advance", phase=phase)
        walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
        application.writes_column = True
        traffic.settle()
        walk.ask("skip-gate", reason="nobody reads it in this test")
        walk.wait(lambda s: s.phase == "finish" and s.waits_for == "advance")
        walk.ask("advance")
        walk.end()
        traffic.settle()
    assert traffic.errors == []
    check_end_state(database, SHOP)


@pytest.mark.slow
def test_no_sync(database: Database, make_walk: MakeWalk) -> None:
    """Rows that are inserted behind the backfill are swept up before NOT NULL."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body().replace("[backfill]", '[backfill]\nsync = "none"'))
    walk.start(advance="manual", alone=False)
    for phase in ("add-column", "backfill"):
        walk.wait(lambda s: s.phase == phase and s.waits_for == "advance", phase)  # noqa: B023
        walk.ask("advance", phase=phase)
    walk.wait(lambda s: s.phase == "verify" and s.waits_for == "advance")
    database.run("INSERT INTO t (id, source) VALUES (900001, 'late')")
    for phase in ("verify", "constraints", "indexes"):
        walk.wait(lambda s: s.phase == phase and s.waits_for == "advance", phase)  # noqa: B023
        walk.ask("advance", phase=phase)
    walk.wait(lambda s: s.phase == "reads")
    assert states(walk)["dual-writes"] == "left-out"
    assert database.rows("SELECT copy FROM t WHERE id = 900001") == [("LATE",)]
    assert database.rows(SHOP.wrong_rows()) == [(0,)]


def test_a_constant(database: Database, make_walk: MakeWalk) -> None:
    """No row is rewritten: the table's file stays the one it was."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(
        '[change]\ntable = "t"\ncolumn = "kind"\ntype = "text"\nnullable = false\n[backfill]\nvalue = "\'old\'"\n'
    )
    before = database.rows("SELECT pg_relation_filenode('t'), pg_relation_size('t')")
    walk.start()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    assert [name for name, state in states(walk).items() if state == "left-out"] == [
        "dual-writes",
        "backfill",
        "verify",
        "constraints",
        "indexes",
    ]
    walk.ask("skip-gate", reason="nobody reads it in this test")
    walk.end()
    assert database.rows("SELECT pg_relation_filenode('t'), pg_relation_size('t')") == before
    assert database.rows("SELECT kind, count(*) FROM t GROUP BY 1") == [("old", 8000)]


def test_a_volatile_value(database: Database, make_walk: MakeWalk) -> None:
    """Each row keeps the value that it got: an update of another column does not draw a new one."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(
        '[change]\ntable = "t"\ncolumn = "token"\ntype = "uuid"\nnullable = false\ndefault = "gen_random_uuid()"\n'
        '[backfill]\nvalue = "gen_random_uuid()"\n'
    )
    walk.start()
    walk.wait(lambda s: s.phase == "reads")
    assert states(walk)["verify"] == "left-out"
    before = database.rows("SELECT token FROM t WHERE id = 5")
    database.run("UPDATE t SET source = 'x' WHERE id = 5")
    assert database.rows("SELECT token FROM t WHERE id = 5") == before
    assert database.rows("SELECT count(DISTINCT token) FROM t") == [(8000,)]


def test_run_again_when_all_is_done(database: Database, make_walk: MakeWalk) -> None:
    """Nothing is begun again: no trigger, no scan, no row."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body())
    walk.start()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    walk.ask("skip-gate", reason="nobody reads it in this test")
    walk.end()
    first = walk.runner.session_id
    walk.start()
    session = walk.end()
    assert walk.runner.session_id != first
    assert session.ended is not None
    assert session.ended.text.startswith("the change was complete already")
    assert session.statements == ()
    assert set(states(walk).values()) <= {"passed", "already-done", "left-out"}


def test_another_change_file_for_the_same_column(database: Database, make_walk: MakeWalk) -> None:
    database.run(f"{SHOP.create}; {SHOP.fill}")
    first = make_walk(SHOP.body())
    first.start()
    first.wait(lambda s: s.phase == "reads")
    first.kill()
    second = make_walk(SHOP.body().replace("upper(source)", "lower(source)"))
    second.start()
    session = second.end(expected=3)
    assert "the change file says something else now (backfill)" in session.reason
