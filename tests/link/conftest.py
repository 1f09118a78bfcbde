"""A session's folder, with a short path."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder called as a session is."""
    with tempfile.TemporaryDirectory(prefix="cc-", dir="/tmp") as parent:
        path = Path(parent) / "orders-placed_on-1"
        path.mkdir(mode=0o700)
        yield path
