"""Events as lines of JSON, and what can be asked of a runner."""

from __future__ import annotations

from typing import Any

import msgspec

from console.events.kinds import AnyEvent, Event, Log


class Ask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An action asked of a runner, over its socket. Idempotent by `id`."""

    id: str
    action: str
    arguments: tuple[str, ...] = ()
    reason: str = ""
    phase: str = ""
    """The phase that the asker saw; refused where it has moved on. Empty: whatever runs."""
    seq: int = 0
    """The last event that the asker saw."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    r"""One line of JSON, without its newline.

    >>> encode(Log(t=1.5, s=3, level="info", text="a\nb"))
    b'{"kind":"log","level":"info","text":"a\\nb","t":1.5,"s":3}'
    """
    return _encoder.encode(event)


def decode(line: bytes | str) -> Event:
    """The event on a line.

    A kind that this version does not know becomes a `Log` line that names it, so that an older reader can
    follow a newer runner. Raises `msgspec.DecodeError` where the line is no event at all.

    >>> decode('{"kind":"log","t":1.5,"s":3,"level":"info","text":"hello"}').text
    'hello'
    >>> decode('{"kind":"eclipse","t":2.0,"s":4,"of":"sun"}').text
    'eclipse: {"of": "sun"} (a kind of event that this version does not know)'
    """
    try:
        event: Event = _decoder.decode(line)
        return event
    except msgspec.ValidationError:
        raw: Any = msgspec.json.decode(line)
        if not isinstance(raw, dict) or not isinstance(raw.get("kind"), str) or raw["kind"] in KINDS:
            raise
        kind, t, s = raw.pop("kind"), raw.pop("t", 0.0), raw.pop("s", 0)
        body = msgspec.json.format(msgspec.json.encode(raw), indent=0).decode().replace("\n", " ")[:500]
        text = f"{kind}: {body} (a kind of event that this version does not know)"
        return Log(t=float(t), s=int(s), level="info", text=text)


KINDS: frozenset[str] = frozenset(
    str(cls.__struct_config__.tag) for cls in AnyEvent.__args__ if cls.__struct_config__.tag
)
