"""Who holds the tables of the next phase: which tables are looked at, who counts as old, and what is news."""

from __future__ import annotations

from msgspec.structs import replace

from console.databases.base import Refused
from console.events import ReadingFailed, ServerSession, TableHeld
from console.plan import Plan
from console.runner.holders import AUTOVACUUM, LISTED, Holders, locked_by
from console.session import Session, fold
from tests.tui.story import PLAN

OLD = ServerSession(pid=7, transaction_began=1.0, query="BEGIN")
PREPARED = ServerSession(pid=0, application="prepared transaction", state="prepared")
TABLES = ("public.orders",)


def locks(plan: Plan, phase: str, lock: str) -> Plan:
    """The plan, whose statements of a phase take another lock."""
    wanted = plan.phase(phase)
    other = replace(wanted, statements=tuple(replace(one, lock=lock) for one in wanted.statements))
    return replace(plan, phases=tuple(other if one is wanted else one for one in plan.phases))


def test_only_locks_that_every_holder_is_in_the_way_of() -> None:
    """A report that reads the table holds up no trigger: nobody is to be told that it would."""
    add = PLAN.phase("add-column")
    assert locked_by(PLAN, add) == ("public.orders",)
    for weak in ("SHARE ROW EXCLUSIVE on public.orders", "SHARE UPDATE EXCLUSIVE on public.orders", ""):
        other = locks(PLAN, "add-column", weak)
        assert locked_by(other, other.phase("add-column")) == ()


def test_no_table_of_ours_and_none_of_a_phase_that_only_looks() -> None:
    for phase in PLAN.phases:
        assert all("column_console" not in table for table in locked_by(PLAN, phase))
        assert phase.does == "statements" or locked_by(PLAN, phase) == ()


def test_the_table_itself_comes_first_whatever_its_partitions_are() -> None:
    add = PLAN.phase("add-column")
    lock = next(one for one in add.statements if one.lock.startswith("ACCESS EXCLUSIVE"))
    parts = tuple(replace(lock, on=f"public.orders_{number}") for number in range(9))
    whole = replace(add, statements=(*parts, lock))
    assert locked_by(PLAN, whole)[:2] == ("public.orders", "public.orders_0")


def test_another_query_of_the_same_transaction_is_no_news_and_another_transaction_is() -> None:
    holders = Holders()
    assert holders.update(TABLES, [OLD], 9.0) == TableHeld(tables=TABLES, holders=(OLD,))
    corrected = replace(OLD, query="SELECT ?", transaction_began=1.2)
    assert holders.update(TABLES, [corrected], 10.0) is None
    again = replace(OLD, transaction_began=8.0)
    assert holders.update(TABLES, [again], 11.0) == TableHeld(tables=TABLES, holders=(again,))


def test_a_holder_whose_beginning_can_not_be_read_is_told_when_it_stays() -> None:
    """Prepared, LOCK TABLES, or hidden from our role: never taken for nobody."""
    holders = Holders()
    told = [holders.update(TABLES, [PREPARED], float(second)) for second in range(5)]
    assert told == [TableHeld(tables=TABLES), None, None, TableHeld(tables=TABLES, holders=(PREPARED,)), None]


def test_one_that_comes_and_goes_is_not() -> None:
    holders = Holders()
    busy = ServerSession(pid=8)
    readings = [[busy], [busy], [], [busy], [busy], []]
    told = [holders.update(TABLES, reading, float(second)) for second, reading in enumerate(readings)]
    assert told == [TableHeld(tables=TABLES), *[None] * 5]


def test_autovacuum_is_no_holder_and_more_than_anybody_reads_are_counted() -> None:
    many = [ServerSession(pid=pid, transaction_began=float(-pid)) for pid in range(1, 9)]
    vacuum = ServerSession(pid=99, application=AUTOVACUUM, transaction_began=-99.0)
    told = Holders().update(TABLES, [vacuum, *many], 9.0)
    assert told is not None
    assert ([one.pid for one in told.holders], told.others) == ([8, 7, 6, 5, 4], 8 - LISTED)


def test_what_is_forgotten_is_told_once() -> None:
    holders = Holders()
    holders.update(TABLES, [OLD], 9.0)
    assert (holders.forget(), holders.forget()) == (TableHeld(), None)


def test_where_nobody_looks_any_more_nothing_is_known_and_nothing_has_failed() -> None:
    failed = ReadingFailed(reading="holders", why=Refused("no").text)
    looked = fold([TableHeld(tables=TABLES, holders=(OLD,)), failed])
    assert (looked.held is not None, set(looked.failures)) == (True, {"holders"})
    left = fold([TableHeld()], looked)
    assert (left.held, left.failures) == (None, Session().failures)
