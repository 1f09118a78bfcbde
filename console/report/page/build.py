"""Puts the page together: head, sections, data, scripts; and says what the browser may do, which is next to nothing."""

from __future__ import annotations

import base64
import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from importlib import resources

import msgspec

from console import __version__
from console.report.page.nodes import Verbatim, html, node

ASSETS = resources.files("console.report.page") / "assets"
STYLES = ("uplot.min.css", "report.css")
SCRIPTS = ("uplot.min.js", "report.js")


def asset(name: str) -> str:
    """A file of ours that goes into the page."""
    return (ASSETS / name).read_text(encoding="utf-8").strip()


def page(title: str, sections: Sequence[ET.Element | None], data: object = None) -> str:
    """The whole page, ending in a newline. With `data` for the charts it has scripts, without it none."""
    styles = [asset(name) for name in STYLES]
    scripts = [asset(name) for name in SCRIPTS] if data is not None else []
    head = node(
        "head",
        node("meta", charset="utf-8"),
        node("meta", http_equiv="Content-Security-Policy", content=policy(styles, scripts)),
        node("meta", name="viewport", content="width=device-width, initial-scale=1"),
        node("meta", name="color-scheme", content="light dark"),
        node("meta", name="referrer", content="no-referrer"),
        node("meta", name="generator", content=f"column-console {__version__}"),
        node("title", title),
        *(node("style", Verbatim(style)) for style in styles),
    )
    body = node("body", node("main", *sections))
    if data is not None:
        body.append(node("script", Verbatim(as_data(data)), type="application/json", id="data"))
        body.extend(node("script", Verbatim(script)) for script in scripts)
    return f"<!DOCTYPE html>\n{html(node('html', head, body, lang='en'))}\n"


def policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Nothing is fetched, sent or framed; and only these styles and scripts, known by their hashes, apply.

    >>> policy(["p{}"], []).split("; ")[:3]
    ["default-src 'none'", "base-uri 'none'", "form-action 'none'"]
    >>> policy([], ["1"]).split("; ")[-1]
    "script-src 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='"
    """
    parts = ["default-src 'none'", "base-uri 'none'", "form-action 'none'"]
    for kind, texts in (("style-src", styles), ("script-src", scripts)):
        if texts:
            parts.append(" ".join([kind, *(f"'sha256-{_hash(text)}'" for text in texts)]))
    return "; ".join(parts)


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def as_data(data: object) -> str:
    r"""JSON that no text in it can lead out of its element.

    >>> as_data(["</script>", "<!--"])
    '["\\u003c/script>","\\u003c!--"]'
    """
    return msgspec.json.encode(data).decode().replace("<", "\\u003c")
