"""The dialogs about people: who is here and who has control, and the actions that wait for somebody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.events import ActionChanged
from console.session import Client
from console.tui import people
from console.tui.clock import clock
from console.tui.lines import Line, left, line, paragraph
from console.tui.screens.dialog import Asking, Dialog
from console.tui.screens.lists import Picking
from console.tui.view import View
from console.tui.widgets.buttons import Chip
from console.words import age, plain


class WhoIsHere(Dialog):
    """Every screen that is attached, whose it is, and who has control; and the ways in which that passes."""

    heading = "Who is here"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """One line a screen."""
        session = view.session
        said, here = people.in_control(session, view.me)
        lines = [line((said, "strong" if here else "warn")), Line()]
        for client in session.clients:
            lines.append(_row(view, client))
            if client.claims:
                lines.append(line("     ", (plain(client.claims), "label")))
        if not session.clients:
            lines.append(line(("nobody is attached", "label")))
        for action in people.pending(session):
            lines += [Line(), *paragraph(people.waits(action, view.now), width, "warn")]
            if action.reason:
                lines += paragraph(f"because {action.reason}", width, "label", "  ")
        return lines

    def buttons(self) -> Iterable[Chip]:
        """How control passes."""
        yield Chip("request-control", "", "Ask for it", id="do-request-control")
        yield Chip("take-over", "", "Take it ...", id="do-take-over", classes="-careful")
        yield Chip("hand-over", "", "Hand over ...")
        yield Chip("release-control", "", "Release")

    def update(self, view: View) -> None:
        """Each is greyed where it has no sense."""
        session = view.session
        off = self.console_app.why_not("note") or people.may_control(session, view.me)
        has = not people.no_control(session, view.me)
        for chip in self.query(Chip):
            if chip.name in ("request-control", "take-over"):
                chip.say(chip.label, off or ("you have control already" if has else ""))
            elif chip.name in ("hand-over", "release-control"):
                chip.say(chip.label, off or ("" if has else "you have no control"))

    def pressed(self, name: str) -> None:
        """Ask for it at once, or for what it takes."""
        if name == "take-over":
            self.app.push_screen(TakeOver())
        elif name == "hand-over":
            asking = people.pending(self.console_app.session, "request-control")
            if asking:
                self.console_app.ask("hand-over")
            else:
                self.app.push_screen(HandOver())
        else:
            self.console_app.ask(name)


def _row(view: View, client: Client) -> Line:
    held = view.session.control
    has = held is not None and held.client == client.client
    role = "has control" if has else "operator" if client.role == "operator" else "observer"
    you = " (you)" if view.me == client.client else ""
    return line(
        (left(client.client, 5), "label"),
        (left(f"{plain(client.name)}{you}", 22), "strong" if has else ""),
        (left(role, 13), "ok" if has else "label"),
        (f"here for {age(view.now - client.since)}", "label"),
    )


class TakeOver(Asking):
    """Take control from whoever has it."""

    action = "take-over"
    heading = "Take control"
    confirm_label = "Take it"
    danger = "careful"
    prompt = "the reason, which is recorded"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """What happens."""
        said, _ = people.in_control(view.session, view.me)
        what = (
            f"{said}. It is announced to everybody who is here, and done after 10 s; at once where its holder is gone. "
            "Your name and your reason are recorded."
        )
        return paragraph(what, width)

    def reason(self) -> str:
        """As typed."""
        return self.typed


class HandOver(Asking):
    """Give control to somebody who is here."""

    action = "hand-over"
    heading = "Hand control over"
    confirm_label = "Hand over"
    prompt = "to whom: a name, or a screen (c2)"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """Who can have it."""
        able = [
            client
            for client in view.session.clients
            if client.role == "operator" and client.client != view.me
        ]
        if not able:
            return paragraph("Nobody else who may have control is here.", width, "warn")
        return [_row(view, client) for client in able]

    def arguments(self) -> tuple[str, ...]:
        """To whom."""
        return (self.typed,)


class AskedFor(Picking):
    """The actions that have not come to their result."""

    heading = "Asked for, and not done yet"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """One line an action, with its owner and its age."""
        waiting = view.session.open_actions
        if not waiting:
            return [line(("no action waits", "label"))]
        return [_asked(view, action) for action in waiting]

    def chosen(self, key: str) -> None:
        """Show it, with what can be done to it."""
        self.app.push_screen(OneAsked(key))


def _asked(view: View, action: ActionChanged) -> Line:
    since = "" if action.asked is None else f"{age(view.now - action.asked)} ago"
    due = people.left(action, view.now)
    return line(
        (left(plain(action.owner.name), 12), "strong"),
        left(plain(" ".join((action.action, *action.arguments))), 26),
        (left(since, 12), "label"),
        (f"{action.state}" + (f", {due} left" if due else ""), "warn"),
        key=action.id,
    )


class OneAsked(Dialog):
    """One action on its way: approve it, or take it back."""

    heading = "An action that waits"

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def _action(self, view: View) -> ActionChanged | None:
        return next((action for action in view.session.actions if action.id == self._key), None)

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """Who, what, when, why, and what it waits for."""
        action = self._action(view)
        if action is None:
            return [line(("it is not known any more", "label"))]
        asked = action.asked if action.asked is not None else action.t
        rows = [
            ("asked for", " ".join((action.action, *action.arguments))),
            ("by", f"{action.owner.name}" + (f" ({action.owner.claims})" if action.owner.claims else "")),
            ("at", f"{clock(view.session.header, asked)}, {age(view.now - asked)} ago"),
            ("because", action.reason),
            ("state", action.state),
            ("left", people.left(action, view.now)),
        ]
        lines = [line((left(name, 12), "label"), plain(value)) for name, value in rows if value]
        return [*lines, Line(), *paragraph(plain(action.text), width)]

    def buttons(self) -> Iterable[Chip]:
        """What can be done to it."""
        yield Chip("approve", "", "Approve", classes="-careful")
        yield Chip("cancel", "", "Take it back")

    def update(self, view: View) -> None:
        """Each is greyed where the runner would refuse it."""
        action = self._action(view)
        off = self.console_app.why_not("note")
        if action is None or action.state != "armed":
            off = off or "it does not wait any more"
        own = people.mine(view.session, view.me)
        approve = off or people.may_control(view.session, view.me)
        if action is not None and not approve:
            if action.due is None or action.action in ("take-over", "request-control"):
                approve = "it needs no approval"
            elif own is not None and own.uid == action.owner.uid:
                approve = "it takes another person than who asked for it"
        for chip in self.query(Chip):
            if chip.name != "close":
                chip.say(chip.label, approve if chip.name == "approve" else off)

    def pressed(self, name: str) -> None:
        """Ask for it."""
        self.console_app.ask(name, (self._key,))
        self.dismiss(None)
