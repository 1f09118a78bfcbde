"""The chain of a recording: each line bears a link, which is a hash of the line and of the link before it.

A line ends in `,"h":"LINK"}`. Its link is the first 12 bytes, in URL-safe base64, of the SHA-256 of the link before
it and the line up to that field. The link before the first line is empty; where an older version, which made no
links, began the file, it is the link of all those bytes. So a line that is changed, taken out, put in or moved shows,
and those behind it can be judged again. What it can't show, `docs/recording.md` says.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from console.recording.problems import UNREADABLE, Problem
from console.words import plural

LINK = 16
"""Characters of a link: 96 bits, so that nobody finds another line for a link that stands."""
_FIELD = b',"h":"'
_END = len(_FIELD) + LINK + 2
FIRST_WITH_CHAIN = 2
"""The first format whose lines are chained."""
NAMED = 20
"""Breaks that are told one by one."""
_BROKEN = (
    "does not follow from the line before it: one of the two was changed, or lines between them are gone"
)


class Chain(msgspec.Struct, frozen=True):
    """Whether a recording is what was written, as far as it can tell by itself."""

    state: Literal["whole", "torn", "broken", "none"]
    """`torn`: whole, but for a last line that was cut off while it was written, as a kill does; `none`: all of it was
    written by a version that made no chain."""
    lines: int
    """Whole lines in the file."""
    unchained: int
    """Lines at the beginning that an older version wrote, judged as one piece, if at all."""
    breaks: tuple[Problem, ...]
    """Where it does not hold: the first `NAMED` of `broken` places."""
    broken: int
    """How many places there are where it does not hold."""
    head: str
    """The last link."""
    sha256: str
    """Of all whole lines, in hexadecimal digits: what `sha256sum` says of a file without a torn line. The runner writes
    it into the target database's log when it ends, where it can."""
    ended: bool
    """The last line tells of the end. Without it the run goes on, was killed, or lines were taken off the tail."""

    @property
    def holds(self) -> bool:
        """Nothing speaks against it: what is there is what was written. Only the last line may be torn."""
        return self.state in ("whole", "torn")

    @property
    def verdict(self) -> str:
        """One sentence for people.

        >>> verify(b"").verdict
        'the recording was made by a version that did not chain its lines: whether it was changed cannot be told'
        """
        match self.state:
            case "none":
                return (
                    "the recording was made by a version that did not chain its lines: "
                    "whether it was changed cannot be told"
                )
            case "broken":
                where = f"line {self.breaks[0].line}" if self.broken == 1 else _places(self)
                return f"the chain of hashes is broken at {where}: the recording is not as it was written"
            case "torn":
                return f"the chain of hashes is whole over {plural(self.lines, 'line')}; the last line is cut off"
            case _:
                open_end = "" if self.ended else "; the recording has no end yet"
                return f"the chain of hashes is whole over {plural(self.lines, 'line')}{open_end}"


def _places(chain: Chain) -> str:
    lines = [*dict.fromkeys(one.line for one in chain.breaks)]
    more = ", ..." if len(lines) > 5 or chain.broken > len(chain.breaks) else ""
    return f"{chain.broken} places (line {', '.join(map(str, lines[:5]))}{more})"


def link(before: bytes, body: bytes) -> bytes:
    """The link of a line, which `body` is up to the field of the link.

    >>> link(b"", b'{"kind":"note"'), len(link(b"a", b"b")) == LINK
    (b'HDalCHUovAeI3wvK', True)
    """
    return urlsafe_b64encode(hashlib.sha256(before + body).digest()[:12])


def chained(before: bytes, line: bytes) -> tuple[bytes, bytes]:
    """The line, an object of JSON, with its link in it; and the link.

    >>> chained(b"", b'{"kind":"note"}')
    (b'{"kind":"note","h":"HDalCHUovAeI3wvK"}', b'HDalCHUovAeI3wvK')
    """
    body = line[:-1]
    made = link(before, body)
    return b'%b%b%b"}' % (body, _FIELD, made), made


def split(line: bytes) -> tuple[bytes, bytes]:
    """A line's body and its link; the link is empty where it has none."""
    if line[-_END : -LINK - 2] == _FIELD and line.endswith(b'"}'):
        return line[:-_END], line[-LINK - 2 : -2]
    return line, b""


def last_link(data: bytes) -> bytes:
    """The link that the next line is chained to, of a file whose last line is whole."""
    for line in reversed(data.split(b"\n")):
        found = split(line)[1]
        if found:
            return found
    return link(b"", data) if data else b""


def verify(data: bytes) -> Chain:
    """Goes along the chain of a recording's bytes."""
    end = data.rfind(b"\n") + 1
    lines = data[:end].split(b"\n")[:-1]
    first = next((index for index, line in enumerate(lines) if split(line)[1]), len(lines))
    older = first if _older(lines, first) else 0
    before = link(b"", b"".join(line + b"\n" for line in lines[:older])) if older else b""
    breaks: list[Problem] = []
    broken = 0
    for number, text in _broken(lines, older, before):
        broken += 1
        if broken <= NAMED:
            breaks.append(Problem(number, text))
    state: Literal["whole", "torn", "broken", "none"] = "whole" if end == len(data) else "torn"
    if broken:
        state = "broken"
    elif older == len(lines):
        state = "none"
    return Chain(
        state=state,
        lines=len(lines),
        unchained=older,
        breaks=tuple(breaks),
        broken=broken,
        head=last_link(data[:end]).decode("ascii", "replace"),
        sha256=hashlib.sha256(data[:end]).hexdigest(),
        ended=any(line.startswith(b'{"kind":"ended"') for line in lines[-1:]),
    )


def _broken(lines: Sequence[bytes], start: int, before: bytes) -> Iterator[tuple[int, str]]:
    """The lines that do not hold, by number, and how."""
    earlier = before
    for number, line in enumerate(lines[start:], start + 1):
        body, found = split(line)
        if not found:
            yield number, "is no link of the chain: it was damaged, put in, or cut off when the disk was full"
            continue
        if link(before, body) != found:
            if link(earlier, body) == found:
                yield number - 1, "does not belong before the next line: it was put in, or moved"
            else:
                yield number, _BROKEN
        earlier, before = before, found


def _older(lines: Sequence[bytes], first: int) -> bool:
    """Whether the lines before the first link are of a version that made none."""
    try:
        written = msgspec.json.decode(lines[0], type=_Format).format if first else FIRST_WITH_CHAIN
    except UNREADABLE:
        return False
    return written < FIRST_WITH_CHAIN


class _Format(msgspec.Struct):
    format: int = FIRST_WITH_CHAIN
