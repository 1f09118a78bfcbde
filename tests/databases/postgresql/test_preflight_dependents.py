"""Findings about what hangs on the table: triggers, rules, keys, views, functions, policies, publications."""

from __future__ import annotations

import psycopg
import pytest

from console.change import Index, Reference, TableName
from tests.databases.postgresql.changes import ORDERS, change
from tests.databases.postgresql.preflighting import Case, look, see
from tests.servers.database import Database

FULL = change(
    nullable=False,
    default="current_date",
    indexes=(
        Index(name="orders_placed_on_idx", columns=("placed_on",), where="status <> 'void'"),
        Index(name="orders_day_idx", columns=("placed_on", "amount"), unique=True),
    ),
    reference=Reference(table=TableName("public", "days"), column="day", on_delete="restrict"),
)


@pytest.fixture
def orders(database: Database) -> Database:
    database.run(ORDERS.format(rows=300))
    database.wait_until_replayed()
    return database


HANGING = [
    Case(
        "trigger.fires",
        "warning",
        "trigger stamp on orders (BEFORE UPDATE, for each row, nothing())",
        "CREATE TRIGGER stamp BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION nothing()",
        "DROP TRIGGER stamp ON orders",
    ),
    Case(
        "trigger.fires",
        "warning",
        "trigger audit on orders (AFTER UPDATE, for each batch, nothing())",
        "CREATE TRIGGER audit AFTER INSERT OR UPDATE ON orders EXECUTE FUNCTION nothing()",
        "DROP TRIGGER audit ON orders",
    ),
    Case(
        "trigger.before",
        "note",
        "(early)",
        "CREATE TRIGGER early BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION nothing()",
        "DROP TRIGGER early ON orders",
    ),
    Case(
        "rule.update",
        "blocker",
        "rule keep on public.orders (ON UPDATE, INSTEAD)",
        "CREATE RULE keep AS ON UPDATE TO orders DO INSTEAD NOTHING",
        "DROP RULE keep ON orders",
    ),
    Case(
        "rule.other",
        "note",
        "rule keep on public.orders (ON DELETE)",
        "CREATE RULE keep AS ON DELETE TO orders DO ALSO SELECT 1",
        "DROP RULE keep ON orders",
    ),
    Case(
        "foreign-key.out",
        "note",
        "orders_amount_fkey to amounts",
        "CREATE TABLE amounts (n numeric PRIMARY KEY);"
        "ALTER TABLE orders ADD FOREIGN KEY (amount) REFERENCES amounts NOT VALID",
        "DROP TABLE amounts CASCADE",
    ),
    Case(
        "foreign-key.in",
        "note",
        "lines_order_id_fkey from lines; their inserts pass beside a batch, and would wait behind it if orders_day_idx",
        "CREATE TABLE lines (order_id bigint REFERENCES orders)",
        "DROP TABLE lines",
        FULL,
    ),
    Case(
        "view.dependent",
        "warning",
        "SELECT *: one, two (materialized)",
        "CREATE VIEW one AS SELECT * FROM orders; CREATE MATERIALIZED VIEW two AS SELECT id FROM orders",
        "DROP VIEW one; DROP MATERIALIZED VIEW two",
    ),
    Case(
        "function.returns-row",
        "warning",
        "latest(), several()",
        "CREATE FUNCTION latest() RETURNS SETOF orders LANGUAGE sql AS 'SELECT * FROM orders';"
        "CREATE FUNCTION several() RETURNS orders[] LANGUAGE sql AS 'SELECT NULL::orders[]'",
        "DROP FUNCTION latest; DROP FUNCTION several",
    ),
    Case(
        "function.takes-row",
        "note",
        "weigh(orders)",
        "CREATE FUNCTION weigh(orders) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION weigh",
    ),
    Case(
        "function.row-variable",
        "note",
        "scan()",
        "CREATE FUNCTION scan() RETURNS void LANGUAGE plpgsql AS 'DECLARE o orders%ROWTYPE; BEGIN END'",
        "DROP FUNCTION scan",
    ),
    Case(
        "policy.active",
        "blocker",
        "row level security on orders hides rows from deploy",
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY",
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
    ),
    Case(
        "policy.other",
        "note",
        "row level security is on for orders, and does not bind deploy",
        "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY; ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
    ),
    Case(
        "event-trigger.fires",
        "note",
        "guard",
        "CREATE FUNCTION guard() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER guard ON ddl_command_start EXECUTE FUNCTION guard()",
        "DROP EVENT TRIGGER guard; DROP FUNCTION guard",
    ),
]


async def test_what_hangs_on_the_table(orders: Database) -> None:
    orders.run(
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", "postgres"
    )
    for case in HANGING:
        await see(orders, case)


async def test_triggers_that_the_backfill_does_not_fire(orders: Database) -> None:
    orders.run(
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER a AFTER UPDATE OF amount ON orders EXECUTE FUNCTION nothing();"
        "CREATE TRIGGER b AFTER INSERT OR DELETE ON orders EXECUTE FUNCTION nothing();"
        "CREATE TRIGGER c AFTER UPDATE ON orders EXECUTE FUNCTION nothing(); ALTER TABLE orders DISABLE TRIGGER c;"
        "CREATE TRIGGER d AFTER UPDATE ON orders EXECUTE FUNCTION nothing()"
    )
    looked = await look(orders)
    assert [finding.seen.split()[1] for finding in looked.all("trigger.fires")] == ["d"]
    assert "trigger.fires" not in (await look(orders, change(backfill=None))).codes


PUBLISHED = [
    Case(
        "publication.table",
        "warning",
        "the table is published (p)",
        "CREATE PUBLICATION p FOR TABLE orders",
        "DROP PUBLICATION p",
    ),
    Case(
        "publication.table",
        "warning",
        "the table is published (everything)",
        "CREATE PUBLICATION everything FOR ALL TABLES",
        "DROP PUBLICATION everything",
    ),
    Case(
        "publication.columns",
        "warning",
        "published with a list of columns (p)",
        "CREATE PUBLICATION p FOR TABLE orders (id, amount)",
        "DROP PUBLICATION p",
    ),
    Case(
        "publication.identity",
        "blocker",
        "updates of orders are published",
        "CREATE PUBLICATION p FOR TABLE orders; ALTER TABLE orders REPLICA IDENTITY NOTHING",
        "DROP PUBLICATION p; ALTER TABLE orders REPLICA IDENTITY DEFAULT",
    ),
    Case(
        "logical.identity-full",
        "note",
        "replica identity is FULL",
        "ALTER TABLE orders REPLICA IDENTITY FULL",
        "ALTER TABLE orders REPLICA IDENTITY DEFAULT",
    ),
    Case(
        "logical.slot",
        "warning",
        "feed (inactive)",
        "SELECT pg_create_logical_replication_slot('feed', 'test_decoding')",
        "SELECT pg_drop_replication_slot('feed')",
    ),
]


async def test_logical_replication(orders: Database) -> None:
    for case in PUBLISHED:
        await see(orders, case)


async def test_update_without_identity_fails_as_the_finding_says(orders: Database) -> None:
    orders.run(
        "CREATE PUBLICATION p FOR TABLE orders; ALTER TABLE orders REPLICA IDENTITY NOTHING", "postgres"
    )
    with pytest.raises(psycopg.Error, match="cannot update table"):
        orders.run("UPDATE orders SET amount = 1")
