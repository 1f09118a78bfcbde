"""Lets a group of the system reach a session's socket, where the change file names one.

The folder stays its owner's; the group may enter it, read what the session is, and connect. Recording and log stay for
the owner alone: what a member may see of them, the runner tells over the socket.
"""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path

from console.directories import DirectoryError, SessionDirectory, home


def share(directory: SessionDirectory, name: str) -> None:
    """Let the group called `name` reach the session. Raises `DirectoryError` where its members could not come in."""
    try:
        group = grp.getgrnam(name).gr_gid
    except KeyError:
        raise DirectoryError(
            f"There is no group {name} on this system: make it, or take 'group' out of [session]."
        ) from None
    closed = next((path for path in (home(), *home().parents) if not _enters(path, group)), None)
    if closed is not None:
        raise DirectoryError(
            f"Group {name} can't enter {closed}: let an administrator make a folder for the sessions "
            f"(install -d -m 2750 -o $USER -g {name} /var/lib/column-console), and set COLUMN_CONSOLE_HOME to it."
        )
    for path in (directory.path.parent, directory.path):
        if _enters(path, group):
            continue
        try:
            os.chown(path, -1, group)
            path.chmod(0o750)
        except PermissionError:
            raise DirectoryError(
                f"{path} can't be given to group {name}: whoever runs it must be one of its members."
            ) from None
    directory.group = group


def open_socket(path: Path, group: int) -> None:
    """Let the group connect to the socket."""
    os.chown(path, -1, group)
    path.chmod(0o660)


def _enters(path: Path, group: int) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    by_group = status.st_gid == group and status.st_mode & stat.S_IXGRP
    return bool(by_group or status.st_mode & stat.S_IXOTH)
