"""What this machine's owner has left out of the tests, by name, in `COLUMN_CONSOLE_LEAVE_OUT`."""

import os

VARIABLE = "COLUMN_CONSOLE_LEAVE_OUT"


def left_out(name: str) -> bool:
    """Whether a requirement is left out. Nothing else takes a test away."""
    return name in {word.strip() for word in os.environ.get(VARIABLE, "").split(",")}
