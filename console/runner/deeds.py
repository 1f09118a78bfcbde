"""What actions do to the work: each looks whether it can be done now, and does it, or hands it to the work.

What the work must take up first (a decision, a pause, an end) is armed until it does.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from console import events
from console.config.values import duration as parse_duration
from console.link.peer import Caller
from console.runner.book import Armed, Book, Refusal
from console.runner.control import Control, Decision
from console.runner.people import People
from console.runner.stage import Stage
from console.words import duration, plain

DECISIONS = ("advance", "retry", "skip-gate", "skip-rows", "resume")
"""What is said of the state that the asker saw, and of no later one."""


class Deeds:
    """The actions that the work heeds."""

    def __init__(self, control: Control, book: Book, people: People) -> None:
        self._control = control
        self._book = book
        self._rules = people.rules
        self._controllers = people.controllers()
        self.stage: Stage | None = None
        """Set once the plan is made."""
        self.approved: dict[str, str] = {}
        """By id: which asks a second person has approved, and who."""
        self._hand_in: dict[str, Callable[[], None]] = {}
        self.deeds: dict[str, Callable[[events.Ask, Caller], Awaitable[str | Armed]]] = {
            "advance": self._decision,
            "retry": self._decision,
            "skip-gate": self._decision,
            "skip-rows": self._decision,
            "pause": self._pause,
            "resume": self._resume,
            "throttle": self._throttle,
            "cancel-statement": self._cancel_statement,
            "abort": self._stop,
            "roll-back": self._stop,
            "cancel-session": self._end_session,
            "terminate-session": self._end_session,
        }

    def hand_in(self, id_: str) -> None:
        """The action is armed, and recorded so: now the work may have it."""
        then = self._hand_in.pop(id_, None)
        if then is not None:
            then()

    def _ready(self) -> Stage:
        if self.stage is None:
            raise Refusal("the session is only starting")
        if self.stage.stream.session.ended is not None:
            raise Refusal("the session has ended")
        return self.stage

    # -- Two persons

    def _needs_approval(self, stage: Stage, ask: events.Ask) -> bool:
        """Whether a second person must agree first: to what can't be undone."""
        if not self._rules.two_person or ask.id in self.approved:
            return False
        name = stage.stream.session.phase
        phase = next((phase for phase in stage.plan.phases if phase.name == name), None)
        begins = ask.action in ("advance", "skip-gate") and phase is not None and phase.irreversible
        return begins or ask.action == "roll-back"

    def _waits_for_second(self, ask: events.Ask) -> Armed:
        for one in self._book.open.values():
            if one.ask.action == ask.action and one.armed is not None and one.armed.approval:
                raise Refusal(f"{ask.action} of {one.owner.name} waits for approval already")
        return Armed(
            text=f"waits for the approval of a second person ({self._controllers})"
            f" within {duration(self._rules.approval_time)}",
            seconds=self._rules.approval_time,
            approval=True,
        )

    def _by(self, ask: events.Ask) -> str:
        by = self.approved.get(ask.id)
        return f", approved by {by}" if by else ""

    # -- Decisions

    async def _decision(self, ask: events.Ask, caller: Caller) -> str | Armed:
        stage = self._ready()
        if ask.action == "skip-gate" and not ask.reason.strip():
            raise Refusal("going on against the evidence needs a reason")
        if ask.action not in self._control.accepts:
            raise Refusal(self._why_not(stage, ask.action))
        self._confirmed(stage, ask)
        if self._needs_approval(stage, ask):
            return self._waits_for_second(ask)
        decision = Decision(id=ask.id, action=ask.action, by=caller.owner.name, reason=plain(ask.reason))
        self._hand_in[ask.id] = lambda: self._control.decided(decision)
        done = {
            "advance": f"{stage.stream.session.phase} goes on",
            "retry": "tries again",
            "skip-gate": "goes on against the evidence",
            "skip-rows": "leaves the failing rows out, and lists them",
        }[ask.action]
        return Armed(
            text="until the work takes it up",
            done=done + self._by(ask),
            withdraw=lambda: self._control.undecided(ask.id),
        )

    def _why_not(self, stage: Stage, action: str) -> str:
        session = stage.stream.session
        before = self._control.decision
        if before is not None:
            return f"{before.by} came first, with {before.action}"
        if session.state == "running":
            return f"{session.phase} is at work"
        if session.state == "paused":
            return "paused: resume first"
        if action == "advance" and session.waits_for == "evidence":
            current = session.current
            missing = [piece.name for piece in current.evidence if not piece.holds] if current else []
            return f"the evidence does not hold yet ({', '.join(missing)}); skip-gate goes on against it, with a reason"
        possible = ", ".join(sorted(self._control.accepts)) or "nothing"
        return f"it does not wait for {action} now, but for {possible}"

    def _confirmed(self, stage: Stage, ask: events.Ask) -> None:
        """A table's name that was typed must be the table's."""
        if ask.arguments and ask.arguments[0] not in _spellings(stage):
            raise Refusal(f"{plain(ask.arguments[0])!r} is not the table of this change, {stage.plan.table}")

    # -- Pausing and ending

    async def _pause(self, ask: events.Ask, caller: Caller) -> Armed:
        stage = self._ready()
        if self._control.paused_by:
            raise Refusal(f"paused already, by {self._control.paused_by}")
        by, reason = caller.owner.name, plain(ask.reason)
        self._hand_in[ask.id] = lambda: self._control.pause(by, reason, id_=ask.id)
        running = stage.stream.session.state == "running"
        return Armed(
            text="pauses at the end of the batch" if running else "pauses before anything more is done",
            done="paused",
            withdraw=lambda: self._control.unpause(ask.id),
        )

    async def _resume(self, ask: events.Ask, caller: Caller) -> str:
        self._ready()
        if not self._control.paused_by:
            raise Refusal("it is not paused")
        self._control.resume()
        return "goes on"

    async def _stop(self, ask: events.Ask, caller: Caller) -> Armed:
        stage = self._ready()
        self._confirmed(stage, ask)
        if ask.action == "roll-back" and not ask.arguments and not ask.reason.strip():
            raise Refusal(f"roll-back takes the table's name ({stage.plan.table}), or a reason")
        if ask.action == "roll-back" and self._needs_approval(stage, ask):
            return self._waits_for_second(ask)
        by, reason = caller.owner.name, plain(ask.reason)
        self._hand_in[ask.id] = lambda: self._control.stop(ask.action, by, reason, id_=ask.id)
        abort = ask.action == "abort"
        return Armed(
            text="ends at the end of the batch" if abort else "rolls back at the end of the batch",
            done="ends; everything is kept" if abort else f"rolls back{self._by(ask)}",
            withdraw=lambda: self._control.go_on(ask.id),
        )

    # -- At once

    async def _throttle(self, ask: events.Ask, caller: Caller) -> str:
        stage = self._ready()
        current = stage.throttle.operator(stage.stream.now())
        percent = current.percent if current else 100.0
        rate = current.rows_per_second if current else 0.0
        percent, rate, seconds = parse_throttle(ask.arguments, percent, rate)
        expires = stage.stream.now() + seconds if seconds is not None else None
        event = events.OperatorThrottle(
            percent=percent, rows_per_second=rate, by=caller.owner.name, expires=expires
        )
        stage.throttle.set_operator(event)
        stage.stream.emit(event)
        until = f", for {duration(seconds)}" if seconds is not None else ""
        return f"{percent:g} %" + (f", at most {rate:g} rows/s" if rate else "") + until

    async def _cancel_statement(self, ask: events.Ask, caller: Caller) -> str:
        stage = self._ready()
        if not stage.worker.busy:
            raise Refusal("no statement is running just now; pause holds the work")
        self._control.cancelled_by = caller.owner.name
        if not await stage.watcher.cancel_ours(stage.worker.pid):
            self._control.cancelled_by = ""
            raise Refusal("no statement is running just now; pause holds the work")
        return "cancel sent; the phase parks when it has come back"

    async def _end_session(self, ask: events.Ask, caller: Caller) -> str:
        stage = self._ready()
        try:
            pid, started = int(ask.arguments[0]), float(ask.arguments[1])
        except (ValueError, IndexError):
            raise Refusal(f"{ask.action} takes the session's id and the time at which it started") from None
        victim = events.ServerSession(pid=pid, started=started)
        terminate = ask.action == "terminate-session"
        act = stage.watcher.terminate if terminate else stage.watcher.cancel
        if not await act(victim):
            raise Refusal(
                f"session {pid} is not the one it was: it has ended, or its id was given to another"
            )
        return f"session {pid}: " + (
            "ended, its transaction rolled back" if terminate else "its statement cancelled"
        )


def _spellings(stage: Stage) -> set[str]:
    table = stage.file.change.table
    return {stage.plan.table, str(table), table.name}


def parse_throttle(
    arguments: tuple[str, ...], percent: float, rate: float
) -> tuple[float, float, float | None]:
    """What `throttle ARGUMENT...` asks for: percent, rows per second, and for how many seconds (None: until changed).

    Raises Refusal. `percent` and `rate` are what holds now, and stay where they are not named.

    >>> parse_throttle(("50",), 100.0, 0.0), parse_throttle(("2000rows/s", "for", "10m"), 100.0, 0.0)
    ((50.0, 0.0, None), (100.0, 2000.0, 600.0))
    >>> parse_throttle(("off",), 50.0, 2000.0)
    (100.0, 0.0, None)
    """
    words = " ".join(arguments).split()
    seconds = None
    if len(words) >= 2 and words[-2] == "for":
        try:
            seconds = parse_duration(words[-1])
        except ValueError as error:
            raise Refusal(f"for how long? {error}") from None
        words = words[:-2]
    text = " ".join(words)
    if text in ("off", "100", "100%"):
        return 100.0, 0.0, None
    if match := re.fullmatch(r"(\d+(?:\.\d+)?) ?%?", text):
        wanted = float(match[1])
        if not 1 <= wanted <= 100:
            raise Refusal("the percentage is from 1 to 100; pause stops altogether")
        return wanted, rate, seconds
    if match := re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:rows)?/s", text):
        wanted = float(match[1])
        if wanted < 1:
            raise Refusal("at least 1 row/s; pause stops altogether")
        return percent, wanted, seconds
    raise Refusal("throttle takes a percentage (50), a rate (2000rows/s) or off, and perhaps: for 10m")
