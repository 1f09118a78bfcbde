"""A clock that the test moves, and what comes from a stream of events: for the tests of the player."""

import asyncio
from collections.abc import AsyncIterator

from console.events import Event


class Clock:
    """A monotonic clock by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def take(stream: AsyncIterator[Event], count: int) -> list[Event]:
    return [await asyncio.wait_for(anext(stream), 5) for _ in range(count)]
