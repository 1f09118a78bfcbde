"""Trouble of the kinds that are easily forgotten: half a roll-back, a column of somebody else, rows that stay NULL."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from console.events import KeysListed
from tests.databases.postgresql.changes import change
from tests.servers.database import Database
from tests.walk.shops import SHOPS
from tests.walk.test_actions import advance_to, started
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
SHOP = SHOPS[0]


def test_an_interrupted_roll_back_is_gone_on_with(database: Database, make_walk: MakeWalk) -> None:
    """Never taken for work that is done: the next run only rolls back."""
    walk = started(database, make_walk)
    advance_to(walk, "verify")
    walk.wait(lambda s: s.phase == "constraints" and s.waits_for == "advance")
    progress = f"column_console_{change('t', 'copy').key}_progress"
    with database.connect() as holder, holder.transaction():
        holder.execute(f"SELECT * FROM {progress}".encode())
        walk.ask("roll-back", "t")
        # The column has gone, the progress table can't go yet.
        walk.wait(lambda s: any(v.name == "drop-column" and v.outcome == "done" for v in s.statements))
        walk.kill()
        # The server misses the dead runner within two seconds; before that its statement might still come through.
        runner = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'column-console runner'"
        while database.rows(runner) != [(0,)]:
            time.sleep(0.1)
    walk.start(advance="auto")
    session = walk.end(expected=4)
    assert session.ended is not None
    assert session.ended.outcome == "rolled-back"
    assert database.rows("SELECT count(*) FROM pg_attribute WHERE attname = 'copy' AND NOT attisdropped") == [
        (0,)
    ]
    assert database.rows(f"SELECT to_regclass('{progress}')") == [(None,)]


def test_roll_back_leaves_what_was_there_before(database: Database, make_walk: MakeWalk) -> None:
    """The column was there, filled by somebody: we may fill it on, but never drop it."""
    database.run(
        f"{SHOP.create}; {SHOP.fill}; ALTER TABLE t ADD COLUMN copy text; UPDATE t SET copy = 'THEIRS' WHERE id = 1"
    )
    walk = make_walk(SHOP.body())
    walk.start(advance="manual", alone=False)
    walk.wait(lambda s: s.phase == "dual-writes" and s.waits_for == "advance")
    walk.ask("advance")
    walk.wait(lambda s: s.phase == "backfill" and s.waits_for == "advance")
    walk.ask("roll-back", "t")
    walk.end(expected=4)
    assert database.rows("SELECT copy FROM t WHERE id = 1") == [("THEIRS",)]
    assert database.rows("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == [(0,)]


@pytest.mark.parametrize("until", ["", "add-column"], ids=["at once", "when it went on"])
def test_killed_before_the_change_was_noted(database: Database, make_walk: MakeWalk, until: str) -> None:
    """The progress table is there, and nothing in it: both it and the column that comes next are ours."""
    walk = started(database, make_walk)
    plan = walk.session().plan
    assert plan is not None
    progress = plan.phase("add-column").statements[0]
    assert progress.name == "create-progress"
    database.run(progress.sql)
    if until:
        advance_to(walk, until)
        walk.wait(lambda s: s.phase == "dual-writes" and s.waits_for == "advance")
    walk.ask("roll-back", "t")
    walk.end(expected=4)
    left = "SELECT attrelid::regclass::text FROM pg_attribute WHERE attname IN ('copy', 'item') AND NOT attisdropped"
    assert database.rows(left) == []


def test_roll_back_before_anything_was_begun(database: Database, make_walk: MakeWalk) -> None:
    """A blocker, a wrong press: the column that is in the way is somebody's, and stays."""
    database.run(f"{SHOP.create}; {SHOP.fill}; ALTER TABLE t ADD COLUMN copy int DEFAULT 7")
    walk = make_walk(SHOP.body())
    walk.start(advance="manual", alone=False)
    walk.wait(lambda s: s.state == "parked", "the blocker")
    walk.ask("roll-back", "t")
    session = walk.end(expected=4)
    assert "nothing had been begun" in session.reason
    assert database.rows("SELECT copy FROM t WHERE id = 1") == [(7,)]


def test_null_rows_keep_not_null_away(database: Database, make_walk: MakeWalk) -> None:
    """A constraint that could not be validated would make the application's updates of such a row fail."""
    database.run(f"{SHOP.create}; ALTER TABLE t ALTER COLUMN source DROP NOT NULL; {SHOP.fill}")
    database.run("UPDATE t SET source = NULL WHERE id = 4000")
    walk = make_walk(SHOP.body())
    walk.start(advance="auto", alone=False)
    session = walk.wait(lambda s: s.state == "parked")
    assert "copy is NULL in some rows (keys 4000)" in session.reason
    database.run("UPDATE t SET id = -4000 WHERE id = 4000")
    assert database.rows(
        "SELECT count(*) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'c'"
    ) == [(0,)]
    assert database.rows("SELECT attnotnull FROM pg_attribute WHERE attname = 'copy'") == [(False,)]
    database.run("UPDATE t SET source = 'mended' WHERE id = -4000")
    walk.ask("retry")
    walk.wait(lambda s: s.phase == "reads")


@pytest.mark.parametrize("failing", [15, 1])
def test_many_failing_rows_are_skipped(database: Database, make_walk: MakeWalk, failing: int) -> None:
    """More than one listing holds; and a function's own error counts as the row's, in words without its values."""
    database.run(
        "CREATE FUNCTION strict_ratio(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$"
        " BEGIN IF n < 0 THEN RAISE 'negative'; END IF; RETURN n; END $$;"
        "CREATE TABLE t (id int PRIMARY KEY, amount int NOT NULL);"
        f"INSERT INTO t SELECT n, CASE WHEN n <= 100 + {failing} AND n > 100 THEN -n ELSE n END"
        " FROM generate_series(1, 3000) n"
    )
    walk = make_walk(
        '[change]\ntable = "t"\ncolumn = "ratio"\ntype = "int"\n[backfill]\nvalue = "strict_ratio(amount)"\n'
    )
    walk.start(advance="auto", alone=False)
    skipped = 0
    while True:
        session = walk.wait(lambda s: s.state == "parked" or s.phase == "reads")
        if session.phase == "reads":
            break
        assert "negative" in session.reason
        seen = session.s
        assert walk.ask("skip-rows").state == "done"
        _moved_on(walk, seen)
        skipped += 1
    listed = [e for e in walk.events(KeysListed) if isinstance(e, KeysListed) and e.what == "skipped"]
    assert sorted(int(key) for e in listed for key in e.keys) == list(range(101, 101 + failing))
    assert skipped == (failing + 9) // 10
    assert database.rows("SELECT count(*) FROM t WHERE ratio IS NULL") == [(failing,)]


def _moved_on(walk: Walk, seen: int) -> None:
    walk.wait(lambda s: (s.s > seen + 1 and s.state != "parked") or (s.state == "parked" and s.s > seen + 3))


@pytest.mark.slow
def test_a_partition_goes_while_the_runner_is_away(database: Database, make_walk: MakeWalk) -> None:
    """The walk knows its partitions by name."""
    shop = SHOPS[-1]
    database.run(f"{shop.create}; {shop.fill}")
    walk = make_walk(shop.body(), limits="rows_per_second = 3000")
    walk.start()
    walk.wait(lambda s: s.totals.rows_backfilled > 3000, "the second partition")
    walk.kill()
    database.run("DROP TABLE t_0; CREATE TABLE t_9 PARTITION OF t FOR VALUES IN (9)")
    walk.start()
    walk.wait(lambda s: s.phase == "reads")
    assert database.rows(shop.wrong_rows()) == [(0,)]


def test_late_rows_are_filled_where_nobody_fills_them(database: Database, make_walk: MakeWalk) -> None:
    """sync = none, nullable: they are swept up, by batches that the throttle counts."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    body = (
        SHOP.body()
        .replace("[backfill]", '[backfill]\nsync = "none"')
        .replace("nullable = false", "nullable = true")
    )
    walk = make_walk(body)
    walk.start(advance="manual", alone=False)
    for phase in ("add-column", "backfill", "verify"):
        _advance(walk, phase)
    walk.wait(lambda s: s.phase == "constraints" and s.waits_for == "advance")
    database.run("INSERT INTO t (id, source) SELECT n, 'late' FROM generate_series(100001, 100500) n")
    before = walk.session().totals.batches
    _advance(walk, "constraints")
    session = walk.wait(lambda s: s.phase == "indexes")
    assert session.totals.batches > before
    assert database.rows(SHOP.wrong_rows()) == [(0,)]


def _advance(walk: Walk, phase: str) -> None:
    walk.wait(lambda s: s.phase == phase and s.waits_for == "advance", phase)
    answer = walk.ask("advance", phase=phase)
    assert answer.state == "done", answer.text
