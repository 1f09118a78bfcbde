"""Makes a plan: which phases a change needs, in which order, why one is left out, and what each says. Pure."""

from __future__ import annotations

from console.change import Change, SessionRules
from console.facts import Column, TableFacts
from console.plan.things import (
    BACKFILL_FIRST,
    WRITES_FIRST,
    Does,
    Phase,
    PhaseName,
    Plan,
    Shape,
    Writer,
)

TITLES: dict[PhaseName, str] = {
    "preflight": "Preflight",
    "add-column": "Add column",
    "replicas": "Replicas",
    "dual-writes": "Dual writes",
    "backfill": "Backfill",
    "backfill-again": "Backfill again",
    "verify": "Verify",
    "constraints": "Constraints",
    "indexes": "Indexes",
    "reads": "Reads",
    "finish": "Finish",
}


def make_plan(change: Change, facts: TableFacts, writer: Writer, rules: SessionRules | None = None) -> Plan:
    """The plan for `change` on the table that `facts` describes.

    A constant value becomes the column's default at once, where that is metadata alone and nobody has to
    keep rows in step meanwhile: the fastest backfill is none.
    """
    change = change.in_schema(facts.schema)
    shape, chosen = writer.choose(first_shape(change, facts))
    proposals = []
    if shape.instant_value and change.backfill:
        proposals.append(
            f"The value {change.backfill.value} is the same for every row, so it is added as the column's default, "
            "as metadata alone: no row is rewritten, and there is nothing to backfill or to keep in step."
        )
    if change.backfill and change.backfill.sync == "none" and not shape.instant_value:
        proposals.append(
            "sync = none: rows written between the backfill and the default stay NULL until they are swept up "
            "before the constraints."
        )
    order = WRITES_FIRST
    if change.backfill and change.backfill.order == "backfill-first" and not shape.instant_value:
        order = BACKFILL_FIRST
    phases = tuple(_phase(name, change, shape, writer, volatile=facts.value_volatile) for name in order)
    return Plan(
        key=change.key,
        title=change.title,
        server=facts.server,
        table=facts.name,
        phases=phases,
        proposals=(*proposals, *chosen),
        session=writer.session,
    )


def first_shape(change: Change, facts: TableFacts) -> Shape:
    """What is decided on every database alike."""
    if change.backfill is None:
        return Shape()
    if facts.value_constant and (facts.existing is None or _came_with_its_value(change, facts.existing)):
        return Shape(instant_value=True)
    return Shape(backfill=True, trigger=change.backfill.sync == "trigger")


def _came_with_its_value(change: Change, existing: Column) -> bool:
    """Whether the column that is there already is one that an earlier run added with its constant value."""
    says_something = not existing.nullable or existing.default is not None
    return (
        says_something
        and existing.nullable == change.nullable
        and (existing.default is not None or change.default is None)
    )


def _phase(name: PhaseName, change: Change, shape: Shape, writer: Writer, *, volatile: bool) -> Phase:
    left_out = _left_out(name, change, shape, volatile=volatile)
    statements = () if left_out else writer.statements(name, shape)
    if name == "constraints" and not statements:
        left_out = left_out or "default and NOT NULL came with the column, or come with the indexes"
    if left_out:
        return Phase(
            name=name,
            title=TITLES[name],
            does="reads",
            purpose=_purpose(name, change, shape),
            left_out=left_out,
        )
    return Phase(
        name=name,
        title=TITLES[name],
        does=_does(name, shape),
        purpose=_purpose(name, change, shape),
        statements=statements,
        evidence=_evidence(name, change, shape),
        undo=writer.undo(name, shape),
        undo_text=_undo_text(name, shape),
        irreversible=name == "finish",
    )


def _left_out(name: PhaseName, change: Change, shape: Shape, *, volatile: bool) -> str:
    backfill = change.backfill
    if name == "verify" and volatile and not shape.instant_value:
        return "the value is volatile: computed again it differs, and so would every row"
    if shape.instant_value and name == "verify":
        return "the constant came with the column, and what the application writes is its own"
    if shape.instant_value and name in ("dual-writes", "backfill", "backfill-again"):
        return "the constant value is the column's default from the start"
    if shape.complete and name in ("dual-writes", "backfill", "backfill-again"):
        return (
            "the column is there as planned, and no walk of it is under way: its rows are the application's"
        )
    if name == "dual-writes":
        if backfill is None:
            return "no backfill: nobody has to keep rows in step"
        if backfill.sync == "none":
            return "sync = none"
    if backfill is None and name in ("backfill", "backfill-again", "verify"):
        return "no [backfill] in the change file: existing rows stay NULL"
    if name == "indexes" and not change.indexes:
        return "no [[indexes]] in the change file"
    if name == "indexes" and shape.not_null == "rebuild":
        return "built together with NOT NULL, in one rebuild of the table"
    if name == "constraints" and change.reference is None:
        if shape.instant_value:
            return "default and NOT NULL came with the column, in one statement"
        if change.nullable and change.default is None:
            return "no default, NOT NULL or [references] in the change file"
    return ""


def _does(name: PhaseName, shape: Shape) -> Does:
    match name:
        case "preflight" | "replicas":
            return "reads"
        case "dual-writes":
            return "statements" if shape.trigger else "gate"
        case "backfill" | "backfill-again":
            return "backfill"
        case "verify":
            return "verify"
        case "reads":
            return "gate"
        case _:
            return "statements"


def _purpose(name: PhaseName, change: Change, shape: Shape) -> str:
    column = change.column
    match name:
        case "preflight":
            return "Look before anything is touched: reads only."
        case "add-column":
            if shape.instant_value:
                return f"Add {column} with its constant value as default: metadata only."
            if shape.not_null == "from-start":
                return f"Add {column}, NOT NULL, with the placeholder {shape.placeholder} as default: metadata only."
            return f"Add {column}, nullable and without default: metadata only."
        case "replicas":
            return f"See that {column} has arrived on every replica, and that each is advancing."
        case "dual-writes":
            if shape.trigger:
                return f"Install the sync trigger, so that every row written from now on carries {column}."
            return f"Wait until the application that writes {column} is deployed."
        case "backfill":
            if shape.not_null == "from-start":
                return f"Put the value over the placeholder in {column}, batch by batch, in key order, throttled."
            return f"Fill {column} in the existing rows, batch by batch, in key order, throttled."
        case "backfill-again":
            return "Fill what was written between the backfill and the dual writes."
        case "verify":
            return f"Compare {column} with its expression, range by range, read-only."
        case "constraints":
            if shape.not_null == "rebuild":
                return (
                    "NOT NULL, default and indexes in one online rebuild of the table; then the foreign key."
                )
            return "Default, NOT NULL and foreign key, each in the form that does not block."
        case "indexes":
            return "Build the indexes online."
        case "reads":
            return f"Wait until the application that reads {column} is deployed."
        case "finish":
            return "Remove what is ours, and see that primary, replicas and plan agree."


def _evidence(name: PhaseName, change: Change, shape: Shape) -> tuple[str, ...]:
    column = change.column
    match name:
        case "preflight":
            return ("no blocker",)
        case "add-column":
            return (f"the catalog shows {column} {change.type}, as planned",)
        case "replicas":
            return (f"{column} visible on every replica", "every replica is advancing")
        case "dual-writes":
            if shape.trigger:
                return (
                    "the trigger is in place and enabled",
                    f"of the rows written since, 100 % carry {column}",
                )
            return (f"of the rows written since, 100 % carry {column}",)
        case "backfill" | "backfill-again":
            if shape.not_null == "from-start":
                lacking = f"no row that reads the placeholder (where that is not its value) in {column}"
            else:
                lacking = f"no row without {column} (where its value is not NULL)"
            return ("the upper bound of the key is reached", lacking)
        case "verify":
            return ("0 differences, with the number of rows compared",)
        case "constraints":
            return ("the catalog shows each as validated",)
        case "indexes":
            return ("the catalog shows each as valid",)
        case "reads":
            return ("old and new value agree on the newest rows", f"statements that use {column} seen")
        case "finish":
            return ("nothing of ours left", "primary, replicas and plan agree")


def _undo_text(name: PhaseName, shape: Shape) -> str:
    match name:
        case "add-column":
            return "drop the column: metadata only, its values are lost"
        case "dual-writes":
            return "drop the trigger" if shape.trigger else "deploy the previous application"
        case "backfill" | "backfill-again":
            return "drop the column (or set it back to NULL, by batches)"
        case "constraints":
            return "drop each"
        case "indexes":
            return "drop each, online"
        case "finish":
            return "none: the trigger and the progress table are gone"
        case _:
            return "nothing to undo"
