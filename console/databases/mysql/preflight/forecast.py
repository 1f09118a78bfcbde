"""How long the long statements of the plan take, on the primary and then on each replica, by measured constants. Pure.

Measured on a quiet machine of two cores, 2 million rows of 170 bytes: MySQL 9.7 built an index in 8.6 s and rebuilt
the table in 25 to 40 s, MariaDB 10.11 in 5.4 s and 15 to 18 s. A replica replays each for as long again.
"""

from __future__ import annotations

from console.databases.mysql.preflight.look import Look
from console.databases.mysql.routes import choose
from console.plan import Shape

# Rows a second.
_INDEX = {"mysql": 230_000.0, "mariadb": 370_000.0}
_REBUILD = 60_000.0


def index_seconds(look: Look) -> float:
    """Seconds that the indexes of the change take to build, one after the other."""
    return look.facts.rows / _INDEX[look.family.name] * len(look.change.indexes)


def rebuild_seconds(look: Look) -> float:
    """Seconds that a rebuild of the table takes."""
    return look.facts.rows / _REBUILD


def rebuilds_for_not_null(look: Look) -> bool:
    """Whether the plan sets NOT NULL by a rebuild."""
    shape = Shape(instant_value=not look.backfills and look.facts.value_constant, backfill=look.backfills)
    return choose(look.change, look.facts, shape)[0].not_null == "rebuild"


def longest(look: Look) -> tuple[str, float]:
    """The longest statement of the plan in words, and its seconds; 0 where all are instant."""
    long = (
        [("an index build", index_seconds(look) / max(1, len(look.change.indexes)))]
        if look.change.indexes
        else []
    )
    if rebuilds_for_not_null(look):
        long.append(("the rebuild for NOT NULL", rebuild_seconds(look)))
    if not look.facts.instant.possible and look.facts.existing is None:
        long.append(("adding the column", rebuild_seconds(look)))
    return max(long, key=lambda one: one[1], default=("", 0.0))
