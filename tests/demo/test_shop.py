"""The demo's database on PostgreSQL, looked at from inside."""

import pytest

from console.config import parse
from console.demo.postgresql.cluster import Cluster
from console.demo.postgresql.ground import change_file
from console.demo.postgresql.shop import build_shop
from tests.demo.conftest import ROWS
from tests.servers.database import Database


@pytest.fixture
def shop(postgresql_shop: Database) -> Database:
    return postgresql_shop


def test_it_has_the_rows_and_the_standby_too(shop: Database) -> None:
    for standby in (False, True):
        assert shop.rows("SELECT count(*), max(id) FROM orders", standby=standby) == [(ROWS, ROWS)]


def test_keys_indexes_and_references(shop: Database) -> None:
    constraints = shop.rows("""
        SELECT conrelid::regclass::text, contype::text, confrelid::regclass::text FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f') ORDER BY 1, 2
    """)
    assert constraints == [
        ("customers", "p", "-"),
        ("days", "p", "-"),
        ("orders", "f", "customers"),
        ("orders", "p", "-"),
    ]
    indexes = shop.rows(
        "SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass AND NOT indisprimary"
    )
    assert indexes == [(2,)]


def test_everything_belongs_to_deploy_who_is_no_superuser(shop: Database) -> None:
    owners = shop.rows("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert owners == [("deploy",)]
    assert shop.rows(
        "SELECT rolsuper OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = 'deploy'"
    ) == [(False,)]


def test_the_data_are_believable(shop: Database) -> None:
    ((statuses, notes, oldest, newest, backwards),) = shop.rows("""
        SELECT count(DISTINCT status), count(note) * 100 / count(*),
               (now() - min(placed_at)) > interval '2 years', max(placed_at) <= now(),
               count(*) FILTER (WHERE updated_at < placed_at)
          FROM orders
    """)
    assert statuses >= 5
    assert 5 < notes < 20
    assert oldest
    assert newest
    assert backwards == 0
    assert shop.rows("""
        SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer_id
         WHERE (o.currency = 'GBP') <> (c.country = 'GB')
    """) == [(0,)]


def test_every_order_has_its_day_in_the_calendar(shop: Database) -> None:
    missing = shop.rows("""
        SELECT count(*) FROM orders WHERE NOT EXISTS
               (SELECT FROM days WHERE day = (placed_at AT TIME ZONE 'UTC')::date)
    """)
    assert missing == [(0,)]


def test_the_planner_knows_it(shop: Database) -> None:
    assert shop.rows("SELECT reltuples FROM pg_class WHERE oid = 'orders'::regclass") == [(ROWS,)]


async def test_it_works_on_the_oldest_version_too(cluster: Cluster) -> None:
    with cluster.primary.connect() as link:
        link.execute("DROP DATABASE IF EXISTS shop WITH (FORCE)")
    steps: list[tuple[int, int]] = []
    await build_shop(
        cluster.primary, rows=70_000, progress=lambda text, done, total: steps.append((done, total))
    )
    assert Database("shop", cluster).rows("SELECT count(*) FROM orders") == [(70_000,)]
    assert steps == sorted(steps)
    assert steps[0] == (0, 70_000)
    assert (50_000, 70_000) in steps
    assert steps[-1] == (70_000, 70_000)


def test_the_change_file_is_one(shop: Database) -> None:
    primary, standby = shop.cluster.primary, shop.cluster.standby
    file = parse(change_file(primary, standby), "change.toml")
    assert file.change.title == "public.orders.placed_on"
    assert file.change.backfill is not None
    assert file.change.backfill.sync == "trigger"
    assert file.change.reference is not None
    assert [index.name for index in file.change.indexes] == ["orders_placed_on_idx"]
    assert not file.change.nullable
    value = shop.rows(f"SELECT count({file.change.backfill.value}) FROM orders")
    assert value == [(ROWS,)]
