"""Findings about what an earlier run left, and about the application's own statements."""

from __future__ import annotations

import psycopg
import pytest

from console.change import Backfill, Index, Reference, TableName
from console.databases.postgresql.names import Names
from tests.databases.postgresql.changes import ORDERS, change
from tests.databases.postgresql.preflighting import Case, look, see
from tests.servers.database import Database


@pytest.fixture
def orders(database: Database) -> Database:
    database.run(ORDERS.format(rows=300))
    database.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO app")
    database.wait_until_replayed()
    return database


INDEXED = change(
    indexes=(Index("by_day", ("placed_on", "amount")), Index("some_days", ("placed_on",), where="amount > 5"))
)
KEPT = change(nullable=False, reference=Reference(TableName("public", "days"), "day"))


class TestEarlier:
    async def test_leftovers(self, orders: Database) -> None:
        names = Names(change(), (await look(orders)).facts)
        function = (
            f"CREATE FUNCTION {names.function}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
        )
        trigger = (
            f"CREATE TRIGGER {names.trigger} BEFORE INSERT ON orders"
            f" FOR EACH ROW EXECUTE FUNCTION {names.function}()"
        )
        column = "ALTER TABLE orders ADD placed_on date"
        drop_column = "ALTER TABLE orders DROP placed_on"
        for case in (
            Case(
                "leftover.progress",
                "note",
                names.progress,
                f"CREATE TABLE {names.progress} (item text)",
                f"DROP TABLE {names.progress}",
            ),
            Case("leftover.function", "note", names.function, function, f"DROP FUNCTION {names.function}"),
            Case(
                "leftover.trigger",
                "blocker",
                "without the column it fills",
                f"{function};{trigger}",
                f"DROP FUNCTION {names.function} CASCADE",
            ),
            Case(
                "leftover.trigger",
                "note",
                "which is at work",
                f"{column};{function};{trigger}",
                f"DROP FUNCTION {names.function} CASCADE;{drop_column}",
            ),
            Case(
                "leftover.trigger",
                "warning",
                "is disabled",
                f"{column};{function};{trigger};ALTER TABLE orders DISABLE TRIGGER {names.trigger}",
                f"DROP FUNCTION {names.function} CASCADE;{drop_column}",
            ),
            Case(
                "leftover.other",
                "note",
                "column_console_0123456789_progress",
                "CREATE TABLE column_console_0123456789_progress (item text)",
                "DROP TABLE column_console_0123456789_progress",
            ),
            Case(
                "leftover.constraint",
                "note",
                f"constraint {names.check} is there, NOT VALID",
                f"{column};ALTER TABLE orders ADD CONSTRAINT {names.check} CHECK (placed_on IS NOT NULL) NOT VALID",
                drop_column,
                KEPT,
            ),
            Case(
                "null.not-valid",
                "warning",
                f"constraint {names.check} is there, NOT VALID: it refuses every update",
                f"{column};ALTER TABLE orders ADD CONSTRAINT {names.check} CHECK (placed_on IS NOT NULL) NOT VALID",
                drop_column,
            ),
            Case(
                "leftover.constraint",
                "note",
                f"constraint {names.foreign_key} is there: FOREIGN KEY",
                f"{column};ALTER TABLE orders ADD CONSTRAINT {names.foreign_key}"
                " FOREIGN KEY (placed_on) REFERENCES days",
                drop_column,
                KEPT,
            ),
            Case(
                "constraint.name-taken",
                "blocker",
                f"has a constraint {names.foreign_key} already: CHECK",
                f"ALTER TABLE orders ADD CONSTRAINT {names.foreign_key} CHECK (amount > -1)",
                f"ALTER TABLE orders DROP CONSTRAINT {names.foreign_key}",
                KEPT,
            ),
        ):
            await see(orders, case)

    async def test_not_null_that_is_not_valid(self, newest_database: Database) -> None:
        newest_database.run(ORDERS.format(rows=10) + "ALTER TABLE orders ADD placed_on date")
        assert "null.not-valid" not in (await look(newest_database)).codes
        newest_database.run("ALTER TABLE orders ADD CONSTRAINT mine NOT NULL placed_on NOT VALID")
        looked = await look(newest_database)
        assert "constraint mine is there, NOT VALID" in looked.one("null.not-valid").seen
        assert "nullable" in looked.one("column.resume").seen
        with pytest.raises(psycopg.errors.NotNullViolation):
            newest_database.run("UPDATE orders SET amount = 1")

    async def test_indexes(self, orders: Database) -> None:
        for case in (
            Case(
                "index.name-taken",
                "blocker",
                "by_day is the name of another relation",
                "CREATE TABLE by_day ()",
                "DROP TABLE by_day",
                INDEXED,
            ),
            Case(
                "index.name-taken",
                "blocker",
                "by_day is an index of days already",
                "CREATE INDEX by_day ON days (day)",
                "DROP INDEX by_day",
                INDEXED,
            ),
            Case(
                "index.name-taken",
                "blocker",
                "by_day is there already and is another index: unique over ['status', 'id']",
                "CREATE UNIQUE INDEX by_day ON orders (status, id)",
                "DROP INDEX by_day",
                INDEXED,
            ),
            Case(
                "index.exists",
                "note",
                "by_day is there already",
                "ALTER TABLE orders ADD placed_on date; CREATE INDEX by_day ON orders (placed_on, amount)",
                "ALTER TABLE orders DROP placed_on",
                INDEXED,
            ),
        ):
            await see(orders, case)

    async def test_condition_of_an_index(self, orders: Database) -> None:
        assert "index.where" not in (await look(orders, INDEXED)).codes
        by_day = change(
            indexes=(Index("new_days", ("id",), where="placed_on > '2026-01-01' AND status <> 'void'"),)
        )
        assert not {"index.where", "index.unread"} & (await look(orders, by_day)).codes
        clock = change(indexes=(Index("new_days", ("id",), where="placed_at > now()"),))
        assert (await look(orders, clock)).one("index.where").severity == "blocker"
        for where, said in (
            ("stauts = 'x'", "stauts"),
            ("amount + 1", "boolean"),
            ("placed_on >", "syntax error"),
        ):
            wrong = change(indexes=(Index("new_days", ("id",), where=where),))
            finding = (await look(orders, wrong)).one("index.where")
            assert finding.severity == "blocker"
            assert said in finding.seen

    async def test_indexes_that_failed_to_build(self, orders: Database) -> None:
        codes = {"leftover.index", "index.invalid"}
        wanted = change(indexes=(Index("by_status", ("status",), unique=True),))
        assert not codes & (await look(orders, wanted)).codes
        with orders.connect() as connection:
            for name in ("by_status", "another"):
                with pytest.raises(psycopg.errors.UniqueViolation):
                    connection.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON orders (status)".encode())
        looked = await look(orders, wanted)
        assert looked.one("leftover.index").seen.startswith("by_status is there, INVALID (0 B)")
        assert looked.one("index.invalid").seen == "index another is INVALID, and kept up by nobody"


async def test_statements_of_the_application(database: Database) -> None:
    with database.connect("postgres") as connection:
        connection.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
    database.cluster.restart_primary()
    database.run(
        ORDERS.format(rows=5) + "CREATE TABLE kept AS SELECT * FROM orders; CREATE TABLE orders2 (id int)"
    )
    assert "statements.unread" in (await look(database)).codes
    database.run("CREATE EXTENSION pg_stat_statements SCHEMA public", "postgres")
    database.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO app")
    codes = {"statements.insert", "statements.copy", "statements.insert-select", "statements.select-star"}
    with database.connect("app") as app:
        # What names its columns, or is about another table, is no finding.
        app.execute("SELECT id, amount FROM orders")
        app.execute("SELECT * FROM orders2")
        app.execute("INSERT INTO orders2 VALUES (1)")
        app.execute("INSERT INTO orders (placed_at, amount) VALUES (now(), 4711)")
        assert not (codes | {"statements.unread", "statements.part"}) & (await look(database)).codes
        app.execute("SELECT  *\nFROM public.orders WHERE id = 4711")
        app.execute("INSERT INTO \"orders\" OVERRIDING SYSTEM VALUE VALUES (-1, now(), 'x', 4711)")
        app.execute("INSERT INTO kept SELECT * FROM orders")
        with app.cursor().copy("COPY orders FROM STDIN") as copy:
            copy.write("-2\t2026-01-01\tx\t4711\n")
    looked = await look(database)
    for code in codes:
        finding = looked.one(code)
        assert (finding.severity, "(1 calls)" in finding.seen) == ("warning", True)
        assert "4711" not in finding.seen  # literals are the application's own business
    hidden = await look(database, role="visitor")
    assert "those of others are not permitted" in hidden.one("statements.part").seen
    assert not codes & hidden.codes


async def test_value_that_reads_no_column_but_is_no_constant(database: Database) -> None:
    database.run(ORDERS.format(rows=5))
    looked = await look(database, change(backfill=Backfill(value="(select max(day) from days)")))
    assert not looked.facts.value_constant
    assert "value.constant" not in looked.codes
