"""The plan on paper: `text` for people, `sql` for psql, `json` for programs. Pure.

What is printed is what will run: statements come out of the plan as they are, and a line is broken only where SQL
takes any white space.
"""

import msgspec

from console.plan import Plan
from console.plan_text.prose import text
from console.plan_text.script import sql

__all__ = ["json", "sql", "text"]


def json(plan: Plan) -> str:
    """The plan as indented JSON, with the names of `console.plan`."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2).decode()
