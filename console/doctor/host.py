"""What the machine does to work that is left alone: systemd's logout, and the clock."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

from console.doctor.check import Check
from console.link.peer import login_name

_KILLS = (
    "busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager", "KillUserProcesses",
)  # fmt: skip
UNSYNCHRONISED = 5
"""What adjtimex(2) returns where nothing keeps the clock right (TIME_ERROR)."""


def logout(
    *, running: Path = Path("/run/systemd/system"), lingering: Path = Path("/var/lib/systemd/linger")
) -> Check:
    """Whether a logout ends the processes that were left running (logind.conf(5), KillUserProcesses).

    `running` is there where systemd is the system's first process (sd_booted(3)); `lingering` has a file for each
    user whose own systemd outlives the logout (loginctl(1), enable-linger).
    """
    if not running.is_dir():
        return Check("logout", "OK", "no systemd here, so a logout ends nothing that has its own session")
    user = login_name(os.geteuid())
    lingers = (lingering / user).exists()
    said = _ask(_KILLS)
    unit = "systemd-run --user --unit=column-console column-console run CHANGE --foreground"
    if said not in ("b true", "b false"):
        return Check(
            "logout",
            "NOTE",
            "systemd does not say whether a logout ends what you left running (KillUserProcesses)",
            f"start it as a unit: loginctl enable-linger {user}; {unit}",
        )
    if said == "b false":
        return Check(
            "logout", "OK", f"a logout ends nothing; {user} {'lingers' if lingers else 'does not linger'}"
        )
    mend = unit if lingers else f"loginctl enable-linger {user}; {unit}"
    return Check(
        "logout",
        "NOTE",
        "KillUserProcesses=yes: your last logout ends every runner that you started from a login"
        + ("" if lingers else f", and {user} does not linger"),
        f"start it as a unit: {mend}",
    )


def ends_with_the_login() -> str:
    """What to say where a runner that is started now would end with this login; empty where it would not."""
    group = ""
    try:
        group = Path("/proc/self/cgroup").read_text()
    except OSError:
        # No cgroups, so no logind that would use them.
        return ""
    if "/session-" not in group:
        return ""
    check = logout()
    return f"{check.seen}; {check.remedy}" if check.verdict != "OK" else ""


def _ask(command: tuple[str, ...]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


class _Timex(ctypes.Structure):
    """The head of struct timex (adjtimex(2)); the rest is room."""

    _fields_ = (("modes", ctypes.c_uint), ("rest", ctypes.c_byte * 512))


def clock() -> Check:
    """Whether something keeps the clock right, as the kernel knows it (adjtimex(2), which changes nothing)."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(_Timex()))
    except (OSError, AttributeError):
        state = -1
    mend = "run chrony, ntpd or systemd-timesyncd: the recording's times and the window go by this clock"
    if state < 0:
        return Check("clock", "NOTE", "the kernel does not say whether anything keeps the clock right", mend)
    if state == UNSYNCHRONISED:
        return Check("clock", "NOTE", "nothing keeps this clock right, so its times may be off", mend)
    return Check("clock", "OK", "kept right by time synchronisation")
