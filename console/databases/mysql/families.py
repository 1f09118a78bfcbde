"""MySQL and MariaDB, and their versions: everything in which they differ, in this one place. Pure.

What stands here was seen on MySQL 9.7 and MariaDB 10.11 and 11.8; what is said of other versions is from their
manuals. The family is recognised from the server's own `VERSION()`, never from the URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from console.change import Frozen

FamilyName = Literal["mysql", "mariadb"]

_VERSION = re.compile(r"(?:5\.5\.5-)?(\d+)\.(\d+)(?:\.(\d+))?")
_INTEGER_WIDTH = re.compile(r"\b((?:tiny|small|medium|big)?int|year)\(\d+\)")

# New name -> the name that MariaDB, and MySQL before 8.0.22, still use.
_OLD_NAMES = (("Replica", "Slave"), ("Source", "Master"))


class Family(Frozen, frozen=True):
    """A server's family and version, and what follows from them.

    >>> old, new, maria = (Family.of(v) for v in ("8.0.36", "9.7.4", "5.5.5-10.11.18-MariaDB-0+deb12u1-log"))
    >>> old.number, new.number, maria.number, maria.name, str(maria)
    (80036, 90704, 101118, 'mariadb', 'MariaDB 10.11.18')
    >>> old.row_versions, new.row_versions, maria.row_versions
    (64, 255, None)
    >>> old.isolation_variable, maria.isolation_variable
    ('transaction_isolation', 'tx_isolation')
    """

    name: FamilyName
    version: str
    """As people write it: `10.11.18`."""
    number: int
    """Comparable: 80036 is MySQL 8.0.36, 101118 is MariaDB 10.11.18."""

    @classmethod
    def of(cls, version: str) -> Family:
        """The family of the server whose `VERSION()` this is. Raises ValueError where it is no version."""
        match = _VERSION.match(version)
        if match is None:
            raise ValueError(f"{version!r} is no version of MySQL or MariaDB")
        major, minor, patch = (int(part or 0) for part in match.groups())
        return cls(
            name="mariadb" if "mariadb" in version.lower() else "mysql",
            version=f"{major}.{minor}.{patch}",
            number=major * 10000 + minor * 100 + patch,
        )

    def __str__(self) -> str:
        return f"{'MariaDB' if self.mariadb else 'MySQL'} {self.version}"

    @property
    def mariadb(self) -> bool:
        """Whether this is MariaDB."""
        return self.name == "mariadb"

    # -- Names of statements and variables

    @property
    def replica_status(self) -> str:
        """The statement that shows this server's own replication, one row for each source."""
        if self.mariadb:
            return "SHOW ALL REPLICAS STATUS" if self.number >= 100501 else "SHOW ALL SLAVES STATUS"
        return "SHOW REPLICA STATUS" if self.number >= 80022 else "SHOW SLAVE STATUS"

    @property
    def binlog_status(self) -> str:
        """The statement that shows the position of this server's own binary log."""
        if self.mariadb:
            return "SHOW BINLOG STATUS" if self.number >= 100502 else "SHOW MASTER STATUS"
        return "SHOW BINARY LOG STATUS" if self.number >= 80200 else "SHOW MASTER STATUS"

    @property
    def replicas(self) -> str:
        """The statement that lists the replicas that have told their name."""
        if self.mariadb:
            return "SHOW REPLICA HOSTS" if self.number >= 100501 else "SHOW SLAVE HOSTS"
        return "SHOW REPLICAS" if self.number >= 80022 else "SHOW SLAVE HOSTS"

    @property
    def isolation_variable(self) -> str:
        """The system variable of the isolation level."""
        new = 110101 if self.mariadb else 50720
        return "transaction_isolation" if self.number >= new else "tx_isolation"

    @property
    def parallel_variable(self) -> str:
        """The system variable of a replica's parallel appliers."""
        if self.mariadb:
            return "slave_parallel_threads"
        return "replica_parallel_workers" if self.number >= 80026 else "slave_parallel_workers"

    @property
    def gtid_variable(self) -> str:
        """The system variable of the transactions that this server has, as a GTID set or position."""
        return "gtid_binlog_pos" if self.mariadb else "gtid_executed"

    def replication_column(self, row: Mapping[str, Any], name: str) -> Any:
        """A column of a row of `replica_status`, by its new name whatever it is called here; None where it lacks.

        >>> Family.of("10.11.2-MariaDB").replication_column({"Seconds_Behind_Master": 3}, "Seconds_Behind_Source")
        3
        """
        if name in row:
            return row[name]
        for new, old in _OLD_NAMES:
            name = name.replace(new, old)
        return row.get(name)

    # -- Instant DDL

    @property
    def instant(self) -> bool:
        """Whether columns can be added with ALGORITHM=INSTANT at all (MySQL 8.0.12, MariaDB 10.3.2)."""
        return self.number >= (100302 if self.mariadb else 80012)

    @property
    def instant_drop(self) -> bool:
        """Whether columns can be dropped with ALGORITHM=INSTANT (MySQL 8.0.29, MariaDB 10.4)."""
        return self.number >= (100400 if self.mariadb else 80029)

    @property
    def row_versions(self) -> int | None:
        """Instant additions and drops that a table bears until it is rebuilt; None: no limit."""
        if self.mariadb or self.number < 80029:
            return None
        return 255 if self.number >= 90100 else 64

    @property
    def instant_expressions(self) -> bool:
        """Whether a column with an expression as default can be added instantly (a literal always can)."""
        return self.mariadb

    @property
    def text_defaults(self) -> bool:
        """Whether TEXT, BLOB and JSON take a literal default."""
        return self.mariadb

    @property
    def build(self) -> str:
        """How an index is added online, as the end of the ALTER TABLE."""
        return "ALGORITHM=NOCOPY, LOCK=NONE" if self.mariadb else "ALGORITHM=INPLACE, LOCK=NONE"

    @property
    def foreign_key(self) -> str:
        """How a foreign key is added without a copy of the table, while foreign_key_checks = 0."""
        return "ALGORITHM=NOCOPY" if self.mariadb else "ALGORITHM=INPLACE, LOCK=NONE"

    @property
    def alter_two_phase(self) -> bool:
        """Whether replicas can run a long ALTER at the same time as the primary (binlog_alter_two_phase)."""
        return self.mariadb and self.number >= 100801

    # -- Row locks

    @property
    def update_nowait(self) -> bool:
        """Whether an UPDATE itself can be kept from waiting for rows; MySQL needs a SELECT that locks them before."""
        return self.mariadb

    # -- Timeouts

    def statement_limit(self, seconds: float) -> str:
        """The assignment for `SET SESSION` that limits a reading statement to `seconds`; 0: no limit.

        >>> print(Family.of("9.7.4").statement_limit(0.5), Family.of("11.8.6-MariaDB").statement_limit(0.5))
        max_execution_time = 500 max_statement_time = 0.500
        """
        if self.mariadb:
            return f"max_statement_time = {seconds:.3f}"
        return f"max_execution_time = {seconds * 1000:.0f}"

    # -- The catalog's spelling

    def type_text(self, column_type: str) -> str:
        """A COLUMN_TYPE without the display width that MariaDB still shows; `tinyint(1)` keeps it on both.

        >>> maria = Family.of("10.11.2-MariaDB")
        >>> [maria.type_text(t) for t in ("int(11)", "bigint(20) unsigned", "tinyint(1)", "varchar(20)", "year(4)")]
        ['int', 'bigint unsigned', 'tinyint(1)', 'varchar(20)', 'year']
        """
        if column_type.startswith("tinyint(1)"):
            return column_type
        return _INTEGER_WIDTH.sub(r"\1", column_type)

    def default_text(self, column_default: str | None) -> str | None:
        """A COLUMN_DEFAULT; MariaDB quotes literals, and spells the absence of a default as NULL.

        >>> maria = Family.of("10.11.2-MariaDB")
        >>> [maria.default_text(d) for d in ("'it''s'", "5", "NULL", "current_timestamp()", None)]
        ["it's", '5', None, 'current_timestamp()', None]
        """
        if not self.mariadb or column_default is None:
            return column_default
        if column_default == "NULL":
            return None
        if column_default.startswith("'") and column_default.endswith("'"):
            return column_default[1:-1].replace("''", "'")
        return column_default
