"""What a change file may not say, though each of its keys is well-formed; and what it had better not say.

Names that a server would cut, combinations that make no sense, and warnings.
"""

from __future__ import annotations

from console.change import ChangeFile, Kind
from console.config import values
from console.config.nearest import did_you_mean
from console.config.reader import Problems

_LONGEST_NAME = {"postgresql": 63, "mysql": 64, "mariadb": 64}
_LONG_LOCK_TIMEOUT = 10.0  # seconds


def check(file: ChangeFile, problems: Problems) -> None:
    """Notes every problem of the file as a whole."""
    _check_names(file, problems)
    _check_combinations(file, problems)


def warnings(file: ChangeFile) -> tuple[str, ...]:
    """What is allowed in a change file but better not done, one sentence each."""
    found = []
    if any(values.holds_password(url) for url in (file.target.url, *file.target.replicas)):
        ways = "~/.pgpass or PGPASSWORD" if file.target.kind == "postgresql" else "~/.my.cnf or MYSQL_PWD"
        found.append(
            f"{file.path}: an address in [database] holds a password; use password_command, {ways} "
            "instead, so that it stands in no file that is shared"
        )
    if file.limits.lock_timeout > _LONG_LOCK_TIMEOUT:
        found.append(
            f"{file.path}: lock_timeout is {file.limits.lock_timeout:g} s; the application may wait that long "
            "behind a statement that waits for its lock; 1s is usual"
        )
    return tuple(found)


def _check_names(file: ChangeFile, problems: Problems) -> None:
    """A longer name would be cut by the server, and then be another one than the file says."""
    change = file.change
    names: list[tuple[tuple[str | int, ...], str]] = [
        (("change", "column"), change.column),
        (("change", "table"), change.table.name),
        (("change", "table"), change.table.schema or ""),
        *((("indexes", number, "name"), index.name) for number, index in enumerate(change.indexes)),
    ]
    for path, name in names:
        if _length(name, file.target.kind) > _LONGEST_NAME[file.target.kind]:
            unit = "bytes" if file.target.kind == "postgresql" else "characters"
            longest = _LONGEST_NAME[file.target.kind]
            problems.add(path, f"the name '{name[:20]}...' is longer than {longest} {unit}; shorten it")


def _length(name: str, kind: Kind) -> int:
    return len(name.encode()) if kind == "postgresql" else len(name)


def _check_combinations(file: ChangeFile, problems: Problems) -> None:
    change = file.change
    if not change.nullable and change.backfill is None and change.default is None:
        problems.add(
            ("change", "nullable"),
            "'nullable = false' needs a value for the rows; add [backfill] with a value, or a default",
        )
    if change.not_null != "auto":
        _check_not_null(file, problems)
    _check_indexes(file, problems)
    reference = change.reference
    if reference is None:
        return
    if reference.on_delete == "set null" and not change.nullable:
        problems.add(
            ("references", "on_delete"),
            "'on_delete' can't be \"set null\" while the column has nullable = false; choose another of the two",
        )
    if reference.on_delete == "set default" and change.default is None:
        problems.add(
            ("references", "on_delete"),
            "'on_delete' can't be \"set default\" without a default; add one to [change]",
        )
    if reference.on_delete == "set default" and file.target.kind != "postgresql":
        problems.add(
            ("references", "on_delete"),
            f"'on_delete' can't be \"set default\" on {file.target.kind}; InnoDB refuses it",
        )


def _check_not_null(file: ChangeFile, problems: Problems) -> None:
    if file.target.kind == "postgresql":
        problems.add(
            ("change", "not_null"),
            "'not_null' works on MySQL and MariaDB only; PostgreSQL sets NOT NULL without blocking: leave it out",
        )
    elif file.change.nullable:
        problems.add(
            ("change", "not_null"),
            "'not_null' says how NOT NULL is reached, but 'nullable' is true; write nullable = false, or leave "
            "'not_null' out",
        )


def _check_indexes(file: ChangeFile, problems: Problems) -> None:
    column = file.change.column
    seen: set[str] = set()
    for number, index in enumerate(file.change.indexes):
        path = ("indexes", number)
        if index.name and index.name in seen:
            problems.add((*path, "name"), f"two indexes are called '{index.name}'; give each its own name")
        seen.add(index.name)
        if len(set(index.columns)) < len(index.columns):
            problems.add((*path, "columns"), f"index '{index.name}' names a column twice; name each once")
        if index.where and file.target.kind != "postgresql":
            problems.add(
                (*path, "where"),
                f"'where' of index '{index.name}' works on PostgreSQL only; leave it out on {file.target.kind}",
            )
        if column and index.columns and column not in index.columns and column not in (index.where or ""):
            near = did_you_mean(column, index.columns) and f"; is '{column}' misspelt there?"
            problems.add(
                (*path, "columns"),
                f"index '{index.name}' does not use the new column '{column}'{near or '; name it, or leave it out'}",
            )
