"""Times on the screen: the session's clock against the wall clock, and the times that people type. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.events import Header

UNITS = {"d": 86400, "h": 3600, "m": 60, "min": 60, "s": 1}


class NoMoment(ValueError):
    """Where a replay is to begin is no moment of the recording."""


def zone(header: Header | None) -> tzinfo:
    """The time zone in which the session was started, so that a replay shows the times that people saw."""
    if header is not None:
        try:
            found = datetime.fromisoformat(header.started).tzinfo
        except ValueError:
            found = None
        if found is not None:
            return found
    return UTC


def wall(header: Header | None, t: float) -> datetime:
    """The wall clock at `t` seconds of the session."""
    started = header.started_unix if header is not None else 0.0
    return datetime.fromtimestamp(started + t, zone(header))


def clock(header: Header | None, t: float) -> str:
    """Hours, minutes and seconds of the wall clock, always eight characters."""
    return f"{wall(header, t):%H:%M:%S}"


def stopwatch(seconds: float) -> str:
    """A length of time with whole seconds, as narrow as it can be read.

    >>> [stopwatch(s) for s in (0.4, 75, 3725, -3)]
    ['0:00', '1:15', '1:02:05', '0:00']
    """
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def countdown(seconds: float) -> str:
    """What is left, in hours and minutes, and in seconds only at the end.

    >>> [countdown(s) for s in (9840, 125, 59, -1)]
    ['2 h 44 min', '2 min', '59 s', '0 s']
    """
    whole = max(0, int(seconds))
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"


def next_end(header: Header, now: float) -> float | None:
    """When the maintenance window ends next at or after `now`, on the session's clock; None where it is none.

    A window stands in the header as in the change file: `01:00-05:00 UTC`, every day.
    """
    found = re.fullmatch(r"\d\d:\d\d-(\d\d):(\d\d) (\S+)", header.window)
    if not found:
        return None
    try:
        where = ZoneInfo(found[3])
    except (ZoneInfoNotFoundError, ValueError):
        return None
    moment = datetime.fromtimestamp(header.started_unix + now, where)
    ends = moment.replace(hour=int(found[1]) % 24, minute=int(found[2]), second=0, microsecond=0)
    if ends < moment:
        ends += timedelta(days=1)
    return ends.timestamp() - header.started_unix


def parse_length(text: str) -> float | None:
    """A length of time as people type it, in seconds; None where it is none.

    >>> [parse_length(t) for t in ("90", "12m30s", "1h 5m", "2:30", "1:02:05", "2m30", "soon", "5m x")]
    [90.0, 750.0, 3900.0, 150.0, 3725.0, 150.0, None, None]
    """
    text = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if re.fullmatch(r"\d+(:\d\d){1,2}", text):
        total = 0.0
        for part in text.split(":"):
            total = total * 60 + int(part)
        return total
    text = re.sub(r"(\dm)\s*(\d+)$", r"\1\2s", text)
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(min|d|h|m|s)\s*", text)
    if parts and re.fullmatch(r"(\d+(?:\.\d+)?\s*(min|d|h|m|s)\s*)+", text):
        return sum(float(number) * UNITS[unit] for number, unit in parts)
    return None


def parse_moments(text: str, header: Header | None, now: float) -> tuple[float, ...]:
    """The moments that a text may mean, on the session's clock, the likeliest first; none where it is no time.

    `14:05` or `14:05:30` on the wall clock (the first one at or after the beginning of the session), else after the
    beginning; `12m30s` after the beginning, `+30s` and `-2m` from `now`, and a date with a time, as reports have it.

    >>> parse_moments("00:01:05", None, 0.0), parse_moments("4:26", None, 0.0), parse_moments("-2m", None, 150.0)
    ((65.0, 65.0), (15960.0, 266.0), (30.0,))
    >>> parse_moments("1970-01-01T00:00:09.5+00:00", None, 0.0), parse_moments("soon", None, 0.0)
    ((9.5,), ())
    """
    text = text.strip()
    if text[:1] in ("+", "-"):
        length = parse_length(text[1:])
        return () if length is None else (now + (length if text[0] == "+" else -length),)
    found = [_time_of_day(text, header), _dated(text, header), parse_length(text)]
    return tuple(moment for moment in found if moment is not None)


def _time_of_day(text: str, header: Header | None) -> float | None:
    found = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d)(\.\d+)?)?", text)
    if not found:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    began = wall(header, 0.0)
    moment = began.replace(hour=hour, minute=minute, second=second, microsecond=0)
    # The whole second, or minute, in which the session began counts as its beginning.
    if moment < began.replace(microsecond=0, second=began.second if found[3] else 0):
        moment += timedelta(days=1)
    return max(0.0, (moment - began).total_seconds() + float(found[4] or 0))


def _dated(text: str, header: Header | None) -> float | None:
    if not re.match(r"\d{4}-\d\d-\d\d[T ]", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    began = wall(header, 0.0)
    seconds = (moment if moment.tzinfo is not None else moment.replace(tzinfo=began.tzinfo)) - began
    # A report leaves out what is less than a second.
    return 0.0 if -1.0 < seconds.total_seconds() < 0.0 else seconds.total_seconds()
