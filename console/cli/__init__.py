"""The command line: what each command takes. What it does stands in the other modules of this room.

Those on a recording: `console.cli.recordings`.

Nothing heavy is imported before a command needs it: `--help`, `sessions` and `send` answer in a fifth of a second.
Standard output is data, standard error is narration. Each error is one sentence, with its exit status
(`console.cli.errors`), and never a traceback.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from console import __version__
from console.cli.errors import guarded
from console.cli.options import (
    EPILOG,
    Commands,
    advance,
    as_json,
    change_argument,
    event_lines,
    headless,
    host,
    recording_file,
)
from console.cli.recordings import export, replay, report


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="column-console %(version)s")
def commands() -> None:
    """Add one column to a live production table, and keep the application running.

    Begin with `column-console demo`: a throwaway database with live traffic, to try everything on.
    """


@commands.command()
@click.option(
    "--database",
    type=click.Choice(["postgresql", "mariadb", "mysql"]),
    default="postgresql",
    show_default=True,
    help="The server to try it on.",
)
@click.option(
    "--rows",
    type=click.IntRange(1, 100_000_000),
    metavar="N",
    help="Rows of the table; 1,000,000 if left out.",
)
@headless
@advance
@event_lines
@recording_file
@click.option("--keep", is_flag=True, help="Leave the servers and the session running.")
def demo(
    *,
    database: str,
    rows: int | None,
    headless: bool,
    advance: str | None,
    as_json: bool,
    recording: str | None,
    keep: bool,
) -> int:
    """Try the console on a throwaway cluster with live traffic.

    Makes a primary, a standby, a table with rows and an application that uses it; removes it all at the end.
    """
    from console.cli.trial import demo

    return demo(
        database=database,
        rows=rows,
        headless=headless or as_json,
        advance=advance,
        as_json=as_json,
        recording=recording,
        keep=keep,
    )


@commands.command()
@change_argument
@as_json
def check(*, change: str, as_json: bool) -> int:
    """Look what stands in the way of a change. Reads only."""
    from console.cli.look import check

    return check(change, as_json=as_json)


@commands.command()
@change_argument
@as_json
@click.option("--sql", "as_sql", is_flag=True, help="A script for psql.")
def plan(*, change: str, as_json: bool, as_sql: bool) -> int:
    """Print all that a change will do. Reads only.

    Phase by phase: every statement exactly as it will run, what it locks and what that holds up, the evidence
    that must hold before the next one, and how it is undone.
    """
    if as_json and as_sql:
        raise click.UsageError("--json and --sql exclude each other: choose one")
    from console.cli.look import plan

    return plan(change, "json" if as_json else "sql" if as_sql else "text")


@commands.command()
@change_argument
@headless
@event_lines
@advance
@click.option("--detach", is_flag=True, help="Start it, print the session's name and leave it alone.")
@click.option("--foreground", is_flag=True, help="Be the runner, without a screen: for systemd and its like.")
@recording_file
@click.option(
    "--application-stats",
    "application",
    metavar="FILE",
    help="Where the application writes its own latencies, to be shown beside the rest.",
)
def run(
    *,
    change: str,
    headless: bool,
    as_json: bool,
    advance: str | None,
    detach: bool,
    foreground: bool,
    recording: str | None,
    application: str | None,
) -> int:
    """Walk through a change, phase by phase.

    The work runs in a process of its own: closing the screen does not stop it, `attach` comes back to it. Run it
    again with the same file to take up what was interrupted.
    """
    if detach and (headless or as_json):
        raise click.UsageError(
            "--detach leaves the runner alone, so it goes with neither --headless nor --json"
        )
    if foreground and (headless or as_json or detach):
        raise click.UsageError(
            "--foreground is the runner itself, so it goes with none of --headless, --json and --detach"
        )
    from console.cli.walk import run

    return run(
        change,
        headless=headless or as_json,
        as_json=as_json,
        advance=advance,
        detach=detach,
        foreground=foreground,
        recording=recording,
        application=application,
    )


@commands.command()
@click.argument("session", required=False, default="")
@host
@click.option("--observe", is_flag=True, help="Watch only.")
def attach(*, session: str, host: str | None, observe: bool) -> int:
    """Come back to a session that runs.

    SESSION is its name, or how it begins; left out, it is the only one that runs. With --host, the screen runs
    here and the runner there; the link comes back by itself when it was cut.
    """
    if host is not None:
        from console.cli.far import attach_far

        return attach_far(host, session, observe=observe)
    from console.cli.walk import attach

    return attach(session, observe=observe)


@commands.command()
@host
@as_json
@click.option(
    "--table", default="", metavar="TEXT", help="Only those of a table (or column) with that in its name."
)
@click.option(
    "--outcome",
    type=click.Choice(["completed", "parked", "rolled-back", "failed", "live", "dead"]),
    help="Only those that ended so, that run (live), or whose runner is gone (dead).",
)
@click.option(
    "--since", default="", metavar="DAY", help="Begun then or later: 2026-11-28, today, yesterday, 7d (ago)."
)
@click.option("--until", default="", metavar="DAY", help="Begun then or before.")
def sessions(
    *, host: str | None, as_json: bool, table: str, outcome: str | None, since: str, until: str
) -> int:
    """List the sessions of this machine or another."""
    if host is not None:
        from console.cli.far import sessions_far

        return sessions_far(
            host, table=table, outcome=outcome or "", since=since, until=until, as_json=as_json
        )
    from console.cli.listing import sessions

    return sessions(table=table, outcome=outcome or "", since=since, until=until, as_json=as_json)


@commands.command()
@click.argument("session")
@click.argument("action")
@click.argument("arguments", metavar="[ARGUMENT]...", nargs=-1)
@click.option("--reason", default="", metavar="TEXT", help="Why; recorded with the action.")
@click.option(
    "--wait",
    type=click.FloatRange(0, 86400),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for the result of what is armed. Exit status 1 where it was not done by then.",
)
@host
@as_json
def send(
    *,
    session: str,
    action: str,
    arguments: tuple[str, ...],
    reason: str,
    wait: float,
    host: str | None,
    as_json: bool,
) -> int:
    """Ask a running session for an action, as its buttons do.

    \b
    advance [TABLE]       start the next phase (irreversible ones want the table's name)
    pause, resume         at the end of the batch
    throttle 50 | 2000rows/s | off [for 10m]
    retry                 what is parked
    skip-rows             leave failing rows out, and list them
    skip-gate             go on against the evidence; needs --reason
    cancel-statement      the statement that runs
    abort                 end the session at the end of the batch, and keep everything
    roll-back [TABLE]     undo what was done
    note TEXT             into the record
    cancel [ID]           take back what was asked for and is not done yet
    approve [ID]          agree, as the second person, to what can't be undone
    request-control, take-over, hand-over [NAME], release-control
    """
    if host is not None:
        from console.cli.far import send_far

        return send_far(host, session, action, arguments, reason, wait=wait, as_json=as_json)
    from console.cli.asking import send

    return send(session, action, arguments, reason, wait=wait, as_json=as_json)


commands.add_command(replay)
commands.add_command(report)
commands.add_command(export)


@commands.command()
def doctor() -> int:
    """Look whether this machine has what the console needs."""
    from console.cli.health import doctor

    return doctor()


@commands.command(hidden=True)
def relay() -> int:
    """What `--host` starts on the other machine: carries the link over standard input and output."""
    from console.cli.far import relay

    return relay()


def main() -> NoReturn:
    """The command `column-console`."""
    sys.exit(guarded(lambda: commands.main(prog_name="column-console", standalone_mode=False)))
