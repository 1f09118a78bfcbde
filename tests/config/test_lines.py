"""The line of a key, whatever way its TOML is written."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.config.lines import Path, key_lines

TRICKY = '''\
# comment = "no key"
title = """
[not.a.table]
key = "no key" \\""" still text"""
"quoted = key" = 'a # b'  # [comment]
a.b."c.d" = 1

[owner]
dob = 1979-05-27T07:32:00-08:00
empty = ""
long = \'\'\'
x = 1\'\'\'

[[fruit]]
name = "apple"

  [fruit.physical]
  colour = "red"  # }

[[fruit]]
name = 'banana'
list = [ # [
  "one",
  { x = [1,
         2], y = "]" },
  [ "three" ],
]
last = 1'''


def test_tricky_text() -> None:
    lines = key_lines(TRICKY)
    expected: dict[Path, int] = {
        ("title",): 2,
        ("quoted = key",): 5,
        ("a", "b", "c.d"): 6,
        ("owner",): 8,
        ("owner", "dob"): 9,
        ("owner", "long"): 11,
        ("fruit",): 14,
        ("fruit", 0): 14,
        ("fruit", 0, "name"): 15,
        ("fruit", 0, "physical"): 17,
        ("fruit", 0, "physical", "colour"): 18,
        ("fruit", 1, "name"): 21,
        ("fruit", 1, "list", 1, "x", 1): 25,
        ("fruit", 1, "list", 1, "y"): 25,
        ("fruit", 1, "list", 2): 26,
        ("fruit", 1, "last"): 28,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert set(lines) == set(paths_of(tomllib.loads(TRICKY)))


def test_windows_line_ends() -> None:
    assert key_lines("a = 1\r\n\r\n[t]\r\nb = 2\r\n") == {("a",): 1, ("t",): 3, ("t", "b"): 4}


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


def tables(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(texts, inner, max_size=3)


leaves = st.one_of(st.integers(-99, 99), st.booleans(), texts)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | tables(inner), max_leaves=6)


@given(
    st.dictionaries(texts, values | st.lists(tables(values), min_size=1, max_size=3), max_size=4), st.data()
)
def test_finds_every_key_that_tomllib_finds_on_its_own_line(
    document: dict[str, Any], data: st.DataObject
) -> None:
    writer = Writer(data)
    text = writer.document(document)
    assert tomllib.loads(text) == document
    found = key_lines(text)
    assert set(found) == set(paths_of(document))
    for path, line in writer.lines.items():
        assert found[path] == line


def paths_of(value: Any, path: Path = ()) -> list[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [inner for key, item in items for inner in ((*path, key), *paths_of(item, (*path, key)))]


class Writer:
    """Writes a document as TOML in one of the many ways, and remembers where each key went."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.text = ""
        self.lines: dict[Path, int] = {}

    def document(self, document: dict[str, Any]) -> str:
        headed = {key: value for key, value in document.items() if self.wants_header(value)}
        for key, value in document.items():
            if key not in headed:
                self.pair((), key, value)
        for key, value in headed.items():
            if isinstance(value, dict):
                self.line(f"[{self.quoted(key)}]", (key,))
                for inner, item in value.items():
                    self.pair((key,), inner, item)
            else:
                for number, element in enumerate(value):
                    self.line(f"[[{self.quoted(key)}]]", (key,), (key, number))
                    for inner, item in element.items():
                        self.pair((key, number), inner, item)
        return self.text

    def wants_header(self, value: Any) -> bool:
        is_tables = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
        return bool(is_tables or isinstance(value, dict)) and self.coin()

    def line(self, text: str, *paths: Path) -> None:
        self.blank()
        for path in paths:
            self.note(path)
        self.text += f"{text}\n"

    def pair(self, table: Path, key: str, value: Any) -> None:
        self.blank()
        self.note((*table, key))
        self.text += f"{self.quoted(key)} = "
        self.value((*table, key), value)
        self.text += self.data.draw(st.sampled_from(["\n", "  # x = [1\n"]))

    def value(self, path: Path, value: Any) -> None:
        if isinstance(value, bool):
            self.text += str(value).lower()
        elif isinstance(value, str):
            self.text += self.quoted(value) if self.coin() else f'"""\n{self.escaped(value)}"""'
        elif isinstance(value, int):
            self.text += str(value)
        elif isinstance(value, list):
            self.text += "["
            for number, item in enumerate(value):
                self.text += self.data.draw(st.sampled_from(["", "\n", " # ]\n"]))
                self.note((*path, number))
                self.value((*path, number), item)
                self.text += ","
            self.text += "]"
        else:
            self.text += "{"
            for number, (key, item) in enumerate(value.items()):
                self.text += ", " if number else ""
                self.note((*path, key))
                self.text += f"{self.quoted(key)}="
                self.value((*path, key), item)
            self.text += "}"

    def quoted(self, text: str) -> str:
        if "'" not in text and self.coin():
            return f"'{text}'"
        return f'"{self.escaped(text)}"'

    @staticmethod
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"')

    def blank(self) -> None:
        self.text += self.data.draw(st.sampled_from(["", "\n", "# [comment]\n", "  "]))

    def note(self, path: Path) -> None:
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def coin(self) -> bool:
        return self.data.draw(st.booleans())
