"""`python -m console`: the same as `column-console`."""

from __future__ import annotations

from console.cli import main

main()
