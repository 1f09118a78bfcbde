"""Plans for the tests: a change file's text and the facts of a table, made into a plan."""

from console import config
from console.databases.postgresql.statements import PostgresWriter
from console.facts import Key, Server, TableFacts
from console.plan import Plan, make_plan

CHANGE = """\
[database]
url = "postgresql://deploy@db1.internal/shop"
[change]
table = '"My Shop"."Orders"'
column = "Placed On"
type = "date"
nullable = false
default = "current_date"
comment = "it's the day"
[backfill]
value = "(placed_at at time zone 'UTC')::date"
[[indexes]]
name = "Placed On idx"
columns = ["Placed On"]
[references]
table = '"My Shop".days'
column = "day"
"""


def facts(number: int = 180006) -> TableFacts:
    """The table that `CHANGE` is about, on a server of a version."""
    return TableFacts(
        server=Server(
            kind="postgresql", version=f"{number // 10000}.6", number=number, name="db1.internal/shop"
        ),
        name='"My Shop"."Orders"',
        schema="My Shop",
        kind="ordinary",
        key=Key(name="Orders_pkey", columns=("id",), types=("bigint",), primary=True),
        columns=(),
        rows=5000,
        bytes=1_000_000,
        type="date",
        value_columns=("placed_at",),
        reference_table='"My Shop".days',
    )


def plan(text: str = CHANGE, table: TableFacts | None = None) -> Plan:
    """The plan of a change file on a table."""
    file = config.parse(text, "change.toml")
    table = table or facts()
    return make_plan(file.change, table, PostgresWriter(file.change, table), file.session)
