"""The runner is killed at a random moment in each phase, and another takes the walk up: the end state is the same."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

import pytest

from console.events import Batches
from console.session import Session
from tests.servers.database import Database
from tests.walk.shops import SHOPS, Application, Shop
from tests.walk.test_keys import check_end_state
from tests.walk.traffic import Traffic, as_shop
from tests.walk.walking import Walk, walk_to

MakeWalk = Callable[..., Walk]
PHASES = ("add-column", "dual-writes", "backfill", "verify", "constraints", "indexes", "reads", "finish")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("shop", [SHOPS[0], SHOPS[-1]], ids=lambda shop: shop.name)
def test_killed_in_each_phase(database: Database, make_walk: MakeWalk, shop: Shop) -> None:
    database.run(f"{shop.create}; {shop.fill}")
    walk = make_walk(shop.body(), limits="rows_per_second = 8000")
    application = Application(shop)
    dice = random.Random()
    with Traffic(as_shop(database), application.deeds) as traffic:
        for phase in PHASES:
            walk.start(advance="manual", alone=False)
            walk_to(walk, phase, application, traffic)
            time.sleep(dice.uniform(0, 0.3))
            walk.kill()
        walk.start(advance="auto")
        walk_to(walk, "", application, traffic)
        session = walk.end()
        traffic.settle()
    assert traffic.errors == []
    assert session.ended is not None
    assert session.ended.outcome == "completed"
    assert session.totals.differences == 0
    check_end_state(database, shop)


@pytest.mark.slow
def test_no_batch_is_done_twice_or_left_out(database: Database, make_walk: MakeWalk) -> None:
    """Each committed batch moves the cursor: killed again and again, the rows filled add up to the table's."""
    shop = SHOPS[0]
    database.run(f"{shop.create}; {shop.fill}")
    walk = make_walk(shop.body(), limits="rows_per_second = 800")
    for _ in range(4):
        walk.start()
        _wait_for_a_batch(walk, walk.session().totals.batches)
        walk.kill()
    walk.start(advance="manual", alone=False)
    session = walk.wait(lambda s: s.waits_for == "advance")
    assert re.fullmatch(r"Backfill is next: advance \([\d,]+ rows filled in an earlier run\)", session.reason)
    walk.kill()
    walk.start()
    session = walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence")
    walk.ask("skip-gate", reason="nobody reads it in this test")
    session = walk.end()
    assert session.totals.rows_backfilled == 8000
    told = [e for e in walk.events(Batches) if isinstance(e, Batches)]
    scanned = [e.scanned for e in told]
    assert scanned == sorted(scanned)
    assert database.rows("SELECT count(*) FROM t WHERE copy = upper(source)") == [(8000,)]
    # Six runs, one chain; and nothing that a kill leaves behind looks like tampering.
    chain = walk.recorded().chain
    assert (chain.state, chain.breaks, chain.ended) == ("whole", (), True)


def _wait_for_a_batch(walk: Walk, seen: int) -> None:
    walk.wait(lambda s: s.totals.batches > seen or (s.phase and s.phase not in _BEFORE), "a batch")


_BEFORE = ("preflight", "add-column", "replicas", "dual-writes", "backfill")


def test_two_runners_on_one_change(database: Database, make_walk: MakeWalk) -> None:
    shop = SHOPS[0]
    database.run(f"{shop.create}; {shop.fill}")
    first = make_walk(shop.body())
    first.start(advance="manual", alone=False)
    first.wait(lambda s: s.waits_for == "advance", "the first runner at work")
    second = make_walk(shop.body())
    second.start()
    session = second.end(expected=1)
    assert "another runner works on public.t.copy" in session.reason
    assert _outcome(first.session()) == ""


def _outcome(session: Session) -> str:
    return session.ended.outcome if session.ended else ""


def test_the_same_table_spelt_otherwise_is_the_same_change(database: Database, make_walk: MakeWalk) -> None:
    """`t` and `public.t` share one lock, one progress table, one session to take up."""
    shop = SHOPS[0]
    database.run(f"{shop.create}; {shop.fill}")
    first = make_walk(shop.body())
    first.start(advance="manual", alone=False)
    first.wait(lambda s: s.waits_for == "advance")
    second = make_walk(shop.body().replace("public.t", "t"))
    second.start()
    session = second.end(expected=1)
    assert "another runner works on public.t.copy" in session.reason
