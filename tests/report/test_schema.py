"""The published JSON Schemas are current, and real reports satisfy them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from console import events
from console.change import Limits, Window
from console.recording import Recording
from console.report import as_json, render, render_both
from console.report.schema import SCHEMAS, schema
from console.report.what_if import what_if
from tests.recording.streams import typical
from tests.report.story import story
from tests.report.test_what_if import backfill
from tests.tui.stories import STORIES
from tests.tui.tapes import record

Recorded = Callable[[list[events.Event]], Recording]
DOCS = Path(__file__).parents[2] / "docs"


def published(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((DOCS / name).read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_published_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == schema(name), "python -m console.report.schema docs"
    jsonschema.Draft202012Validator.check_schema(published(name))


@pytest.mark.parametrize("name", STORIES)
def test_reports_satisfy_it(name: str, tmp_path: Path) -> None:
    report = json.loads(render(record(name, tmp_path / "r.jsonl"), "json"))
    jsonschema.validate(report, published("report.schema.json"))


def test_the_report_of_a_troubled_night_satisfies_it(recorded: Recorded, tmp_path: Path) -> None:
    recording = recorded(story())
    jsonschema.validate(json.loads(render(recording, "json")), published("report.schema.json"))
    other = record("completed", tmp_path / "other.jsonl")
    both = json.loads(render_both(recording, other, "json"))
    jsonschema.validate(both, published("comparison.schema.json"))


def test_a_model_satisfies_its_own(recorded: Recorded) -> None:
    limits = Limits(rows_per_second=900, window=Window(start=60, end=300))
    model = json.loads(as_json(what_if(recorded(backfill()), Limits(), limits)))
    jsonschema.validate(model, published("what-if.schema.json"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**model, "model": "perhaps"}, published("what-if.schema.json"))


def test_it_refuses_what_is_no_report(recorded: Recorded) -> None:
    """Else everything would satisfy it."""
    report = json.loads(render(recorded(list(typical(3))), "json"))
    wrong: list[dict[str, Any]] = [
        {key: value for key, value in report.items() if key != "outcome"},
        {**report, "outcome": "fine"},
        {**report, "rows_backfilled": "many"},
        {**report, "phases": [{"name": "backfill"}]},
        {**report, "actions": [{"who": "ana"}]},
    ]
    for one in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(one, published("report.schema.json"))
