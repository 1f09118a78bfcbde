"""Names and literals agree with what the server itself would write, and come back as they went."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.change import TableName
from console.databases.postgresql.identifiers import literal, qualified, quote, table_text, too_long
from console.databases.postgresql.keywords import KEYWORDS
from tests.servers.database import Database

NAMES = [
    *(
        "orders",
        "Orders",
        "größe",
        "a.b",
        'a"b',
        "user",
        "int",
        "_x1",
        "1x",
        "a b",
        "ORDER",
        "x$y",
        "日付",
        "\t",
    ),
    *("select", "name", "date", "'", "\\", "--", "a" * 63),
]


def test_keywords_are_those_of_the_server(database: Database, pg_version: str) -> None:
    here = {word for (word,) in database.rows("SELECT word FROM pg_get_keywords() WHERE catcode <> 'U'")}
    assert here <= KEYWORDS
    if pg_version == "18":
        assert here == KEYWORDS


def test_quotes_as_the_server_does(database: Database) -> None:
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT name, quote_ident(name) FROM unnest(%s::text[]) name", [NAMES]
        ).fetchall()
    assert {name: quote(name) for name, _ in rows} == dict(rows)


def test_a_quoted_name_is_the_name(newest_database: Database) -> None:
    with newest_database.connect() as connection:
        for name in NAMES:
            connection.execute(f"CREATE SCHEMA {quote(name)}".encode()) if name != "a" * 63 else None
            connection.execute(f"CREATE TABLE {qualified('public', name)} ({quote(name)} int)".encode())
            found = connection.execute(
                "SELECT relname, to_regclass(%s) = c.oid FROM pg_class c WHERE relname = %s AND relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace",
                [table_text(TableName(None, name)), name],
            ).fetchone()
            assert found == (name, True)


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        quote(name)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1))
def test_a_literal_is_the_text(newest_database: Database, texts: list[str]) -> None:
    with newest_database.connect() as connection:
        for conforming in ("on", "off"):
            connection.execute(f"SET standard_conforming_strings = {conforming}".encode())
            row = connection.execute(f"SELECT {', '.join(map(literal, texts))}".encode()).fetchone()
            assert row == tuple(texts)


def test_a_literal_holds_no_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        literal("a\0b")


def test_length_is_counted_in_bytes(newest_database: Database) -> None:
    with newest_database.connect() as connection:
        for name in ("ä" * 31, "ä" * 32, "a" * 63, "a" * 64):
            row = connection.execute("SELECT %s::name::text", [name]).fetchone()
            assert (row != (name,)) == too_long(name)
