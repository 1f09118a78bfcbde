"""The demo's world at work: what it answers, and that each trouble does what it says, as the database sees it."""

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from console.config import load
from console.demo.client import World, ask_async, start_world, status, status_async
from console.demo.errors import DemoError
from console.demo.place import make_directory
from console.demo.talk import Request
from tests.demo.conftest import ROWS
from tests.demo.watching import eventually
from tests.servers.fixtures import Servers

TROUBLES = [
    "hold-lock",
    "hold-row-locks",
    "long-report",
    "long-report-on-standby",
    "stall-standby",
    "stop-standby",
    "burst",
    "deploy",
]


@pytest.fixture
def calm(world: World) -> Iterator[World]:
    """The world without trouble, before and after."""
    yield world
    for name in ("stop-standby", *TROUBLES[:5], "burst"):
        world.ask(name, on=False)
    world.ask("deploy", version="v1")


def rows(world: World, query: str, *, standby: bool = False, role: str = "postgres") -> list[tuple[Any, ...]]:
    port = 5433 if standby else 5432
    with psycopg.connect(f"host={world.directory}/run port={port} user={role} dbname=shop") as link:
        return link.execute(query.encode()).fetchall()


def active(world: World) -> set[str]:
    return {trouble.name for trouble in world.status().troubles if trouble.active}


def sessions(world: World, name: str, *, standby: bool = False) -> list[tuple[Any, ...]]:
    return rows(
        world,
        "SELECT state, backend_xid IS NOT NULL, backend_xmin IS NOT NULL FROM pg_stat_activity"
        f" WHERE application_name = '{name}' AND backend_type = 'client backend' AND usename = 'app'",
        standby=standby,
    )


def test_it_says_what_there_is(calm: World) -> None:
    found = calm.status()
    assert found.ready
    assert (found.progress.text, found.progress.done, found.progress.total) == ("ready", ROWS, ROWS)
    assert found.version == "v1"
    assert [trouble.name for trouble in found.troubles] == TROUBLES
    for trouble in found.troubles:
        assert trouble.title
        assert trouble.help
        assert not trouble.active


async def test_the_same_without_blocking(calm: World) -> None:
    assert (await status_async(calm.socket)).ready
    answer = await ask_async(calm.socket, Request(do="no-such-thing"))
    assert not answer.ok
    assert answer.text == "the demo does not know 'no-such-thing': take one of status, stop, " + ", ".join(
        TROUBLES
    )


def test_only_its_owner_may_talk_to_it(calm: World) -> None:
    assert stat.S_IMODE(calm.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(calm.directory.stat().st_mode) in {0o700, 0o711}
    assert stat.S_IMODE((calm.directory / "run").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"not json\n", "the request was not understood: JSON is malformed"),
        (b'{"do": "hold-lock", "seconds": -1}\n', "the request was not understood: Expected `float` > 0.0"),
        (
            b'{"do": "hold-lock", "minutes": 1}\n',
            "the request was not understood: Object contains unknown field",
        ),
        (b'{"do": "deploy", "version": "v4"}\n', "the application has no version v4: take one of v1, v2, v3"),
    ],
)
def test_what_it_does_not_understand_is_one_sentence(calm: World, line: bytes, text: str) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(calm.socket))
        for _ in range(2):  # the conversation goes on after a refusal
            link.sendall(line)
            answer = json.loads(link.recv(65_536))
            assert answer["ok"] is False
            assert answer["text"].startswith(text)
            assert "\n" not in answer["text"]


def test_the_change_file_leads_to_the_servers_as_deploy(calm: World) -> None:
    file = load(calm.change_file)
    assert file.change.title == "public.orders.placed_on"
    for url, recovering in ((file.target.url, False), *((url, True) for url in file.target.replicas)):
        with psycopg.connect(url) as link:
            found = link.execute(
                "SELECT current_user, pg_is_in_recovery(), count(*) > 0 FROM orders"
            ).fetchone()
        assert found == ("deploy", recovering, True)


def test_statements_are_counted_and_only_the_applications(calm: World) -> None:
    def counted() -> list[str]:
        with psycopg.connect(f"host={calm.directory}/run user=deploy dbname=shop") as link:
            return [query for (query,) in link.execute("SELECT query FROM pg_stat_statements").fetchall()]

    eventually(
        lambda: any(query.lstrip().startswith("INSERT INTO orders") for query in counted()), "an insert"
    )
    assert not any("INSERT INTO customers" in query for query in counted())


def test_the_application_publishes(calm: World) -> None:
    current = eventually(calm.figures, "figures")
    assert current.version == "v1"
    assert current.target_tps == 50


def test_hold_lock(calm: World) -> None:
    held = """
        SELECT a.application_name, l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
         WHERE relation = 'orders'::regclass AND granted AND a.state = 'idle in transaction'
           AND a.application_name = 'shop back office'
    """
    answer = calm.ask("hold-lock", seconds=600)
    assert answer.ok
    assert answer.text == "a session holds ACCESS SHARE on orders for 600 s"
    assert rows(calm, held) == [("shop back office", "AccessShareLock")]
    assert active(calm) == {"hold-lock"}
    with pytest.raises(psycopg.errors.LockNotAvailable):
        rows(calm, "SET lock_timeout = '100ms'; LOCK TABLE orders")
    assert calm.ask("hold-lock").text == "the session that holds ACCESS SHARE on orders is closed"
    assert rows(calm, held) == []
    assert active(calm) == set()


def test_hold_lock_is_over_after_its_time(calm: World) -> None:
    assert calm.ask("hold-lock", seconds=0.2).ok
    eventually(lambda: not active(calm), "the session gone by itself")
    assert sessions(calm, "shop back office") == []


def test_hold_lock_notices_that_an_operator_ended_it(calm: World) -> None:
    calm.ask("hold-lock", seconds=600)
    assert rows(
        calm,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shop back office'",
        role="deploy",
    ) == [(True,)]
    eventually(lambda: not active(calm), "the end noticed")
    assert calm.ask("hold-lock").text == "a session holds ACCESS SHARE on orders for 60 s"


def test_hold_row_locks(calm: World) -> None:
    calm.ask("hold-row-locks", seconds=600)
    assert sessions(calm, "shop back office") == [("idle in transaction", True, False)]
    free = "WITH free AS (SELECT id FROM orders FOR UPDATE SKIP LOCKED) SELECT id FROM free"
    ids = [order for (order,) in rows(calm, f"SELECT id FROM orders WHERE id NOT IN ({free})")]
    spread = [order for order in ids if order < ROWS * 0.9]
    assert len(spread) >= 5, "rows in all parts of the table"
    assert max(spread) - min(spread) > ROWS * 0.5
    calm.ask("hold-row-locks", on=False)
    assert sessions(calm, "shop back office") == []
    assert rows(calm, "SELECT count(*) FROM orders WHERE note = 'under review'") == [(0,)], "rolled back"


def test_long_report(calm: World) -> None:
    calm.ask("long-report", seconds=600)
    eventually(
        lambda: ("active", False, True) in sessions(calm, "shop report"), "a running query on a snapshot"
    )
    assert active(calm) == {"long-report"}
    ((isolated,),) = rows(
        calm,
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shop report' AND query ~ 'pg_sleep'",
    )
    assert isolated >= 1
    calm.ask("long-report")
    eventually(lambda: not sessions(calm, "shop report"), "the query cancelled and its session gone")


def test_long_report_on_standby(calm: World) -> None:
    calm.ask("long-report-on-standby", seconds=600)
    assert sessions(calm, "shop dashboard", standby=True) == [("idle in transaction", False, True)]
    held = "SELECT mode FROM pg_locks WHERE relation = 'orders'::regclass AND granted"
    assert ("AccessShareLock",) in rows(calm, held, standby=True)
    assert active(calm) == {"long-report-on-standby"}
    calm.ask("long-report-on-standby")
    assert sessions(calm, "shop dashboard", standby=True) == []


def test_stall_standby(calm: World) -> None:
    assert calm.ask("stall-standby").text == "replay on the standby is paused"
    assert active(calm) == {"stall-standby"}
    replayed = "SELECT pg_last_wal_replay_lsn()::text"
    stands = rows(calm, replayed, standby=True)
    behind = (
        "SELECT 1 FROM pg_stat_replication WHERE replay_lsn < pg_current_wal_lsn() AND replay_lsn < flush_lsn"
    )
    eventually(lambda: rows(calm, behind), "the application's writes received and not replayed")
    assert rows(calm, replayed, standby=True) == stands
    assert calm.ask("stall-standby").text == "the standby replays again"
    eventually(lambda: rows(calm, replayed, standby=True) != stands, "replay going on")
    assert active(calm) == set()


def test_stop_standby(calm: World) -> None:
    assert calm.ask("stop-standby").text == "the standby is stopped"
    assert active(calm) == {"stop-standby"}
    eventually(
        lambda: not rows(calm, "SELECT 1 FROM pg_stat_replication"),
        "the standby gone from the primary's view",
    )
    assert rows(calm, "SELECT active FROM pg_replication_slots") == [(False,)]
    refused = calm.ask("stall-standby")
    assert not refused.ok
    assert "the standby is stopped" in refused.text
    assert not calm.ask("long-report-on-standby").ok
    assert calm.ask("stop-standby").text == "the standby runs"
    eventually(
        lambda: rows(calm, "SELECT state FROM pg_stat_replication") == [("streaming",)],
        "the standby streaming again",
    )
    assert active(calm) == set()


def test_burst(calm: World) -> None:
    assert calm.ask("burst", seconds=600).text == "traffic is 5 times as heavy for 600 s"
    assert active(calm) == {"burst"}
    eventually(
        lambda: (figures := calm.figures()) is not None and figures.target_tps == 250,
        "the burst in the figures",
    )
    assert calm.ask("burst").text == "traffic is as usual"
    eventually(
        lambda: (figures := calm.figures()) is not None and figures.target_tps == 50, "the usual traffic"
    )


def test_deploy_goes_on_version_by_version_and_to_any(calm: World) -> None:
    assert calm.ask("deploy").text == "the application is v2 now"
    assert calm.ask("deploy").text == "the application is v3 now"
    assert calm.status().version == "v3"
    last = calm.ask("deploy")
    assert not last.ok
    assert last.text == "v3 is the application's last version: name one to go back"
    assert calm.ask("deploy", version="v1").text == "the application is v1 now"
    eventually(
        lambda: (figures := calm.figures()) is not None and figures.version == "v1", "v1 in the figures"
    )


@pytest.mark.parametrize("name", TROUBLES[:7])
def test_on_and_off_may_be_said_twice(calm: World, name: str) -> None:
    """A script says what it wants, not what it thinks there is."""
    for on in (True, True, False, False):
        assert calm.ask(name, on=on, seconds=600).ok
        assert active(calm) == ({name} if on else set())


def test_no_server_is_one_sentence_and_leaves_nothing(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMN_CONSOLE_PG_BIN", "/nowhere")
    directory = make_directory()
    monkeypatch.setattr("console.demo.client.make_directory", lambda: directory)
    with pytest.raises(
        DemoError, match="COLUMN_CONSOLE_PG_BIN is /nowhere, which has no initdb: install one with"
    ):
        start_world(rows=ROWS)
    assert not directory.exists()


def test_too_many_rows_for_the_disk_is_one_sentence(servers: Servers) -> None:
    with pytest.raises(DemoError, match=r"rows need about [\d,]+ MB in .*: take fewer rows \(--rows\)"):
        start_world(rows=10**12)


async def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"the demo does not answer at .*: No such file or directory"):
        status(tmp_path / "gone")
    with pytest.raises(DemoError, match=r"the demo does not answer at .*: No such file or directory"):
        await status_async(tmp_path / "gone")
