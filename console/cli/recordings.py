"""The commands on a recording, as the command line takes them: `replay`, `report` and `export`."""

from __future__ import annotations

from typing import Literal

import click

from console.cli.options import redacted


@click.command()
@click.argument("recording", metavar="[RECORDING|SESSION]", required=False)
@click.option(
    "--at",
    metavar="TIME|EVENT",
    help="Begin there: 02:14:07 (time of day), 12m30s (since the begin), 120 (the event) or backfill (the phase).",
)
@click.option("--speed", type=click.FloatRange(0.5, 600), metavar="N", help="Times as fast; 1 if left out.")
@click.option(
    "--what-if",
    metavar="CHANGE",
    help="Play nothing: print what the throttle would have done with this change file's limits. A model, not a fact.",
)
@click.option("--json", "as_json", is_flag=True, help="With --what-if: data for programs.")
@redacted
def replay(
    *,
    recording: str | None,
    at: str | None,
    speed: float | None,
    what_if: str | None,
    as_json: bool,
    redact: bool,
) -> int:
    """Play a recorded session through the screen.

    Without a name, it lists your sessions and opens the one that you pick. One that still runs is followed.
    """
    if what_if is not None:
        if recording is None:
            raise click.UsageError("--what-if needs a recording")
        if at is not None or speed is not None:
            raise click.UsageError("--what-if plays nothing, so --at and --speed do not go with it")
        from console.cli.review import model

        return model(recording, what_if, as_json=as_json, redact=redact)
    if as_json:
        raise click.UsageError("--json goes with --what-if; `report --format json` tells what happened")
    from console.cli.playback import replay

    return replay(recording, at, 1.0 if speed is None else speed, redact=redact)


@click.command()
@click.argument("recording", metavar="RECORDING|SESSION")
@click.argument("other", metavar="[RECORDING|SESSION]", required=False)
@click.option(
    "--format",
    "as_format",
    type=click.Choice(["html", "markdown", "json"]),
    default="markdown",
    show_default=True,
    help="html: one file for a browser, with charts; markdown: for a ticket; json: for programs.",
)
@redacted
@click.option("-o", "--output", metavar="FILE", help="Write it there, and not to standard output.")
def report(
    *,
    recording: str,
    other: str | None,
    as_format: Literal["html", "markdown", "json"],
    redact: bool,
    output: str | None,
) -> int:
    """Tell what happened, for a review.

    The phases and their evidence, who did what and why, what it cost, whom it made wait, what was verified, what is
    left to do. JSON follows docs/report.schema.json. With two sessions: both side by side, a rehearsal and the real
    thing, or two shards (docs/comparison.schema.json).
    """
    from console.cli.review import report

    return report(recording, other, as_format, output, redact=redact)


@click.command()
@click.argument("recording", metavar="RECORDING|SESSION")
@click.option("--csv", "as_csv", is_flag=True, help="Samples and batches as one table (docs/export.md).")
@click.option(
    "--cast", "as_cast", is_flag=True, help="The replay as a terminal recording, for `asciinema play`."
)
@click.option("--size", metavar="COLUMNSxROWS", help="Of the cast; 120x40 if left out.")
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 1000),
    metavar="N",
    help="Of the cast: times as fast; 30 if left out.",
)
@redacted
@click.option("-o", "--output", metavar="FILE", help="Write it there, and not to standard output.")
def export(
    *,
    recording: str,
    as_csv: bool,
    as_cast: bool,
    size: str | None,
    speed: float | None,
    redact: bool,
    output: str | None,
) -> int:
    """Export the readings or the replay, for other tools."""
    if as_csv == as_cast:
        raise click.UsageError("say what to export: --csv, samples and batches; or --cast, the replay")
    if as_csv and (size is not None or speed is not None):
        raise click.UsageError("--size and --speed go with --cast")
    if as_csv:
        from console.cli.playback import export_csv

        return export_csv(recording, output, redact=redact)
    from console.cli.playback import export_cast

    return export_cast(recording, output, size=size or "120x40", speed=speed or 30.0, redact=redact)
