"""Buttons of one line, each with its key: those of the main screen, fed by the registry, and those of dialogs."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.visual import VisualType
from textual.widget import Widget


class Chip(Widget, can_focus=True):
    """A button: a key and a label. Greyed where it can't be used, with the reason as its tooltip; it can be
    pressed all the same, so that whoever presses it is told why not."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chip--key"}
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "press", "Press", show=False)]

    class Pressed(Message):
        """It was pressed, by Enter or the mouse."""

        def __init__(self, chip: Chip) -> None:
            super().__init__()
            self.chip = chip

        @property
        def control(self) -> Chip:
            """The button."""
            return self.chip

    def __init__(self, name: str, key: str, label: str, *, id: str | None = None, classes: str = "") -> None:  # noqa: A002
        super().__init__(name=name, id=id, classes=classes)
        self._key = key
        self._label = label
        self._reason: str | None = None

    @property
    def label(self) -> str:
        """What is written on it, without its key."""
        return self._label

    @property
    def reason(self) -> str:
        """Why it can't be used now; empty where it can."""
        return self._reason or ""

    def say(self, label: str, reason: str, tip: str = "") -> None:
        """Another label, and why it can't be used now (empty: it can)."""
        if (label, reason) == (self._label, self._reason):
            return
        wider = len(label) != len(self._label)
        self._label, self._reason = label, reason
        self.set_class(bool(reason), "-off")
        self.tooltip = Content(reason or tip) if reason or tip else None
        self.refresh(layout=wider)

    def render(self) -> VisualType:
        """The key and the label."""
        key = (
            Content.styled(f" {self._key} ", self.get_visual_style("chip--key"))
            if self._key
            else Content(" ")
        )
        return key + Content(f"{self._label} ")

    def get_content_width(self, container: object, viewport: object) -> int:
        """As wide as what is written on it."""
        return len(self._key) + len(self._label) + (3 if self._key else 2)

    def action_press(self) -> None:
        """Press it."""
        self.post_message(self.Pressed(self))

    async def on_click(self, event: events.Click) -> None:
        """Press it."""
        event.stop()
        self.action_press()
