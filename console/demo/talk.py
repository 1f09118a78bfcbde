"""What is said to the demo's world and what it answers: one JSON object a line each, over its unix socket.

{"do": "status"}                      -> {"ok": true, "ready": ..., "progress": ..., "version": ..., "troubles": [...]}
{"do": "hold-lock", "seconds": 60}    -> {"ok": true, "text": "one sentence"}
{"do": "no-such-thing"}               -> {"ok": false, "text": "one sentence"}
{"do": "stop"}                        -> {"ok": true, "text": "..."}, and everything is taken down
"""

from typing import Annotated

import msgspec

SOCKET = "world.sock"
CHANGE_FILE = "change.toml"
LOG = "world.log"
LONGEST_LINE = 65_536
"""Bytes a line may have, both ways."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is asked for. `do` is `status`, `stop` or the name of a trouble."""

    do: str
    on: bool | None = None
    """Begin a trouble (true) or end it (false); left out: the other way round."""
    seconds: Seconds | None = None
    version: str | None = None
    """For `deploy`."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it, in one sentence."""

    ok: bool
    text: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """How far the building is: `done` of `total`, 0 of 0 where it can't be counted."""

    text: str
    done: int = 0
    total: int = 0


class TroubleState(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the trouble menu."""

    name: str
    title: str
    help: str
    active: bool


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The world as it is. Troubles are empty until it is ready."""

    ready: bool
    progress: Step
    version: str
    troubles: list[TroubleState]
    ok: bool = True


class News(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line on the world's standard output while it builds: a step, or how it ended."""

    progress: Step | None = None
    ready: bool = False
    look_around: str = ""
    """Once it is ready: the command that opens the shop in the database's own client."""
    failed: str = ""
    """One sentence; "" unless it failed."""
