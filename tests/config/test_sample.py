"""The example that users copy: it loads, it is the design's, and it knows every key."""

import tomllib
from pathlib import Path

from console import config
from console.change import Backfill, Index, Limits, Reference, SessionRules, TableName, Window
from console.config.sections import KEYS

SAMPLE = Path(__file__).parents[2] / "sample_config.toml"


def test_sample_loads_into_what_it_says() -> None:
    file = config.load(SAMPLE)
    assert file.target.kind == "postgresql"
    assert file.target.url == "postgresql://deploy@db1.internal/shop"
    assert file.target.replicas == ("postgresql://deploy@db2.internal/shop",)
    assert file.target.password_command == "pass show shop/deploy"
    change = file.change
    assert (change.title, change.type, change.nullable) == ("public.orders.placed_on", "date", False)
    assert change.default == "current_date"
    assert change.comment == "day of purchase in the shop's time zone"
    assert change.backfill == Backfill(value="(placed_at at time zone 'UTC')::date")
    assert change.indexes == (
        Index(name="orders_placed_on_idx", columns=("placed_on",), where="status <> 'void'"),
    )
    assert change.reference == Reference(
        table=TableName("public", "days"), column="day", on_delete="restrict"
    )
    assert file.limits == Limits(window=Window(60, 300))
    assert file.session == SessionRules(controllers=("ana",))
    assert config.warnings(file) == ()


def test_every_key_of_the_parser_stands_in_the_sample_and_no_other() -> None:
    document = tomllib.loads(SAMPLE.read_text())
    found = {name: tuple(table[0] if isinstance(table, list) else table) for name, table in document.items()}
    assert found == dict(KEYS)


def test_each_key_of_the_sample_is_explained_above_it() -> None:
    lines = SAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith(("#", "[")):
            assert lines[number - 1].startswith("#"), line
