"""`report`, and `replay --what-if`: what a reviewer asks of recordings, which are only read."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from console import events
from console.change import Limits
from console.cli.change_file import load
from console.cli.errors import DONE, USAGE, CommandError
from console.cli.playback import opened, opened_together, put
from console.cli.say import data, tell
from console.config import values
from console.report import Format, render, render_both
from console.report import as_json as text_of
from console.report.what_if import NoBackfill, as_text, what_if


def report(name: str, other: str | None, form: Format, output: str | None, *, redact: bool) -> int:
    """What happened, as text for people or as JSON; of two sessions, side by side."""
    if other is None:
        only = opened(name, redact=redact)
        return put(render(only, form), output, only)
    first, second = opened_together(name, other, redact=redact)
    return put(render_both(first, second, form), output, first, second)


def model(name: str, change: str, *, as_json: bool, redact: bool) -> int:
    """What the throttle would have done with the limits of a change file, as text or as JSON."""
    file = load(change)
    recording = opened(name, redact=redact)
    header = recording.final.header
    damaged = CommandError(f"{name} does not say under which limits it ran: its header is damaged", USAGE)
    if header is None:
        raise damaged
    try:
        limits = recorded_limits(header)
    except ValueError:
        raise damaged from None
    if file.change.title != header.title:
        tell(f"{change} is of {file.change.title}, the session of {header.title}: only its limits are taken")
    try:
        found = what_if(recording, limits, file.limits)
    except NoBackfill as error:
        raise CommandError(f"{name}: {error}", USAGE) from None
    data(text_of(found) if as_json else as_text(found, header.title, change))
    return DONE


def recorded_limits(header: events.Header) -> Limits:
    """The limits that a session ran under; what its recording does not name is as a change file leaves it out.

    Raises ValueError where they make no sense.
    """
    given = {name: value for name, value in header.limits.items() if name in Limits.__struct_fields__}
    limits = msgspec.convert(given, Limits, strict=False)
    return replace(limits, window=values.window(header.window)) if header.window else limits
