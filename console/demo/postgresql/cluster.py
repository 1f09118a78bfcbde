"""A throwaway primary with a streaming standby, and what can be done to them.

Nothing here prints; what takes time reports to a callback. All of it blocks.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping

import psycopg
from psycopg import sql

from console.demo.errors import DemoError
from console.demo.ground import Progress
from console.demo.place import Account, Place
from console.demo.postgresql.binaries import Binaries
from console.demo.postgresql.node import Node

STANDBY = "standby1"

SETTINGS: Mapping[str, str] = {
    # Nobody wants the data after a crash of the machine, so nothing waits for the disk.
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "replica",
    "max_wal_senders": "8",
    "max_replication_slots": "8",
    "hot_standby": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_lock_waits": "on",
}

ROLES: Mapping[str, tuple[str, ...]] = {
    "deploy": ("pg_monitor", "pg_signal_backend"),
    "app": (),
}
"""Who logs in, none of them a superuser, and the roles each is a member of: `deploy` changes schemas and owns
them, `app` is the application."""


class Cluster:
    """A primary and a streaming standby with a slot, in a claimed folder.

    `settings` come on top of `SETTINGS`, for both servers. `binaries` decides the version.
    """

    def __init__(
        self,
        place: Place,
        *,
        binaries: Binaries,
        account: Account | None,
        settings: Mapping[str, str] | None = None,
        segment_mb: int = 16,
    ) -> None:
        self.place = place
        self.primary = Node("primary", place=place, port=5432, binaries=binaries, account=account)
        self.standby = Node(STANDBY, place=place, port=5433, binaries=binaries, account=account)
        self._settings = {**SETTINGS, **(settings or {})}
        self._segment_mb = segment_mb
        self._frozen: int | None = None

    # ------------------------------------------------------------------------------------------- life

    def build(self, progress: Progress | None = None) -> None:
        """Make and start both servers, with the roles. Takes 2-8 seconds."""
        say = progress or _silence
        say("making a database cluster", 0, 0)
        self.prepare_primary()
        self.primary.start()
        self.create_roles()
        say("making its standby", 0, 0)
        self.prepare_standby()
        self.standby.start()
        self.wait_until_streaming()

    def prepare_primary(self) -> None:
        """Make the primary's data folder."""
        self.primary.initialise(segment_mb=self._segment_mb)
        self.primary.configure(self._settings)

    def prepare_standby(self) -> None:
        """Copy the running primary."""
        self.standby.copy_from(self.primary)
        self.standby.configure({})

    def create_roles(self) -> None:
        """Create the roles of `ROLES`; running it again does nothing."""
        with self.primary.connect() as connection:
            have = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
            for role, groups in ROLES.items():
                if role not in have:
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
                for group in groups:
                    connection.execute(
                        sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(role))
                    )

    def start(self) -> None:
        """Start both again after `stop`."""
        self.primary.start()
        self.standby.start()
        self.wait_until_streaming()

    def stop(self, *, at_once: bool = False) -> None:
        """Stop both, the standby first."""
        self.thaw_walreceiver()
        self.standby.stop(at_once=at_once)
        self.primary.stop(at_once=at_once)

    def interrupt(self) -> None:
        """End what is being waited for in another thread, so that building stops."""
        self.primary.interrupt()
        self.standby.interrupt()

    def restart_primary(self) -> None:
        """Stop the primary, which ends every session on it, and start it again."""
        self.thaw_walreceiver()  # or the primary waits for a standby that can't answer
        self.primary.stop()
        self.primary.start()

    # ---------------------------------------------------------------------------------------- standby

    def wait_until_streaming(self, timeout_s: float = 60.0) -> None:
        """Wait until the primary streams to the standby. Raises `DemoError` when it does not."""
        self._wait(
            self.primary,
            "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'",
            [STANDBY],
            timeout_s,
            "the standby does not stream",
        )

    def wait_until_replayed(self, timeout_s: float = 60.0) -> None:
        """Wait until the standby has replayed what the primary has written by now."""
        with self.primary.connect() as primary:
            row = primary.execute("SELECT pg_current_wal_lsn()::text").fetchone()
        assert row is not None
        self._wait(
            self.standby,
            "SELECT 1 WHERE pg_last_wal_replay_lsn() >= %s::pg_lsn",
            [row[0]],
            timeout_s,
            f"the standby has not replayed {row[0]}",
        )

    def pause_replay(self) -> None:
        """Let the standby receive but not replay; readers on it see an ever older past."""
        with self.standby.connect() as connection:
            connection.execute("SELECT pg_wal_replay_pause()")

    def resume_replay(self) -> None:
        """Let the standby replay again."""
        with self.standby.connect() as connection:
            connection.execute("SELECT pg_wal_replay_resume()")

    def replay_paused(self) -> bool:
        """Whether replay on the standby is paused. False when the standby can't be asked."""
        if not self.standby.running:
            return False
        try:
            with self.standby.connect() as connection:
                row = connection.execute("SELECT pg_is_wal_replay_paused()").fetchone()
        except psycopg.OperationalError:
            return False
        return row is not None and bool(row[0])

    def freeze_walreceiver(self) -> None:
        """Stop the standby's receiving process as a hung host does: connected, but no answer."""
        with self.standby.connect() as connection:
            row = connection.execute("SELECT pid FROM pg_stat_wal_receiver").fetchone()
        if row is None:
            raise DemoError("the standby is not receiving, so there is nothing to freeze")
        self._frozen = int(row[0])
        os.kill(self._frozen, signal.SIGSTOP)

    def thaw_walreceiver(self) -> None:
        """Let the standby's receiving process go on."""
        if self._frozen is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._frozen, signal.SIGCONT)
            self._frozen = None

    def heal(self) -> None:
        """Undo whatever was done: both run, stream and replay, with the settings they began with.

        A standby whose log is gone is made anew.
        """
        self.thaw_walreceiver()
        self.primary.start()
        if self._slot_lost():
            self._copy_standby_again()
        self.standby.start()
        if self.replay_paused():
            self.resume_replay()
        for node in (self.primary, self.standby):
            with node.connect() as connection:
                for name in list(self._altered(connection)):
                    connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
                connection.execute("SELECT pg_reload_conf()")
        self.wait_until_streaming()

    # ---------------------------------------------------------------------------------------- helpers

    def _slot_lost(self) -> bool:
        """Whether the primary has thrown away log that the standby still needs: it can never stream again."""
        with self.primary.connect() as connection:
            row = connection.execute(
                "SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = %s", [STANDBY]
            ).fetchone()
        return row is not None and bool(row[0])

    def _copy_standby_again(self) -> None:
        """Replace the standby's data, and its slot, by a fresh copy of the running primary."""
        self.standby.stop(at_once=True)
        with self.primary.connect() as connection:
            connection.execute("SELECT pg_drop_replication_slot(%s)", [STANDBY])
        self.standby.clear()
        self.prepare_standby()

    @staticmethod
    def _altered(connection: psycopg.Connection) -> Iterator[str]:
        """The settings that ALTER SYSTEM has set, apart from those that make a standby one."""
        rows = connection.execute(
            "SELECT DISTINCT name FROM pg_file_settings WHERE sourcefile LIKE '%postgresql.auto.conf'"
            " AND name NOT IN ('primary_conninfo', 'primary_slot_name')"
        ).fetchall()
        yield from (name for (name,) in rows)

    @staticmethod
    def _wait(node: Node, question: str, values: list[object], timeout_s: float, complaint: str) -> None:
        """Ask until a row comes back."""
        deadline = time.monotonic() + timeout_s
        with node.connect() as connection:
            while connection.execute(question.encode(), values).fetchone() is None:
                if time.monotonic() > deadline:
                    raise DemoError(f"{complaint} after {timeout_s:.0f} s; its log ends: {node.last_words()}")
                time.sleep(0.02)


def _silence(text: str, done: int, total: int) -> None:
    """Report to nobody."""
