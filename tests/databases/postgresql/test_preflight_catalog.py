"""Findings that lie in the catalog: the table and the column."""

from __future__ import annotations

import psycopg
import pytest

from console.change import Backfill, Index, Reference, TableName
from tests.databases.postgresql.changes import ORDERS, change
from tests.databases.postgresql.preflighting import Case, look, see
from tests.servers.database import Database

QUIET = {
    *("settings.lock-timeout", "key.found", "statements.unread", "estimate", "space.log", "space.free"),
    *("standby.seen", "slot.unlimited", "replica.seen", "replica.conflict-delay", "replica.no-feedback"),
}
"""What preflight says of a healthy table: notes alone."""

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


async def test_a_healthy_table_has_notes_alone(orders: Database) -> None:
    for wanted in (None, FULL):
        looked = await look(orders, wanted, replica=True)
        assert looked.codes == QUIET
        assert {finding.severity for finding in looked.preflight.findings} == {"note"}
        assert looked.preflight.blockers == ()


async def test_worst_come_first(orders: Database) -> None:
    orders.run("ALTER TABLE orders ADD COLUMN placed_on int; CREATE VIEW v AS SELECT * FROM orders")
    severities = [finding.severity for finding in (await look(orders)).preflight.findings]
    assert severities == sorted(severities, key=["blocker", "warning", "note"].index)
    assert set(severities) == {"blocker", "warning", "note"}


COLUMN = [
    Case(
        "column.resume",
        "note",
        "has placed_on already (date, nullable, default CURRENT_DATE)",
        "ALTER TABLE orders ADD placed_on date DEFAULT current_date",
        "ALTER TABLE orders DROP placed_on",
    ),
    Case(
        "column.exists",
        "blocker",
        "has placed_on already, as integer where the change says date",
        "ALTER TABLE orders ADD placed_on int",
        "ALTER TABLE orders DROP placed_on",
    ),
    Case(
        "column.exists",
        "blocker",
        "as a generated column",
        "ALTER TABLE orders ADD placed_on date GENERATED ALWAYS AS (('2026-01-01'::date)) STORED",
        "ALTER TABLE orders DROP placed_on",
    ),
    Case(
        "column.alike",
        "warning",
        'has a column "Placed_On"',
        'ALTER TABLE orders ADD "Placed_On" date',
        'ALTER TABLE orders DROP "Placed_On"',
    ),
    Case("column.system", "blocker", "xmin is the name of a system column", change=change(column="xmin")),
    Case("name.long", "blocker", "has 64 bytes", change=change(column="a" * 64)),
    Case("name.long", "blocker", "has 64 bytes", change=change(indexes=(Index("ä" * 32, ("placed_on",)),))),
    Case("type.serial", "blocker", "serial is no type", change=change(type="bigserial", backfill=None)),
    Case(
        "type.more",
        "blocker",
        "a generated or identity column rewrites the table",
        change=change(type="int generated always as identity", backfill=None),
    ),
    Case("type.more", "blocker", "the default is a key of its own", change=change(type="date default now()")),
    Case(
        "type.more", "blocker", "domain can carry one", change=change(type='text collate "C"', backfill=None)
    ),
    Case("type.more", "blocker", "NOT NULL is a key", change=change(type="date not null")),
    Case("type.unknown", "blocker", 'type "no_such" does not exist', change=change(type="no_such")),
    Case("type.pseudo", "blocker", "anyelement", change=change(type="anyelement", backfill=None)),
    Case(
        "null.unfilled",
        "blocker",
        "neither [backfill] nor default: about 300 existing rows",
        change=change(nullable=False, backfill=None),
    ),
    Case(
        "null.unfilled",
        "blocker",
        "nullable = false with no [backfill]",
        change=change(nullable=False, backfill=None, default="current_date"),
    ),
    Case(
        "null.sync-none",
        "warning",
        "sync = none and no default",
        change=change(nullable=False, backfill=Backfill(value="placed_at::date", sync="none")),
    ),
]


async def test_column(orders: Database) -> None:
    for case in COLUMN:
        await see(orders, case)


DOMAINS = {
    "d_check": "CREATE DOMAIN d_check AS date CHECK (value > '2000-01-01')",
    "d_not_null": "CREATE DOMAIN d_not_null AS date NOT NULL",
    "d_default": "CREATE DOMAIN d_default AS date DEFAULT '2000-01-01'",
    "d_deep": "CREATE DOMAIN d_deep AS d_check",
}


async def test_domain_with_rules_rewrites_and_a_bare_one_does_not(orders: Database) -> None:
    for name, statement in DOMAINS.items():
        orders.run(statement)
        looked = await look(orders, change(type=name))
        assert looked.one("type.domain").severity == "blocker"
        assert f"the domain {name} has rules of its own" in looked.one("type.domain").seen
    orders.run("CREATE DOMAIN d_bare AS date")
    assert "type.domain" not in (await look(orders, change(type="d_bare"))).codes
    # What the finding says is so: the table gets a new file, or its rows a value of their own.
    file = "SELECT pg_relation_filenode('orders')"
    before = orders.rows(file)
    orders.run("ALTER TABLE orders ADD x d_bare")
    assert orders.rows(file) == before
    orders.run("ALTER TABLE orders ADD y d_deep")
    assert orders.rows(file) != before


async def test_numbers_of_columns_run_out(orders: Database) -> None:
    # As after many columns added and dropped, without doing it: what counts is the highest number used.
    assert "column.numbers" not in (await look(orders)).codes
    orders.run(
        "DO $$ BEGIN FOR n IN 1..1506 LOOP"
        " EXECUTE format('ALTER TABLE days ADD c%s int', n); EXECUTE format('ALTER TABLE days DROP c%s', n);"
        " END LOOP; END $$"
    )
    wanted = change(table="days", backfill=None)
    finding = (await look(orders, wanted)).one("column.numbers")
    assert (finding.severity, "1,507 of 1,600" in finding.seen) == ("warning", True)
    orders.run(
        "DO $$ BEGIN FOR n IN 1..93 LOOP"
        " EXECUTE format('ALTER TABLE days ADD c%s int', n); EXECUTE format('ALTER TABLE days DROP c%s', n);"
        " END LOOP; END $$"
    )
    assert (await look(orders, wanted)).one("column.numbers").severity == "blocker"
    with pytest.raises(psycopg.errors.TooManyColumns):
        orders.run("ALTER TABLE days ADD placed_on date")


TABLES = """
CREATE VIEW v AS SELECT * FROM orders;
CREATE MATERIALIZED VIEW m AS SELECT * FROM orders;
CREATE TABLE parted (id int PRIMARY KEY, placed_at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE elder (id int PRIMARY KEY, placed_at timestamptz);
CREATE TABLE heir (more int) INHERITS (elder);
CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY, placed_at timestamptz);
CREATE TYPE kind AS (id int, placed_at timestamptz);
CREATE TABLE typed OF kind (PRIMARY KEY (id));
CREATE TABLE keyless (id int, placed_at timestamptz, UNIQUE (id));
CREATE TABLE boxed (id int PRIMARY KEY, whole orders, many orders[]);
"""


async def test_table(orders: Database) -> None:
    orders.run(TABLES)
    orders.run(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
        "CREATE FOREIGN TABLE far (id int, placed_at timestamptz) SERVER s;"
        "ALTER TABLE far OWNER TO deploy",
        "postgres",
    )
    for table, code, severity, seen in (
        ("v", "table.kind", "blocker", "public.v is a view"),
        ("m", "table.kind", "blocker", "is no ordinary table"),
        ("far", "table.kind", "blocker", "is a foreign table"),
        ("parted_1", "table.kind", "blocker", "is a partition of parted"),
        ("elder", "table.inherited", "blocker", "has heirs (heir)"),
        ("heir", "table.inherits", "note", "inherits from elder"),
        ("fleeting", "table.unlogged", "warning", "is unlogged"),
        ("typed", "table.typed", "blocker", "is a table of type kind"),
        ("parted", "table.partitions", "note", "1 partitions"),
        ("keyless", "key.none", "blocker", "keyless_id_key is nullable id"),
        ("orders", "table.row-type", "warning", "boxed.many, boxed.whole"),
    ):
        finding = (await look(orders, change(table=table))).one(code)
        assert finding.severity == severity, table
        assert seen in finding.seen, table
        assert finding.remedy or severity == "note"
    assert (
        not {"table.kind", "table.inherited", "table.unlogged", "key.none", "table.partitions"}
        & (await look(orders)).codes
    )
    system = await look(
        orders,
        change(backfill=None, table="x").__class__(
            table=TableName("pg_catalog", "pg_class"), column="c", type="int"
        ),
    )
    assert {"table.system", "right.owner"} <= system.codes
    # Without rows to walk, no key is needed.
    assert "key.none" not in (await look(orders, change(table="keyless", backfill=None))).codes
    constant = change(table="keyless", backfill=Backfill(value="current_date"))
    assert "key.none" not in (await look(orders, constant)).codes


async def test_partition_on_another_server(orders: Database) -> None:
    orders.run("CREATE TABLE parted (id int, placed_at timestamptz) PARTITION BY RANGE (id)")
    orders.run(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
        "CREATE FOREIGN TABLE far PARTITION OF parted FOR VALUES FROM (0) TO (10) SERVER s;"
        "ALTER TABLE far OWNER TO deploy",
        "postgres",
    )
    finding = (await look(orders, change(table="parted", backfill=None))).one("table.foreign-partition")
    assert (finding.severity, finding.seen) == ("blocker", "partitions on another server: public.far")


async def test_an_index_over_partitions_of_partitions(newest_database: Database) -> None:
    newest_database.run(
        "CREATE TABLE parted (id int, placed_at timestamptz) PARTITION BY RANGE (id);"
        "CREATE TABLE half PARTITION OF parted FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id)"
    )
    indexed = change(table="parted", backfill=None, indexes=(Index(name="by_day", columns=("placed_on",)),))
    finding = (await look(newest_database, indexed)).one("index.nested-partitions")
    assert finding.severity == "blocker"
    assert "partitioned themselves (half)" in finding.seen
    plain = await look(newest_database, change(table="parted", backfill=None))
    assert "index.nested-partitions" not in plain.codes
    newest_database.run("DROP TABLE half")
    assert "index.nested-partitions" not in (await look(newest_database, indexed)).codes


async def test_key_in_random_order(orders: Database) -> None:
    orders.run(
        "CREATE TABLE odd (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), placed_at timestamptz DEFAULT now());"
        "INSERT INTO odd SELECT FROM generate_series(1, 2000); ANALYZE odd"
    )
    looked = await look(orders, change(table="odd"))
    assert "key.found" not in looked.codes
    assert (
        "primary key odd_pkey (id: uuid), whose order is not that of the rows"
        in looked.one("key.random").seen
    )
