"""A small shop on a real server, its change file, and a state folder with a short path."""

import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from console import directories
from console.demo.place import Place, make_directory
from tests.cli.shop import Shop
from tests.servers.database import Database


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder, short enough for sockets. Runners that a test leaves are killed."""
    folder = Path(tempfile.mkdtemp(prefix="cc-cli-"))
    yield folder
    before = os.environ.get("COLUMN_CONSOLE_HOME")
    os.environ["COLUMN_CONSOLE_HOME"] = str(folder)
    try:
        for listed in directories.list_sessions():
            if listed.state == "live":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(listed.session.pid, signal.SIGKILL)
    finally:
        del os.environ["COLUMN_CONSOLE_HOME"]
        if before is not None:
            os.environ["COLUMN_CONSOLE_HOME"] = before
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shop(newest_database: Database, tmp_path: Path) -> Shop:
    """The table with its rows, and a change file beside it."""
    shop = Shop(newest_database, tmp_path / "change.toml")
    shop.build()
    return shop


@pytest.fixture
def readers(shop: Shop) -> Iterator[None]:
    """A version of the application that reads the new column, once it is there."""
    over = threading.Event()
    thread = threading.Thread(target=shop.read_until, args=(over,), daemon=True)
    thread.start()
    yield
    over.set()
    thread.join(30)


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """A temporary folder for demos, with a path short enough for sockets, that any user may traverse."""
    directory = make_directory("test")
    directory.chmod(0o755)
    place = Place.claim(directory)
    yield directory
    place.remove()
