"""A page as a tree of elements: what is text stays text, because nothing is ever put together from strings.

The tree and its serialisation are the standard library's (`xml.etree`, method `html`), which escapes all text and
all attributes. Text from outside passes through `plain` as well, so that control characters and invisible marks
become visible.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from console.words import plain

Child = ET.Element | str | None


class Verbatim(str):
    """Text that is shown, or run, exactly as it is: our own style sheets and scripts, and lines of SQL."""

    __slots__ = ()


def node(tag: str, *children: Child, **attributes: str | float) -> ET.Element:
    """An element. `class_` is the attribute `class`, `data_label` is `data-label`; None is left out.

    >>> html(node("p", "a < b & c", node("b", "!"), class_="note"))
    '<p class="note">a &lt; b &amp; c<b>!</b></p>'
    >>> html(node("td", "\\x1b[31m", data_label='"x"'))
    '<td data-label="&quot;x&quot;">␛[31m</td>'
    """
    made = ET.Element(tag, {_name(name): plain(str(value)) for name, value in attributes.items()})
    add(made, *children)
    return made


def add(parent: ET.Element, *children: Child) -> None:
    """Put more into an element."""
    for child in children:
        if child is None:
            continue
        if isinstance(child, ET.Element):
            parent.append(child)
            continue
        text = child if isinstance(child, Verbatim) else plain(child)
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text


def html(element: ET.Element) -> str:
    """The element as HTML."""
    return ET.tostring(element, encoding="unicode", method="html")


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-") if name != "viewBox" else name
