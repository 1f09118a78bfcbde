"""A runner's socket: whoever runs it may watch and act, any number of screens at once.

The session's lock is taken before the socket is bound, because asyncio silently replaces the socket of a live
server. The socket has mode 0600 and lies in a folder of mode 0700, unless the change file names a group; the kernel's
word for who connects is asked all the same.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from console import events
from console.directories import DirectoryError, RunnerLock, SessionDirectory, answers
from console.link.allowance import Allowance
from console.link.connection import Connection, Gone, Hooks, Patience
from console.link.peer import Caller, Peer, Role, peer_of
from console.link.protocol import FROM_CLIENT, FromServer, encode
from console.session import Session
from console.sharing import open_socket

MOST_CLIENTS = 32
MOST_OF_OTHERS = 16
"""Connections of all users together who are not the one that the runner runs as, who can so not be kept out."""
FAREWELL = 2.0
"""Seconds that clients have to read the last events when the runner ends."""

Ask = Callable[[events.Ask, Caller], Awaitable[events.ActionChanged]]


class Admission(Protocol):
    """Who may come in, and as what."""

    def admits(self, peer: Peer) -> bool:
        """Whether this user is served."""
        ...

    def role(self, owner: events.Owner, wanted: Role) -> Role:
        """As what."""
        ...


class OwnerOnly:
    """The user that the runner runs as, and root, as what they want."""

    def admits(self, peer: Peer) -> bool:
        """See the class."""
        return peer.admitted

    def role(self, owner: events.Owner, wanted: Role) -> Role:
        """See the class."""
        return wanted


class Server:
    """Serves one session. `publish` hands on an event that was stamped and folded; it never waits.

    `snapshot` gives the session as it stands, `ask` does what a client asks (and must be idempotent by the ask's
    id), `emit` takes the server's own events (`Attached`, `Detached`, a `Log`), to be stamped, folded and
    published like all others.
    """

    def __init__(
        self,
        directory: SessionDirectory,
        session_id: str,
        snapshot: Callable[[], Session],
        ask: Ask,
        emit: Callable[[events.Event], None],
        *,
        clock: Callable[[], float] | None = None,
        lock: RunnerLock | None = None,
        patience: Patience | None = None,
        people: Admission | None = None,
    ) -> None:
        """`clock` gives the session's time now; without it, the time of its last event stands in. `lock` is the
        session's lock where the caller holds it already, and keeps it.
        """
        self._directory = directory
        self._ask = ask
        self._emit = emit
        self._snapshot = snapshot
        self._lock = lock
        self._people: Admission = people or OwnerOnly()
        self._asks: dict[int, Allowance] = {}
        self._screens: dict[int, Allowance] = {}
        self._screen_of: dict[str, tuple[int, str]] = {}
        self._own_lock: RunnerLock | None = None
        self._patience = patience or Patience()
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._pending: dict[tuple[int, str, str], asyncio.Future[events.ActionChanged]] = {}
        self._count = 0
        self._closing = False
        self._inode = 0
        self.socket_path = Path()
        """Where it listens, once it has started."""
        self._hooks = Hooks(
            session=session_id,
            pid=os.getpid(),
            snapshot=snapshot,
            clock=clock or (lambda: snapshot().t),
            ask=self._answer,
            role=self._people.role,
            came=self._came,
            may_ask=self._may_ask,
            emit=self._say,
        )

    def silence(self, client: str) -> float | None:
        """Seconds since a client's last word; None where it is not connected."""
        for connection in self._connections.values():
            if connection.name == client:
                return connection.silence
        return None

    async def start(self) -> None:
        """Begin to listen. Raises `DirectoryError` where the session has a runner, or no socket can be made."""
        if self._lock is None:
            self._own_lock = self._directory.lock()
        try:
            self.socket_path = self._directory.socket_path()
            listener = _bind(self.socket_path, self._directory.group)
        except BaseException:
            self._release()
            raise
        self._inode = self.socket_path.stat().st_ino
        self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=FROM_CLIENT)
        # The screens of a runner that was killed never said good-bye.
        for client in self._snapshot().clients:
            self._emit(events.Detached(client=client.client, name=client.name, why="the runner started anew"))

    def publish(self, event: events.Event) -> None:
        """Send a stamped event to every client that watches. Never waits, never raises."""
        if not self._connections:
            return
        line = events.encode(event) + b"\n"
        for connection in self._connections.values():
            connection.offer(event, line)

    async def close(self, why: str = "the session has ended") -> None:
        """Send the last events, say good-bye, and remove the socket. Slow clients are not waited for."""
        if self._server is None:
            return
        self._closing = True
        self._server.close()
        self._remove_socket()
        for connection in self._connections.values():
            connection.finish(why)
        tasks = set(self._connections)
        if tasks:
            _, slow = await asyncio.wait(tasks, timeout=FAREWELL)
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
        for pending in list(self._pending.values()):
            pending.cancel()
        self._server = None
        self._release()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = peer_of(writer.get_extra_info("socket"))
        refused = ""
        others = sum(1 for one in self._connections.values() if one.peer.uid != os.geteuid())
        if not self._people.admits(peer):
            refused = (
                f"This session is not for {peer.name}: its change file names who may come in "
                "(controllers, observers, group in [session])."
            )
        elif len(self._connections) >= MOST_CLIENTS:
            refused = f"{MOST_CLIENTS} clients are connected already: close one of them."
        elif peer.uid != os.geteuid() and others >= MOST_OF_OTHERS:
            refused = f"{MOST_OF_OTHERS} clients of other users are connected already: close one of them."
        if refused or self._closing:
            writer.write(encode(FromServer(refused=refused or "the session has ended")))
            writer.close()
            return
        self._count += 1
        connection = Connection(f"c{self._count}", peer, self._hooks, (reader, writer), self._patience)
        task = asyncio.current_task()
        assert task is not None
        self._connections[task] = connection
        try:
            await connection.run()
        finally:
            del self._connections[task]
            self._screen_of.pop(connection.name, None)

    def _came(self, connection: Connection, screen: str) -> str:
        """See `Hooks.came`. A screen is itself for its own user alone."""
        uid = connection.peer.uid
        if not _allowed(self._screens, uid, self._patience.screens, 1.0):
            raise Gone("attached too often: wait a minute")
        before = ""
        for other in self._connections.values():
            if screen and other is not connection and self._screen_of.get(other.name) == (uid, screen):
                before = other.name
                other.replaced()
        if screen:
            self._screen_of[connection.name] = (uid, screen)
        return before

    def _may_ask(self, uid: int) -> bool:
        return _allowed(self._asks, uid, self._patience.asks, 2.0)

    async def _answer(self, ask: events.Ask, caller: Caller) -> events.ActionChanged:
        """Ask the runner, once for each id: a client that lost its answer sends the same ask again."""
        asked = (caller.owner.uid, ask.id, ask.action)
        pending = self._pending.get(asked)
        if pending is None:
            pending = asyncio.ensure_future(self._ask(ask, caller))
            self._pending[asked] = pending
            pending.add_done_callback(lambda _: self._pending.pop(asked, None))
        await asyncio.wait({pending})
        failure = None if pending.cancelled() else pending.exception()
        if not pending.cancelled() and failure is None:
            return pending.result()
        text = (
            "the runner ended before it was done"
            if failure is None
            else "the runner failed at it: see its log"
        )
        if failure is not None:
            self._say(
                events.Log(level="error", text=f"{ask.action}: {type(failure).__name__}: {failure}"[:500])
            )
        return events.ActionChanged(
            id=ask.id,
            action=ask.action,
            state="refused",
            owner=caller.owner,
            arguments=ask.arguments,
            reason=ask.reason,
            text=text,
        )

    def _say(self, event: events.Event) -> None:
        """Emit an event of our own; the session's last event is its `Ended`, so not after that."""
        if not self._closing:
            self._emit(event)

    def _release(self) -> None:
        if self._own_lock is not None:
            self._own_lock.release()
            self._own_lock = None

    def _remove_socket(self) -> None:
        """Remove our socket, and not one that took its place."""
        try:
            if self.socket_path.stat().st_ino == self._inode:
                self.socket_path.unlink()
                if self.socket_path.parent != self._directory.path:
                    self.socket_path.parent.rmdir()
        except OSError:
            # Somebody cleaned up before us.
            return


def _allowed(allowances: dict[int, Allowance], uid: int, burst: int, per_second: float) -> bool:
    if uid not in allowances:
        allowances[uid] = Allowance(burst=burst, per_second=per_second)
    return not allowances[uid].take()


def _bind(path: Path, group: int | None) -> socket.socket:
    """A socket bound at `path`, for its owner alone or for a group too. The caller holds the session's lock."""
    if path.exists() and answers(path):
        raise DirectoryError(f"Another runner listens on {path}: `column-console sessions` lists what runs.")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    mask = os.umask(0o077)
    try:
        path.unlink(missing_ok=True)
        listener.bind(os.fspath(path))
        path.chmod(0o600)
        if group is not None:
            open_socket(path, group)
    except OSError as error:
        listener.close()
        raise DirectoryError(
            f"The socket {path} can't be made ({error.strerror or error}): "
            "set COLUMN_CONSOLE_HOME to a folder of your own."
        ) from None
    finally:
        os.umask(mask)
    return listener
