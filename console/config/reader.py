"""Takes typed values out of the tables of a change file, and collects every problem with its line.

A method that meets a problem notes it and gives a value of the right type that nobody will see: the caller ends
with `Problems.check`, which raises when there is any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, get_args

from console.config.lines import Path
from console.config.nearest import did_you_mean
from console.words import plain

T = TypeVar("T")


class ConfigError(Exception):
    """What is wrong with a change file: one sentence for each problem."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(plain(problem) for problem in problems)
        super().__init__("\n".join(self.problems))


class Problems:
    """The problems found so far, in the order of their lines."""

    def __init__(self, file: str, lines: Mapping[Path, int]) -> None:
        self._file = file
        self._lines = lines
        self._found: list[tuple[int, str]] = []

    def add(self, path: Path, text: str) -> None:
        """Notes a problem at a key, or at what holds it where the key is missing."""
        while path and path not in self._lines:
            path = path[:-1]
        line = self._lines.get(path, 0)
        where = f"{self._file}, line {line}" if line else self._file
        self._found.append((line, f"{where}: {text}"))

    def check(self) -> None:
        """Raises `ConfigError` when there is any problem."""
        if self._found:
            raise ConfigError(text for _, text in sorted(self._found, key=lambda found: found[0]))


class Section:
    """One table of the file. `title` is how messages call it: `[change]`."""

    def __init__(self, problems: Problems, path: Path, title: str, values: Mapping[str, Any]) -> None:
        self._problems = problems
        self._path = path
        self._values = values
        self.title = title

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def problem(self, key: str, text: str) -> None:
        """Notes a problem at one of the keys; the text begins with the key's name."""
        self._problems.add((*self._path, key), text)

    def check_keys(self, known: Iterable[str], elsewhere: Mapping[str, str]) -> None:
        """Complains of unknown keys; `elsewhere` tells which table a key belongs to."""
        for key in self._values:
            if key in known:
                continue
            if key in elsewhere:
                hint = f"; it belongs in {elsewhere[key]}"
            else:
                hint = did_you_mean(key, known) or "; the keys here are " + ", ".join(known)
            self.problem(key, f"unknown key '{key}' in {self.title}{hint}")

    def text(self, key: str, *, example: str) -> str:
        """A text that must be there and not be empty."""
        if key not in self._values:
            self.problem(key, f"{self.title} has no '{key}'; add for example {key} = {example}")
            return ""
        return self.optional_text(key) or ""

    def optional_text(self, key: str) -> str | None:
        """A text that may be left out, but not be empty."""
        if key not in self._values:
            return None
        value: str | None = self._typed(key, str, "a text in quotes")
        if value is None:
            return None
        if not value.strip():
            self.problem(key, f"'{key}' in {self.title} is empty; give it a value or leave it out")
            return None
        if "\0" in value:
            self.problem(key, f"'{key}' in {self.title} holds a NUL character; no database takes one")
            return None
        return value

    def text_or_nothing(self, key: str) -> str:
        """A text that may be left out, or be empty, which means the same."""
        return "" if self._values.get(key) == "" else self.optional_text(key) or ""

    def read(self, key: str, how: Callable[[str], T], otherwise: T) -> T:
        """A text that `how` turns into a value; `how` raises ValueError with what is wrong with it."""
        text = self.optional_text(key)
        if text is None:
            return otherwise
        try:
            return how(text)
        except ValueError as error:
            self.problem(key, f"'{key}' in {self.title} {error}")
            return otherwise

    def choice(self, key: str, choices: Any, otherwise: T) -> T:
        """One of the words of a `Literal`."""
        words: dict[str, T] = {str(word): word for word in get_args(choices)}

        def choose(text: str) -> T:
            if text not in words:
                near = did_you_mean(text, words) or "; use one of " + ", ".join(f'"{word}"' for word in words)
                raise ValueError(f'can\'t be "{text}"{near}')
            return words[text]

        return self.read(key, choose, otherwise)

    def flag(self, key: str, otherwise: bool) -> bool:
        """true or false."""
        value = self._typed(key, bool, "true or false") if key in self._values else None
        return otherwise if value is None else value

    def whole(self, key: str, otherwise: int, *, least: int) -> int:
        """A whole number, `least` or more."""
        value = self._typed(key, int, "a whole number") if key in self._values else None
        if value is not None and value < least:
            self.problem(key, f"'{key}' in {self.title} is {value}; it must be {least} or more")
        return otherwise if value is None else value

    def number(self, key: str, otherwise: float) -> float:
        """A number that is not negative."""
        value = self._typed(key, (int, float), "a number") if key in self._values else None
        if value is None:
            return otherwise
        if not 0 <= value < float("inf"):
            self.problem(key, f"'{key}' in {self.title} is {value}; it must be 0 or more")
        return float(value)

    def texts(self, key: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        """A list of texts, none of them empty."""
        value = self._typed(key, list, "a list of texts") if key in self._values else None
        if value is None:
            return otherwise
        for number, item in enumerate(value):
            if not isinstance(item, str) or not item.strip() or "\0" in item:
                self._problems.add(
                    (*self._path, key, number),
                    f"'{key}' in {self.title} is a list of texts, but its entry {number + 1} is {_shown(item)}",
                )
                return otherwise
        return tuple(value)

    def _typed(self, key: str, types: Any, wanted: str) -> Any:
        value = self._values[key]
        # A bool is an int to Python, but not to the reader of a change file.
        if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
            self.problem(key, f"'{key}' in {self.title} must be {wanted}, not {_shown(value)}")
            return None
        return value


def _shown(value: object) -> str:
    """A value for a message: what it is, and itself where it is short and can't be a secret's address.

    >>> [_shown(value) for value in (True, 5, "no", "postgresql://u:p@h/d", [1], {})]
    ['true', 'the number 5', 'the text "no"', 'a text', 'a list', 'a table']
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f'the text "{value}"' if len(value) <= 40 and "://" not in value else "a text"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return f"a {type(value).__name__}"
