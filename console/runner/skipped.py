"""The rows that the operator chose to leave out, kept in the target database beside the cursor."""

from __future__ import annotations

import msgspec

from console.databases.base import KeyValue
from console.runner.stage import Stage

ITEM = "skipped"


async def load(stage: Stage) -> tuple[KeyValue, ...]:
    """The keys left out so far."""
    stored = await stage.steady(lambda: stage.worker.load(ITEM))
    return msgspec.json.decode(stored, type=tuple[KeyValue, ...]) if stored else ()


async def store(stage: Stage, keys: tuple[KeyValue, ...]) -> None:
    """Keeps the keys, committed on return."""
    await stage.steady(lambda: stage.worker.store(ITEM, msgspec.json.encode(keys)))
