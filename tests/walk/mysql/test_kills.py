"""The runner is killed at a random moment in each phase, and another takes the walk up: the end state is the same."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from console.events import Batches
from tests.servers.mysql_database import MySqlDatabase
from tests.walk.mysql.shops import SHOPS, Application, Shop, application
from tests.walk.mysql.test_keys import check_end_state, last_deadlock
from tests.walk.traffic import Traffic
from tests.walk.walking import Walk, walk_to

MakeWalk = Callable[..., Walk]
PHASES = ("add-column", "dual-writes", "backfill", "verify", "constraints", "indexes", "reads", "finish")
BEFORE = ("preflight", "add-column", "replicas", "dual-writes", "backfill")
INT = SHOPS[0]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("shop", [INT, SHOPS[-2]], ids=lambda shop: shop.name)
def test_killed_in_each_phase(mysql_database: MySqlDatabase, make_walk: MakeWalk, shop: Shop) -> None:
    shop.make(mysql_database)
    walk = make_walk(shop.body(), limits="rows_per_second = 8000")
    writer = Application(shop)
    dice = random.Random()
    with Traffic(application(mysql_database), writer.deeds) as traffic:
        for phase in PHASES:
            walk.start(advance="manual", alone=False)
            walk_to(walk, phase, writer, traffic)
            time.sleep(dice.uniform(0, 0.3))
            walk.kill()
        walk.start(advance="auto")
        walk_to(walk, "", writer, traffic)
        session = walk.end()
        traffic.settle()
    assert traffic.errors == [], last_deadlock(mysql_database)
    assert session.ended is not None
    assert session.ended.outcome == "completed"
    assert session.totals.differences == 0
    check_end_state(mysql_database, shop)


@pytest.mark.slow
def test_no_batch_is_done_twice_or_left_out(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """Each committed batch moves the cursor: killed again and again, the rows filled add up to the table's."""
    INT.make(mysql_database)
    walk = make_walk(INT.body(), limits="rows_per_second = 4000")
    for _ in range(4):
        walk.start()
        seen = walk.session().totals.batches
        walk.wait(lambda s: s.totals.batches > seen or s.phase not in BEFORE, "a batch")  # noqa: B023
        walk.kill()
    walk.start()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    walk.ask("skip-gate", reason="nobody reads it in this test")
    session = walk.end()
    assert session.totals.rows_backfilled == 8000
    scanned = [e.scanned for e in walk.events(Batches) if isinstance(e, Batches)]
    assert scanned == sorted(scanned)
    assert mysql_database.rows("SELECT COUNT(*) FROM t WHERE copy = UPPER(source)") == [(8000,)]


def test_two_runners_on_one_change(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    INT.make(mysql_database)
    first = make_walk(INT.body())
    first.start(advance="manual", alone=False)
    first.wait(lambda s: s.waits_for == "advance", "the first runner at work")
    second = make_walk(INT.body())
    second.start()
    session = second.end(expected=1)
    assert "another runner works on t.copy" in session.reason
    assert first.session().ended is None
