"""Numbers in words: durations, sizes, counts, as they stand on the screen and in reports. Pure."""

from __future__ import annotations

import unicodedata


def duration(seconds: float) -> str:
    """Seconds for people, at most two units.

    >>> [duration(s) for s in (0.004, 0.35, 7, 75, 3700, 90000)]
    ['4 ms', '350 ms', '7.0 s', '1 min 15 s', '1 h 1 min', '25 h 0 min']
    """
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    return f"{int(seconds) // 3600} h {int(seconds) % 3600 // 60} min"


def age(seconds: float) -> str:
    """Whole units, narrow, for columns that are read at a glance.

    >>> [age(s) for s in (-1, 0.4, 23, 240, 7300, 200000)]
    ['0s', '0s', '23s', '4m', '2h', '2d']
    """
    whole = max(0, int(seconds))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if whole >= size and (unit != "m" or whole >= 100):
            return f"{whole // size}{unit}"
    return f"{whole}s"


def size(number: float) -> str:
    """Bytes, with two or three figures.

    >>> [size(n) for n in (0, 999, 20480, 3_500_000, 7e9)]
    ['0 B', '999 B', '20 kB', '3.5 MB', '7.0 GB']
    """
    value = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 1000 or unit == "TB":
            return f"{value:.0f} {unit}" if unit == "B" or abs(value) >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("unreachable")


def count(number: float) -> str:
    """Thousands set apart.

    >>> count(1234567), count(12.4)
    ('1,234,567', '12')
    """
    return f"{number:,.0f}"


def plural(number: int, word: str) -> str:
    """A count with its word.

    >>> plural(1, "session"), plural(2, "session"), plural(0, "batch")
    ('1 session', '2 sessions', '0 batches')
    """
    ending = "es" if word.endswith(("ch", "s", "x")) else "ies" if word.endswith("y") else "s"
    stem = word[:-1] if ending == "ies" else word
    return f"{count(number)} {word if number == 1 else stem + ending}"


def plain(text: str) -> str:
    r"""Text from outside, made harmless for a terminal: control and format characters become visible.

    >>> plain("a\x1b[31mb\nc")
    'a␛[31mb c'
    """
    out = []
    for character in text:
        if character in "\n\t\r":
            out.append(" ")
        elif ord(character) < 32:
            out.append(chr(0x2400 + ord(character)))
        elif unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
            out.append("\N{REPLACEMENT CHARACTER}")
        else:
            out.append(character)
    return "".join(out)
