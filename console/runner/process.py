"""The runner's process: sets up the session, its recording and its socket, and sees the walk through.

It has no screen and no terminal. SIGTERM ends it at the end of the batch, with everything kept; SIGHUP is nothing
to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
import socket
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from console import __version__, config, directories, events
from console.change import ChangeFile
from console.databases import open_database
from console.databases.base import BadExpression, Database, DatabaseError, Inspector, NotFound
from console.facts import TableFacts
from console.link.server import Server
from console.plan import Plan, make_plan
from console.recording import Recorder, RecordingError
from console.runner import foreground, place, presence
from console.runner.afterwards import leave_report
from console.runner.control import Control
from console.runner.desk import Desk
from console.runner.monitor import Monitor
from console.runner.options import Answer, Options, answer
from console.runner.people import People
from console.runner.runner import BLOCKED, Again, Runner
from console.runner.seal import seal
from console.runner.stage import Stage
from console.runner.stream import Stream
from console.sharing import share
from console.throttle import Throttle

SYNCED = (
    events.ActionChanged,
    events.ControlChanged,
    events.PhaseBegan,
    events.PhaseEnded,
    events.StatementBegan,
    events.StateChanged,
    events.Header,
    events.Ended,
)
"""Events that are on the disk before what they tell of is done."""


class Unstartable(Exception):
    """Why there is no session, in one sentence, and the exit status for it."""

    def __init__(self, text: str, exit_status: int) -> None:
        super().__init__(text)
        self.text = text
        self.exit_status = exit_status


def main(options: Options) -> int:
    """Runs to the end of the session; its exit status."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        return asyncio.run(_run(options))
    except Unstartable as error:
        answer(options, Answer(error=error.text, exit_status=error.exit_status))
        if options.foreground:
            foreground.say(f"Error: {error.text}")
        return error.exit_status


async def _run(options: Options) -> int:
    try:
        file = config.load(Path(options.change_file))
    except config.ConfigError as error:
        raise Unstartable(str(error), 2) from error
    advance = options.advance or file.session.advance
    try:
        database = open_database(file)
        inspector = await database.inspector()
        facts = await inspector.inspect(file.change)
    except (NotFound, BadExpression) as error:
        raise Unstartable(str(error), BLOCKED) from error
    except DatabaseError as error:
        raise Unstartable(str(error), 1) from error
    async with contextlib.aclosing(_Closing(inspector)):
        session = _Session(options, file.in_schema(facts.schema), database, facts, advance)
        return await session.run(inspector)


def _size(recording: Path) -> int:
    """Bytes; -1 where somebody took it away."""
    try:
        return recording.stat().st_size
    except OSError:
        return -1


class _Closing:
    """Lets `aclosing` close an inspector."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    async def aclose(self) -> None:
        with contextlib.suppress(DatabaseError):
            await self._inspector.close()


class _Session:
    """The session's directory, recording and socket, around the walk."""

    def __init__(
        self, options: Options, file: ChangeFile, database: Database, facts: TableFacts, advance: str
    ) -> None:
        self._options = options
        self._file = file
        self._database = database
        self._facts = facts
        self._advance = advance

    def _open(self) -> None:
        """The session's folder, lock and recording. Raises Unstartable."""
        try:
            self._place = place.find(self._file.change, self._options.recording)
            self._lock = self._place.directory.lock()
            if self._file.session.group:
                share(self._place.directory, self._file.session.group)
            self._recorder = Recorder.create(
                self._place.recording, session_id=self._place.directory.id, on_problem=self._problem
            )
        except (directories.DirectoryError, RecordingError) as error:
            raise Unstartable(str(error), 2) from error
        self._stream = Stream(self._recorder.session)
        self._stream.add(self._record)
        self._control = Control(self._stream)
        people = People(self._file.session)
        self._desk = Desk(self._control, self._stream, people, self._silence)
        self._server = Server(
            self._place.directory,
            self._place.directory.id,
            lambda: self._stream.session,
            self._desk.ask,
            self._stream.emit,
            clock=self._stream.now,
            lock=self._lock,
            people=people,
        )

    def _silence(self, client: str) -> float | None:
        return self._server.silence(client)

    def _record(self, event: events.Event) -> None:
        self._recorder.append(event, sync=isinstance(event, SYNCED))

    def _problem(self, text: str) -> None:
        sys.stderr.write(text + "\n")

    async def run(self, inspector: Inspector) -> int:
        """Sets up, walks, and takes leave; the exit status."""
        self._open()
        throttle = self._stream.session.operator_throttle
        self._stream.emit(self._header())
        if throttle is not None:
            # The operator's word outlives the runner that heard it.
            self._stream.emit(throttle)
        try:
            await self._server.start()
            self._place.directory.write(self._session_file())
        except (OSError, directories.DirectoryError) as error:
            raise Unstartable(str(error), 2) from error
        self._stream.add(self._server.publish)
        # Last, so that what it says of an event comes after the event, for everybody.
        self._stream.add(self._desk.lease.see)
        self._desk.book.begin_anew()
        if self._options.foreground:
            foreground.say(f"session {self._place.directory.id}: `column-console attach` shows it")
            self._stream.add(foreground.tell)
        else:
            self._quieten()
        answer(
            self._options,
            Answer(
                session=self._place.directory.id,
                directory=str(self._place.directory.path),
                recording=str(self._place.recording),
                socket=str(self._server.socket_path),
                pid=os.getpid(),
            ),
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(
                number, self._control.stop, "abort", "the system", f"signal {number.name}"
            )
        try:
            ended = await self._walk(inspector)
        except Exception as error:  # noqa: BLE001 - whatever it was, the recording must say that the runner ended
            traceback.print_exc(file=sys.stderr)
            text = (
                f"the runner failed ({type(error).__name__}: {error}); everything is kept, run again to go on"
            )
            ended = events.Ended(outcome="failed", exit_status=1, text=text)
        self._desk.close()
        self._stream.emit(ended)
        with contextlib.suppress(directories.DirectoryError):
            # The recording says it too, where it can be read.
            self._place.directory.write(replace(self._session_file(), outcome=ended.outcome))
        await self._server.close()
        self._recorder.close()
        size = _size(self._place.recording)
        self._lock.release()
        # Last, so that a server which does not answer holds up nobody who takes the session up again.
        await seal(self._recorder, self._database, self._place.directory.id, ended)
        leave_report(self._place.directory, self._place.recording, size)
        return ended.exit_status

    def _session_file(self) -> directories.SessionFile:
        known, header = self._place.directory.read(), self._stream.session.header
        began = header.started_unix if header is not None else time.time()
        return directories.SessionFile(
            id=self._place.directory.id,
            title=self._file.change.title,
            change_file=self._file.path,
            recording=str(self._place.recording),
            socket=str(self._server.socket_path),
            pid=os.getpid(),
            # An earlier runner may have begun it.
            started=known.started
            if known is not None
            else datetime.fromtimestamp(began, UTC).astimezone().isoformat(timespec="seconds"),
        )

    def _quieten(self) -> None:
        """Standard error goes to the session's log from here on; the starter has heard all it needs."""
        log = os.open(self._place.directory.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 2)
        os.close(log)

    def _header(self) -> events.Header:
        file, limits = self._file, self._file.limits
        now = datetime.now().astimezone()
        server = replace(self._facts.server, name=self._database.name)
        return events.Header(
            format=events.FORMAT,
            product=f"column-console {__version__}",
            session=self._place.directory.id,
            started=now.isoformat(timespec="milliseconds"),
            started_unix=time.time() - self._stream.now(),
            change_key=file.change.key,
            title=file.change.title,
            table=self._facts.name,
            column=file.change.column,
            change_file=file.path,
            server=server,
            host=socket.gethostname(),
            owner=pwd.getpwuid(os.getuid()).pw_name,
            pid=os.getpid(),
            resumed=self._stream.session.header is not None,
            limits={
                "replication_lag": limits.replication_lag,
                "lock_timeout": limits.lock_timeout,
                "lock_queue": limits.lock_queue,
                "lock_retries": limits.lock_retries,
                "batch_time": limits.batch_time,
                "rows_per_second": limits.rows_per_second,
                "running_queries": limits.running_queries,
            },
            window=str(limits.window) if limits.window else "",
            one_control=True,
            observers_may_pause=file.session.observers_may_pause,
        )

    def _plan(self) -> Plan:
        plan = make_plan(self._file.change, self._facts, self._database.writer(self._facts))
        self._stream.emit(events.Planned(plan=plan, advance=self._advance))
        return plan

    async def _walk(self, inspector: Inspector) -> events.Ended:
        while True:
            stage = await self._stage(self._plan())
            self._desk.stage = stage
            stage.monitor.start()
            leaving = asyncio.create_task(presence.watch(self._stream, self._control, self._file.session))
            try:
                return await Runner(stage, inspector, self._facts).run()
            except Again:
                await self._look_again(inspector)
            finally:
                leaving.cancel()
                await stage.close()

    def _throttle(self) -> Throttle:
        throttle = Throttle(self._file.limits)
        if self._stream.session.operator_throttle is not None:
            throttle.set_operator(self._stream.session.operator_throttle)
        return throttle

    async def _look_again(self, inspector: Inspector) -> None:
        try:
            self._facts = await inspector.inspect(self._file.change)
        except DatabaseError as error:
            self._stream.log(f"could not look again: {error}", "warning")

    async def _stage(self, plan: Plan) -> Stage:
        file, facts, database = self._file, self._facts, self._database
        worker = database.worker(facts)
        watcher = await database.watcher(facts, self._stream.from_unix)
        stage: Stage

        def rows_per_second() -> float:
            return stage.rows_per_second()

        monitor = Monitor(
            watcher,
            self._stream.emit,
            self._stream.now,
            application_file=Path(self._options.application) if self._options.application else None,
            rows_per_second=rows_per_second,
        )
        stage = Stage(
            file=file,
            plan=plan,
            stream=self._stream,
            control=self._control,
            worker=worker,
            watcher=watcher,
            evidences=await database.evidences(facts, worker),
            monitor=monitor,
            throttle=self._throttle(),
            advance=self._advance,
            alone=self._options.alone,
        )
        return stage
