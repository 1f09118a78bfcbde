"""The README says what is true: its keys are the registry's, its commands exist, its change file loads."""

from __future__ import annotations

import re
from pathlib import Path

from console import config
from console.cli import commands
from console.tui.actions import table_markdown

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_keys_are_the_registrys() -> None:
    between = README.split("<!-- keys -->")[1].split("<!-- /keys -->")[0].strip()
    assert between == table_markdown().strip(), "python -m tests.readme writes them anew"


def test_every_command_is_told() -> None:
    table = README.split("## Commands")[1].split("## Keys")[0]
    told = [name for name, command in commands.commands.items() if not command.hidden]
    assert [name for name in told if f"`{name}" not in table] == []


def test_change_file_loads() -> None:
    text = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert text
    assert config.parse(text[1], "README.md").change.column == "placed_on"


def test_pictures_are_there() -> None:
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file(), picture
