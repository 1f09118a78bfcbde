"""Every code that preflight can say is one that a test sees, and no two files say the same one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from console.databases.postgresql.preflight import run

HERE = Path(__file__).parent
CODE = re.compile(r"[a-z-]+\.[a-z-]+")
SAYS = {"blocker", "warning", "note", "kind"}


def codes(path: Path) -> Iterator[str]:
    """The codes in a file: the first word of what makes a finding, or a pair's first where it is looked up."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYS:
            parts = node.args[:1]
        elif isinstance(node, ast.Tuple):
            parts = node.elts[:2]
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and CODE.fullmatch(part.value):
                yield part.value


def test_each_is_seen_by_a_test_and_belongs_to_one_file() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_preflight_*.py"))
    said = {
        path.name: set(codes(path))
        for path in sorted(Path(run.__file__).parent.glob("*.py"))
        if path.name != "look.py"
    }
    every = [code for found in said.values() for code in found]
    assert len(every) > 130
    assert [code for code in every if f'"{code}"' not in tests] == []
    assert sorted(every) == sorted(set(every))
