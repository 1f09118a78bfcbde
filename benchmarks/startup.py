"""What it costs to start the command, beside a bare interpreter: CPU seconds and their ratio.

The commands take turns, so that what else the machine does falls on each alike; the median is printed.
To reach: `--help`, `sessions` and `send` under 0.2 s of CPU.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 15
COMMAND = str(Path(sys.executable).with_name("column-console"))
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import click": [sys.executable, "-c", "import click"],
    "column-console --help": [COMMAND, "--help"],
    "column-console sessions": [COMMAND, "sessions"],
    "import textual.app": [sys.executable, "-c", "import textual.app"],
}


def cpu_seconds(command: list[str], environment: dict[str, str]) -> float:
    """User and system time of one run of a command and of what it waited for."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} exited with status {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print one line for each command."""
    with tempfile.TemporaryDirectory() as home:  # no session of the user's is looked at
        environment = os.environ | {"HOME": home, "XDG_STATE_HOME": home, "XDG_RUNTIME_DIR": home}
        figures: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(ROUNDS):
            for name, command in COMMANDS.items():
                figures[name].append(cpu_seconds(command, environment))
    bare = statistics.median(figures["python -c pass"])
    print(f"{'':<26}{'CPU s':>8}{'ratio':>8}   (median of {ROUNDS})")
    for name, seconds in figures.items():
        median = statistics.median(seconds)
        print(f"{name:<26}{median:>8.3f}{median / bare:>8.1f}")
