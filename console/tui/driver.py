"""Textual's driver, which lets go of the terminal once for all when the screen is left.

A process that is continued takes the terminal back, and begins to read the keyboard anew. Textual's does so whether it
had let go or not: two threads read the keyboard from then on, and the first of them stays. A terminal that hangs up
continues its processes too, so one that was just leaving stayed for ever, at 90 % of a core (measured).
"""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver


class TerminalDriver(LinuxDriver):
    """Reads the keyboard with one thread, and after the last stop with none."""

    _holds = False
    """The terminal is ours at the moment."""
    _suspended = False
    """It was let go, and will be taken back."""

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._holds = True
        super().start_application_mode()  # type: ignore[no-untyped-call]  # it is not typed

    def stop_application_mode(self) -> None:
        """Let go of it; for good, unless it is suspended."""
        self._holds = False
        super().stop_application_mode()
        if not self._suspended:
            # Whoever reads still sees it, and ends.
            self.exit_event.set()

    def suspend_application_mode(self) -> None:
        """Let go of it for a while."""
        self._suspended = True
        super().suspend_application_mode()

    def resume_application_mode(self) -> None:
        """Take it back. Whoever was stopped by a signal that can't be caught had not let go."""
        if self._holds:
            self.suspend_application_mode()
        if self._suspended:
            self._suspended = False
            super().resume_application_mode()
