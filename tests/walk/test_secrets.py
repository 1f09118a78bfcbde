"""A password is nowhere where somebody else could read it: not in `ps`, not on the socket, not in the session's
folder, whichever way it was given."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from console.runner.launch import launch
from tests.servers.database import Database
from tests.servers.versions import on_one_version
from tests.walk.shops import SHOPS
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
pytestmark = on_one_version
SHOP = SHOPS[0]
SECRET = "tr0ub4dor-and-3"


class Listener(threading.Thread):
    """Everything that a runner tells a screen."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.connect(str(path))
        self._sock.sendall(b'{"proto":2,"role":"observer"}\n')
        self.heard = b""

    def run(self) -> None:
        while data := self._sock.recv(1 << 16):
            self.heard += data
        self._sock.close()


def command_lines() -> bytes:
    """What `ps` shows of every process of this machine."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((entry / "cmdline").read_bytes())
            except OSError:
                continue
    return b"\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["address", "environment", "command"])
def test_a_password_is_nowhere(database: Database, make_walk: MakeWalk, way: str, tmp_path: Path) -> None:
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits="rows_per_second = 20000")
    text, env = walk.change_file.read_text(), {**os.environ, "COLUMN_CONSOLE_HOME": str(walk.home)}
    if way == "address":
        text = text.replace("deploy@", f"deploy:{SECRET}@")
        assert SECRET in text
    elif way == "environment":
        env["PGPASSWORD"] = SECRET
    else:
        kept = tmp_path / "kept"
        kept.write_text(f"{SECRET}\n")
        command = f"{sys.executable} -c 'print(open(\\\"{kept}\\\").read())'"
        text = text.replace("\n[change]", f'password_command = "{command}"\n[change]', 1)
        assert "password_command" in text
    walk.change_file.write_text(text)
    walk.launched = launch(walk.change_file, advance="auto", alone=False, env=env)
    listener = Listener(walk.runner.socket)
    listener.start()
    seen = command_lines()
    walk.ask("note", "a remark")
    walk.wait(lambda s: s.totals.batches > 0, "the backfill")
    # A connection that fails has an error text, in which drivers like to repeat what they were given.
    database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'column%'"
    )
    seen += command_lines()
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence", "the gate of the readers")
    walk.ask("abort")
    walk.end(expected=1)
    listener.join(timeout=30)
    assert b'"kind":"ended"' in listener.heard
    assert b"console.runner" in seen
    kept_files = [path for path in walk.home.rglob("*") if path.is_file()]
    assert {path.name for path in kept_files} >= {"recording.jsonl", "session.json", "runner.log"}
    for where, data in (
        ("ps", seen),
        ("the protocol", listener.heard),
        *((path.name, path.read_bytes()) for path in kept_files),
    ):
        assert SECRET.encode() not in data, where
