"""What a database fulfils where it lets us write into its own log, beyond `base.Database`: not each does."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class ServerLog(Protocol):
    """A database that lets us write into its own log, which others keep and we can't change afterwards."""

    async def write_log(self, text: str) -> None:
        """Writes one line. Raises DatabaseError."""
        ...
