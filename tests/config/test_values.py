"""A good change file becomes the objects it describes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import config
from console.change import Index, Limits, SessionRules, TableName, Target, Window
from console.config import values
from tests.config.test_errors import BACKFILL, GOOD, REFERENCE


def test_least_file_takes_the_defaults() -> None:
    file = config.parse(GOOD, "f.toml")
    assert file.path == "f.toml"
    assert file.limits == Limits()
    assert file.session == SessionRules()
    assert (file.change.backfill, file.change.indexes, file.change.reference) == (None, (), None)
    assert (file.change.nullable, file.change.default, file.change.comment) == (True, None, None)


def test_every_key_reaches_its_object() -> None:
    text = (
        BACKFILL
        + """\
sync = "application"
order = "backfill-first"
vacuum = false
[[indexes]]
name = "one"
columns = ["a", "placed_on"]
unique = true
[[indexes]]
name = "two"
columns = ["placed_on"]
where = "x > 0"
[references]
table = '"My Shop"."Days"'
column = "Day"
on_delete = "set null"
[limits]
replication_lag = "500ms"
lock_timeout = "1.5s"
lock_queue = 0
lock_retries = 3
batch_time = "1m"
rows_per_second = 12.5
running_queries = 7
workers = 1
window = "22:30-04:00 America/New_York"
[session]
advance = "auto"
on_disconnect = "pause  after 10m"
controllers = ["ana", "ben"]
observers = []
observers_may_pause = true
group = "dba"
two_person = true
approval_time = "3m"
record_literals = true
"""
    )
    file = config.parse(text, "f.toml")
    change = file.change
    assert change.backfill is not None
    assert (change.backfill.sync, change.backfill.order, change.backfill.vacuum) == (
        "application",
        "backfill-first",
        False,
    )
    assert change.indexes == (
        Index(name="one", columns=("a", "placed_on"), unique=True),
        Index(name="two", columns=("placed_on",), where="x > 0"),
    )
    assert change.reference is not None
    assert change.reference.table == TableName("My Shop", "Days")
    assert (change.reference.column, change.reference.on_delete) == ("Day", "set null")
    assert file.limits == Limits(
        replication_lag=0.5,
        lock_timeout=1.5,
        lock_queue=0,
        lock_retries=3,
        batch_time=60.0,
        rows_per_second=12.5,
        running_queries=7,
        workers=1,
        window=Window(22 * 60 + 30, 4 * 60, "America/New_York"),
    )
    assert file.session == SessionRules(
        advance="auto",
        on_disconnect="pause after 10m",
        controllers=("ana", "ben"),
        observers=(),
        observers_may_pause=True,
        group="dba",
        two_person=True,
        approval_time=180.0,
        record_literals=True,
    )


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "POSTGRESQL"])
def test_schemes_of_postgresql(scheme: str) -> None:
    assert config.parse(GOOD.replace("postgresql", scheme), "f").target.kind == "postgresql"


@pytest.mark.parametrize("kind", ["mysql", "mariadb"])
def test_other_servers_are_understood(kind: str) -> None:
    assert config.parse(GOOD.replace("postgresql", kind), "f").target.kind == kind


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///shop?host=/var/run/postgresql",
        "postgresql://a:5432,b:5433/shop?target_session_attrs=primary",
        "postgresql://[::1]:5432/shop",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/shop",
        "postgresql://",
    ],
)
def test_addresses_that_libpq_takes(url: str) -> None:
    assert config.parse(GOOD.replace("postgresql://deploy@db1/shop", url), "f").target.url == url


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@h/d", "postgresql://h/d?user=u&password=s3cret"])
def test_password_in_an_address_is_hidden_and_warned_of(url: str) -> None:
    file = config.parse(GOOD.replace("postgresql://deploy@db1/shop", url), "f.toml")
    assert "s3cret" not in repr(file)
    (warning,) = config.warnings(file)
    assert "password_command" in warning
    assert "s3cret" not in warning


def test_long_lock_timeout_is_warned_of() -> None:
    (warning,) = config.warnings(config.parse(GOOD + "[limits]\nlock_timeout = '2m'", "f.toml"))
    assert "lock_timeout is 120 s" in warning


def test_not_null_with_a_default_alone_is_allowed() -> None:
    assert config.parse(GOOD + "nullable = false\ndefault = '0'", "f").change.nullable is False


def test_index_on_another_column_where_the_new_one_is_tested_is_allowed() -> None:
    text = GOOD + "[[indexes]]\nname = 'i'\ncolumns = ['id']\nwhere = 'placed_on is null'"
    assert config.parse(text, "f").change.indexes[0].columns == ("id",)


def test_set_default_with_a_default_is_allowed() -> None:
    text = REFERENCE.replace("[references]", "default = '0'\n[references]") + "on_delete = 'set default'"
    assert config.parse(text, "f").change.default == "0"


def test_midnight_ends_a_window() -> None:
    assert values.window("20:00-24:00 UTC") == Window(20 * 60, 0, "UTC")


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)


@given(names, names)
def test_quoted_table_names_come_back_as_they_were(schema: str, name: str) -> None:
    def quoted(part: str) -> str:
        return '"' + part.replace('"', '""') + '"'

    assert values.table_name(f"{quoted(schema)}.{quoted(name)}") == TableName(schema, name)
    assert values.table_name(quoted(name)) == TableName(None, name)


def test_target_keeps_its_address_out_of_messages() -> None:
    assert "h/d" not in repr(Target(kind="postgresql", url="postgresql://u:p@h/d"))
