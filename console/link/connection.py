"""One client of a runner's socket: its greeting, what it asks, and the pump that sends it what happens.

The runner never waits for a client: it drops lines into the outbox, and the pump sends them as the client reads.
A client that says nothing, reads nothing or sends garbage is dropped; the run does not notice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator

import msgspec

from console import __version__, events
from console.link.allowance import Allowance
from console.link.fitting import fitting
from console.link.outbox import Outbox
from console.link.peer import Caller, Peer, Role, all_claims
from console.link.protocol import (
    FROM_CLIENT,
    HEARTBEAT,
    MISUNDERSTOOD,
    NEWEST,
    OLDEST,
    PRODUCT,
    FromClient,
    FromServer,
    Hello,
    encode,
    mismatch,
    read_client,
)
from console.link.results import Results
from console.link.screens import Screens
from console.session import Session
from console.words import plain

MOST_ASKS = 16
MOST_GARBAGE = 20
MOST_LINES = 200
"""That a client may send at once; beyond these it is read more slowly, so that it takes no time from the work."""
LINES_PER_SECOND = 50.0
WRITE_BUFFER = 64 * 1024


class Patience(msgspec.Struct, frozen=True):
    """Seconds after which a client is given up."""

    word: float = 45.0
    """Without a line from it."""
    progress: float = 30.0
    """Without its reading anything of what waits for it."""
    greeting: float = 10.0
    """Until it has greeted."""
    asks: int = 100
    """What a user may ask at once; then two a second. Each is recorded, and recordings must not be bloated."""
    screens: int = 60
    """Screens that a user may attach in a row; then one a second."""


class Hooks(msgspec.Struct, frozen=True):
    """What a connection needs of the runner. None of these may block."""

    session: str
    pid: int
    snapshot: Callable[[], Session]
    clock: Callable[[], float]
    ask: Callable[[events.Ask, Caller], Awaitable[events.ActionChanged]]
    role: Callable[[events.Owner, Role], Role]
    """As what somebody is served who wants to be this."""
    came: Callable[[Connection, str], str]
    """A screen says which it is; the client that it was before, which is hung up on, or nothing. Raises Gone."""
    may_ask: Callable[[int], bool]
    """Whether this user has not asked too much."""
    emit: Callable[[events.Event], None]


class Gone(Exception):
    """The client is to be dropped, and why."""


class Connection:
    """A client, from its first line to its last. `run` returns when it is gone."""

    def __init__(
        self,
        name: str,
        peer: Peer,
        hooks: Hooks,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        patience: Patience,
    ) -> None:
        self.name = name
        self.peer = peer
        self.watches = False
        """Gets events."""
        self._hooks = hooks
        self._reader, self._writer = streams
        self._patience = patience
        self._outbox = Outbox()
        self._wake = asyncio.Event()
        self._last = b""
        self._why = ""
        self._alive = False
        self._serving = False
        self._asks: set[asyncio.Task[None]] = set()
        self._results = Results()
        self._garbage = 0
        self._screens = Screens(name)
        self._lines = Allowance(burst=MOST_LINES, per_second=LINES_PER_SECOND)
        self._word_at = time.monotonic()
        self._caller = Caller(client=name, owner=events.Owner(name=peer.name, uid=peer.uid), role="observer")
        self._writer.transport.set_write_buffer_limits(high=WRITE_BUFFER)

    # -- What the server calls; none of these waits

    def offer(self, event: events.Event, line: bytes) -> None:
        """An event happened."""
        if self.watches:
            self._outbox.offer(event, line)
            self._wake.set()
        else:
            self._tell(self._results.happened(event))

    def finish(self, why: str) -> None:
        """Send what waits, say good-bye, and hang up."""
        self._last = encode(FromServer(bye=why))
        self._wake.set()
        if not self._serving:
            self._writer.write(self._last)
            self._writer.close()

    def replaced(self) -> None:
        """Its screen has come back by another way."""
        self._why = "its screen came back by another link"
        self._writer.transport.abort()

    @property
    def silence(self) -> float:
        """Seconds since its last word."""
        return time.monotonic() - self._word_at

    @property
    def held(self) -> int:
        """Bytes kept for this client."""
        return self._outbox.size + self._writer.transport.get_write_buffer_size()

    # -- Its life

    async def run(self) -> None:
        """Serve the client until one of the two hangs up. Raises nothing for what a client does."""
        why = "hung up"
        attached = False
        try:
            async with asyncio.timeout(self._patience.greeting):
                hello = await self._greet()
            owner = owner_of(self.peer, hello)
            role = self._hooks.role(owner, hello.role)
            self._caller = Caller(client=self.name, owner=owner, role=role, screen=hello.watch)
            self._outbox.tells_what_matters = (hello.proto or 0) >= 2
            if hello.watch:
                before = self._hooks.came(self, hello.screen[:64])
                attached = True
                self._hooks.emit(events.Attached(client=self.name, owner=owner, role=role, instead_of=before))
                self._outbox.ask_snapshot()
                self.watches = True
            if hello.ask is not None:
                self._take_ask(hello.ask)
            await self._serve()
        except TimeoutError:
            why = f"no greeting within {self._patience.greeting:g} s"
            self._writer.write(encode(FromServer(bye=f'{why}: say {{"proto":{NEWEST}}} first')))
        except Gone as gone:
            why = str(gone)
        except OSError:
            why = "the connection broke"
        finally:
            self.watches = False
            self._writer.close()
            if self._writer.transport.get_write_buffer_size():
                self._writer.transport.abort()
            if attached:
                why = self._why or why
                self._hooks.emit(events.Detached(client=self.name, name=self.peer.name, why=why))

    async def _greet(self) -> FromClient:
        self._writer.write(encode(hello_of(self._hooks, you=self.peer.name, client=self.name)))
        while True:
            said = await self._line()
            if said is not None and said.proto is None:
                self._misunderstood(f'say {{"proto":{NEWEST}}} first')
            if said is None or said.proto is None:
                await self._flush()
                continue
            refused = mismatch(said.proto, said.version)
            if refused:
                self._writer.write(encode(FromServer(refused=refused)))
                await self._drain()
                raise Gone(refused)
            return said

    async def _serve(self) -> None:
        """Read and write side by side, until either ends."""
        reading = asyncio.create_task(self._read(), name=f"link-{self.name}-read")
        writing = asyncio.create_task(self._pump(), name=f"link-{self.name}-pump")
        self._serving = True
        self._wake.set()
        try:
            done, _ = await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)

    # -- From the client

    async def _line(self) -> FromClient | None:
        """Its next line; None where that was garbage, which it is told. Raises `Gone`."""
        if wait := self._lines.take():
            await asyncio.sleep(wait)
        try:
            async with asyncio.timeout(self._patience.word):
                line = await self._reader.readline()
        except TimeoutError:
            text = f'no word for {self._patience.word:g} s: send {{"alive":true}} every {HEARTBEAT:g} s'
            self._writer.write(encode(FromServer(bye=text)))
            raise Gone(f"no word for {self._patience.word:g} s") from None
        except ValueError:
            self._writer.write(encode(FromServer(bye=f"a line of more than {FROM_CLIENT} bytes")))
            raise Gone("sent too long a line") from None
        if not line:
            raise Gone("hung up")
        self._word_at = time.monotonic()
        if not line.strip():
            return None
        try:
            return read_client(line)
        except MISUNDERSTOOD as error:
            self._misunderstood(f"not understood: {str(error)[:200]}")
            return None

    def _misunderstood(self, text: str) -> None:
        self._garbage += 1
        if self._garbage > MOST_GARBAGE:
            self._writer.write(encode(FromServer(bye=f"{MOST_GARBAGE} lines were not understood")))
            raise Gone("sent garbage")
        if not self._outbox.answer(FromServer(error=text)):
            raise Gone("sent garbage")
        self._wake.set()

    async def _read(self) -> None:
        while True:
            said = await self._line()
            if said is None:
                continue
            if said.alive:
                self._alive = True
            if said.snapshot:
                self._outbox.ask_snapshot()
            if said.shows is not None and self.watches:
                shown = self._screens.take(said.shows, self._hooks.clock())
                if shown is not None:
                    self._hooks.emit(shown)
            if said.ask is not None:
                self._take_ask(said.ask)
            self._wake.set()

    def _take_ask(self, ask: events.Ask) -> None:
        if not 0 < len(ask.id) <= 64:
            self._misunderstood("an ask needs an id of 1 to 64 characters")
        elif len(self._asks) >= MOST_ASKS:
            self._misunderstood(f"more than {MOST_ASKS} asks at once")
        elif not self._hooks.may_ask(self.peer.uid):
            self._misunderstood(f"{self.peer.name} asks too much at once: wait a second")
        else:
            if not self.watches:
                self._results.asked(ask.id)
            task = asyncio.create_task(self._answer(ask))
            self._asks.add(task)
            task.add_done_callback(self._asks.discard)

    async def _answer(self, ask: events.Ask) -> None:
        answer = await self._hooks.ask(ask, self._caller)
        self._tell(self._results.answered(answer))

    def _tell(self, answers: list[events.ActionChanged]) -> None:
        for answer in answers:
            if not self._outbox.answer(FromServer(answer=answer)):
                # It asks and asks, and reads no answer.
                self._writer.transport.abort()
            self._wake.set()

    # -- To the client

    async def _pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            # Taken before the flush, so that what was offered before the good-bye goes out before it.
            last = self._last
            await self._flush()
            if last:
                self._writer.write(last)
                await self._drain()
                return

    async def _flush(self) -> None:
        if self._alive:
            self._alive = False
            self._writer.write(encode(FromServer(alive=self._hooks.clock())))
        if not self.watches:
            self._outbox.needs_snapshot = False
        for chunk in joined(self._outbox.take(self._snapshot)):
            self._writer.write(chunk)
            await self._drain()

    def _snapshot(self) -> tuple[int, bytes]:
        session = self._hooks.snapshot()
        return session.s, fitting(session)

    async def _drain(self) -> None:
        await _drained(self._writer, self._patience.progress)


def hello_of(hooks: Hooks, *, you: str, client: str) -> Hello:
    """The server's first line."""
    return Hello(
        hello=PRODUCT,
        version=__version__,
        proto=(OLDEST, NEWEST),
        session=hooks.session,
        you=you,
        pid=hooks.pid,
        t=hooks.clock(),
        client=client,
    )


def owner_of(peer: Peer, hello: FromClient) -> events.Owner:
    """Who it is, by the kernel's word, and what it claims beside."""
    claims = all_claims(peer, hello.claims)
    called = plain(hello.name)[:40]
    if called and called != peer.name:
        claims = f"calls itself {called}, {claims}".removesuffix(", ")
    return events.Owner(name=peer.name, uid=peer.uid, claims=claims)


def joined(lines: Iterable[bytes], most: int = WRITE_BUFFER) -> Iterator[bytes]:
    r"""Lines that go out together: each write is a packet of its own on a slow link, and wakes whoever reads it.

    >>> list(joined([b"a\n", b"b\n", b"long\n", b"c\n"], most=4))
    [b'a\nb\n', b'long\n', b'c\n']
    """
    waiting = b""
    for line in lines:
        if waiting and len(waiting) + len(line) > most:
            yield waiting
            waiting = b""
        waiting += line
    if waiting:
        yield waiting


async def _drained(writer: asyncio.StreamWriter, patience: float) -> None:
    """Wait until the client has read most of what was written. Raises `Gone` where it reads nothing for so long."""
    draining = asyncio.ensure_future(writer.drain())
    try:
        left = writer.transport.get_write_buffer_size()
        while True:
            done, _ = await asyncio.wait({draining}, timeout=patience)
            if done:
                draining.result()
                return
            still = writer.transport.get_write_buffer_size()
            if still >= left:
                raise Gone(f"read nothing for {patience:g} s")
            left = still
    finally:
        draining.cancel()
