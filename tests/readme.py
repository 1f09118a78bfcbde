"""`python -m tests.readme`: writes the README's table of keys anew, from the registry of actions."""

from __future__ import annotations

import re
from pathlib import Path

from console.tui.actions import table_markdown

README = Path(__file__).parent.parent / "README.md"

if __name__ == "__main__":
    table = f"<!-- keys -->\n{table_markdown().strip()}\n<!-- /keys -->"
    README.write_text(
        re.sub(r"<!-- keys -->.*?<!-- /keys -->", lambda _: table, README.read_text(), flags=re.DOTALL)
    )
