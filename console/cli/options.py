"""What several commands take alike, and how the list of commands is shown."""

from __future__ import annotations

import click

EPILOG = """\
\b
Exit status:
    0  the change is complete, or the command did what was asked
    1  stopped unfinished, or refused
    2  wrong usage, or a bad change file
    3  preflight found a blocker
    4  rolled back
    5  verification found differences
  130  interrupted
"""


class Commands(click.Group):
    """Lists the commands in the order in which they are met, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """As they were defined."""
        return list(self.commands)


change_argument = click.argument("change", metavar="CHANGE")
as_json = click.option("--json", "as_json", is_flag=True, help="Data for programs.")
advance = click.option(
    "--advance",
    type=click.Choice(["manual", "auto"]),
    help="manual: you start each phase; auto: it starts when the evidence of the last one holds.",
)
headless = click.option("--headless", is_flag=True, help="No screen: narration on standard error.")
event_lines = click.option(
    "--json", "as_json", is_flag=True, help="The session's events, one a line, as recorded. No screen."
)
redacted = click.option(
    "--redact",
    is_flag=True,
    help="Replace the names of people and hosts, each by one word wherever it stands.",
)
recording_file = click.option(
    "--recording", metavar="FILE", help="Record there, and not in the session's own folder."
)
host = click.option(
    "--host",
    metavar="SSH_DESTINATION",
    help="On another machine, by ssh: HOST, USER@HOST or a name from ~/.ssh/config.",
)
