"""Tables that a phone shows as cards: each cell knows the name of its column."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from console.report.page.nodes import Child, node

Cell = Child | list[Child]
Row = list[Cell]


def table(head: Sequence[str], rows: Iterable[Row], *, class_: str = "") -> ET.Element | None:
    """A table; None where there is no row. The first cell of a row names it."""
    body = [_row(head, row) for row in rows]
    if not body:
        return None
    top = node("tr", *(node("th", name, scope="col") for name in head))
    made = node("table", node("thead", top), node("tbody", *body), class_=f"list {class_}".strip())
    return node("div", made, class_="wide")


def _row(head: Sequence[str], cells: Row) -> ET.Element:
    made = []
    for number, (name, cell) in enumerate(zip(head, cells, strict=True)):
        children = [cell] if cell is None or isinstance(cell, (str, ET.Element)) else cell
        if number == 0:
            made.append(node("th", *children, scope="row", data_label=name))
        else:
            empty = not any(child is not None and child != "" for child in children)
            made.append(node("td", *children, data_label=name, **({"class_": "empty"} if empty else {})))
    return node("tr", *made)


def bullets(lines: Iterable[Child], *, class_: str = "") -> ET.Element | None:
    """A list; None where it is empty."""
    items = [node("li", line) for line in lines]
    return node("ul", *items, **({"class_": class_} if class_ else {})) if items else None


def facts(pairs: Iterable[tuple[str, Child]]) -> ET.Element:
    """Names and what they stand for; a pair without a value is left out."""
    made = node("dl", class_="facts")
    for name, value in pairs:
        if value is not None and value != "":
            made.append(node("div", node("dt", name), node("dd", value)))
    return made


def section(id_: str, title: str, *children: Child) -> ET.Element | None:
    """A section with its heading; None where it holds nothing."""
    present = [child for child in children if child is not None]
    return node("section", node("h2", title), *present, id=id_) if present else None
