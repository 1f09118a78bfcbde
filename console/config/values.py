"""The values of a change file that have a form of their own: durations, windows, table names, addresses.

Each function takes the text and gives the value, or raises `ValueError` with what is wrong and what mends it, in
words that follow the name of the key: `'lock_timeout' needs a unit: write "1s" or "500ms"`. Pure.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from console.change import Kind, TableName, Window
from console.config.nearest import did_you_mean

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)")
_WINDOW = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})(?:\s+(\S+))?")
_PART = re.compile(r'"((?:[^"]|"")+)"|`((?:[^`]|``)+)`|([^."`]+)')

SCHEMES: dict[str, Kind] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mariadb",
}


def duration(text: str) -> float:
    """Seconds.

    >>> [duration(text) for text in ("2s", "100ms", "10m", "1h", "1.5s")]
    [2.0, 0.1, 600.0, 3600.0, 1.5]
    >>> duration("10")
    Traceback (most recent call last):
    ValueError: needs a unit: write "10s" or "10ms"
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f'is no duration: "{text}"; write for example "2s", "100ms", "10m" or "1h"')
    number, unit = match.groups()
    if not unit:
        raise ValueError(f'needs a unit: write "{number}s" or "{number}ms"')
    if unit.lower() not in _UNITS:
        raise ValueError(f'has an unknown unit, "{unit}"; the units are ms, s, m (minutes) and h')
    return round(float(number) * _UNITS[unit.lower()], 6)


def window(text: str) -> Window:
    """A daily window with its time zone.

    >>> str(window("01:00-05:00 UTC")), str(window("22:00-04:00 Europe/Berlin"))
    ('01:00-05:00 UTC', '22:00-04:00 Europe/Berlin')
    """
    match = _WINDOW.fullmatch(text.strip())
    if not match:
        raise ValueError(f'is no daily window: "{text}"; write for example "01:00-05:00 UTC"')
    zone = match[5]
    if not zone:
        raise ValueError(f'needs a time zone: write "{text.strip()} UTC", or a name like Europe/Berlin')
    start, end = _minutes(match[1], match[2]), _minutes(match[3], match[4])
    if start == end:
        raise ValueError("begins when it ends; leave it out if the whole day is meant")
    _check_zone(zone)
    return Window(start, end, zone)


def _minutes(hours: str, minutes: str) -> int:
    if int(minutes) > 59 or int(hours) * 60 + int(minutes) > 24 * 60:
        raise ValueError(f'holds "{hours}:{minutes}", which is no time of day; times go from 00:00 to 24:00')
    return (int(hours) * 60 + int(minutes)) % (24 * 60)


def _check_zone(zone: str) -> None:
    if zone == "UTC":  # known even where the machine has no time zone data
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
        if not known:
            raise ValueError(f'names the time zone "{zone}", but this machine has none but UTC') from None
        near = did_you_mean(zone, known) or '; write for example "UTC" or "Europe/Berlin"'
        raise ValueError(f'names an unknown time zone, "{zone}"{near}') from None


def table_name(text: str) -> TableName:
    """A table, with its schema or without; parts that hold a dot stand in quotes.

    >>> table_name("public.orders"), table_name('"My Shop"."Orders"'), table_name("orders").schema
    (TableName(schema='public', name='orders'), TableName(schema='My Shop', name='Orders'), None)
    """
    parts, at = [], 0
    while match := _PART.match(text, at):
        double, back, bare = match.groups()
        if bare and bare != bare.strip():
            break
        parts.append(double.replace('""', '"') if double else back.replace("``", "`") if back else bare)
        at = match.end()
        if not text.startswith(".", at):
            break
        at += 1
    if at != len(text) or not parts or text.endswith("."):
        raise ValueError(
            f"is no table name: {text}; write schema.table, and put a part that holds a dot, a quote or "
            'spaces at its ends in double quotes, as in \'"My Shop"."Orders"\''
        )
    if len(parts) > 2:
        raise ValueError(f"has {len(parts)} parts; write schema.table: the database is named in the url")
    return TableName(parts[0] if len(parts) == 2 else None, parts[-1])


def database_kind(url: str) -> Kind:
    """The family of servers that an address leads to. No message shows the address: it may hold a password.

    >>> database_kind("postgresql://deploy@db1.internal/shop"), database_kind("mariadb://h/shop")
    ('postgresql', 'mariadb')
    """
    supported = "postgresql://, mysql:// or mariadb://"
    scheme, found, _ = url.partition("://")
    if not found:
        raise ValueError(f"is no address of a database; it begins with {supported}")
    if scheme.lower() not in SCHEMES:
        shown = scheme if re.fullmatch(r"[\w+.-]{1,30}", scheme) else ""
        raise ValueError(f'has an unsupported scheme, "{shown}://"; supported are {supported}')
    if _split(url) is None:
        raise ValueError("is no valid address; write postgresql://USER@HOST:PORT/DATABASE")
    return SCHEMES[scheme.lower()]


def holds_password(url: str) -> bool:
    """Whether an address carries a password.

    >>> [holds_password(f"postgresql://{rest}") for rest in ("u@h/d", "u:s3@h/d", "h/d?password=s3")]
    [False, True, True]
    """
    split = _split(url)
    return split is not None and bool(split.password or "password" in parse_qs(split.query))


def _split(url: str) -> SplitResult | None:
    """The parts of an address, or None where it has none that make sense."""
    try:
        split = urlsplit(url)
        hosts = split.netloc.rpartition("@")[2].split(",")  # libpq takes several
        for host in hosts:
            _ = urlsplit(f"//{host}").port
    except ValueError:
        return None
    return split
