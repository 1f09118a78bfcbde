"""The position clock against a log whose whole history is known."""

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from console.databases.positions import LONGEST, Positions

growth = st.lists(st.integers(0, 5), min_size=1, max_size=60)


def true_lag(history: list[int], replayed: int, now: int) -> float:
    """Seconds since the log, second by second in `history`, first stood beyond `replayed`."""
    passed = [second for second in range(now + 1) if history[second] > replayed]
    return float(now - passed[0]) if passed else 0.0


@given(growth, st.integers(1, 5), st.data())
def test_lag_is_right_to_within_the_time_between_two_looks(
    steps: list[int], every: int, data: st.DataObject
) -> None:
    history = [sum(steps[: end + 1]) for end in range(len(steps))]
    clock = Positions()
    for now in range(0, len(history), every):
        clock.note(history[now], float(now))
        replayed = data.draw(st.integers(history[0], history[now]))
        lag, truth = clock.lag(replayed, float(now)), true_lag(history, replayed, now)
        assert truth - every < lag <= truth


@given(growth, st.none() | st.floats(0, 1000), st.data())
def test_the_servers_own_figure_moves_it_only_within_what_is_not_known(
    steps: list[int], server_lag: float | None, data: st.DataObject
) -> None:
    clock = Positions()
    position = 0
    for now, step in enumerate(steps):
        position += step
        clock.note(position, float(now))
    now_ = float(len(steps))
    replayed = data.draw(st.integers(0, position))
    ours, both = clock.lag(replayed, now_), clock.lag(replayed, now_, server_lag)
    assert ours <= both
    if replayed == position:
        assert both == 0
    elif replayed >= steps[0]:
        assert both <= ours + len(steps)


@given(growth, st.floats(0, 100))
def test_further_behind_is_never_less_lag(steps: list[int], server_lag: float) -> None:
    clock = Positions()
    position = 0
    for now, step in enumerate(steps):
        position += step
        clock.note(position, float(now))
    lags = [clock.lag(replayed, float(len(steps)), server_lag) for replayed in range(position + 1)]
    assert lags == sorted(lags, reverse=True)


def test_it_goes_on_counting_while_nothing_is_written() -> None:
    clock = Positions()
    for second in range(100):
        clock.note(100 if second < 5 else 200, float(second))
    assert (clock.lag(100, 100.0), clock.lag(200, 100.0)) == (95.0, 0.0)


def test_what_is_remembered_is_bounded_and_the_newest_is_kept() -> None:
    clock = Positions()
    for second in range(3 * LONGEST):
        clock.note(second, float(second))
    now = float(3 * LONGEST)
    assert clock.lag(3 * LONGEST - 11, now) == 10.0
    assert 0.8 * LONGEST < clock.lag(0, now) <= LONGEST + 1
    assert bisect_left(clock._positions, 3 * LONGEST - 1) == len(clock._positions) - 1
