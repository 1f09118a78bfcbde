"""What batches have in common on every database: how the cursor moves, how long one may take, which keys fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from console.change import Change, Limits
from console.databases.base import Cursor, Filled, KeyValue
from console.facts import TableFacts

AGAIN = "backfill-again"
"""The phase that repairs."""
SKIP_TRIES = 20
"""How often a batch that goes round locked rows comes back for them."""
SKIP_PAUSE = 0.02
DIFFERENCES_LISTED = 20


def repairs(change: Change, facts: TableFacts) -> bool:
    """Whether the second walk sets right what differs from the expression.

    Not a volatile value, which differs whenever it is computed; nor where the application writes the column: it may
    have its reasons, and `verify` shows them to the operator.
    """
    return not facts.value_volatile and change.backfill is not None and change.backfill.sync != "application"


def longest_batch(limits: Limits) -> float:
    """Seconds after which a batch is given up, to be split: twenty times its aim, and at least 2 s."""
    return max(2.0, limits.batch_time * 20)


def moved(cursor: Cursor, upto: KeyValue, rows: int, scanned: int) -> Filled:
    """A batch that filled `rows` of the `scanned` rows up to a key, with the cursor behind it."""
    return Filled(
        rows=rows,
        scanned=scanned,
        cursor=msgspec.structs.replace(
            cursor,
            after=upto,
            rows=cursor.rows + rows,
            scanned=cursor.scanned + scanned,
            batches=cursor.batches + 1,
        ),
    )


def done_item(item: str) -> str:
    """Where the names of the pieces are kept that a walk has done."""
    return f"{item} pieces"


def next_piece(cursor: Cursor, pieces: Sequence[str], kept: str | bytes) -> tuple[bytes, Filled]:
    """The end of a piece: the done ones, to be kept by name, since partitions come and go; and what comes next.

    `kept` is what was kept of the ones done before. The cursor stands before the first key of a piece that is not
    done, or is finished where there is none.

    >>> done, filled = next_piece(Cursor(piece="p0", after=("7",)), ["p0", "p1"], "")
    >>> done, filled.cursor.piece, filled.cursor.after, filled.cursor.finished
    (b'["p0"]', 'p1', None, False)
    >>> done, filled = next_piece(filled.cursor, ["p0", "p1"], done)
    >>> done, filled.cursor.finished
    (b'["p0","p1"]', True)
    """
    before = msgspec.json.decode(kept, type=list[str]) if kept else []
    done = [name for name in (*before, cursor.piece) if name]
    ahead = next((name for name in pieces if name not in done), "")
    moved_on = msgspec.structs.replace(cursor, piece=ahead, after=None, upto=None, finished=not ahead)
    return msgspec.json.encode(done), Filled(rows=0, scanned=0, cursor=moved_on)


async def failing(
    keys: Sequence[KeyValue], error_in: Callable[[int, int], Awaitable[str]], limit: int
) -> tuple[tuple[KeyValue, str], ...]:
    """Up to `limit` keys whose value fails, each with its error, found by halving.

    `error_in(first, last)`: the error of the rows of `keys[first]` to `keys[last]`, empty where there is none.
    """
    found: list[tuple[KeyValue, str]] = []

    async def halve(first: int, last: int) -> None:
        if len(found) >= limit:
            return
        error = await error_in(first, last)
        if not error:
            return
        if first == last:
            found.append((keys[first], error))
            return
        middle = (first + last) // 2
        await halve(first, middle)
        await halve(middle + 1, last)

    if keys:
        await halve(0, len(keys) - 1)
    return tuple(found)
