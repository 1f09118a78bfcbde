"""A walk from end to end on each kind of key and name, with an application that writes all the while."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.servers.mysql_database import MySqlDatabase
from tests.walk.mysql.shops import SHOPS, Application, Shop, application
from tests.walk.traffic import Traffic
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]


@pytest.mark.slow
@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
def test_walk(mysql_database: MySqlDatabase, make_walk: MakeWalk, shop: Shop) -> None:
    shop.make(mysql_database)
    walk = make_walk(shop.body(), limits='batch_time = "20ms"')
    writer = Application(shop)
    with Traffic(application(mysql_database), writer.deeds) as traffic:
        walk.start()
        walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence", "the gate of the readers")
        writer.writes_column = True
        traffic.settle()
        answer = walk.ask("skip-gate", reason="nobody reads it in this test")
        assert answer.state == "done", answer.text
        session = walk.end()
        traffic.settle()
    assert traffic.errors == [], last_deadlock(mysql_database)
    assert session.ended is not None
    assert session.ended.outcome == "completed"
    assert (session.totals.differences, session.totals.verified_rows > 7000) == (0, True)
    check_end_state(mysql_database, shop)


def last_deadlock(database: MySqlDatabase) -> str:
    """What InnoDB tells of the last deadlock: whether it was one of ours."""
    with database.connect("root") as link, link.cursor() as cursor:
        cursor.execute("SHOW ENGINE INNODB STATUS")
        status = str((cursor.fetchone() or ("", "", ""))[2])
    told = status[status.find("LATEST DETECTED DEADLOCK") : status.find("\nTRANSACTIONS\n")].splitlines()
    return "\n".join(line for line in told if line and not re.match(r" \d+: len|Record lock", line))[:3000]


def check_end_state(database: MySqlDatabase, shop: Shop) -> None:
    """Every row right, the schema as planned on both servers, nothing of ours left."""
    assert database.rows(shop.wrong_rows()) == [(0,)]
    database.wait_until_replayed()
    nullable = "YES" if 'not_null = "nullable"' in shop.more else "NO"
    here = "TABLE_SCHEMA = DATABASE()"
    for replica in (False, True):
        column = (
            "SELECT IS_NULLABLE, TRIM(BOTH '''' FROM COLUMN_DEFAULT) FROM information_schema.COLUMNS"
            f" WHERE {here} AND COLUMN_NAME = '{shop.column}'"
        )
        assert database.rows(column, replica=replica) == [(nullable, "none")]
        index = f"SELECT COUNT(*) FROM information_schema.STATISTICS WHERE {here} AND INDEX_NAME = 'the new index'"
        assert database.rows(index, replica=replica) == [(1,)]
        left = (
            f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE {here} AND TABLE_NAME LIKE 'column%console%'"
            " UNION SELECT TRIGGER_NAME FROM information_schema.TRIGGERS"
            " WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME LIKE 'column%console%'"
        )
        assert database.rows(left, replica=replica) == []
    checksum = (
        f"SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', {shop.source}, `{shop.column}`))) FROM {shop.table}"
    )
    assert database.rows(checksum) == database.rows(checksum, replica=True)
