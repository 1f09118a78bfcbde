"""What gates are shown: what was not seen is told as that, and proves nothing."""

from __future__ import annotations

from typing import cast

from console.databases.base import Worker
from console.databases.mysql import traces
from console.databases.mysql.digests import Digests
from console.databases.mysql.evidence import MySqlEvidences
from console.databases.mysql.followed import Followed
from console.databases.mysql.traces import Bare
from tests.databases.mysql.looking import change, change_file, facts_of, healthy_orders, look, reading
from tests.servers.mysql_database import MySqlDatabase


async def test_replicas_that_this_user_can_not_see(mysql_database: MySqlDatabase) -> None:
    async with (
        reading(mysql_database.url()) as seeing,
        reading(mysql_database.url("app")) as blind,
    ):
        assert await Followed(seeing).attached() == 1
        assert await Followed(blind).attached() is None


async def test_threads_that_this_user_can_not_see(mysql_database: MySqlDatabase) -> None:
    """Without a mark there is no GTID to compare: what is left is whether the threads run."""
    async with (
        reading(mysql_database.url()) as primary,
        reading(mysql_database.replica_url()) as seeing,
        reading(mysql_database.replica_url("app")) as blind,
    ):
        followed = Followed(primary)
        seen = await followed.evidence("replica 1: replay", seeing)
        assert (seen.holds, "its threads run" in seen.seen) == (True, True)
        unseen = await followed.evidence("replica 1: replay", blind)
        assert (unseen.holds, "may not see whether its threads run" in unseen.seen) == (False, True)
        await followed.mark()
        mysql_database.wait_until_replayed()
        assert (await followed.evidence("replica 1: replay", blind)).holds


async def test_no_replica_seen_is_not_none_there(mysql_database: MySqlDatabase) -> None:
    healthy_orders(mysql_database)
    facts = await facts_of(mysql_database, change())
    for role, holds in (("deploy", True), ("app", False)):
        file = change_file(mysql_database, change(), url=mysql_database.url(role))
        evidences = MySqlEvidences(file, facts, cast("Worker", None), None)
        (told,) = await evidences.replicas()
        assert told.holds is holds, told
        await evidences.close()


async def test_statements_from_another_default_database(mysql_database: MySqlDatabase) -> None:
    """An application that names the table with its database is seen, whatever its session's own database is."""
    healthy_orders(mysql_database)
    mysql_database.run("ALTER TABLE orders ADD remark varchar(20)")
    shop, wanted = mysql_database.name, change(column="remark")
    async with reading(mysql_database.url()) as lane:
        ((before, naming),) = await lane.rows(traces.writes(wanted, shop, Bare()))
        assert naming == 0
        assert not await lane.rows(traces.readers(wanted, shop, Bare()))
        for default in ("information_schema", ""):
            with mysql_database.cluster.primary.connect("app", default) as link, link.cursor() as cursor:
                cursor.execute(f"INSERT INTO {shop}.orders (placed_at, amount) VALUES (NOW(), 1)")
                cursor.execute(
                    f"INSERT INTO `{shop}` . `orders` (placed_at, amount, remark) VALUES (NOW(), 1, 'x')"
                )
                cursor.execute(f"SELECT remark FROM {shop}.orders LIMIT 1")
        assert await lane.rows(traces.writes(wanted, shop, Bare())) == [(before + 4, 2)]
        assert await lane.rows(traces.readers(wanted, shop, Bare()))
        assert await lane.rows(traces.writes(wanted, "another", Bare())) == [(0, 0)]


async def test_names_that_are_keywords_stand_in_digests_without_backticks(
    mysql_database: MySqlDatabase,
) -> None:
    """A table `events` with a column `status` or `date`: what the application writes without quotes is seen."""
    healthy_orders(mysql_database)
    mysql_database.run(
        "RENAME TABLE orders TO events; ALTER TABLE events ADD type int, ADD date date, ADD day int"
    )
    shop, bare = mysql_database.name, Bare(table=True, column=True)
    async with reading(mysql_database.url()) as lane:

        async def seen(column: str) -> tuple[int, int, bool]:
            wanted = change("events", column)
            ((ran, naming),) = await lane.rows(traces.writes(wanted, shop, bare))
            return int(ran), int(naming), bool(await lane.rows(traces.readers(wanted, shop, bare)))

        for statement in (
            "INSERT INTO events (placed_at, amount) VALUE (NOW(), 1)",
            "SELECT DATE(placed_at), DATE '2026-01-01' + INTERVAL 1 DAY FROM events LIMIT 1",
        ):
            mysql_database.run(statement, "app")
        assert await seen("type") == await seen("date") == await seen("day") == (1, 0, False)
        for statement in (
            "INSERT INTO events (placed_at, amount, type) VALUES (NOW(), 1, 2)",
            "INSERT INTO events SET placed_at = NOW(), amount = 1, type = 3",
            "SELECT id, e.amount FROM events e WHERE type = 2",
            "SELECT DATE(date) FROM events LIMIT 1",
            "INSERT INTO events (date, amount, `day`, placed_at) SELECT date, 1, 2, placed_at FROM events LIMIT 1",
        ):
            mysql_database.run(statement, "app")
        assert await seen("type") == (4, 2, True)
        assert await seen("date") == (4, 1, True)
        assert await seen("day") == (4, 1, False)


async def test_which_names_may_stand_without_backticks(mysql_database: MySqlDatabase) -> None:
    """Asked of the server itself: its reserved words differ with family and version."""
    for table, column, bare in (
        ("orders", "status", Bare(table=True, column=True)),
        ("order", "desc", Bare()),
        ("a b", "größe", Bare()),
    ):
        async with reading(mysql_database.url()) as lane:
            assert await Digests(lane, change(table, column), mysql_database.name).bare() == bare


async def test_a_full_table_of_digests_is_told(mysql_database: MySqlDatabase) -> None:
    """What the server no longer keeps apart is not held to be absent."""
    healthy_orders(mysql_database)
    ((size,),) = mysql_database.rows("SELECT @@performance_schema_digests_size")
    codes = (await look(mysql_database)).codes
    assert "statements.full" not in codes
    with mysql_database.connect("app") as link, link.cursor() as cursor:
        for number in range(size + 50):
            cursor.execute(f"SELECT 1 AS a{number}")
    mysql_database.run("INSERT INTO orders VALUES (NULL, NOW(), 'x', 1)", "app")
    looked = await look(mysql_database)
    assert "statements.insert" not in looked.codes
    assert "TRUNCATE TABLE performance_schema" in (looked.one("statements.full").remedy or "")
    file, facts = change_file(mysql_database, change()), await facts_of(mysql_database, change())
    mysql_database.run("ALTER TABLE orders ADD placed_on date")
    evidences = MySqlEvidences(file, facts, cast("Worker", None), None)
    *_, readers = await evidences.reads()
    assert "digests is full" in readers.seen
    await evidences.close()
