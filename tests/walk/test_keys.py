"""A walk from end to end on each kind of key and name, with an application that writes all the while."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.servers.database import Database
from tests.walk.shops import SHOPS, Application, Shop
from tests.walk.traffic import Traffic, as_shop
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]


@pytest.mark.slow
@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
def test_walk(database: Database, make_walk: MakeWalk, shop: Shop) -> None:
    database.run(f"{shop.create}; {shop.fill}")
    walk = make_walk(shop.body(), limits='batch_time = "20ms"')
    application = Application(shop)
    with Traffic(as_shop(database), application.deeds) as traffic:
        walk.start()
        walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence", "the gate of the readers")
        application.writes_column = True
        traffic.settle()
        answer = walk.ask("skip-gate", reason="nobody reads it in this test")
        assert answer.state == "done", answer.text
        session = walk.end()
        traffic.settle()
    assert traffic.errors == []
    assert session.ended is not None
    assert session.ended.outcome == "completed"
    assert (session.totals.differences, session.totals.verified_rows > 7000) == (0, True)
    check_end_state(database, shop)


def check_end_state(database: Database, shop: Shop) -> None:
    """Every row right, the schema as planned on both servers, nothing of ours left."""
    assert database.rows(shop.wrong_rows()) == [(0,)]
    database.wait_until_replayed()
    for standby in (False, True):
        column = (
            "SELECT attnotnull, atthasdef FROM pg_attribute WHERE"
            f" attrelid = '{shop.table}'::regclass AND attname = '{shop.column}'"
        )
        assert database.rows(column, standby=standby) == [(True, True)]
        index = (
            "SELECT bool_and(indisvalid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
            " WHERE relname = 'the new index'"
        )
        assert database.rows(index, standby=standby) == [(True,)]
        left = (
            "SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE '%column_console%')"
            " + (SELECT count(*) FROM pg_proc WHERE proname LIKE '%column_console%')"
            " + (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%column_console%')"
            " + (SELECT count(*) FROM pg_constraint WHERE conname LIKE '%column_console%')"
        )
        assert database.rows(left, standby=standby) == [(0,)]
