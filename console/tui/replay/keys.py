"""The replay's own actions, for the registry: name, key, label, and what it does."""

from __future__ import annotations

KEYS: tuple[tuple[str, str, str, str], ...] = (
    ("play", "space", "Play", "play the recording; again: pause"),
    ("previous", "left_square_bracket", "Prev", "back to the event before that the log tells of"),
    ("next", "right_square_bracket", "Next", "on to the next event that the log tells of"),
    ("step-back", "comma", "Step back", "one event back, whatever it is"),
    ("step", "full_stop", "Step", "one event on, whatever it is"),
    ("sample-back", "less_than_sign", "Sample back", "one sample of the readings back"),
    ("sample", "greater_than_sign", "Sample", "one sample of the readings on"),
    ("slow-down", "left_curly_bracket", "Slow", "play at the next lower speed, down to 0.5x"),
    ("speed-up", "right_curly_bracket", "Fast", "play at the next higher speed, up to 600x"),
    (
        "skip-quiet",
        "z",
        "Skip quiet",
        "leave out, while it plays, the stretches that the log tells nothing of",
    ),
    ("first", "g", "First", "to the beginning of the recording"),
    ("last", "G", "Last", "to the end of the recording; one that is still written is followed from there"),
    ("next-action", "a", "Next action", "on to the next action of an operator"),
    ("previous-action", "A", "Prev action", "back to the action before"),
    (
        *("next-warning", "w", "Next warning"),
        "on to the next warning, error, retry, stop of the throttle or peak of lock waits",
    ),
    ("previous-warning", "W", "Prev warning", "back to the one before"),
    ("next-phase", "p", "Next phase", "on to where the next phase begins"),
    ("previous-phase", "P", "Prev phase", "back to where a phase began"),
    ("next-note", "j", "Next note", "on to the next note or bookmark"),
    ("previous-note", "J", "Prev note", "back to the note or bookmark before"),
    (
        "go-to",
        "t",
        "Go to",
        "go to a time of day, a length of time, a phase by its name, or an event's number",
    ),
    (
        *("find", "slash", "Find"),
        "look for words in the statements, the log, the notes and the bookmarks, and go there",
    ),
    (
        *("bookmark", "B", "Bookmark"),
        "mark this moment, or take its mark away; kept beside your sessions, never in the recording",
    ),
    (
        *("at-the-screen", "O", "On screen"),
        "who was attached and had control, what was open and pressed, how old each reading was, what was blocked",
    ),
    (
        *("about", "i", "About"),
        "the recording itself: what it spans, whether it is whole, and what is missing",
    ),
)
