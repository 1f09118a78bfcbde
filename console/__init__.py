"""An operator console, in the terminal, that adds one column to a live production table."""

__version__ = "0.1.0"
