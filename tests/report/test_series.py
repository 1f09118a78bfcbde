"""The exported table: a row for each sample, and batches that add up."""

from __future__ import annotations

from pathlib import Path

from console import events
from console.recording import Recording
from console.report.series import COLUMNS, number, series
from tests.recording.night import night
from tests.recording.streams import header, record

DOCS = Path(__file__).parents[2] / "docs"


def test_a_row_for_each_sample_and_batches_that_add_up(tmp_path: Path) -> None:
    stream = list(night(120, per_second=2, replicas=3, burst_each=30))
    recording = Recording.open(record(tmp_path / "r.jsonl", stream))
    head, *rows = series(recording)
    samples = [event for event in stream if isinstance(event, events.Sample)]
    batches = [event for event in stream if isinstance(event, events.Batches)]
    assert [row[0] for row in rows] == [event.t for event in samples]
    assert {len(row) for row in rows} == {len(head)} == {len(COLUMNS) + 3}
    column = {str(title): [row[at] for row in rows] for at, title in enumerate(head)}
    assert sum(map(number, column["batches"])) == sum(len(event.rows) for event in batches)
    assert sum(map(number, column["rows_filled"])) == batches[-1].done
    assert column["rows_done"][-1] == batches[-1].done
    assert max(map(number, column["longest_batch_ms"])) == max(max(e.milliseconds) for e in batches)
    assert column["lag_s db3"] == [event.replicas[1].lag for event in samples]
    assert column["oldest_transaction_s"][7] == round(samples[7].t - (samples[7].oldest_transaction or 0), 3)
    assert column["time"][0] == f"2026-11-28T02:15:00.{round(samples[0].t * 1000)}+00:00"


def test_batches_behind_the_last_sample_are_in_the_last_row(tmp_path: Path) -> None:
    def batch(t: float, s: int, rows: int) -> events.Batches:
        return events.Batches(
            rows=(rows,),
            milliseconds=(9.5,),
            size=9,
            done=rows,
            scanned=rows,
            total=99,
            cursor="",
            retries=1,
            t=t,
            s=s,
        )

    stream = [
        header(),
        events.PhaseBegan(phase="backfill", t=0.5, s=2),
        batch(1.0, 3, 10),
        events.Sample(t=1.1, s=4),
        batch(2.0, 5, 20),
    ]
    head, row = series(Recording.open(record(tmp_path / "r.jsonl", stream)))
    told = dict(zip(map(str, head), row, strict=True))
    assert (told["batches"], told["rows_filled"], told["retries"], told["rows_done"]) == (2, 30, 2, 20)
    assert (told["phase"], told["t"]) == ("backfill", 1.1)


def test_nothing_but_titles_where_there_are_no_samples(tmp_path: Path) -> None:
    assert list(series(Recording.open(record(tmp_path / "r.jsonl", [header()])))) == [[*COLUMNS]]


def test_every_column_is_described() -> None:
    text = (DOCS / "export.md").read_text()
    assert [title for title in COLUMNS if f"`{title}`" not in text] == []
