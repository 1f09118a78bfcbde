"""Errors that a real server raises become the contract's classes, each with one clean sentence."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from console.databases import base
from console.databases.postgresql.errors import translate
from tests.servers.database import Database


def error_of(database: Database, *statements: str, role: str = "deploy") -> psycopg.Error:
    """What the last statement raises; the others run before it, in the same session."""
    with database.connect(role) as connection:
        for statement in statements[:-1]:
            connection.execute(statement.encode())
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(statements[-1].encode())
    return caught.value


@pytest.fixture
def table(database: Database) -> Database:
    database.run(
        "CREATE TYPE mood AS ENUM ('glad');"
        "CREATE TABLE t (id int PRIMARY KEY, word varchar(3), n int CHECK (n > 0), need int NOT NULL DEFAULT 1);"
        "INSERT INTO t VALUES (1, 'abc', 1), (2, 'def', 2);"
        "CREATE FUNCTION angry() RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'row % is wrong', 7 USING HINT = 'mend it'; END $$"
    )
    return database


@pytest.mark.parametrize(
    ("statement", "kind", "part"),
    [
        ("SELECT 1 / (id - id) FROM t", base.BadRow, "division by zero"),
        ("SELECT 'secret-value'::date", base.BadRow, 'type date: "…"'),
        ("UPDATE t SET word = 'abcd'", base.BadRow, "too long for type"),
        ("UPDATE t SET n = -5", base.BadRow, 'violates check constraint "t_n_check"'),
        ("UPDATE t SET need = NULL", base.BadRow, "not-null constraint"),
        ("INSERT INTO t VALUES (1)", base.BadRow, "duplicate key value"),
        ("UPDATE t SET n = (SELECT id FROM t)", base.BadRow, "more than one row"),
        ("SELECT angry()", base.BadRow, "row 7 is wrong"),
        ("SELECT nope FROM t", base.BadExpression, 'column "nope" does not exist'),
        ("SELECT nope(1)", base.BadExpression, "function nope(integer) does not exist"),
        ("SELECT FROM WHERE", base.BadExpression, "syntax error"),
        ("SELECT 1 + true", base.BadExpression, "operator does not exist"),
        ("SELECT 1::nope", base.BadExpression, 'type "nope" does not exist'),
        ("SELECT 1::date", base.BadExpression, "cannot cast"),
        ("SELECT FROM nope", base.NotFound, 'relation "nope" does not exist'),
        ("CREATE TABLE nope.t (id int)", base.NotFound, 'schema "nope" does not exist'),
        ("ALTER TABLE t ADD COLUMN n int", base.Refused, "already exists"),
        ("CREATE ROLE x", base.Refused, "permission denied"),
        ("CREATE INDEX CONCURRENTLY ON pg_class (oid)", base.Refused, "must be owner"),
    ],
)
def test_statement(table: Database, statement: str, kind: type[base.DatabaseError], part: str) -> None:
    error = translate(error_of(table, statement), "step 1")
    assert type(error) is kind
    assert error.text.startswith("step 1: ")
    assert part in error.text
    assert "\n" not in str(error)
    assert "secret-value" not in str(error)
    assert not error.text.endswith(".")


def test_server_s_hint_is_the_mend(table: Database) -> None:
    assert "explicit type casts" in translate(error_of(table, "SELECT nope(1)"), "x").remedy
    assert translate(error_of(table, "CREATE ROLE x"), "x").remedy


def test_values_of_rows_stay_out_unless_asked_for(table: Database) -> None:
    duplicate = error_of(table, "INSERT INTO t VALUES (2)")
    assert "(id)=(2)" not in str(translate(duplicate, "x"))
    assert "(id)=(2)" in translate(duplicate, "x", show_values=True).text
    cast = error_of(table, "SELECT 'secret-value'::int")
    assert '"secret-value"' in translate(cast, "x", show_values=True).text


def test_read_only_server_says_so(table: Database) -> None:
    error = translate(
        error_of(table, "SET default_transaction_read_only = on", "UPDATE t SET n = 3"), "batch"
    )
    assert type(error) is base.Refused
    assert "standby" in error.remedy


def test_lock_timeout(table: Database) -> None:
    with table.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE t")
        waiting = error_of(table, "SET lock_timeout = '50ms'", "SELECT FROM t")
        impatient = error_of(table, "BEGIN", "LOCK TABLE t NOWAIT")
    assert type(translate(waiting, "x")) is base.LockTimeout
    assert type(translate(impatient, "x")) is base.LockTimeout


def test_statement_timeout_and_cancel_are_told_apart(table: Database) -> None:
    timed_out = error_of(table, "SET statement_timeout = '50ms'", "SELECT pg_sleep(20)")
    assert type(translate(timed_out, "x")) is base.StatementTimeout
    with table.connect() as victim, table.connect() as other:
        other.execute("SELECT pg_sleep(0)")
        victim.execute("CREATE TEMP TABLE mine (pid int)")
        with pytest.raises(psycopg.Error) as caught:
            victim.execute("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(20)")
    assert type(translate(caught.value, "x")) is base.Cancelled


def test_where_the_server_speaks_another_language_our_own_clock_tells() -> None:
    error = psycopg.errors.QueryCanceled("storniere Anfrage wegen Zeitüberschreitung der Anfrage")
    assert type(translate(error, "x", elapsed=2.01, timeout=2.0)) is base.StatementTimeout
    assert type(translate(error, "x", elapsed=0.4, timeout=2.0)) is base.Cancelled
    assert type(translate(error, "x", elapsed=9.0, timeout=0.0)) is base.Cancelled
    assert type(translate(error, "x")) is base.Cancelled


async def test_deadlock_and_serialization_failure_are_tried_again(table: Database) -> None:
    async with (
        await psycopg.AsyncConnection.connect(table.url()) as one,
        await psycopg.AsyncConnection.connect(table.url()) as two,
    ):
        await one.execute("UPDATE t SET n = 5 WHERE id = 1")
        await two.execute("UPDATE t SET n = 5 WHERE id = 2")
        results = await asyncio.gather(
            one.execute("UPDATE t SET n = 6 WHERE id = 2"),
            two.execute("UPDATE t SET n = 6 WHERE id = 1"),
            return_exceptions=True,
        )
        failed = [result for result in results if isinstance(result, psycopg.Error)]
        assert [type(translate(error, "x")) for error in failed] == [base.Retry]
        await one.rollback()
        await two.rollback()
        await one.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await one.execute("SELECT FROM t")
        await two.execute("UPDATE t SET n = 7")
        await two.commit()
        with pytest.raises(psycopg.Error) as caught:
            await one.execute("UPDATE t SET n = 8")
    assert type(translate(caught.value, "x")) is base.Retry


def test_lost_connection(table: Database) -> None:
    with table.connect() as connection:
        with pytest.raises(psycopg.Error) as ended:
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        with pytest.raises(psycopg.Error) as after:
            connection.execute("SELECT 1")
    assert type(translate(ended.value, "x")) is base.ConnectionLost
    assert type(translate(after.value, "x")) is base.ConnectionLost


def test_messages_become_one_harmless_line(table: Database) -> None:
    error = error_of(table, "DO $$ BEGIN RAISE EXCEPTION E'one\\ntwo\\x1b[31m %', repeat('x', 1000); END $$")
    text = translate(error, "x").text
    assert text.startswith("x: one two␛[31m xxx")
    assert len(text) < 320
