"""Lock waits as deltas: whoever applies them has the tree that was read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.events import LockWait, LockWaitsChanged, ServerSession
from console.runner.waits import Waits
from console.session import Session, apply


def wait(
    pid: int, *blocked_by: int, began: float = 0.0, ours: bool = False, query: str = "", state: str = "active"
) -> LockWait:
    session = ServerSession(pid=pid, ours=ours, query=query, state=state)
    mode = "AccessShareLock" if blocked_by else ""
    return LockWait(
        session=session, blocked_by=blocked_by, mode=mode, on="orders" if mode else "", began=began
    )


trees = st.lists(
    st.builds(
        lambda pid, blockers, began, ours, state: wait(pid, *blockers, began=began, ours=ours, state=state),
        st.integers(1, 8),
        st.lists(st.integers(1, 8), max_size=3),
        st.sampled_from([0.0, 10.0, 20.0]),
        st.booleans(),
        st.sampled_from(["active", "idle in transaction"]),
    ),
    unique_by=lambda one: one.session.pid,
)


@pytest.mark.slow
@given(st.lists(trees, min_size=1, max_size=12))
def test_the_session_holds_what_was_read(readings: list[list[LockWait]]) -> None:
    waits, session = Waits(), Session()
    for reading in readings:
        changed = waits.update(reading)
        before = session.lock_waits
        if changed is not None:
            session = apply(session, changed)
            assert session.lock_waits != before
        assert {one.session.pid: one for one in session.lock_waits} == {
            one.session.pid: one for one in reading
        }
        assert waits.waiting == sum(1 for one in reading if one.mode)


def test_what_did_not_change_is_not_told_again() -> None:
    waits = Waits()
    tree = [wait(1), wait(2, 1, began=5.0), wait(3, 2, began=6.0)]
    assert waits.update(tree) == LockWaitsChanged(began=tuple(tree))
    assert waits.update(tree) is None
    assert waits.update([tree[0], tree[1]]) == LockWaitsChanged(ended=(3,))
    assert waits.update([]) == LockWaitsChanged(ended=(1, 2))


def test_a_root_that_runs_its_next_query_and_a_corrected_beginning_are_no_news() -> None:
    waits = Waits()
    waits.update([wait(1, query="SELECT 1"), wait(2, 1, began=5.0)])
    assert waits.update([wait(1, query="SELECT 2"), wait(2, 1, began=5.4)]) is None
    changed = waits.update([wait(1, query="SELECT 3", state="idle in transaction"), wait(2, 1, began=9.0)])
    assert changed is not None
    assert [one.session.query for one in changed.began] == ["SELECT 3", ""]


def test_who_stands_behind_us_and_for_how_long() -> None:
    waits = Waits()
    waits.update(
        [
            wait(1),
            wait(2, 1, began=10.0, ours=True),
            wait(3, 2, began=11.0),
            wait(4, 3, began=12.0),
            wait(5, 1, began=2.0),
        ]
    )
    assert waits.queued_behind_us() == {3, 4}
    assert waits.behind_us(15.0) == 4.0
    waits.update([])
    assert (waits.queued_behind_us(), waits.behind_us(15.0)) == (set(), 0.0)


def test_a_circle_ends() -> None:
    waits = Waits()
    waits.update([wait(1, 2, ours=True), wait(2, 1), wait(3, 2)])
    assert waits.queued_behind_us() == {2, 3}
