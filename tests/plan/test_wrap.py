"""Breaking SQL into lines never changes what it says."""

from hypothesis import given
from hypothesis import strategies as st

from console.plan_text.wrap import wrap_sql

words = st.text("abz_.,()=<>:*-+$1/", min_size=1, max_size=12).filter(
    lambda word: "$" not in word.strip("$") and "--" not in word and "/*" not in word and "$$" not in word
)
inside = st.text("ab '\"-$;\n", max_size=20)
quoted = st.one_of(
    inside.map(lambda text: "'" + text.replace("'", "''") + "'"),
    inside.map(lambda text: '"' + text.replace('"', '""') + '"'),
    inside.map(lambda text: f"$b$ {text.replace('$', '')}$b$"),
    st.text("ab '\"-;", max_size=20).map(lambda text: f"/* {text} */"),
)


@given(st.lists(words | quoted, min_size=1, max_size=12), st.integers(5, 60))
def test_only_white_space_between_words_changes(pieces: list[str], width: int) -> None:
    sql = " ".join(pieces)
    wrapped = "\n".join(wrap_sql(sql, width))
    at = 0
    for piece in pieces:
        found = wrapped.index(piece, at)
        assert wrapped[at:found].strip() == ""
        at = found + len(piece)
    assert wrapped[at:] == ""


@given(st.lists(words, min_size=1, max_size=30), st.integers(20, 60))
def test_no_line_is_wider_than_asked(pieces: list[str], width: int) -> None:
    assert max(len(line) for line in wrap_sql(" ".join(pieces), width)) <= width


def test_a_comment_to_the_end_of_the_line_keeps_its_end() -> None:
    assert wrap_sql("SELECT 1 -- it's one\n  FROM t", 80) == ["SELECT 1 -- it's one", "  FROM t"]


def test_unbalanced_quotes_are_no_trouble() -> None:
    assert wrap_sql("it's", 3) == ["it's"]
