"""The change file: TOML -> `ChangeFile`, or one clear error.

`load` reads a file, `parse` a text; both raise `ConfigError`, which lists every problem, each with the file, the
line, the key, what is wrong and what mends it. Nothing here connects to anything: a bad change file is told before
any connection. What each key means stands in `sample_config.toml`, line by line.

- `lines` finds the line of a key;
- `values` reads durations, windows, table names and addresses;
- `reader` takes typed values out of a table and collects the problems;
- `sections` knows the keys and what they become;
- `checks` knows which combinations make no sense.
"""

from console.config.checks import warnings
from console.config.reader import ConfigError
from console.config.sections import load, parse

__all__ = ["ConfigError", "load", "parse", "warnings"]
