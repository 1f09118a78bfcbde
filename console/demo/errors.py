"""What goes wrong in the demo, said in one sentence."""


class DemoError(Exception):
    """One clear sentence for the person at the keyboard: what is wrong, and what mends it."""
