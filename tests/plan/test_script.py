"""`plan --sql` is run by psql as it is, on real servers, and leaves the table as planned."""

import subprocess
from pathlib import Path

from console import plan_text
from tests.plan.plans import CHANGE, facts, plan
from tests.servers.database import Database

TABLES = """
CREATE SCHEMA "My Shop";
CREATE TABLE "My Shop".days (day date PRIMARY KEY);
INSERT INTO "My Shop".days SELECT generate_series(date '2024-01-01', date '2024-12-31', interval '1 day')::date;
CREATE TABLE "My Shop"."Orders" (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL);
INSERT INTO "My Shop"."Orders"
SELECT n * 3, timestamptz '2024-01-01 00:00 UTC' + n * interval '97 minutes' FROM generate_series(1, 5000) n;
"""

COLUMN = """
SELECT a.attnotnull, pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = '"My Shop"."Orders"'::regclass AND a.attname = 'Placed On'
"""


def run(database: Database, path: Path, script: str) -> subprocess.CompletedProcess[str]:
    path.write_text(script)
    psql = database.cluster.primary.binaries.program("psql")
    return subprocess.run(
        [psql, "--no-psqlrc", f"--file={path}", database.url()],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_script_makes_the_change_and_may_run_again(
    database: Database, pg_version: str, tmp_path: Path
) -> None:
    database.run(TABLES)
    script = plan_text.sql(plan(CHANGE, facts(int(pg_version) * 10000)))
    for _ in range(2):
        done = run(database, tmp_path / "plan.sql", script)
        assert done.returncode == 0, done.stderr
        assert database.rows(COLUMN) == [(True, "CURRENT_DATE", "it's the day")]
        wrong = """SELECT count(*) FROM "My Shop"."Orders"
                    WHERE "Placed On" IS DISTINCT FROM (placed_at at time zone 'UTC')::date"""
        assert database.rows(wrong) == [(0,)]
    assert database.rows(
        'SELECT indisvalid FROM pg_index WHERE indexrelid = \'"My Shop"."Placed On idx"\'::regclass'
    ) == [(True,)]
    assert database.rows("SELECT convalidated FROM pg_constraint WHERE contype = 'f'") == [(True,)]
    ours = """SELECT proname FROM pg_proc WHERE proname LIKE 'column_console%'
              UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE '%column_console%'
              UNION ALL SELECT relname FROM pg_class WHERE relname LIKE 'column_console%'"""
    assert database.rows(ours) == []


def test_script_stops_at_the_first_error_and_goes_on_from_there(
    newest_database: Database, tmp_path: Path
) -> None:
    database = newest_database
    database.run(TABLES + """INSERT INTO "My Shop"."Orders" VALUES (1, '1999-01-01')""")
    script = plan_text.sql(plan())
    done = run(database, tmp_path / "plan.sql", script)
    assert done.returncode == 3
    assert "violates foreign key constraint" in done.stderr
    assert "finish" not in done.stdout.splitlines()
    database.run("""INSERT INTO "My Shop".days VALUES ('1999-01-01')""")
    done = run(database, tmp_path / "plan.sql", script)
    assert done.returncode == 0, done.stderr
    assert "finish" in done.stdout.splitlines()
    assert database.rows("SELECT bool_and(convalidated) FROM pg_constraint WHERE contype IN ('f', 'n')") == [
        (True,)
    ]
