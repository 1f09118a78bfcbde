"""Recordings of stories, written by the recorder itself and opened as any other."""

from pathlib import Path

from console.recording import Recorder, Recording
from tests.tui.stories import STORIES
from tests.tui.story import Story


def record(story: Story | str, path: Path) -> Recording:
    """The story as a recording on disk."""
    told = STORIES[story]() if isinstance(story, str) else story
    recorder = Recorder.create(path)
    try:
        for event in told.events:
            recorder.append(event)
    finally:
        recorder.close()
    return Recording.open(path)
