"""Who may come in, watch and act: what the change file says of login names, asked with what the kernel proves.

A group admits its members to the socket; the two lists say which of them are served, and as what.
"""

from __future__ import annotations

import os

from console import events
from console.change import SessionRules
from console.link.peer import Peer, Role, login_name

EVERYBODY = "*"


class People:
    """The change file's rules about people. `user`: the user id that the runner runs as."""

    def __init__(self, rules: SessionRules, *, user: int | None = None) -> None:
        self.rules = rules
        self._user = os.geteuid() if user is None else user

    def may_control(self, uid: int, name: str) -> bool:
        """Whether this user may have control: a controller; without any named, whoever the runner runs as.

        >>> rules = SessionRules(controllers=("ana", "bo"))
        >>> People(rules, user=1000).may_control(1001, "bo"), People(rules, user=1000).may_control(1000, "deploy")
        (True, False)
        >>> nobody_named = People(SessionRules(), user=1000)
        >>> nobody_named.may_control(1000, "deploy"), nobody_named.may_control(0, "root")
        (True, False)
        """
        named = self.rules.controllers
        return bool({name, EVERYBODY} & set(named)) if named else uid == self._user

    def admits(self, peer: Peer) -> bool:
        """Whether this user is served: whoever the runner runs as and root always, others where there is a group.

        >>> bo, cy = Peer(pid=1, uid=1001, name="bo"), Peer(pid=2, uid=1002, name="cy")
        >>> rules = SessionRules(controllers=("ana",), observers=("bo",), group="dba")
        >>> People(rules, user=1000).admits(bo), People(rules, user=1000).admits(cy)
        (True, False)
        >>> People(SessionRules(observers=("bo",)), user=1000).admits(bo)
        False
        """
        if peer.uid in (self._user, 0):
            return True
        named = {*self.rules.observers, *self.rules.controllers}
        return bool(self.rules.group) and bool({peer.name, EVERYBODY} & named)

    def role(self, owner: events.Owner, wanted: Role) -> Role:
        """As what somebody is served who wants to be an `operator` or an `observer`."""
        return "operator" if wanted == "operator" and self.may_control(owner.uid, owner.name) else "observer"

    def controllers(self) -> str:
        """The controllers in words, for who is none of them."""
        return ", ".join(self.rules.controllers) or login_name(self._user)
