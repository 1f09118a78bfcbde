"""An action has an owner and an age, comes to one clear result, and can be taken back until it commits."""

from __future__ import annotations

import asyncio

import pytest

from console import events
from console.change import SessionRules
from console.runner.control import Stopped
from tests.link.harness import eventually
from tests.runner.desks import Office

TWO = SessionRules(controllers=("ana", "bo"), two_person=True, group="dba")


async def test_two_at_once_get_one_deed_and_two_clear_results(office: Office) -> None:
    work = office.waiting("advance")
    await asyncio.sleep(0)
    ana, bo = office.sender("ana"), office.sender("bo")
    first, second = await asyncio.gather(office.ask(ana, "advance"), office.ask(bo, "advance"))
    assert await work == "advance by ana"
    assert (first.state, second.state) == ("done", "refused")
    assert second.text == "ana came first, with advance"


async def test_a_press_on_a_phase_that_moved_is_refused(office: Office) -> None:
    ana = office.attach("c1", "ana")
    office.begin("verify")
    work = office.waiting("advance")
    await asyncio.sleep(0)
    answer = await office.ask(ana, "advance", phase="backfill")
    assert answer.text == "the walk has moved on: it was at backfill for you, it is at verify now"
    assert not work.done()
    assert (await office.ask(ana, "advance", phase="verify")).state == "done"
    await work


async def test_a_press_on_what_has_changed_since_is_refused(office: Office) -> None:
    """The same phase waits again, for another reason, than the one that was seen."""
    ana = office.attach("c1", "ana")
    office.begin("verify")
    saw = office.session.s
    work = office.waiting("advance", "retry")
    await asyncio.sleep(0)
    for action in ("advance", "retry"):
        answer = await office.ask(ana, action, phase="verify", seq=saw)
        assert answer.text == "it has changed since you looked, it is waiting now: it is next: advance"
    assert not work.done()
    assert (await office.ask(ana, "throttle", "50", seq=saw)).state == "done", "it means the same at any time"
    assert (await office.ask(ana, "advance", phase="verify", seq=office.session.s)).state == "done"
    await work


async def test_a_repeated_press_gets_the_answer_of_the_first(office: Office) -> None:
    ana = office.attach("c1", "ana")
    first = await office.ask(ana, "throttle", "50", id_="one")
    office.detach(ana)
    again = office.attach("c2", "ana")
    assert await office.ask(again, "throttle", "50", id_="one") == first
    assert len(office.of(events.OperatorThrottle)) == 1
    other = await office.ask(again, "pause", id_="one")
    assert (other.state, other.text) == (
        "refused",
        "its id was used for another action: each ask needs one of its own",
    )
    assert office.session.actions[-1].action == "throttle", "and the first one's record stays"


async def test_an_ask_that_was_withdrawn_is_not_done_when_it_still_comes(office: Office) -> None:
    """Its asker lost the link before an answer, and wants to know rather than to have it done late."""
    ana = office.attach("c1", "ana")
    withdrawn = await office.ask(ana, "withdraw", id_="late")
    assert (withdrawn.state, withdrawn.action) == ("refused", "withdraw")
    assert (await office.ask(ana, "throttle", "50", id_="late")).action == "withdraw"
    assert office.of(events.OperatorThrottle) == []
    done = await office.ask(ana, "throttle", "50", id_="in-time")
    assert await office.ask(ana, "withdraw", id_="in-time") == done


async def test_a_repeated_press_is_known_by_the_next_runner_too(office: Office) -> None:
    ana = office.attach("c1", "ana")
    done = await office.ask(ana, "throttle", "50", id_="one")
    office.stream.emit(events.StateChanged(state="running"))
    await office.ask(ana, "note", "x")
    lost = events.ActionChanged(id="lost", action="pause", state="armed", owner=ana.owner)
    office.stream.emit(lost)
    after = Office(session=office.session)
    after.desk.book.begin_anew()
    back = after.attach("c1", "ana")
    same = await after.ask(back, "throttle", "50", id_="one")
    assert (same.state, same.text, same.asked) == (done.state, done.text, done.asked)
    assert after.of(events.OperatorThrottle) == []
    answer = await after.ask(back, "pause", id_="lost")
    assert (answer.state, answer.text) == ("cancelled", "the runner ended before it was done")


async def test_a_pause_is_armed_until_the_batch_ends_and_can_be_taken_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.runner.desk.SETTLES", 0.01)
    ana = office.attach("c1", "ana")
    office.stream.emit(events.StateChanged(state="running"))
    answer = await office.ask(ana, "pause", id_="p1")
    assert (answer.state, answer.text) == ("armed", "pauses at the end of the batch")
    (waiting,) = office.session.open_actions
    assert waiting.owner.name == "ana"
    assert waiting.asked is not None
    assert (await office.ask(ana, "cancel", "p1")).text == "pause of ana is taken back"
    await asyncio.wait_for(office.control.checkpoint(), 1)
    assert office.session.open_actions == ()
    await office.ask(ana, "pause", id_="p2")
    working = asyncio.ensure_future(office.control.checkpoint())
    await asyncio.sleep(0)
    assert office.session.actions[-1].state == "done"
    assert (await office.ask(ana, "cancel", "p2")).text == "no action p2 waits", "it has committed"
    await office.ask(ana, "resume")
    await working


async def test_what_an_armed_action_gives_way_to_is_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.runner.desk.SETTLES", 0.01)
    ana = office.attach("c1", "ana")
    await office.ask(ana, "pause", id_="p1")
    await office.ask(ana, "resume")
    await office.ask(ana, "pause", id_="p2")
    await office.ask(ana, "abort", id_="a1")
    await office.ask(ana, "roll-back", "public.orders", id_="r1")
    await office.ask(ana, "cancel", "r1")
    await office.control.checkpoint()
    await office.ask(ana, "abort", id_="a2")
    with pytest.raises(Stopped, match="abort"):
        await office.control.checkpoint()
    results = {one.id: (one.state, one.text) for one in office.session.actions}
    assert results["p1"] == ("cancelled", "resumed before the work came to it")
    assert results["p2"] == ("cancelled", "abort came first")
    assert results["a1"] == ("cancelled", "roll-back by ana came instead")
    assert results["r1"] == ("cancelled", "by ana")
    assert results["a2"] == ("done", "ends; everything is kept")


async def test_a_decision_that_the_work_turns_down_is_refused(office: Office) -> None:
    """A gate whose evidence is gone when it is to open."""
    ana = office.attach("c1", "ana")
    office.control.offer(("advance",))
    asked = asyncio.ensure_future(office.ask(ana, "advance"))
    await eventually(office.control.made)
    decision = office.control.made()
    assert decision is not None
    office.control.turned_down(decision, "the evidence no longer holds; the gate stays shut")
    answer = await asked
    assert (answer.state, answer.text) == ("refused", "the evidence no longer holds; the gate stays shut")


async def test_a_decision_that_came_too_late_is_refused(office: Office) -> None:
    ana = office.attach("c1", "ana")
    office.control.offer(("advance",))
    asked = asyncio.ensure_future(office.ask(ana, "advance"))
    await eventually(office.control.made)
    office.control.nothing_decided()
    assert (await asked).text == "the walk had moved on by then"


async def test_what_is_open_when_the_session_ends_is_cancelled(office: Office) -> None:
    office.attach("c1", "ana")
    bo = office.attach("c2", "bo")
    await office.ask(bo, "request-control")
    office.desk.close()
    assert office.session.open_actions == ()
    assert office.session.actions[-1].text == "the session ended first"


async def test_nobody_takes_back_what_is_anothers(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.runner.desk.SETTLES", 0.01)
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    await office.ask(ana, "pause", id_="p1")
    answer = await office.ask(bo, "cancel", "p1")
    assert answer.text == "it is ana's: who asked for it, or who has control, takes it back"
    assert (await office.ask(ana, "cancel", "nothing")).text == "no action nothing waits"


# -- Two persons


async def test_what_can_not_be_undone_takes_two(office: Office) -> None:
    office = Office(TWO)
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    cy = office.attach("c3", "cy")
    office.begin("finish")
    work = office.waiting("advance")
    await asyncio.sleep(0)
    asked = await office.ask(ana, "advance", phase="finish", id_="go")
    assert (asked.state, asked.text) == (
        "armed",
        "waits for the approval of a second person (ana, bo) within 10 min 0 s",
    )
    assert asked.due is not None
    assert (await office.ask(ana, "approve")).text.startswith("you are ana, and so is who asked for it")
    assert (await office.ask(office.sender("ana"), "approve")).state == "refused"
    assert "not among the controllers" in (await office.ask(cy, "approve")).text
    assert not work.done()
    approved = await office.ask(bo, "approve", "go")
    assert (approved.state, approved.text) == ("done", "advance of ana is approved")
    assert await work == "advance by ana"
    go = next(one for one in office.session.actions if one.id == "go")
    assert (go.state, go.text) == ("done", "finish goes on, approved by bo")


async def test_phases_that_can_be_undone_take_one() -> None:
    office = Office(TWO)
    ana = office.attach("c1", "ana")
    office.begin("add-column")
    work = office.waiting("advance")
    await asyncio.sleep(0)
    assert (await office.ask(ana, "advance")).state == "done"
    await work


async def test_an_approval_that_does_not_come_goes_out_of_date() -> None:
    office = Office(SessionRules(controllers=("*",), two_person=True, approval_time=0.02, group="dba"))
    ana = office.attach("c1", "ana")
    bo = office.attach("c2", "bo")
    asked = await office.ask(ana, "roll-back", "public.orders")
    assert asked.state == "armed"
    await asyncio.sleep(0.06)
    assert office.session.open_actions == ()
    assert office.session.actions[-1].state == "expired"
    assert (await office.ask(bo, "approve")).text == "no action waits"
    await office.control.checkpoint()


async def test_what_waits_for_approval_already_is_not_asked_for_twice() -> None:
    office = Office(TWO)
    ana = office.attach("c1", "ana")
    await office.ask(ana, "roll-back", "public.orders")
    again = await office.ask(ana, "roll-back", "public.orders")
    assert (again.state, again.text) == ("refused", "roll-back of ana waits for approval already")
    assert len(office.session.open_actions) == 1


async def test_an_approval_is_declined_by_the_second_person() -> None:
    office = Office(TWO)
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    await office.ask(ana, "roll-back", "public.orders", id_="back")
    assert (await office.ask(bo, "cancel", "back")).state == "done"
    await office.control.checkpoint()


async def test_an_approval_finds_the_walk_as_it_is_then() -> None:
    """Meanwhile the phase no longer waits: what was agreed to is not done."""
    office = Office(TWO)
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    office.begin("finish")
    work = office.waiting("advance")
    await asyncio.sleep(0)
    await office.ask(ana, "advance", id_="go")
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    answer = await office.ask(bo, "approve")
    assert answer.state == "refused"
    assert answer.text.startswith("advance was approved, and then refused")
    assert next(one for one in office.session.actions if one.id == "go").state == "refused"


async def test_what_waits_for_approval_ends_where_control_passes() -> None:
    office = Office(TWO)
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    await office.ask(ana, "roll-back", "public.orders", id_="back")
    await office.ask(ana, "hand-over", "bo")
    assert next(one for one in office.session.actions if one.id == "back").text == "control passed to bo"
    assert (await office.ask(bo, "approve")).text == "no action waits"
