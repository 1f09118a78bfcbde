"""Whose a demo's folder is, and who removes it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.demo.errors import DemoError
from console.demo.place import LONGEST, PREFIX, Place, make_directory, remove_if_left, server_account, sweep


def test_a_folder_is_held_by_one(place: Place) -> None:
    with pytest.raises(DemoError, match="is in use by another demo"):
        Place.claim(place.directory)


def test_a_held_folder_is_not_removed(place: Place) -> None:
    assert not remove_if_left(place.directory)
    assert place.directory.is_dir()


def test_the_lock_is_gone_with_its_holder_however_it_ends(short_tmp: Path) -> None:
    directory = short_tmp / "held"
    hold = (
        "import sys, pathlib; from console.demo.place import Place\n"
        "p = Place.claim(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert not remove_if_left(directory)
        holder.kill()
    assert remove_if_left(directory)
    assert not directory.exists()


def test_sweep_takes_what_is_ours_and_left_and_nothing_else(short_tmp: Path) -> None:
    left, held, young, other = (
        short_tmp / name for name in (f"{PREFIX}a", f"{PREFIX}b", f"{PREFIX}c", "mine")
    )
    for directory in (left, held, young, other):
        Place.claim(directory).release()
        (directory / "data").mkdir()
        (directory / "data" / "file").touch()
    link = short_tmp / f"{PREFIX}link"
    link.symlink_to(other)
    holding = Place.claim(held)
    an_hour_ago = time.time() - 3600
    for directory in (left, held, other):
        os.utime(directory, (an_hour_ago, an_hour_ago))

    assert sweep(bases=[short_tmp]) == [left]

    assert not left.exists()
    assert all((directory / "data" / "file").exists() for directory in (held, young, other))
    assert link.is_symlink()
    holding.release()


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * LONGEST)
    with pytest.raises(DemoError, match="too long for a socket"):
        Place.claim(deep)


def test_a_new_folder_is_short_ours_and_closed_to_others() -> None:
    directory = make_directory()
    try:
        found = directory.stat()
        assert found.st_uid == os.geteuid()
        assert found.st_mode & 0o777 == 0o700
        assert len(os.fsencode(directory)) <= LONGEST
    finally:
        directory.rmdir()


def test_a_private_temporary_folder_is_passed_over_by_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root's servers run as somebody else, who must be able to reach their folder."""
    tmp_path.chmod(0o700)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = make_directory()
    directory.rmdir()
    assert (tmp_path in directory.parents) == (
        os.geteuid() != 0 and len(os.fsencode(tmp_path)) < LONGEST - 30
    )


def test_rooms_belong_to_whom_servers_run_as(place: Place) -> None:
    account = server_account()
    room = place.room("primary", account)
    assert room.stat().st_mode & 0o777 == 0o700
    if account is None:
        assert room.stat().st_uid == os.geteuid()
        assert place.directory.stat().st_mode & 0o777 == 0o700
    else:
        assert room.stat().st_uid == account.uid != 0
        assert place.directory.stat().st_mode & 0o777 == 0o711
