"""What a change file may get wrong: each one clear sentence with its line and its mend."""

from pathlib import Path

import pytest

from console import config
from console.config import ConfigError

GOOD = """\
[database]
url = "postgresql://deploy@db1/shop"
[change]
table = "public.orders"
column = "placed_on"
type = "date"
"""

BACKFILL = GOOD + '[backfill]\nvalue = "placed_at::date"\n'
INDEX = GOOD + '[[indexes]]\nname = "i"\ncolumns = ["placed_on"]\n'
REFERENCE = GOOD + '[references]\ntable = "days"\ncolumn = "day"\n'
MYSQL = GOOD.replace("postgresql", "mysql")
REPLICA = GOOD.replace("[change]", 'replicas = ["db2"]\n[change]')
LONG = "x" * 64


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config.parse(text, "f.toml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        # The shape of the file
        ("", "f.toml: the file is empty; sample_config.toml shows what belongs in it"),
        ("# nothing\n", "f.toml: the file is empty; sample_config.toml shows what belongs in it"),
        ("a = \n", "f.toml, line 1, column 5: this is not valid TOML: invalid value"),
        ("a = 1\na = 2\n", "f.toml, line 2, column 6: this is not valid TOML: cannot overwrite a value"),
        ('a = "', "f.toml, at its end: this is not valid TOML: unterminated string"),
        ("a = " + "[" * 5000, "f.toml: brackets are nested too deeply for a change file"),
        (f"a = {'9' * 5000}", "f.toml, at its end: this is not valid TOML: exceeds the limit"),
        # Unknown and misplaced keys
        (GOOD + "nulable = true", "f.toml, line 7: unknown key 'nulable' in [change]; did you mean 'nullable'?"),
        (GOOD + "lock_timeout = 1", "line 7: unknown key 'lock_timeout' in [change]; it belongs in [limits]"),
        (GOOD + "where = 1", "line 7: unknown key 'where' in [change]; it belongs in [[indexes]]"),
        (GOOD + "zzz = 1", "line 7: unknown key 'zzz' in [change]; the keys here are table, column, type"),
        (GOOD + "[limit]", "line 7: unknown table 'limit'; did you mean 'limits'?"),
        ("nullable = 1\n" + GOOD, "line 1: unknown key 'nullable'; it belongs in [change]"),
        ("eclipse = 1\n" + GOOD, "line 1: unknown key 'eclipse'; the tables are [database], [change]"),
        ("limits = 3\n" + GOOD, "line 1: 'limits' must be a table; begin it with a line [limits]"),
        ("indexes = 3\n" + GOOD, "line 1: 'indexes' must be a list of tables; begin each with a line [[indexes]]"),
        (GOOD + "[indexes]\nname = 'i'", "line 7: 'indexes' must be a list of tables"),
        (INDEX + "uniq = true", "line 10: unknown key 'uniq' in [[indexes]]; did you mean 'unique'?"),
        # Missing keys
        ("[change]\n" + GOOD.partition("[change]\n")[2], "f.toml: [database] has no 'url'; add for example url ="),
        (GOOD.replace('type = "date"\n', ""), "line 3: [change] has no 'type'; add for example type = \"date\""),
        (GOOD + "[backfill]\nsync = 'none'", "line 7: [backfill] has no 'value', the SQL that fills"),
        (GOOD + "[backfill]\norder = 'backfill-first'", "line 7: [backfill] has no 'value'"),
        (GOOD + "[references]\ntable = 'days'", "line 7: [references] has no 'column'; add for example"),
        (GOOD + "[[indexes]]\ncolumns = ['placed_on']", "line 7: [[indexes]] has no 'name'"),
        (GOOD + "[[indexes]]\nname = 'i'", "line 7: [[indexes]] has no 'columns'; add for example"),
        # Wrong types
        (GOOD + 'nullable = "no"', "line 7: 'nullable' in [change] must be true or false, not the text \"no\""),
        (GOOD + "nullable = 0", "line 7: 'nullable' in [change] must be true or false, not the number 0"),
        (GOOD + "default = 5", "line 7: 'default' in [change] must be a text in quotes, not the number 5"),
        (GOOD + "default = 2024-01-01", "line 7: 'default' in [change] must be a text in quotes, not a date"),
        (GOOD + "[limits]\nworkers = true", "line 8: 'workers' in [limits] must be a whole number, not true"),
        (GOOD + "[limits]\nworkers = 1.0", "line 8: 'workers' in [limits] must be a whole number, not the number"),
        (GOOD + "[limits]\nlock_timeout = 1", "line 8: 'lock_timeout' in [limits] must be a text in quotes"),
        (GOOD + "[session]\ncontrollers = 'ana'", "line 8: 'controllers' in [session] must be a list of texts"),
        (GOOD + "[session]\ncontrollers = [\n'a', \n5]", "line 10: 'controllers' in [session] is a list of texts"),
        # Empty values
        (GOOD + 'default = ""', "line 7: 'default' in [change] is empty; give it a value or leave it out"),
        (GOOD.replace('"date"', '" "'), "line 6: 'type' in [change] is empty"),
        (GOOD.replace("placed_on", "a\\u0000b"), "line 5: 'column' in [change] holds a NUL character"),
        # Durations, windows, ranges
        (GOOD + "[limits]\nlock_timeout = '1'", "line 8: 'lock_timeout' in [limits] needs a unit: write \"1s\""),
        (GOOD + "[limits]\nlock_timeout = '1 week'", "'lock_timeout' in [limits] has an unknown unit, \"week\""),
        (GOOD + "[limits]\nlock_timeout = 'soon'", "'lock_timeout' in [limits] is no duration: \"soon\""),
        (GOOD + "[limits]\nlock_timeout = '0s'", "'lock_timeout' in [limits] is \"0s\"; it must be at least 1ms"),
        (GOOD + "[limits]\nreplication_lag = '-2s'", "'replication_lag' in [limits] is no duration"),
        (GOOD + "[limits]\nbatch_time = '0ms'", "'batch_time' in [limits] is \"0ms\"; it must be at least 1ms"),
        (GOOD + "[limits]\nlock_queue = -1", "'lock_queue' in [limits] is -1; it must be 0 or more"),
        (GOOD + "[limits]\nlock_retries = 0", "'lock_retries' in [limits] is 0; it must be 1 or more"),
        (GOOD + "[limits]\nrows_per_second = -1", "'rows_per_second' in [limits] is -1; it must be 0 or more"),
        (GOOD + "[limits]\nrows_per_second = nan", "'rows_per_second' in [limits] is nan; it must be 0 or more"),
        (GOOD + "[limits]\nworkers = 0", "'workers' in [limits] is 0; it must be 1 or more"),
        (GOOD + "[limits]\nworkers = 4", "'workers' in [limits] is 4; this version runs one worker: write 1"),
        (GOOD + "[limits]\nwindow = 'night'", "'window' in [limits] is no daily window: \"night\"; write for"),
        (GOOD + "[limits]\nwindow = '01:00-05:00'", 'needs a time zone: write "01:00-05:00 UTC", or a name'),
        (GOOD + "[limits]\nwindow = '01:00-25:00 UTC'", '\'window\' in [limits] holds "25:00", which is no time'),
        (GOOD + "[limits]\nwindow = '01:00-01:00 UTC'", "'window' in [limits] begins when it ends; leave it out"),
        (
            GOOD + "[limits]\nwindow = '01:00-05:00 Europe/Berlni'",
            "names an unknown time zone, \"Europe/Berlni\"; did you mean 'Europe/Berlin'?",
        ),
        (GOOD + "[limits]\nwindow = '01:00-05:00 ../../etc'", 'names an unknown time zone, "../../etc"; write'),
        # Words
        (BACKFILL + "sync = 'triggers'", "line 9: 'sync' in [backfill] can't be \"triggers\"; did you mean 'trigger'?"),
        (BACKFILL + "order = 'x'", 'can\'t be "x"; use one of "writes-first", "backfill-first"'),
        (GOOD + "[session]\nadvance = 'automatic'", "'advance' in [session] can't be \"automatic\""),
        (
            GOOD + "[session]\non_disconnect = 'pauze'",
            "'on_disconnect' in [session] can't be \"pauze\"; did you mean 'pause'?",
        ),
        (GOOD + "[session]\non_disconnect = 'stop'", 'can\'t be "stop"; write continue, pause, or pause after 10m'),
        (GOOD + "[session]\non_disconnect = 'pause after 10'", "'on_disconnect' in [session] needs a unit"),
        (GOOD + "[session]\non_disconnect = 'pause after 0s'", "must be at least 1ms"),
        (REFERENCE + "on_delete = 'drop'", "line 10: 'on_delete' in [references] can't be \"drop\"; use one of"),
        # Names
        (GOOD.replace("public.orders", "a.b.c"), "line 4: 'table' in [change] has 3 parts; write schema.table"),
        (GOOD.replace("public.orders", "public."), "line 4: 'table' in [change] is no table name: public."),
        (GOOD.replace("public.orders", "public..orders"), "'table' in [change] is no table name"),
        (GOOD.replace("public.orders", "public. orders"), "'table' in [change] is no table name"),
        (GOOD.replace("public.orders", '\\"open'), "'table' in [change] is no table name"),
        (GOOD.replace("placed_on", LONG), "line 5: the name 'xxxxxxxxxxxxxxxxxxxx...' is longer than 63 bytes"),
        (GOOD.replace("placed_on", "é" * 32), "is longer than 63 bytes; shorten it"),
        (MYSQL.replace("placed_on", LONG + "x"), "is longer than 64 characters; shorten it"),
        # Addresses
        (GOOD.replace("postgresql://", "oracle://"), "line 2: 'url' in [database] has an unsupported scheme, \"oracle://\""),
        (GOOD.replace("postgresql://deploy@db1/shop", "host=db1"), "'url' in [database] is no address of a database"),
        (GOOD.replace("db1/", "db1:port/"), "'url' in [database] is no valid address"),
        (REPLICA.replace("db2", "mysql://db2/shop"), "an entry of 'replicas' in [database] is no postgresql server"),
        (REPLICA, "line 3: an entry of 'replicas' in [database] is no address of a database"),
        # Combinations
        (GOOD + "nullable = false", "line 7: 'nullable = false' needs a value for the rows; add [backfill]"),
        (INDEX.replace("postgresql", "mysql") + "where = 'x'", "line 10: 'where' of index 'i' works on PostgreSQL"),
        (INDEX.replace('"placed_on"]', "]\nunique = true"), "line 9: 'columns' of index 'i' is an empty list"),
        (INDEX + INDEX.partition("[[")[1] + INDEX.partition("[[")[2], "line 11: two indexes are called 'i'"),
        (INDEX.replace('["placed_on"]', '["place_on"]'), "'placed_on'; is 'placed_on' misspelt there?"),
        (INDEX.replace('["placed_on"]', '["id"]'), "index 'i' does not use the new column 'placed_on'; name it"),
        (INDEX.replace('["placed_on"]', '["placed_on", "placed_on"]'), "index 'i' names a column twice"),
        (
            BACKFILL.replace("[backfill]", "nullable = false\n[backfill]")
            + "[references]\ntable = 'days'\ncolumn = 'day'\non_delete = 'set null'",
            "line 13: 'on_delete' can't be \"set null\" while the column has nullable = false",
        ),
        (REFERENCE + "on_delete = 'set default'", "line 10: 'on_delete' can't be \"set default\" without a default"),
        (GOOD + "[session]\ntwo_person = true", "line 8: 'two_person' in [session] needs a second operator"),
        (GOOD + "[session]\ntwo_person = true\ncontrollers = ['ana', 'ana']", "needs a second operator"),
        (GOOD + "[session]\ntwo_person = true\ncontrollers = ['ana', 'bo']", "needs a way in for the second"),
        (GOOD + "[session]\napproval_time = 'soon'", "line 8: 'approval_time' in [session]"),
        (GOOD + "[session]\ngroup = 5", "line 8: 'group' in [session]"),
    ],
)  # fmt: skip
def test_one_problem_one_sentence(text: str, problem: str) -> None:
    found = problems_of(text)
    assert len(found) == 1
    assert problem in found[0]
    assert found[0].startswith("f.toml")
    assert "\n" not in found[0]


def test_several_problems_are_listed_in_the_order_of_their_lines() -> None:
    text = GOOD.replace("url", "ulr") + "nulable = true\n[limits]\nworkers = 0\nlock_timeout = '1'\n"
    starts = [problem.partition(":")[0] for problem in problems_of(text)]
    assert starts == [
        "f.toml, line 1",
        "f.toml, line 2",
        "f.toml, line 7",
        "f.toml, line 9",
        "f.toml, line 10",
    ]


def test_text_of_the_file_reaches_no_terminal_unescaped() -> None:
    (problem,) = problems_of(GOOD + '"\\u001b[31mred" = 1')
    assert "\x1b" not in problem
    assert "␛[31mred" in problem


def test_no_message_shows_an_address() -> None:
    for broken in ("oracle://u:s3cret@h/d", "u:s3cret@h", "postgresql://u:s3cret@h:x/d", "s3cret word://h"):
        for text in (
            GOOD.replace("postgresql://deploy@db1/shop", broken),
            GOOD.replace("[change]", f'replicas = ["{broken}"]\n[change]'),
        ):
            assert "s3cret" not in " ".join(problems_of(text))
    assert "s3cret" not in " ".join(
        problems_of(GOOD.replace("[change]", 'replicas = "postgresql://u:s3cret@h"\n[change]'))
    )


class TestFile:
    """A file that can't be read at all."""

    @staticmethod
    def problem(path: Path) -> str:
        with pytest.raises(ConfigError) as caught:
            config.load(path)
        (problem,) = caught.value.problems
        return problem

    def test_missing(self, tmp_path: Path) -> None:
        path = tmp_path / "none.toml"
        assert self.problem(path) == (
            f"{path}: there is no such file; sample_config.toml shows how to write one"
        )

    def test_directory(self, tmp_path: Path) -> None:
        assert self.problem(tmp_path) == f"{tmp_path}: this is a directory; name the change file itself"

    def test_not_utf8(self, tmp_path: Path) -> None:
        path = tmp_path / "latin.toml"
        path.write_bytes(b"[change]\ncomment = '\xe9t\xe9'\n")
        assert self.problem(path) == f"{path}, line 2: the file is not UTF-8; save it as UTF-8"

    def test_too_large(self, tmp_path: Path) -> None:
        path = tmp_path / "dump.sql"
        path.write_bytes(b"#" * 1_000_001)
        assert "larger than 1 MB" in self.problem(path)

    def test_path_through_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "f").write_text("")
        assert "the file can't be read (not a directory)" in self.problem(tmp_path / "f" / "g.toml")

    def test_byte_order_mark_is_no_problem(self, tmp_path: Path) -> None:
        path = tmp_path / "bom.toml"
        path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
        assert config.load(path).change.column == "placed_on"
