"""The rules of the project that a machine can check: sizes, dependencies, names, what the wheel holds."""

import ast
import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONSOLE = sorted((ROOT / "console").rglob("*.py"))

ALLOWED = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks",
    "console",
    "docs",
    "pyproject.toml",
    "sample_config.toml",
    "screenshots",
    "tests",
}

# Character classes keep each pattern from finding itself.
HOSTS = re.compile(
    r"pyp[i]\.org|pythonhoste[d]\.org|de[b]ian\.org|ubunt[u]\.com|npmj[s]\.(org|com)|crate[s]\.io",
    re.IGNORECASE,
)


def ignored(name: str) -> bool:
    """Whether `.gitignore` leaves a file or folder of this name out."""
    patterns = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    return any(fnmatch.fnmatch(name, pattern.strip("/")) for pattern in patterns)


def our_files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file of the project that version control would keep."""
    for path in sorted(folder.iterdir()):
        if path.name == ".git" or ignored(path.name):
            continue
        if path.is_dir():
            yield from our_files(path)
        else:
            yield path


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CONSOLE, ids=named)
def test_a_file_is_one_room(path: Path) -> None:
    """Under 400 lines, with a docstring that says what lives there, and no class of 250 lines."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert len(source.splitlines()) < 400
    assert ast.get_docstring(tree)
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    sizes = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in classes}
    assert {name: lines for name, lines in sizes.items() if lines >= 250} == {}


def test_top_level_holds_only_what_is_agreed() -> None:
    here = {path.name for path in ROOT.iterdir() if path.name != ".git" and not ignored(path.name)}
    assert here - ALLOWED == set()


def dependencies() -> list[str]:
    """Every requirement in pyproject.toml but the one that names the project's own extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [spec for specs in project["optional-dependencies"].values() for spec in specs]
    return [spec for spec in [*project["dependencies"], *extras] if not spec.startswith("column-console[")]


@pytest.mark.parametrize("spec", dependencies())
def test_a_dependency_has_bounds_and_a_reason(spec: str) -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(rf'"{re.escape(spec)}",? +# \S+ \S+', text), (
        "say in a comment beside it why it is needed"
    )
    bounds = r">=[\d.]+,<\d+(,!=[\d.*]+)*$"
    assert re.search(bounds, spec), "a lower bound, and an upper one at the next major version"


def test_no_file_names_the_host_of_a_registry() -> None:
    """Where packages come from is the business of the machine's own settings."""
    found = []
    for path in our_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{named(path)}: {hit[0]}" for hit in HOSTS.finditer(text)]
    assert found == []


def test_no_lock_file() -> None:
    """A lock file would name hosts, and would hold only for one machine."""
    locks = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "requirements.txt"}
    assert [named(path) for path in our_files() if path.name in locks] == []


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_its_data_and_nothing_else(tmp_path: Path) -> None:
    """Built from a copy, so that no build folder is left in the tree."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(
        ROOT / "console", copy / "console", ignore=lambda _, names: [n for n in names if ignored(n)]
    )
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(copy)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("column_console-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"console", "column_console"}
    expected = {named(path) for path in our_files(ROOT / "console")}
    assert expected - set(names) == set()
