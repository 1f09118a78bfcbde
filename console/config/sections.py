"""The keys of a change file, table by table, and the objects they become."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.change import (
    Advance,
    Backfill,
    Change,
    ChangeFile,
    Index,
    Kind,
    Limits,
    NotNull,
    OnDelete,
    Order,
    Reference,
    SessionRules,
    Sync,
    TableName,
    Target,
)
from console.config import values
from console.config.checks import check
from console.config.lines import key_lines
from console.config.nearest import did_you_mean
from console.config.reader import ConfigError, Problems, Section

KEYS: Mapping[str, tuple[str, ...]] = {
    "database": ("url", "replicas", "password_command"),
    "change": ("table", "column", "type", "nullable", "not_null", "default", "comment"),
    "backfill": ("value", "sync", "order", "vacuum"),
    "indexes": ("name", "columns", "unique", "where"),
    "references": ("table", "column", "on_delete"),
    "limits": (
        "replication_lag",
        "lock_timeout",
        "lock_queue",
        "lock_retries",
        "batch_time",
        "rows_per_second",
        "running_queries",
        "workers",
        "window",
    ),
    "session": (
        "advance",
        "on_disconnect",
        "controllers",
        "observers",
        "observers_may_pause",
        "group",
        "two_person",
        "approval_time",
        "record_literals",
    ),
}
"""Every table of a change file with its keys."""

_MISPLACED = {
    key: f"[[{table}]]" if table == "indexes" else f"[{table}]" for table in KEYS for key in KEYS[table]
}
_LONGEST_FILE = 1_000_000  # bytes; a change file has about two thousand


def load(path: str | os.PathLike[str]) -> ChangeFile:
    """The change file at `path`. Raises `ConfigError`, also where the file can't be read."""
    name = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LONGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigError(
            [f"{name}: there is no such file; sample_config.toml shows how to write one"]
        ) from None
    except IsADirectoryError:
        raise ConfigError([f"{name}: this is a directory; name the change file itself"]) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            [f"{name}: the file can't be read ({reason.lower()}); see who may read it"]
        ) from None
    if len(data) > _LONGEST_FILE:
        raise ConfigError(
            [f"{name}: the file is larger than 1 MB, so it is no change file; name the right one"]
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{name}, line {line}: the file is not UTF-8; save it as UTF-8"]) from None
    return parse(text, name)


def parse(text: str, path: str) -> ChangeFile:
    """The change file whose text is `text`; `path` names it in messages. Raises `ConfigError`."""
    try:
        document = tomllib.loads(text)
    except ValueError as error:  # also numbers that are too long for Python
        raise ConfigError([_syntax(path, str(error))]) from None
    except RecursionError:
        raise ConfigError([f"{path}: brackets are nested too deeply for a change file"]) from None
    if not document:
        raise ConfigError([f"{path}: the file is empty; sample_config.toml shows what belongs in it"])
    problems = Problems(path, key_lines(text))
    tables = _tables(document, problems)
    target = _target(tables["database"])
    change = _change(document, tables, problems)
    file = ChangeFile(
        path=path,
        target=target,
        change=change,
        limits=_limits(tables["limits"]),
        session=_session(tables["session"]),
    )
    check(file, problems)
    problems.check()
    return file


def _syntax(path: str, message: str) -> str:
    """What `tomllib` says, with the line in front."""
    match = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    said, line, column = match.groups() if match else (message, None, None)
    where = f"{path}, line {line}, column {column}" if line else f"{path}, at its end"
    return f"{where}: this is not valid TOML: {said[:1].lower()}{said[1:]}"


def _tables(document: Mapping[str, Any], problems: Problems) -> dict[str, Section]:
    """The single tables of the file, empty where they are missing."""
    for name in document:
        if name not in KEYS:
            if name in _MISPLACED:
                hint = f"; it belongs in {_MISPLACED[name]}"
            else:
                hint = did_you_mean(name, KEYS) or "; the tables are " + ", ".join(
                    f"[{table}]" for table in KEYS
                )
            what = "table" if isinstance(document[name], dict) else "key"
            problems.add((name,), f"unknown {what} '{name}'{hint}")
    found = {}
    for name in KEYS:
        if name != "indexes":
            table = document.get(name, {})
            if not isinstance(table, dict):
                problems.add((name,), f"'{name}' must be a table; begin it with a line [{name}]")
                table = {}
            found[name] = Section(problems, (name,), f"[{name}]", table)
            found[name].check_keys(KEYS[name], _MISPLACED)
    return found


def _target(database: Section) -> Target:
    url = database.text("url", example='"postgresql://deploy@db1.internal/shop"')
    kind: Kind = "postgresql"
    if url:
        kind = database.read("url", values.database_kind, kind)
    replicas = database.texts("replicas", ())
    for replica in replicas:
        try:
            same_family = (values.database_kind(replica) == "postgresql") == (kind == "postgresql")
        except ValueError as error:
            database.problem("replicas", f"an entry of 'replicas' in [database] {error}")
        else:
            if not same_family:
                database.problem(
                    "replicas", f"an entry of 'replicas' in [database] is no {kind} server, as 'url' is"
                )
    return Target(
        kind=kind, url=url, replicas=replicas, password_command=database.optional_text("password_command")
    )


def _change(document: Mapping[str, Any], tables: Mapping[str, Section], problems: Problems) -> Change:
    change = tables["change"]
    change.text("table", example='"public.orders"')
    return Change(
        table=change.read("table", values.table_name, TableName(None, "")),
        column=change.text("column", example='"placed_on"'),
        type=change.text("type", example='"date"'),
        nullable=change.flag("nullable", True),
        not_null=change.choice("not_null", NotNull, "auto"),
        default=change.optional_text("default"),
        comment=change.optional_text("comment"),
        backfill=_backfill(tables["backfill"]) if "backfill" in document else None,
        indexes=_indexes(document.get("indexes", []), problems),
        reference=_reference(tables["references"]) if "references" in document else None,
    )


def _backfill(backfill: Section) -> Backfill:
    if "value" not in backfill:
        backfill.problem(
            "value",
            "[backfill] has no 'value', the SQL that fills existing rows; add it, or leave the whole table "
            "[backfill] out and existing rows stay NULL",
        )
    return Backfill(
        value=backfill.optional_text("value") or "",
        sync=backfill.choice("sync", Sync, "trigger"),
        order=backfill.choice("order", Order, "writes-first"),
        vacuum=backfill.flag("vacuum", True),
    )


def _indexes(entries: Any, problems: Problems) -> tuple[Index, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.add(("indexes",), "'indexes' must be a list of tables; begin each with a line [[indexes]]")
        return ()
    found = []
    for number, entry in enumerate(entries):
        index = Section(problems, ("indexes", number), "[[indexes]]", entry)
        index.check_keys(KEYS["indexes"], _MISPLACED)
        name = index.text("name", example='"orders_placed_on_idx"')
        columns = index.texts("columns", ())
        if "columns" not in index:
            index.problem(
                "columns", "[[indexes]] has no 'columns'; add for example columns = [\"placed_on\"]"
            )
        elif entry["columns"] == []:
            index.problem(
                "columns", f"'columns' of index '{name}' is an empty list; name at least one column"
            )
        found.append(
            Index(
                name=name,
                columns=columns,
                unique=index.flag("unique", False),
                where=index.optional_text("where"),
            )
        )
    return tuple(found)


def _reference(references: Section) -> Reference:
    references.text("table", example='"public.days"')
    return Reference(
        table=references.read("table", values.table_name, TableName(None, "")),
        column=references.text("column", example='"day"'),
        on_delete=references.choice("on_delete", OnDelete, "no action"),
    )


def _limits(limits: Section) -> Limits:
    usual = Limits()
    workers = limits.whole("workers", usual.workers, least=1)
    if workers > 1:
        limits.problem(
            "workers", f"'workers' in [limits] is {workers}; this version runs one worker: write 1"
        )
    return Limits(
        replication_lag=limits.read("replication_lag", _above_zero, usual.replication_lag),
        lock_timeout=limits.read("lock_timeout", _above_zero, usual.lock_timeout),
        lock_queue=limits.whole("lock_queue", usual.lock_queue, least=0),
        lock_retries=limits.whole("lock_retries", usual.lock_retries, least=1),
        batch_time=limits.read("batch_time", _above_zero, usual.batch_time),
        rows_per_second=limits.number("rows_per_second", usual.rows_per_second),
        running_queries=limits.whole("running_queries", usual.running_queries, least=0),
        workers=workers,
        window=limits.read("window", values.window, None),
    )


def _session(session: Section) -> SessionRules:
    usual = SessionRules()
    rules = SessionRules(
        advance=session.choice("advance", Advance, usual.advance),
        on_disconnect=session.read("on_disconnect", _on_disconnect, usual.on_disconnect),
        controllers=session.texts("controllers", usual.controllers),
        observers=session.texts("observers", usual.observers),
        observers_may_pause=session.flag("observers_may_pause", usual.observers_may_pause),
        group=session.text_or_nothing("group"),
        two_person=session.flag("two_person", usual.two_person),
        approval_time=session.read("approval_time", _above_zero, usual.approval_time),
        record_literals=session.flag("record_literals", usual.record_literals),
    )
    if rules.two_person and "*" not in rules.controllers and len(set(rules.controllers)) < 2:
        session.problem(
            "two_person",
            "'two_person' in [session] needs a second operator; name two or more in 'controllers', or write "
            "two_person = false",
        )
    elif rules.two_person and not rules.group and "root" not in rules.controllers:
        session.problem(
            "two_person",
            "'two_person' in [session] needs a way in for the second operator; name a system group that both are in, "
            'for example group = "dba", or write two_person = false',
        )
    return rules


def _above_zero(text: str) -> float:
    seconds = values.duration(text)
    if seconds < 0.001:
        raise ValueError(f'is "{text}"; it must be at least 1ms')
    return seconds


def _on_disconnect(text: str) -> str:
    """`continue`, `pause` or `pause after DURATION`, with single spaces."""
    words = text.split()
    if words in (["continue"], ["pause"]):
        return words[0]
    if words[:2] == ["pause", "after"] and len(words) > 2:
        return f"pause after {_checked(' '.join(words[2:]))}"
    near = did_you_mean(text, ("continue", "pause"))
    raise ValueError(f'can\'t be "{text}"{near or "; write continue, pause, or pause after 10m"}')


def _checked(text: str) -> str:
    _above_zero(text)
    return text
