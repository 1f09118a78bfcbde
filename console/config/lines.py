"""Where each key of a TOML text stands: `tomllib` reads the values but does not tell their lines.

Only for a text that `tomllib` has accepted: what is valid is not checked again here. Pure.
"""

from __future__ import annotations

import tomllib

Path = tuple[str | int, ...]
"""The way to a value: keys of tables, positions in lists."""

_SPACE = " \t"
_BREAK = " \t\r\n"


def key_lines(text: str) -> dict[Path, int]:
    """The line, counted from 1, of each key, table header and list element.

    >>> key_lines('[change]\\ncolumn = "a"\\n\\n[[indexes]]\\nname = "i"\\ncolumns = [\\n  "a",\\n]\\n')[
    ...     ("indexes", 0, "columns", 0)]
    7
    """
    return _Scanner(text).scan()


class _Scanner:
    """Walks once over the text; `_at` is the place of the next character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._lines: dict[Path, int] = {}
        self._lengths: dict[Path, int] = {}
        """How many elements each array of tables has so far."""

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip_blank():
            if self._text.startswith("[[", self._at):
                table = self._header(2)
            elif self._text[self._at] == "[":
                table = self._header(1)
            else:
                self._pair(table)
        return self._lines

    def _header(self, brackets: int) -> Path:
        line = self._line
        self._move(brackets)
        keys = self._key()
        self._move(brackets)
        path: Path = ()
        for key in keys[:-1]:
            path = self._last_element((*path, key))
            self._note(path, line)
        path = (*path, keys[-1])
        if brackets == 1:
            path = self._last_element(path)
        else:
            self._note(path, line)
            number = self._lengths.get(path, 0)
            self._lengths[path] = number + 1
            path = (*path, number)
        self._note(path, line)
        return path

    def _last_element(self, path: Path) -> Path:
        """Where a header that names an array of tables leads: into its last element."""
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _pair(self, table: Path) -> None:
        line = self._line
        path = table
        for key in self._key():
            path = (*path, key)
            self._note(path, line)
        self._move(1)  # the equals sign
        self._value(path)

    def _key(self) -> tuple[str, ...]:
        """A key, dotted or not, up to what follows it."""
        start = self._at
        while self._text[self._at] not in "=]":
            if self._text[self._at] in "\"'":
                self._string()
            else:
                self._move(1)
        value: object = tomllib.loads(f"{self._text[start : self._at]} = 0")
        keys = []
        while isinstance(value, dict):
            ((key, value),) = value.items()
            keys.append(key)
        return tuple(keys)

    def _value(self, path: Path) -> None:
        self._skip_space()
        match self._text[self._at]:
            case '"' | "'":
                self._string()
            case "[":
                self._list(path)
            case "{":
                self._inline_table(path)
            case _:
                while self._at < len(self._text) and self._text[self._at] not in ",]}#\r\n":
                    self._move(1)

    def _list(self, path: Path) -> None:
        self._move(1)
        number = 0
        while self._skip_blank() and self._text[self._at] != "]":
            self._note((*path, number), self._line)
            self._value((*path, number))
            number += 1
            self._skip_comma()
        self._move(1)

    def _inline_table(self, path: Path) -> None:
        self._move(1)
        while self._skip_blank() and self._text[self._at] != "}":
            self._pair(path)
            self._skip_comma()
        self._move(1)

    def _skip_comma(self) -> None:
        if self._skip_blank() and self._text[self._at] == ",":
            self._move(1)

    def _string(self) -> None:
        quote = self._text[self._at]
        ending = quote * 3 if self._text.startswith(quote * 3, self._at) else quote
        self._move(len(ending))
        while not self._text.startswith(ending, self._at):
            self._move(2 if quote == '"' and self._text[self._at] == "\\" else 1)
        self._move(len(ending))
        # A long string may end in up to two quotes of its own before the three that close it.
        while len(ending) == 3 and self._text.startswith(quote, self._at):
            self._move(1)

    def _skip_blank(self) -> bool:
        """Past white space and comments; whether anything follows."""
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                while self._at < len(self._text) and self._text[self._at] != "\n":
                    self._move(1)
            elif self._text[self._at] in _BREAK:
                self._move(1)
            else:
                return True
        return False

    def _skip_space(self) -> None:
        while self._text[self._at] in _SPACE:
            self._move(1)

    def _move(self, characters: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + characters)
        self._at += characters

    def _note(self, path: Path, line: int) -> None:
        self._lines.setdefault(path, line)
