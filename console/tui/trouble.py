"""The demo's world as the screen's menu of trouble."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from console.demo.client import ask_async, status_async
from console.demo.errors import DemoError
from console.demo.talk import Request


class DemoTrouble:
    """Talks to the world that listens on a socket. What it can't do it says in `text`, with `ok` false."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def status(self) -> Mapping[str, Any]:
        """What trouble there is, and which of it is going on."""
        try:
            found: dict[str, Any] = msgspec.to_builtins(await status_async(self._socket))
        except DemoError as error:
            return {"ok": False, "text": str(error)}
        return found

    async def do(self, name: str, **args: Any) -> Mapping[str, Any]:
        """Cause it, or end it where it is going on."""
        try:
            done: dict[str, Any] = msgspec.to_builtins(
                await ask_async(self._socket, Request(do=name, **args))
            )
        except DemoError as error:
            return {"ok": False, "text": str(error)}
        return done
