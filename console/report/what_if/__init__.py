"""What the throttle would have done with other limits: its pure controller, run over a session's readings.

A model, and honest about it: beside what was recorded stands what the model makes of the *recorded* limits, so that a
reader sees how far off it is before reading what it makes of the others.

- `ticks` takes the backfill out of a recording, reading by reading;
- `model` runs the controller over them;
- `text` tells it to people.
"""

from console.report.what_if.model import ASSUMPTIONS, Course, Step, WhatIf, what_if
from console.report.what_if.text import as_text
from console.report.what_if.ticks import NoBackfill

__all__ = ["ASSUMPTIONS", "Course", "NoBackfill", "Step", "WhatIf", "as_text", "what_if"]
