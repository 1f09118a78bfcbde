"""Who is here, who has control, and what waits for people: in words, for the header, the dialogs and the corner. Pure.

`me` is what this screen is called in the session's events; empty where that is not known, as in a replay or with a
runner of an older version. Then the runner alone decides what may be pressed.
"""

from __future__ import annotations

from console.events import ActionChanged
from console.session import Client, Session
from console.words import age, plural

KEY = "w"
"""The key of the dialog of who is here."""


def mine(session: Session, me: str) -> Client | None:
    """This screen among the clients."""
    return next((client for client in session.clients if me and client.client == me), None)


def may_control(session: Session, me: str) -> str:
    """Why this screen can't have control; empty where it can."""
    own = mine(session, me)
    if own is not None and own.role != "operator":
        return "this screen only watches"
    return ""


def no_control(session: Session, me: str) -> str:
    """Why this screen may not act; empty where it may."""
    own = mine(session, me)
    if own is None:
        return ""
    if own.role != "operator":
        return f"this screen only watches: {KEY} shows who has control"
    held = session.control
    if held is None:
        return f"nobody has control: {KEY} takes it" if one_control(session) else ""
    return "" if held.client == me else f"{held.name} has control: {KEY} asks for it"


def no_pause(session: Session, me: str) -> str:
    """Why this screen may not pause: the change file may let everybody."""
    header = session.header
    return "" if header is not None and header.observers_may_pause else no_control(session, me)


def one_control(session: Session) -> bool:
    """Whether one person has control at a time; before protocol 2 every operator had."""
    return session.header is not None and session.header.one_control


def pending(session: Session, *names: str) -> tuple[ActionChanged, ...]:
    """What is armed and waits for people, of these actions; of all without names."""
    return tuple(
        action
        for action in session.open_actions
        if action.state == "armed" and action.due is not None and (not names or action.action in names)
    )


def left(action: ActionChanged, now: float) -> str:
    """How long until it is due.

    >>> from console.events import Owner
    >>> left(ActionChanged(id="1", action="take-over", state="armed", owner=Owner(name="bo"), due=20.0), 12.6)
    '7s'
    """
    return "" if action.due is None else age(max(0.0, action.due - now))


def waits(action: ActionChanged, now: float) -> str:
    """What waits for people, in one line."""
    who, when = action.owner.name, left(action, now)
    match action.action:
        case "take-over":
            return f"{who} takes control in {when}"
        case "request-control":
            return f"{who} asks for control"
        case _:
            return f"{who}'s {action.action} waits for approval, {when} left"


def in_control(session: Session, me: str) -> tuple[str, bool]:
    """Who has control, and whether somebody is there to use it."""
    held = session.control
    if held is None:
        return "nobody has control", False
    if me and held.client == me:
        return "you have control", True
    here = session.in_control is not None
    return f"{held.name} has control" + ("" if here else ", and is away"), here


def others(session: Session, me: str) -> str:
    """Who else is here, by name.

    >>> bo = Client(client="c1", name="bo", role="observer", since=0.0)
    >>> others(Session(clients=(bo,)), "c2"), others(Session(clients=(bo,)), "c1")
    ('bo watches', 'you watch')
    """
    held = session.control.client if session.control is not None else ""
    here = [client for client in session.clients if client.client != held]
    # Oneself first: of the others there may be many.
    here.sort(key=lambda client: client.client != me)
    names = ["you" if client.client == me else client.name for client in here]
    if not names:
        return ""
    if len(names) > 3:
        names = [*names[:1], plural(len(names) - 1, "other")]
    told = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{told} {'watch' if len(names) > 1 or names == ['you'] else 'watches'}"


def announced(before: Session, after: Session, me: str) -> list[tuple[str, bool]]:
    """What is newly asked of the people here, and who has control from now on; and whether it presses."""
    told: list[tuple[str, bool]] = []
    known = {action.id for action in pending(before)}
    own = mine(after, me)
    for action in pending(after):
        if action.id in known or not before.clients:
            continue
        why = f" because {action.reason}" if action.reason else ""
        told.append((f"{waits(action, after.t)}{why}", action.action != "request-control"))
    changed = (before.control and before.control.client) != (after.control and after.control.client)
    if changed and before.control is not None and own is not None:
        said, _ = in_control(after, me)
        told.append((said, False))
    return told
