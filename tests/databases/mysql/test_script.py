"""`plan --sql` is run by the servers' own clients as it is, again and again, and leaves the table as planned."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from console import plan_text
from console.change import Backfill, Change, Index, Reference, TableName
from console.databases.mysql.statements import MySqlWriter
from console.plan import make_plan
from tests.databases.mysql.looking import ORDERS, change, facts_of
from tests.servers.mysql_database import MySqlDatabase

DAYS = "INSERT IGNORE INTO days SELECT DISTINCT DATE(placed_at) FROM orders; INSERT IGNORE INTO days VALUES (CURDATE())"
FULL = {
    "nullable": False,
    "default": "current_date",
    "comment": "it's \\the day; -- '",
    "indexes": (Index(name="by day", columns=("placed_on",)),),
    "reference": Reference(table=TableName(None, "days"), column="day"),
}
CONSTANT = change(
    column="kind", type="varchar(9)", nullable=False, default="'web'", backfill=Backfill(value="'old'")
)


async def script_of(database: MySqlDatabase, wanted: Change) -> str:
    facts = await facts_of(database, wanted)
    return plan_text.sql(make_plan(wanted, facts, MySqlWriter(wanted, facts)))


def run(database: MySqlDatabase, path: Path, script: str) -> subprocess.CompletedProcess[str]:
    path.write_text(script)
    client = database.cluster.primary.installation.client
    assert client is not None
    with path.open() as source:
        return subprocess.run(
            [
                client,
                "--no-defaults",
                "--protocol=socket",
                f"--socket={database.cluster.primary.socket}",
                "--user=root",
                database.name,
            ],
            stdin=source,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.mark.parametrize(
    "wanted",
    [
        change(**FULL),  # type: ignore[arg-type]
        change(**FULL, not_null="rebuild"),  # type: ignore[arg-type]
        change(**{**FULL, "nullable": True}),  # type: ignore[arg-type]
        CONSTANT,
    ],
    ids=["from the start", "rebuild", "nullable", "constant"],
)
async def test_script_makes_the_change_and_may_run_again(
    mysql_database: MySqlDatabase, tmp_path: Path, wanted: Change
) -> None:
    mysql_database.run(
        ORDERS.format(rows=900) + "ALTER TABLE orders MODIFY id bigint unsigned NOT NULL, DROP PRIMARY KEY,"
        f" ADD PRIMARY KEY (amount, id); {DAYS}"
    )
    script = await script_of(mysql_database, wanted)
    for _ in range(2):
        done = run(mysql_database, tmp_path / "plan.sql", script)
        assert done.returncode == 0, done.stderr
        assert wanted.backfill is not None
        wrong = f"SELECT COUNT(*) FROM orders WHERE NOT (`{wanted.column}` <=> {wanted.backfill.value})"
        assert mysql_database.rows(wrong) == [(0,)]
        ((nullable, comment),) = mysql_database.rows(
            "SELECT IS_NULLABLE, COLUMN_COMMENT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
            f" AND COLUMN_NAME = '{wanted.column}'"
        )
        assert (nullable, comment) == ("YES" if wanted.nullable else "NO", wanted.comment or "")
        keys = mysql_database.rows(
            "SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()"
        )
        assert keys == [(1 if wanted.reference else 0,)]
        assert mysql_database.rows("SHOW TABLES") == [("days",), ("orders",)]
        assert mysql_database.rows("SHOW TRIGGERS") == []
        assert mysql_database.rows(f"SHOW PROCEDURE STATUS WHERE Db = '{mysql_database.name}'") == []


async def test_script_fails_where_a_row_differs(mysql_database: MySqlDatabase, tmp_path: Path) -> None:
    mysql_database.run(ORDERS.format(rows=900))
    wanted = change(column="word", type="varchar(40)", backfill=Backfill(value="UPPER(status)"))
    mysql_database.run(
        "ALTER TABLE orders ADD COLUMN word varchar(40); UPDATE orders SET word = 'x' WHERE id = 5"
    )
    script = await script_of(mysql_database, wanted)
    done = run(mysql_database, tmp_path / "plan.sql", script)
    assert done.returncode != 0
    assert "rows differ from the expression" in done.stderr
    assert "finish" not in done.stdout.splitlines()


async def test_script_stops_at_the_first_error(mysql_database: MySqlDatabase, tmp_path: Path) -> None:
    mysql_database.run(ORDERS.format(rows=900) + "INSERT INTO orders (placed_at, amount) VALUES (NOW(), 0)")
    script = await script_of(
        mysql_database, change(column="ratio", type="int", backfill=Backfill(value="100 DIV amount"))
    )
    done = run(mysql_database, tmp_path / "plan.sql", script)
    assert done.returncode != 0
    assert "ivision by 0" in done.stderr
    assert "finish" not in done.stdout.splitlines()
    mysql_database.run("UPDATE orders SET amount = 1 WHERE amount = 0")
    done = run(mysql_database, tmp_path / "plan.sql", script)
    assert done.returncode == 0, done.stderr
    assert "finish" in done.stdout.splitlines()
