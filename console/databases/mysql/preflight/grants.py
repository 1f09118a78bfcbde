"""What SHOW GRANTS says, as answers to "may it do this here". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from console.databases.mysql.identifiers import quote

_GRANT = re.compile(
    r"GRANT (?P<rights>.+?) ON (?:TABLE |FUNCTION |PROCEDURE |PACKAGE )?(?P<schema>`(?:[^`]|``)+`|\*)"
    r"\.(?P<table>`(?:[^`]|``)+`|\*) TO ",
    re.DOTALL,
)
_REVOKE = re.compile(r"REVOKE (?P<rights>.+?) ON (?P<schema>`(?:[^`]|``)+`)\.\* FROM ", re.DOTALL)
_NO_STATIC = ("USAGE", "PROXY")


class _Line(NamedTuple):
    rights: frozenset[str]
    schema: str
    """A pattern as LIKE takes it; `*`: everywhere."""
    table: str


class Grants:
    """The rights of a session, by the lines of SHOW GRANTS for its user and the roles that it has."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines: list[_Line] = []
        self._taken: list[_Line] = []
        for line in lines:
            for pattern, target in ((_GRANT, self._lines), (_REVOKE, self._taken)):
                found = pattern.match(line)
                if found:
                    table = found["table"] if pattern is _GRANT else "*"
                    target.append(_Line(_rights(found["rights"]), _name(found["schema"]), _name(table)))

    def everywhere(self, *rights: str) -> bool:
        """Whether it has any of the rights on the whole server.

        >>> grants = Grants(["GRANT SELECT, PROCESS ON *.* TO `a`@`%`", "GRANT ALL PRIVILEGES ON `s`.* TO `a`@`%`"])
        >>> grants.everywhere("PROCESS"), grants.everywhere("SUPER", "CONNECTION_ADMIN"), grants.everywhere("UPDATE")
        (True, False, False)
        """
        return any(line.schema == "*" and _has(line, right) for line in self._lines for right in rights)

    def on(self, schema: str, table: str, right: str) -> bool:
        r"""Whether it has the right on the whole of a table; `table` `*`: on all of the database.

        >>> grants = Grants(["GRANT UPDATE, SELECT (`a`, `b`) ON `s`.`t` TO `a`@`%`", r"GRANT DROP ON `x\_y`.* TO a"])
        >>> [grants.on("s", "t", r) for r in ("UPDATE", "SELECT", "DELETE")], grants.on("x_y", "t", "DROP")
        ([True, False, False], True)
        >>> grants.on("xzy", "t", "DROP")
        False
        """
        if any(_in_schema(line.schema, schema) and _has(line, right) for line in self._taken):
            return any(
                line.schema != "*" and self._covers(line, schema, table, right) for line in self._lines
            )
        return any(self._covers(line, schema, table, right) for line in self._lines)

    @staticmethod
    def _covers(line: _Line, schema: str, table: str, right: str) -> bool:
        return _in_schema(line.schema, schema) and line.table in ("*", table) and _has(line, right)

    def missing(self, schema: str, table: str, rights: Iterable[str]) -> list[str]:
        """Those of the rights that it lacks on a table."""
        return [right for right in rights if not self.on(schema, table, right)]


def _has(line: _Line, right: str) -> bool:
    if right in line.rights:
        return True
    return "ALL PRIVILEGES" in line.rights and right not in _NO_STATIC


def _rights(text: str) -> frozenset[str]:
    """The rights of a line; those on some columns only are left out.

    >>> sorted(_rights("SELECT, INSERT (`a`, `b`), REPLICATION CLIENT"))
    ['REPLICATION CLIENT', 'SELECT']
    """
    whole = re.sub(r"[A-Z_ ]+\((?:[^()`]|`(?:[^`]|``)*`)*\)", "", text)
    return frozenset(part.strip() for part in whole.split(",") if part.strip())


def _name(text: str) -> str:
    return text if text == "*" else text[1:-1].replace("``", "`")


def _in_schema(pattern: str, schema: str) -> bool:
    if pattern == "*":
        return True
    like = ""
    for part in re.findall(r"\\.|.", pattern, re.DOTALL):
        like += {"%": ".*", "_": "."}.get(part, re.escape(part[-1]))
    return re.fullmatch(like, schema, re.DOTALL | re.IGNORECASE) is not None


def account(user: str) -> str:
    """An account as `CURRENT_USER()` gives it, for a GRANT.

    >>> print(account("deploy@10.0.%"))
    `deploy`@`10.0.%`
    """
    name, _, host = user.rpartition("@")
    return f"{quote(name) if name else '``'}@{quote(host)}" if host else quote(user)
