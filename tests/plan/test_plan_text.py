"""The printed plan says everything that will run, and nothing of it gets lost or becomes something else."""

import msgspec
import pytest

from console import plan_text
from console.plan import Plan
from console.plan_text.prose import WIDTH
from tests.plan.plans import CHANGE, facts, plan

VARIANTS = {
    "all": CHANGE,
    "no backfill": CHANGE.replace(
        "[backfill]\nvalue = \"(placed_at at time zone 'UTC')::date\"\n", ""
    ).replace("nullable = false", "nullable = true"),
    "backfill first": CHANGE.replace(
        "[[indexes]]", 'order = "backfill-first"\nsync = "application"\n[[indexes]]'
    ),
}


def flat(text: str) -> str:
    """Without the white space, which is all that may differ."""
    return "".join(text.split())


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("number", [150010, 180006])
def test_text_holds_every_word_of_the_plan(variant: str, number: int) -> None:
    made = plan(VARIANTS[variant], facts(number))
    text = flat(plan_text.text(made))
    at = 0
    for phase in made.phases:
        if phase.left_out:
            assert flat(phase.left_out) in text
            continue
        at = text.index(flat(phase.title.upper()), at)
        assert flat(phase.purpose) in text[at:]
        for statement in phase.statements:
            at = text.index(flat(statement.sql), at)
            assert flat(statement.lock) in text[at:]
            assert flat(statement.conflicts) in text[at:]
        for evidence in phase.evidence:
            assert flat(evidence) in text[at:]
        assert flat(phase.undo_text) in text[at:]
        for undo in phase.undo:
            assert flat(undo.sql) in text[at:]


def test_text_fits_in_its_width() -> None:
    # A quoted body of a function is left as it is, however wide.
    lines = plan_text.text(plan()).splitlines()
    assert [line for line in lines if len(line) > WIDTH and ":=" not in line] == []


def test_text_marks_what_cannot_be_undone_and_what_is_left_out() -> None:
    text = plan_text.text(plan(VARIANTS["no backfill"]))
    assert "FINISH  (can't be undone: asks for the table's name)" in text
    assert "--  Backfill: left out, no [backfill] in the change file" in text
    assert " 8  " not in text.split("FINISH")[1]


def test_text_says_what_was_chosen() -> None:
    constant = msgspec.structs.replace(facts(), value_constant=True)
    text = plan_text.text(
        plan(CHANGE.replace("(placed_at at time zone 'UTC')::date", "date '2024-01-01'"), constant)
    )
    assert "is the same for every row" in text


def test_terminal_escapes_in_names_stay_text() -> None:
    evil = plan(CHANGE.replace("it's the day", "\\u001b[31mred\\u0007"))
    text = plan_text.text(evil)
    assert "\x1b" not in text
    assert "␛[31mred␇" in text


def test_json_is_the_plan() -> None:
    made = plan()
    assert msgspec.json.decode(plan_text.json(made), type=Plan) == made


@pytest.mark.parametrize("variant", VARIANTS)
def test_sql_ends_every_statement_and_undoes_nothing(variant: str) -> None:
    made = plan(VARIANTS[variant])
    script = plan_text.sql(made, 0.25)
    assert "SET lock_timeout = 250;" in script
    for phase in made.phases:
        for statement in phase.statements:
            if not statement.script:
                assert f"{statement.sql};\n" in script
        for undo in phase.undo:
            assert not any(
                line.startswith(undo.sql[:60]) for line in script.partition("-- To undo")[2].splitlines()
            )
    assert script.count("\\if") == script.count("\\endif")


def test_line_breaks_in_names_do_not_leave_their_comment() -> None:
    made = plan(
        CHANGE.replace('column = "Placed On"', 'column = "a\\nDROP TABLE x; --"').replace(
            '["Placed On"]', '["a\\nDROP TABLE x; --"]'
        )
    )
    for line in plan_text.sql(made).splitlines():
        if line.startswith("--"):
            continue
        # Where it stands outside of a comment it stands in its quotes, or is the rest of a quoted name.
        assert not line.startswith("DROP TABLE x") or '"' in line or "'" in line


def test_a_comment_at_the_end_of_a_statement_does_not_swallow_its_semicolon() -> None:
    made = plan(CHANGE.replace('"current_date"', '"current_date -- today"'))
    assert "SET DEFAULT current_date -- today\n;\n" in plan_text.sql(made)
