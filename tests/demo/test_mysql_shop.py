"""The demo's database on MySQL and MariaDB, looked at from inside."""

from console.config import parse
from console.demo.mysql.cluster import MySqlCluster
from console.demo.mysql.ground import change_file
from console.demo.mysql.shop import build_shop
from tests.demo.conftest import ROWS
from tests.servers.mysql_database import MySqlDatabase


def test_it_has_the_rows_and_the_replica_too(mysql_shop: MySqlDatabase) -> None:
    for replica in (False, True):
        assert mysql_shop.rows("SELECT count(*), max(id) FROM orders", replica=replica) == [(ROWS, ROWS)]


def test_keys_indexes_and_references(mysql_shop: MySqlDatabase) -> None:
    constraints = mysql_shop.rows("""
        SELECT table_name, constraint_type FROM information_schema.table_constraints
         WHERE table_schema = 'shop' AND constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY') ORDER BY 1, 2
    """)
    assert constraints == [
        ("customers", "PRIMARY KEY"),
        ("days", "PRIMARY KEY"),
        ("orders", "FOREIGN KEY"),
        ("orders", "PRIMARY KEY"),
    ]
    indexes = mysql_shop.rows("""
        SELECT count(DISTINCT index_name) FROM information_schema.statistics
         WHERE table_schema = 'shop' AND table_name = 'orders' AND index_name <> 'PRIMARY'
    """)
    assert indexes == [(2,)]
    assert mysql_shop.rows("""
        SELECT DISTINCT engine, row_format FROM information_schema.tables WHERE table_schema = 'shop'
    """) == [("InnoDB", "Dynamic")]


def test_the_data_are_believable(mysql_shop: MySqlDatabase) -> None:
    ((statuses, notes, oldest, newest, backwards, moments),) = mysql_shop.rows("""
        SELECT count(DISTINCT status), count(note) * 100 / count(*),
               min(placed_at) < utc_timestamp() - INTERVAL 2 YEAR, max(placed_at) <= utc_timestamp(6),
               sum(updated_at < placed_at), count(DISTINCT placed_at)
          FROM orders
    """)
    assert statuses >= 5
    assert 5 < notes < 20
    assert oldest
    assert newest
    assert backwards == 0
    assert moments > ROWS * 0.9
    assert mysql_shop.rows("""
        SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer_id
         WHERE (o.currency = 'GBP') <> (c.country = 'GB')
    """) == [(0,)]


def test_nothing_refers_to_what_is_not_there(mysql_shop: MySqlDatabase) -> None:
    """References were made without looking, so it is looked here; and every order has its day in the calendar."""
    assert mysql_shop.rows("""
        SELECT count(*) FROM orders WHERE customer_id NOT IN (SELECT id FROM customers)
    """) == [(0,)]
    assert mysql_shop.rows("""
        SELECT count(*) FROM orders WHERE cast(placed_at AS date) NOT IN (SELECT day FROM days)
    """) == [(0,)]
    assert mysql_shop.rows("SELECT min(holiday), max(holiday) FROM days") == [("Christmas", "New Year")]


def test_texts_of_the_world_are_kept(mysql_shop: MySqlDatabase) -> None:
    assert mysql_shop.rows("SELECT count(*) > 0 FROM orders WHERE note LIKE 'Größe%'") == [(1,)]
    assert mysql_shop.rows("SELECT count(*) > 0 FROM customers WHERE name LIKE 'Łukasz %'") == [(1,)]


async def test_it_is_built_in_steps_and_out_of_the_binary_log(mysql_cluster: MySqlCluster) -> None:
    before = mysql_cluster.position()
    steps: list[tuple[int, int]] = []
    await build_shop(
        mysql_cluster.primary, rows=70_000, progress=lambda text, done, total: steps.append((done, total))
    )
    assert mysql_cluster.primary.rows("SELECT count(*) FROM shop.orders") == [(70_000,)]
    assert steps == sorted(steps)
    assert steps[0] == (0, 70_000)
    assert (50_000, 70_000) in steps
    assert steps[-1] == (70_000, 70_000)
    assert mysql_cluster.position() == before
    mysql_cluster.primary.run_all("DROP DATABASE shop")


def test_the_change_file_is_one(mysql_shop: MySqlDatabase) -> None:
    file = parse(change_file(mysql_shop.cluster.primary, mysql_shop.cluster.replica), "change.toml")
    assert file.change.title == "orders.placed_on"
    assert file.change.backfill is not None
    assert file.change.backfill.sync == "trigger"
    assert file.change.reference is not None
    assert [index.name for index in file.change.indexes] == ["orders_placed_on_idx"]
    assert not file.change.nullable
    value = mysql_shop.rows(f"SELECT count({file.change.backfill.value}) FROM orders")
    assert value == [(ROWS,)]
