"""What a reviewer reads afterwards: a recording, summed up as a page, as Markdown or as JSON."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from console.recording import Recording
from console.report.compare import Comparison, compare
from console.report.compare_markdown import compared_markdown
from console.report.markdown import markdown
from console.report.page import compared_page, report_page
from console.report.summary import Report, summarise

Format = Literal["html", "markdown", "json"]
FORMATS: tuple[Format, ...] = ("html", "markdown", "json")

__all__ = [
    "FORMATS",
    "Comparison",
    "Format",
    "Report",
    "as_json",
    "compare",
    "markdown",
    "render",
    "render_both",
    "summarise",
]


def render(recording: Recording, form: Format) -> str:
    """The report on a recording, as text that ends in a newline."""
    report = summarise(recording)
    if form == "json":
        return as_json(report)
    return report_page(recording, report) if form == "html" else markdown(report)


def render_both(a: Recording, b: Recording, form: Format) -> str:
    """Two sessions side by side, as text that ends in a newline."""
    comparison = compare(summarise(a), summarise(b))
    if form == "json":
        return as_json(comparison)
    return compared_page(comparison, a, b) if form == "html" else compared_markdown(comparison)


def as_json(value: object) -> str:
    r"""JSON that people may look at in a terminal: control and format characters are escaped, ending in a newline.

    >>> as_json("a\x7f\x9b\u202e")
    '"a\\u007f\\u009b\\u202e"\n'
    """
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


_UNSEEN = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
