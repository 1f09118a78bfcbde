"""One person has control, any number watch: how control comes, passes and is taken, and what it takes to act."""

from __future__ import annotations

import asyncio

import pytest

from console import events
from console.change import SessionRules
from console.session import fold
from tests.link.harness import eventually
from tests.runner.desks import Office


async def test_who_comes_first_has_control_and_the_others_do_not(office: Office) -> None:
    ana = office.attach("c1", "ana")
    bo = office.attach("c2", "bo")
    assert office.holder == "ana c1"
    refused = await office.ask(bo, "pause")
    assert (refused.state, refused.text) == (
        "refused",
        "ana (ssh from 10.0.0.1) has control: request-control asks for it, take-over takes it",
    )
    assert (await office.ask(ana, "throttle", "50")).state == "done"


async def test_a_second_screen_of_the_same_person_has_no_control_but_send_acts_for_its_owner(
    office: Office,
) -> None:
    office.attach("c1", "ana")
    second = office.attach("c2", "ana")
    assert (await office.ask(second, "throttle", "50")).state == "refused"
    assert (await office.ask(office.sender("ana"), "throttle", "50")).state == "done"
    assert (await office.ask(office.sender("bo"), "throttle", "50")).state == "refused"


async def test_while_nobody_has_control_send_acts_and_takes_nothing(office: Office) -> None:
    assert (await office.ask(office.sender("bo"), "throttle", "50")).state == "done"
    assert office.holder == ""


async def test_observers_look_and_leave_notes(office: Office) -> None:
    cy = office.attach("c1", "cy")
    assert office.session.clients[0].role == "observer", "who is no controller is served as an observer"
    assert office.holder == ""
    for action in (
        "pause",
        "advance",
        "throttle",
        "request-control",
        "take-over",
        "approve",
        "release-control",
    ):
        answer = await office.ask(cy, action, reason="x")
        assert answer.state == "refused"
        assert answer.text.startswith("cy is not among the controllers (ana, bo)"), action
    assert (await office.ask(cy, "note", "I saw", "it")).state == "done"
    assert office.session.log[-2].text == "note by cy: I saw it"
    watching = office.attach("c2", "ana", role="observer")
    answer = await office.ask(watching, "throttle", "50")
    assert answer.text == "this screen is attached to watch only: an observer may look, and leave notes"


async def test_observers_pause_where_the_change_file_lets_them() -> None:
    office = Office(SessionRules(controllers=("ana",), observers_may_pause=True))
    office.attach("c1", "ana")
    cy = office.attach("c2", "cy")
    office.stream.emit(events.StateChanged(state="running"))
    asked = asyncio.ensure_future(office.ask(cy, "pause", reason="p99 is up"))
    await asyncio.sleep(0)
    working = asyncio.ensure_future(office.control.checkpoint())
    assert (await asked).state == "done"
    assert office.session.reason == "paused by cy because p99 is up"
    assert (await office.ask(cy, "resume")).state == "refused", "stopping is safe, going on is not theirs"
    office.control.resume()
    await working


async def test_control_is_asked_for_and_handed_over(office: Office) -> None:
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    asked = await office.ask(bo, "request-control", id_="req")
    assert (asked.state, asked.text) == ("armed", "ana is asked for control")
    assert [one.action for one in office.session.open_actions] == ["request-control"]
    assert (await office.ask(bo, "request-control")).text == "you have asked for it already"
    assert (await office.ask(bo, "hand-over")).state == "refused", "only who has control gives it"
    answer = await office.ask(ana, "hand-over", reason="shift ends")
    assert (answer.state, answer.text) == ("done", "bo has control")
    assert office.holder == "bo c2"
    assert [one.state for one in office.session.actions if one.id == "req"] == ["done"]
    assert (await office.ask(ana, "throttle", "50")).state == "refused"
    assert (await office.ask(bo, "throttle", "50")).state == "done"
    assert "ana handed control over to bo because shift ends" in [line.text for line in office.session.log]


async def test_control_is_handed_to_who_is_named(office: Office) -> None:
    ana, _, _ = office.attach("c1", "ana"), office.attach("c2", "bo"), office.attach("c3", "cy")
    nobody = await office.ask(ana, "hand-over")
    assert nobody.text == "nobody has asked for control: say to whom, by name or by screen (c2)"
    assert (await office.ask(ana, "hand-over", "dee")).text == "dee is not here"
    assert (await office.ask(ana, "hand-over", "cy")).text == "cy only watches, and can't have control"
    office.attach("c4", "bo")
    assert (await office.ask(ana, "hand-over", "bo")).text == "bo is here more than once: name one of c2, c4"
    assert (await office.ask(ana, "hand-over", "c4")).state == "done"
    assert office.holder == "bo c4"


async def test_a_request_is_declined_or_goes_out_of_date(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    await office.ask(bo, "request-control", id_="req")
    assert (await office.ask(ana, "cancel", "req")).state == "done"
    (_, _, declined) = [a for a in office.of(events.ActionChanged) if getattr(a, "id", "") == "req"]
    assert isinstance(declined, events.ActionChanged)
    assert (declined.state, declined.text) == ("cancelled", "by ana")
    monkeypatch.setattr("console.runner.lease.REQUEST_TIME", 0.01)
    await office.ask(bo, "request-control", id_="again")
    await asyncio.sleep(0.05)
    assert office.session.open_actions == ()
    assert office.states("request-control")[-1] == "expired"
    assert office.holder == "ana c1"


async def test_control_is_released_and_taken_up(office: Office) -> None:
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    assert (await office.ask(ana, "release-control")).text == "nobody has control"
    assert office.holder == ""
    assert (await office.ask(bo, "throttle", "50")).text == "nobody has control: request-control takes it"
    assert (await office.ask(bo, "request-control")).text == "you have control"
    assert office.holder == "bo c2"
    assert (await office.ask(bo, "take-over", reason="x")).text == "you have control already"
    await office.ask(ana, "request-control")
    assert (await office.ask(bo, "release-control")).text == "ana had asked for control, and has it"
    assert office.holder == "ana c1"


async def test_a_take_over_is_announced_with_its_reason_and_then_done(office: Office) -> None:
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    assert "needs a reason" in (await office.ask(bo, "take-over")).text
    announced = await office.ask(bo, "take-over", reason="ana sleeps", id_="take")
    assert announced.state == "armed"
    assert announced.due is not None
    assert office.session.log[-1].text == (
        "bo: take-over because ana sleeps: takes control from ana in 0.05 s"
    )
    assert (await office.ask(ana, "throttle", "60")).state == "done", "until then it is still theirs"
    await eventually(lambda: office.holder == "bo c2")
    assert office.states("take-over") == ["running", "refused", "running", "armed", "done"]
    assert (await office.ask(ana, "throttle", "70")).state == "refused"
    (taken,) = [c for c in office.of(events.ControlChanged) if getattr(c, "how", "") == "taken-over"]
    assert isinstance(taken, events.ControlChanged)
    assert (taken.by, taken.reason) == ("ana", "ana sleeps")
    assert "bo took control over from ana because ana sleeps" in [line.text for line in office.session.log]


async def test_only_who_announced_a_take_over_takes_it_back(office: Office) -> None:
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    await office.ask(bo, "take-over", reason="x", id_="take")
    second = office.attach("c3", "bo")
    assert "somebody takes over already" in (await office.ask(second, "take-over", reason="y")).text
    assert "by who announced it, bo" in (await office.ask(ana, "cancel", "take")).text
    assert (await office.ask(bo, "cancel")).state == "done"
    await asyncio.sleep(0.1)
    assert office.holder == "ana c1"
    assert office.states("take-over")[-1] == "cancelled"


async def test_a_take_over_ends_with_who_announced_it(office: Office) -> None:
    office.attach("c1", "ana")
    bo = office.attach("c2", "bo")
    await office.ask(bo, "take-over", reason="x")
    office.detach(bo)
    await eventually(lambda: not office.session.open_actions)
    assert office.states("take-over")[-1] == "cancelled"
    assert office.holder == "ana c1"


@pytest.mark.parametrize("silence", [None, 26.0], ids=["gone", "silent"])
async def test_from_a_holder_who_is_gone_control_is_taken_at_once(
    office: Office, silence: float | None
) -> None:
    office.attach("c1", "ana")
    bo = office.attach("c2", "bo")
    office.silent["c1"] = silence
    assert (await office.ask(bo, "take-over", reason="the link is down")).state == "done"
    assert office.holder == "bo c2"


async def test_who_comes_back_has_control_still_unless_it_was_taken(office: Office) -> None:
    ana = office.attach("c1", "ana")
    office.detach(ana)
    bo = office.attach("c2", "bo")
    assert office.holder == "ana c1", "to be away is not to lose it"
    assert "has control, and is away" in (await office.ask(bo, "throttle", "50")).text
    again = office.attach("c3", "ana")
    assert office.holder == "ana c3"
    assert office.session.log[-1].text == "ana is back, and has control still"
    office.detach(again)
    await office.ask(bo, "request-control")
    office.attach("c4", "ana")
    assert office.holder == "bo c2"


async def test_the_same_screen_by_another_link_keeps_control_though_the_old_one_seems_alive(
    office: Office,
) -> None:
    office.attach("c1", "ana")
    office.attach("c2", "ana")
    assert office.holder == "ana c1"
    office.attach("c3", "ana", instead_of="c1")
    assert office.holder == "ana c3"


async def test_a_recording_of_a_take_over_shows_who_did_what(office: Office) -> None:
    """What a replay makes of the events is the session that was seen."""
    ana, bo = office.attach("c1", "ana"), office.attach("c2", "bo")
    await office.ask(ana, "throttle", "50")
    await office.ask(bo, "take-over", reason="ana sleeps")
    await eventually(lambda: office.holder == "bo c2")
    await office.ask(bo, "throttle", "25")
    written = [events.decode(events.encode(event)) for event in office.recorded]
    assert fold(written) == office.session
    done = [(a.owner.name, a.action, a.reason, a.state) for a in office.session.actions]
    assert done == [
        ("ana", "throttle", "", "done"),
        ("bo", "take-over", "ana sleeps", "done"),
        ("bo", "throttle", "", "done"),
    ]
