"""No literal survives redaction, whatever the text; names do."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.redact import redact_sql

SECRET = "s3cr3t"

_secret = st.sampled_from(
    [SECRET, f"a''{SECRET}", f'{SECRET}"', f"-- {SECRET}", f"/* {SECRET}", f"$x$ {SECRET}"]
)
_literal = st.one_of(
    _secret.map(lambda text: f"'{text}'"),
    _secret.map(lambda text: f"E'\\\\{text}\\'{SECRET}'"),
    _secret.map(lambda text: f"e'{text}'"),
    _secret.map(lambda text: f"U&'{text}'"),
    _secret.map(lambda text: f"N'{text}'"),
    st.just(f"$${SECRET}'$$"),
    st.just(f"$tag${SECRET} $$ '{SECRET}$tag$"),
    st.sampled_from(["'a\\'", f"'\\' {SECRET}'", f"'{SECRET}\\'{SECRET}'"]),
)
_word = st.sampled_from(
    [
        "SELECT",
        "orders2",
        "a$b$c",
        '"it\'s"',
        '"a""b"',
        "$1",
        "DATE",
        "é1",
        ",",
        "(",
        ")",
        "::date",
        "@>",
        "t1.c2",
    ]
)
_comment = st.sampled_from(
    [
        "/* app */",
        "/* /* */ don't */",
        "-- isn't\n",
        f"/* '{SECRET}' */",
        f"-- '{SECRET}'\n",
        f"/* $${SECRET}$$ */",
    ]
)
_gap = st.sampled_from([" ", "\n", "  "])
_queries = st.lists(st.tuples(st.one_of(_literal, _word, _comment), _gap), max_size=12).map(
    lambda pieces: "".join(piece + gap for piece, gap in pieces)
)


@given(_queries, st.data())
@settings(deadline=None)
def test_no_secret_survives_even_where_the_text_is_cut(query: str, data: st.DataObject) -> None:
    cut = query[: data.draw(st.integers(0, len(query)))]
    for text in (query, cut):
        assert SECRET[:3] not in _without_words(redact_sql(text)), text


def _without_words(text: str) -> str:
    return text.replace("SELECT", "").replace("DATE", "")


@given(st.text(alphabet="'\"$\\eExX0189ab/*- \n&.?é_", max_size=60) | st.text(max_size=60))
@example("E'\\'")
@example("$a$ $b$ $a$")
@settings(deadline=None)
def test_any_text_is_taken_and_twice_is_once(text: str) -> None:
    once = redact_sql(text)
    assert redact_sql(once) == once
    assert "'" not in re.sub(r'"[^"]*"', "", once)


def test_names_keywords_and_parameters_stay() -> None:
    query = 'SELECT a.id2, "Größe 7", b$1 FROM "S"."t 1" a WHERE id = ANY($1) AND x IS NOT NULL'
    assert redact_sql(query) == query


def test_numbers_of_every_spelling_go() -> None:
    for number in ("7", "7.", ".5", "7.5e-3", "1E+10", "0x1F", "0b01", "1_000", "123abc"):
        assert redact_sql(f"SELECT {number}, a") == "SELECT ?, a"
    assert redact_sql("LIMIT 10 OFFSET 5") == "LIMIT ? OFFSET ?"
    assert redact_sql("a-7+8") == "a-?+?"


def test_a_type_before_a_string_stays() -> None:
    assert redact_sql("WHERE d = DATE'2026-01-01'") == "WHERE d = DATE?"


def test_our_own_tag_stays() -> None:
    assert redact_sql("/* column-console */ SELECT 1") == "/* column-console */ SELECT ?"


def test_a_megabyte_is_no_trouble() -> None:
    for piece in ("'", "''", "'\\", "$a", "/*", '"', "e'", "1.", "a'"):
        assert len(redact_sql(piece * 300_000)) <= 1_500_000


_mysql_literal = st.one_of(
    _secret.map(lambda text: "'" + text.replace("'", "''") + "'"),
    _secret.map(lambda text: '"' + text.replace('"', '""') + '"'),
    st.sampled_from(
        [
            f"'{SECRET}\\\\'",
            f"'a\\'{SECRET}'",
            f'"a\\"{SECRET}"',
            f"_utf8mb4'{SECRET}'",
            f"N'{SECRET}'",
            f'"{SECRET}\n{SECRET}"',
        ]
    ),
)
_mysql_other = st.sampled_from(
    [
        "SELECT",
        "`it's`",
        '`a"b`',
        "`a``b`",
        "a$b",
        ",",
        "5--,",  # no comment: those want a space behind
        "-- isn't\n",
        "/* don't */",
        "/* /* */",
        "# it's\n",
        f"# {SECRET}\n",
        f"/*! {SECRET} */",
        f"/*M!100000 '{SECRET}' */",
        "`#`",
        "@a",
    ]
)
_mysql_queries = st.lists(st.tuples(st.one_of(_mysql_literal, _mysql_other), _gap), max_size=12).map(
    lambda pieces: "".join(piece + gap for piece, gap in pieces)
)


@given(_mysql_queries, st.data())
@settings(deadline=None)
def test_no_secret_survives_on_mysql(query: str, data: st.DataObject) -> None:
    cut = query[: data.draw(st.integers(0, len(query)))]
    for text in (query, cut):
        assert SECRET[:3] not in redact_sql(text, "mysql"), text


@given(st.text(alphabet="'\"`$\\#eExX019ab/*!M- \n&.?é_", max_size=60) | st.text(max_size=60))
@settings(deadline=None)
def test_any_text_is_taken_on_mysql_and_twice_is_once(text: str) -> None:
    once = redact_sql(text, "mysql")
    assert redact_sql(once, "mysql") == once
    assert "'" not in re.sub(r"`[^`]*`", "", once)
    assert '"' not in re.sub(r"`[^`]*`", "", once)


def test_what_mysql_reads_otherwise() -> None:
    for query, redacted in (
        ('WHERE status = "secret@example.com" AND `a"b` = 1', 'WHERE status = ? AND `a"b` = ?'),
        ("SELECT 'C:\\\\', a # secret\nFROM t", "SELECT ?, a \nFROM t"),
        ("SELECT 'a\\', secret, 'b'", "SELECT ?"),  # with NO_BACKSLASH_ESCAPES another text than without
        ("SELECT 5--'se\ncret'", "SELECT ?--?"),
        ("/* a /* b */ SELECT 'x' */", "/* a /* b */ SELECT ? */"),
        ("SELECT /*!80000 0xABCDEF */ 1", "SELECT /* ? */ ?"),
    ):
        assert redact_sql(query, "mysql") == redacted
