"""Whether this machine has what the console needs: each check says what it saw, and what mends it.

Nothing is changed, but that the folder of sessions is made where it is missing, and a file in it tried.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from console.doctor import host, machine, places
from console.doctor.check import Check

__all__ = ["Check", "checks"]


def checks(environ: Mapping[str, str] | None = None) -> Iterator[Check]:
    """All checks, one after the other."""
    environ = os.environ if environ is None else environ
    yield machine.python()
    yield from machine.libraries()
    yield machine.foreign_console()
    yield machine.terminal(environ)
    yield machine.encoding()
    yield places.state_folder()
    yield places.socket_path()
    yield places.keeps(environ)
    yield host.logout()
    yield host.clock()
    yield machine.ssh()
    yield machine.time_zones()
    yield machine.demo_server()
