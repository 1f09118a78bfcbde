"""Copies without names and literals: consistent, complete, and still the same session."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from console import events
from console.facts import Finding, Preflight
from console.recording import Recording
from console.recording.names import Names
from console.recording.rewritten import checked, without_names
from console.session import Session, fold
from tests.recording.night import night
from tests.recording.streams import SERVER, header, record

GOLDEN = Path(__file__).parent / "golden"
ANA = events.Owner(name="ana", uid=1001, claims="ssh 10.0.0.7 pts/3")
SECRETS = ("ana", "bob", "carla", "bastion", "db1", "standby-a", "db2", "10.0.0.7", "10.0.0.9", "4111-1111")


def _named() -> list[events.Event]:
    """A session in which people and hosts stand wherever they can."""
    who = events.ServerSession(
        pid=7, user="carla", application="psql", query="SELECT * FROM cards WHERE no = '4111-1111'"
    )
    wait = events.LockWait(
        session=who, blocked_by=(8,), mode="RowExclusiveLock", on="public.orders", began=2.0
    )
    stream: list[events.Event] = [
        header(owner="ana", host="bastion.internal", change_file="/home/ana/orders.toml"),
        events.Attached(client="c1", owner=replace(ANA, name="bob"), role="observer"),
        events.ActionChanged(
            id="a", action="pause", state="done", owner=ANA, reason="bob asked, from 10.0.0.9"
        ),
        events.Note(text="db1 is slow, says carla; banana", by="ana"),
        events.OperatorThrottle(percent=50, rows_per_second=0, by="ana"),
        events.Throttled(
            reasons=(
                events.Reason(name="operator", reading="50 %", limit="50 %", owner="ana"),
                events.Reason(name="replication lag", reading="standby-a 2.7 s", limit="2.0 s"),
                events.Reason(
                    name="replica unread", reading="can't connect to db2.internal:5433/shop", limit=""
                ),
            )
        ),
        events.LockWaitsChanged(began=(wait,)),
        events.StatementEnded(
            phase="backfill", name="x", outcome="lock-timeout", holders=(who,), text="held by carla"
        ),
        events.ReadingFailed(reading="locks", why="can't connect to db1.internal/shop", remedy="ask ana"),
        events.Sample(replicas=(events.Replica(name="standby-a", state="streaming", lag=1.5),)),
        events.PhaseBegan(phase="backfill"),
        events.Detached(client="c1", name="bob"),
    ]
    return [replace(event, t=float(number), s=number) for number, event in enumerate(stream, 1)]


def _all_text(recording: Recording) -> str:
    """Everything that can be had of a recording, as one text."""
    held = b"".join(events.encode(event) for event in recording.held())
    return (held + msgspec.json.encode(recording.final) + msgspec.json.encode(recording.log)).decode()


def test_no_name_is_left_and_each_has_its_own_word(tmp_path: Path) -> None:
    recording = Recording.open(record(tmp_path / "r.jsonl", _named()))
    assert all(secret in _all_text(recording) for secret in SECRETS)
    copy = without_names(recording)
    text = _all_text(copy)
    # `banana` is no name.
    assert [secret for secret in SECRETS if secret in text.replace("banana", "")] == []
    final = copy.final
    assert final.header is not None
    ana = final.header.owner
    assert ana.startswith("person-")
    assert {final.actions[0].owner.name, final.throttle[0].owner} == {ana}
    assert final.header.change_file == f"/home/{ana}/orders.toml"
    server = final.header.server.name
    assert server.endswith("/shop")
    assert f"can't connect to {server}" in final.failures["locks"].why
    assert list(final.totals.max_replication_lag_s) == list(final.replica_names)
    assert (final.header.table, final.phase) == ("public.orders", "backfill")
    assert SERVER.name == "db1.internal/shop"


def test_known_names_are_replaced_in_free_text_too(tmp_path: Path) -> None:
    """In capitals, in what a peer claims, in URLs; who is a single letter; who had control and pressed nothing."""
    claims = "ssh from laptop.corp, pts/3, sudo by dora"
    stream: list[events.Event] = [
        header(owner="ana", host="bastion.internal"),
        events.Attached(client="c1", owner=events.Owner(name="x", uid=1, claims=claims), role="operator"),
        events.ControlChanged(
            how="taken-over", owner=events.Owner(name="emil"), by="fritz", reason="Ana is ill"
        ),
        events.Note(text="DORA, Emil and fritz on Laptop.corp: see https://gina@wiki.corp/x", by="x"),
        events.Note(text="gina moved wiki.corp to BASTION; xylophone x-ray", by="ana"),
    ]
    stream = [replace(event, t=float(number), s=number) for number, event in enumerate(stream, 1)]
    copy = without_names(Recording.open(record(tmp_path / "r.jsonl", stream)))
    text = _all_text(copy).casefold()
    for name in ("ana", "dora", "emil", "fritz", "laptop", "gina", "wiki", "bastion", '"x"'):
        assert name not in text, name
    assert "xylophone x-ray" in text, "one letter is no name within a text"


def test_names_that_stand_in_texts_alone_are_replaced(tmp_path: Path) -> None:
    """Users of sessions, accounts and roles, machines by their port or by the domain of a known one, addresses."""
    findings = (
        "pid 91 (zelda, psql, idle in transaction) has a transaction 2 h old",
        "yuri_admin owns public.orders, and deployer is no member of it",
        "replica walrus at walrus.dc2.corp:5432 can not be reached",
        "a session from web-17.dc2.corp waits",
        "olga@example.com stands in row 7",
    )
    stream: list[events.Event] = [
        header(owner="ana", host="bastion.corp"),
        events.PreflightDone(
            preflight=Preflight(
                findings=tuple(
                    Finding(code="x", severity="warning", seen=seen, remedy="GRANT yuri_admin TO deployer")
                    for seen in findings
                )
            )
        ),
        events.ActionChanged(
            id="h", action="hand-over", arguments=("boris",), state="refused", owner=ANA, text="boris is away"
        ),
        events.ActionChanged(id="i", action="x", state="done", owner=ANA, text="ended pid 91 (igor, psql)"),
        events.ReadingFailed(
            reading="locks",
            why="SELECT command denied to user 'monitor_karl'@'web-18.dc2.corp'",
            remedy="GRANT PROCESS ON *.* TO 'monitor_karl'@'%'",
        ),
        events.ReadingFailed(reading="locks", why="no right", remedy="GRANT pg_read_all_stats TO ned"),
        events.Log(level="info", text="connected as deployer to db1.internal"),
        # The dot in a login name begins no domain, and the table is no host.
        events.Note(text="seen", by="j.orders"),
    ]
    stream = [replace(event, t=float(number), s=number) for number, event in enumerate(stream, 1)]
    recording = Recording.open(record(tmp_path / "r.jsonl", stream))
    names = (
        "zelda",
        "yuri",
        "deployer",
        "walrus",
        "web-17",
        "web-18",
        "olga",
        "boris",
        "igor",
        "karl",
        "ned",
    )
    plain, copied = _all_text(recording), _all_text(without_names(recording))
    assert [name for name in names if name not in plain] == []
    assert [name for name in names if name in copied] == []
    assert "GRANT pg_read_all_stats TO person-" in copied
    assert "public.orders" in copied


def test_who_is_in_two_recordings_has_one_word_in_both(tmp_path: Path) -> None:
    streams = {
        "a": [header(owner="ana", host="h1.corp"), events.Note(text="carla agreed", by="ana", t=1.0, s=2)],
        "b": [header(owner="carla", host="h2.corp"), events.Note(text="as ana did", by="carla", t=1.0, s=2)],
    }
    both = [
        Recording.open(record(tmp_path / name, [replace(stream[0], s=1), stream[1]]))
        for name, stream in streams.items()
    ]
    first, second = (without_names(recording, Names.of(*both)) for recording in both)
    assert [line.text for line in (*first.log, *second.log)] == [
        "note by person-1: person-2 agreed",
        "note by person-2: as person-1 did",
    ]
    assert first.header is not None
    assert second.header is not None
    assert (first.header.host, second.header.host) == ("host-1", "host-3")


def test_it_is_the_same_session_but_for_the_names(tmp_path: Path) -> None:
    recording = Recording.open(record(tmp_path / "r.jsonl", list(night(200, burst_each=40))))
    copy = without_names(recording)
    assert copy.problems == recording.problems == ()
    assert copy.times == recording.times
    assert [type(event) for event in copy.events] == [type(event) for event in recording.events]
    assert [*copy.points] == [*recording.points]
    for position in (0, 1, 100, 250, len(copy.events)):
        assert copy.at_event(position) == fold(list(copy.events)[:position], Session())
    assert copy.final.totals.batches == recording.final.totals.batches
    assert copy.chain == recording.chain


def test_literals_that_were_recorded_are_taken_out(tmp_path: Path) -> None:
    recording = Recording.open(record(tmp_path / "r.jsonl", _named()))
    copy = checked(recording)
    assert "4111-1111" not in _all_text(copy)
    assert copy.final.lock_waits[0].session.query == "SELECT * FROM cards WHERE no = ?"
    assert copy.final.lock_waits[0].session.user == "carla"
    assert copy.header == recording.header


def test_lost_events_stay_lost_and_said(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", list(night(150)))
    lines = path.read_bytes().split(b"\n")
    del lines[50:60]
    path.write_bytes(b"\n".join(lines))
    recording = Recording.open(path)
    copy = without_names(recording)
    assert copy.problems == recording.problems
    assert copy.problems
    assert len(copy.events) == len(recording.events)
    assert copy.chain.state == "broken"
    assert json.loads(events.encode(copy.events[-1]))["t"] == recording.duration


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.jsonl")), ids=lambda path: path.stem)
def test_a_recording_of_an_older_format_loses_nothing(path: Path) -> None:
    recording = Recording.open(path)
    assert recording.points
    for how in (checked, without_names):
        copy = how(recording)
        assert [*copy.points] == [*recording.points]
        assert copy.problems == recording.problems
    assert checked(recording).final.replica_names == recording.final.replica_names
