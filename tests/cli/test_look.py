"""`check` and `plan` on real servers: what they print, what they refuse, and that they change nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from console.facts import Preflight
from console.plan import Plan
from tests.cli.command import complaint, run
from tests.cli.shop import Shop

SECRET = "s3cret-w0rd"


def test_check_prints_what_it_found_and_changes_nothing(shop: Shop, home: Path) -> None:
    before = shop.schema()
    done = run("check", shop.change_file, home=home)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "[key.found]" in done.stdout
    assert "ESTIMATE" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("0 blockers, ")
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    assert shop.schema() == before
    assert list(home.iterdir()) == []


def test_check_as_data(shop: Shop, home: Path) -> None:
    done = run("check", shop.change_file, "--json", home=home)
    found = msgspec.json.decode(done.stdout, type=Preflight)
    assert done.returncode == 0
    assert "key.found" in [finding.code for finding in found.findings]
    assert found.estimate is not None
    assert found.estimate.rows == 3000


def test_blockers_come_first_and_the_status_is_3(shop: Shop, home: Path) -> None:
    shop.database.run("ALTER TABLE orders DROP CONSTRAINT orders_pkey")
    done = run("check", shop.change_file, home=home)
    assert done.returncode == 3
    assert done.stdout.splitlines()[2].startswith("BLOCKER ")
    assert done.stdout.splitlines()[-1].endswith("this change can't begin like this")
    as_data = run("check", shop.change_file, "--json", home=home)
    assert as_data.returncode == 3
    assert msgspec.json.decode(as_data.stdout, type=Preflight).blockers


def test_plan_in_its_three_forms(shop: Shop, home: Path) -> None:
    before = shop.schema()
    text = run("plan", shop.change_file, home=home)
    as_data = run("plan", shop.change_file, "--json", home=home)
    script = run("plan", shop.change_file, "--sql", home=home)
    assert (text.returncode, as_data.returncode, script.returncode) == (0, 0, 0)
    assert (text.stderr, as_data.stderr, script.stderr) == ("", "", "")
    made = msgspec.json.decode(as_data.stdout, type=Plan)
    assert f"plan {made.digest}" in text.stdout
    assert f"plan {made.digest}" in script.stdout
    assert "SET lock_timeout = 1000;" in script.stdout
    for statement in made.phase("constraints").statements:
        assert f"{statement.sql};" in script.stdout
    assert shop.schema() == before


@pytest.mark.parametrize("command", [("check",), ("plan",), ("run", "--headless")], ids=lambda c: str(c[0]))
class TestBadInput:
    """What only the server can tell is one sentence, too, and changes nothing."""

    @pytest.fixture(autouse=True)
    def unchanged(self, shop: Shop) -> Iterator[None]:
        before = shop.schema()
        yield
        assert shop.schema() == before

    def said(self, command: tuple[str, ...], shop: Shop, home: Path, status: int, **more: str) -> str:
        said = complaint(run(*command, shop.change_file, home=home, **more), status)
        assert SECRET not in said
        return said

    def test_missing_table(self, command: tuple[str, ...], shop: Shop, home: Path) -> None:
        shop.write(table="public.ordres")
        assert "ordres" in self.said(command, shop, home, 3)

    def test_missing_column_in_the_value(self, command: tuple[str, ...], shop: Shop, home: Path) -> None:
        shop.write(value="plased_at::date")
        assert "plased_at" in self.said(command, shop, home, 3)

    def test_syntax_error_in_the_value(self, command: tuple[str, ...], shop: Shop, home: Path) -> None:
        shop.write(value="placed_at::date +")
        assert "syntax" in self.said(command, shop, home, 3)

    def test_missing_database(self, command: tuple[str, ...], shop: Shop, home: Path) -> None:
        shop.write(url=shop.database.url().replace(f"/{shop.database.name}?", "/nowhere?"))
        assert "nowhere" in self.said(command, shop, home, 1)

    def test_missing_role(self, command: tuple[str, ...], shop: Shop, home: Path) -> None:
        shop.write(url=shop.database.url("nobody_we_know"))
        assert "nobody_we_know" in self.said(command, shop, home, 1)

    def test_wrong_password(self, command: tuple[str, ...], shop: Shop, home: Path, keeper: None) -> None:
        shop.write(url=shop.database.url("keeper"))
        assert "password" in self.said(command, shop, home, 1, PGPASSWORD=SECRET + "!")

    def test_password_command_that_fails(self, command: tuple[str, ...], shop: Shop, home: Path) -> None:
        shop.write()
        text = shop.change_file.read_text().replace("[change]", 'password_command = "false"\n[change]')
        shop.change_file.write_text(text)
        assert "password_command" in self.said(command, shop, home, 1)

    def test_wrong_key_in_the_file(self, command: tuple[str, ...], shop: Shop, home: Path) -> None:
        shop.write(more="[limit]")
        assert "did you mean 'limits'?" in self.said(command, shop, home, 2)


@pytest.fixture
def keeper(shop: Shop) -> Iterator[None]:
    """A role that needs a password."""
    hba = shop.database.cluster.primary.data / "pg_hba.conf"
    before = hba.read_text()
    with shop.database.connect("postgres") as connection:
        connection.execute(f"CREATE ROLE keeper LOGIN PASSWORD '{SECRET}'".encode())
        hba.write_text("local all keeper scram-sha-256\n" + before)
        connection.execute("SELECT pg_reload_conf()")
        refused = False
        while not refused:
            try:
                psycopg.connect(shop.database.url("keeper"), password="not it").close()
            except psycopg.OperationalError:
                refused = True
    yield
    with shop.database.connect("postgres") as connection:
        hba.write_text(before)
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("DROP ROLE keeper")


def test_folder_of_sessions_that_cannot_be_written(shop: Shop, tmp_path: Path) -> None:
    before = shop.schema()
    (tmp_path / "file").write_text("")
    said = complaint(run("run", shop.change_file, "--headless", home=tmp_path / "file" / "home"), 2)
    assert "COLUMN_CONSOLE_HOME" in said
    assert shop.schema() == before


def test_nothing_of_the_environment_is_needed(shop: Shop, home: Path) -> None:
    """As from cron or a service manager: no terminal, no TERM, no locale, another folder."""
    done = run(
        "check", os.path.relpath(shop.change_file), home=home, TERM="", LANG="C", LC_ALL="C", PYTHONUTF8="0"
    )
    assert done.returncode == 0, done.stderr
