"""Batch sizes and pauses, simulated."""

import math

from hypothesis import given
from hypothesis import strategies as st

from console.runner.pace import LEAST, MOST, SPLIT_LEAST, BatchSize, Pacer
from console.throttle import Decision


def decision(pace: float = 1.0, rows_per_second: float = 0.0) -> Decision:
    return Decision(stop=False, pace=pace, rows_per_second=rows_per_second, cut=False, reasons=())


# -- The size


def settle(per_row: float, fixed: float = 0.0, batches: int = 60) -> BatchSize:
    batch = BatchSize(0.1)
    for _ in range(batches):
        batch.took(batch.size, batch.size, fixed + per_row * batch.size)
    return batch


def test_begins_at_1000_rows() -> None:
    assert BatchSize(0.1).size == 1000


@given(st.floats(1e-5, 9e-4), st.floats(0, 0.01))
def test_settles_where_a_batch_takes_its_time(per_row: float, fixed: float) -> None:
    batch = settle(per_row, fixed)
    ideal = (0.1 - fixed) / per_row
    assert max(LEAST, 0.9 * min(MOST, ideal)) - 1 <= batch.size <= max(LEAST, 1.1 * ideal) + 1


def test_stays_between_its_bounds_on_very_fast_and_very_slow_rows() -> None:
    assert settle(1e-7).size == MOST
    assert settle(0.004).size == LEAST


took = st.tuples(st.just("took"), st.floats(0, 5), st.floats(0, 1))
others = st.tuples(st.sampled_from(["failed", "cut"]), st.just(0.0), st.just(0.0))


@given(st.lists(took | others, max_size=80), st.floats(0.02, 1))
def test_sizes_stay_inside_their_bounds_and_steps_are_small(
    steps: list[tuple[str, float, float]], target: float
) -> None:
    batch = BatchSize(target)
    failed = False
    for what, seconds, share in steps:
        before = batch.size
        match what:
            case "failed":
                failed = True
                batch.failed()
                assert batch.size <= max(1, before // 2, SPLIT_LEAST if before > SPLIT_LEAST else 1)
            case "cut":
                batch.cut()
                assert batch.size <= before
            case _:
                batch.took(before, int(before * share), seconds)
                assert batch.size <= math.ceil(before * 1.5)
                if seconds <= 5 * target:
                    assert batch.size >= before // 2
        assert (1 if failed else LEAST) <= batch.size <= MOST
        if not failed:
            assert batch.size >= LEAST


def test_one_slow_batch_in_ten_changes_nothing_and_two_do() -> None:
    batch = settle(1e-4)
    settled = batch.size
    batch.took(settled, settled, 0.3)
    assert batch.size == settled
    batch.took(settled, settled, 0.3)
    assert batch.size < settled


def test_a_batch_of_five_times_the_target_cuts_at_once() -> None:
    batch = settle(1e-4)
    settled = batch.size
    batch.took(settled, settled, 0.6)
    assert batch.size == math.ceil(settled * (0.1 / 0.6))


def test_rows_filled_already_make_no_batch_larger() -> None:
    batch = BatchSize(0.1)
    for _ in range(50):
        batch.took(batch.size, 3, 0.001)
    assert batch.size == 1000


def test_failures_halve_down_to_one_row_and_successes_bring_it_back() -> None:
    batch = BatchSize(0.1)
    sizes = [batch.failed() for _ in range(12)]
    assert SPLIT_LEAST in sizes
    assert (sizes, batch.size) == (sorted(sizes, reverse=True), 1)
    for _ in range(40):
        batch.took(batch.size, batch.size, 1e-4 * batch.size)
    assert 900 <= batch.size <= 1100


def test_after_a_failure_time_may_hold_it_below_a_hundred_but_not_below_ten() -> None:
    batch = BatchSize(0.1)
    for _ in range(5):
        batch.failed()
    assert batch.size == 31
    for _ in range(20):
        batch.took(batch.size, batch.size, 0.02 * batch.size)
    assert batch.size == SPLIT_LEAST


# -- The pause


@given(st.floats(0.01, 1), st.floats(0.001, 10))
def test_the_pace_is_the_share_of_the_time_at_work(pace: float, took: float) -> None:
    pause = Pacer().wait(1000, 5.0, 5.0 + took, decision(pace))
    assert math.isclose(took / (took + pause), pace, rel_tol=1e-6)


batches = st.lists(st.tuples(st.integers(0, 2000), st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=40)


@given(batches, st.floats(1, 5000))
def test_no_stretch_of_time_sees_more_rows_than_the_bound_and_one_batch(
    steps: list[tuple[int, float, float]], bound: float
) -> None:
    pacer, now = Pacer(), 0.0
    done: list[tuple[float, int]] = []
    for rows, takes, idle in steps:
        began, ended = now, now + takes
        now = ended + pacer.wait(rows, began, ended, decision(rows_per_second=bound)) + idle
        done.append((began, rows))
    for first in range(len(done)):
        for last in range(first, len(done)):
            between = sum(rows for _, rows in done[first:last])
            assert between <= bound * (done[last][0] - done[first][0]) + 1e-3


def test_a_bound_is_met_exactly_in_the_long_run() -> None:
    pacer, now, rows = Pacer(), 0.0, 0
    while now < 100:
        now += 0.1 + pacer.wait(200, now, now + 0.1, decision(rows_per_second=500))
        rows += 200
    assert abs(rows / now - 500) < 5


def test_what_was_used_up_counts_on_when_the_bound_is_lifted_only_for_the_pace() -> None:
    pacer = Pacer()
    assert pacer.wait(1000, 0.0, 0.1, decision(rows_per_second=100)) == 9.9
    assert pacer.wait(1000, 0.2, 0.3, decision()) == 0.0


def test_a_low_bound_makes_batches_small() -> None:
    assert Pacer.most_rows(decision(rows_per_second=0.5)) == 1
    assert Pacer.most_rows(decision(rows_per_second=300)) == 300
    assert Pacer.most_rows(decision()) == MOST
