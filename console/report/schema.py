"""The JSON Schemas of what programs read, made from the types.

`python -m console.report.schema docs` writes them anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from console.report.compare import Comparison
from console.report.summary import Report
from console.report.what_if import WhatIf

SCHEMAS: dict[str, tuple[type, str]] = {
    "report.schema.json": (Report, "A session of column-console: `report RECORDING --format json`"),
    "comparison.schema.json": (Comparison, "Two sessions side by side: `report A B --format json`"),
    "what-if.schema.json": (
        WhatIf,
        "A model of a session under other limits: `replay --what-if CHANGE --json`",
    ),
}
"""By the name of the file in docs/."""


def schema(name: str) -> str:
    """One of the schemas as text, ending in a newline. Raises KeyError where there is none of that name."""
    type_, title = SCHEMAS[name]
    made: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **msgspec.json.schema(type_),
    }
    return msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"


def main() -> None:
    """Write them into a folder."""
    folder = Path(sys.argv[1])
    for name in SCHEMAS:
        (folder / name).write_text(schema(name), encoding="utf-8")


if __name__ == "__main__":
    main()
