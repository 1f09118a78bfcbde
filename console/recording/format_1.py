"""From format 1 to format 2, in which samples, batches and lock waits are packed.

Works on what JSON gave, and uses nothing of today's events, so that it goes on to mean what it meant when both
formats were young.
"""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]


def convert(record: Record) -> Record | None:
    """A line of format 1 as one of format 2. Raises KeyError, TypeError or ValueError where it was none.

    >>> convert({"kind": "batches", "rows": [9], "milliseconds": [8.5], "size": 9, "done": 9, "scanned": 9, "total": 40,
    ...          "cursor": "9", "t": 9.5, "s": 3})
    {'kind': 'batches', 't': 9.5, 's': 3, 'rows': [9], 'ms': [8.5], 'v': [9, 9, 40, '9', 9, 0]}
    """
    match record.get("kind"):
        case "sample":
            return _sample(record)
        case "lock-waits":
            return _lock_waits(record)
        case "batches":
            return _batches(record)
        case _:
            # A snapshot may hold its lock waits as it did.
            return record


def _head(record: Record) -> Record:
    return {"kind": record["kind"], "t": float(record.get("t", 0.0)), "s": record.get("s", 0)}


def _ago(when: float | None, t: float) -> float | None:
    """Milliseconds before the line, where they give the time back; a time has a decimal point."""
    if when is None:
        return None
    before = (t - when) * 1000
    if abs(before) < 1 << 53 and round(t - round(before) / 1000, 3) == when:
        return round(before)
    return float(when)


def _sample(record: Record) -> Record:
    if not record.keys().isdisjoint(("v", "at", "r")):
        raise ValueError("a sample of format 2, behind a header that says otherwise")
    made, get = _head(record), record.get
    t = made["t"]
    made["v"] = [
        get("rows_per_second", 0.0),
        get("transactions_per_second"),
        get("active"),
        get("connections"),
        get("application_tps"),
        get("p50_ms"),
        get("p95_ms"),
        get("p99_ms"),
        get("application_version", ""),
        get("waiting", 0),
        get("queued_behind_us", 0),
        get("history"),
    ]
    made["at"] = [
        _ago(get(name), t)
        for name in ("activity_at", "locks_at", "replication_at", "application_at", "oldest_transaction")
    ]
    replicas = get("replicas", ())
    if replicas:
        made["r"] = [_replica(one, t) for one in replicas]
    return made


def _replica(record: Record, t: float) -> list[Any]:
    return [
        record["name"],
        record["lag"],
        record.get("bytes"),
        record.get("server_lag"),
        _ago(record.get("replied"), t),
        record["state"],
        record.get("slot", ""),
        record.get("why", ""),
    ]


def _batches(record: Record) -> Record:
    made = _head(record)
    made["rows"] = record["rows"]
    made["ms"] = record["milliseconds"]
    counts = [record[name] for name in ("size", "done", "total", "cursor", "scanned")]
    made["v"] = [*counts, record.get("retries", 0)]
    return made


def _lock_waits(record: Record) -> Record:
    made = _head(record)
    texts: dict[str, int] = {"": 0}
    made["began"] = [_wait(one, made["t"], texts) for one in record.get("began", ())]
    made["texts"] = list(texts)[1:]
    made["ended"] = record.get("ended", [])
    return made


def _wait(record: Record, t: float, texts: dict[str, int]) -> list[Any]:
    who = record["session"]

    def place(text: str) -> int:
        return texts.setdefault(text, len(texts))

    return [
        who["pid"],
        record["blocked_by"],
        _ago(record.get("began", 0.0), t),
        place(record.get("mode", "")),
        place(record.get("on", "")),
        who.get("started", 0.0),
        place(who.get("user", "")),
        place(who.get("application", "")),
        place(who.get("state", "")),
        place(who.get("query", "")),
        _ago(who.get("transaction_began"), t),
        int(who.get("ours", False)),
    ]
