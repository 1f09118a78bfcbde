"""The application's own figures, from a file that anything may write."""

import os
from pathlib import Path

import pytest

from console.demo import figures
from console.runner.application import ApplicationFigures, read_application


def test_what_the_demo_publishes_is_read(tmp_path: Path) -> None:
    said = figures.Figures(
        at=1e9,
        version="v2",
        tps=99.5,
        target_tps=100,
        waiting=1,
        p50_ms=1.5,
        p95_ms=2.5,
        p99_ms=9.5,
        max_ms=20,
        errors=0,
        last_error="",
    )
    figures.publish(tmp_path / "stats.json", said)
    assert read_application(tmp_path / "stats.json") == ApplicationFigures(
        at=1e9, version="v2", tps=99.5, p50_ms=1.5, p95_ms=2.5, p99_ms=9.5
    )


def test_only_the_time_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    path.write_text('{"at": 5, "more": [1]}')
    assert read_application(path) == ApplicationFigures(at=5)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"at": "noon"}', '{"at": 1, "tps": "many"}', "\udcff"]
)
def test_anything_else_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stats.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match="is not what it should be"):
        read_application(path)


def test_a_missing_file_and_a_folder_are_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(ValueError, match="can't be read"):
            read_application(path)


def test_a_file_without_end_is_not_read_whole() -> None:
    with pytest.raises(ValueError, match="is not what it should be"):
        read_application(Path(os.devnull).with_name("zero"))
