"""A session being told, as the events that a runner could have sent. The stories themselves: `tests.tui.stories`."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from console import events
from console.plan import Phase, Plan

PLAN = msgspec.json.decode((Path(__file__).parent / "plan.json").read_bytes(), type=Plan)
ANA = events.Owner(name="ana", uid=1000, claims="ssh from 10.0.4.7")
BEN = events.Owner(name="ben", uid=1001, claims="tty2")


class Story:
    """A session being told: a clock, and the events so far."""

    def __init__(self, seed: int = 7) -> None:
        self.t = 0.0
        self.events: list[events.Event] = []
        self.random = random.Random(seed)
        self.rate = 0.0
        self.done = 0
        self.lags: dict[str, float | None] = {"db2": 0.2, "db3": 0.3}
        self.states: dict[str, tuple[str, str]] = {}
        self.p99 = 8.4
        self.tps = 410.0
        self.waiting = 0
        self.behind = 0
        self.version = "v1"
        self._sampled = 0.0

    def tell(self, kind: type[events.Event], **fields: Any) -> None:
        """One event, now."""
        self.events.append(kind(t=round(self.t, 3), s=len(self.events) + 1, **fields))

    def wait(self, seconds: float, each: Callable[[], None] | None = None) -> None:
        """Let time pass, with a sample each second, before which `each` is done."""
        until = self.t + seconds
        while self._sampled + 1.0 <= until:
            self._sampled += 1.0
            self.t = self._sampled
            if each is not None:
                each()
            self.sample()
        self.t = until

    def sample(self) -> None:
        """The readings of this second."""
        jitter = self.random.uniform
        replicas = tuple(self.replica(name, lag) for name, lag in self.lags.items())
        self.tell(
            events.Sample,
            rows_per_second=round(self.rate),
            activity_at=self.t - 0.04,
            transactions_per_second=round(self.tps * jitter(0.95, 1.05), 1),
            active=self.random.randint(4, 9),
            connections=42,
            oldest_transaction=self.t - 3.2,
            locks_at=self.t - 0.03,
            waiting=self.waiting,
            queued_behind_us=self.behind,
            replication_at=self.t - 0.05,
            replicas=replicas,
            application_at=self.t - 0.2,
            application_version=self.version,
            application_tps=round(self.tps * jitter(0.95, 1.05), 1),
            p50_ms=2.1,
            p95_ms=5.2,
            p99_ms=round(self.p99 * jitter(0.9, 1.15), 1),
        )

    def replica(self, name: str, lag: float | None) -> events.Replica:
        """A replica as it is read now."""
        state, why = self.states.get(name, ("streaming", ""))
        jittered = None if lag is None else round(max(0.05, lag * self.random.uniform(0.7, 1.3)), 2)
        return events.Replica(
            name=name,
            state=state,  # type: ignore[arg-type]  # one of the states, from a table of ours
            lag=jittered,
            bytes=None if jittered is None else int(jittered * 64_000),
            replied=self.t - 0.6 if state in ("streaming", "conflict") else self.t - 14,
            server_lag=None if jittered is None else round(jittered * 1.1, 2),
            why=why,
        )

    def phase(self, name: str) -> Phase:
        """The plan of a phase."""
        return PLAN.phase(name)

    def ask(self, action: str, *arguments: str, owner: events.Owner = ANA, **fields: Any) -> None:
        """An action that was asked for and done."""
        number = sum(1 for event in self.events if isinstance(event, events.ActionChanged))
        self.tell(
            events.ActionChanged,
            id=f"a{number}",
            action=action,
            state="done",
            owner=owner,
            arguments=arguments,
            **fields,
        )

    def statement(self, phase: str, number: int = 0, *, attempt: int = 1, pid: int = 4802) -> str:
        """A statement of the plan is sent; its name."""
        statement = self.phase(phase).statements[number]
        self.tell(
            events.StatementBegan,
            phase=phase,
            name=statement.name,
            sql=statement.sql,
            lock=statement.lock,
            attempt=attempt,
            pid=pid,
        )
        return statement.name

    def walk(self, phase: str, seconds: float) -> None:
        """A phase is advanced to, and passes."""
        self.tell(events.PhaseBegan, phase=phase)
        self.tell(events.StateChanged, state="running")
        steps = self.phase(phase).statements
        for number, step in enumerate(steps):
            if step.cost == "batches":
                continue
            self.statement(phase, number)
            took = seconds / max(1, len(steps))
            self.wait(took)
            self.tell(
                events.StatementEnded,
                phase=phase,
                name=step.name,
                outcome="done",
                seconds=min(took, 0.012) if step.cost == "metadata" else took,
            )
        if not steps:
            self.wait(seconds)
        evidence = tuple(
            events.Evidence(name=name, seen="yes", holds=True) for name in self.phase(phase).evidence
        )
        self.tell(events.PhaseEnded, phase=phase, outcome="passed", seconds=seconds, evidence=evidence)

    def rest(self, phase: str, seconds: float = 4.0) -> None:
        """It waits for the operator before this phase."""
        title = self.phase(phase).title
        self.tell(events.StateChanged, state="waiting", reason=f"{title} is next", waits_for="advance")
        self.wait(seconds)
        self.ask("advance", text=phase)
