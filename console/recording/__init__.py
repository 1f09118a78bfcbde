"""The session on disk: append, read, seek, and say what is missing (`docs/recording.md`)."""

from console.recording.chain import Chain
from console.recording.problems import Problem, RecordingError
from console.recording.reader import Recording
from console.recording.recorder import Recorder

__all__ = ["Chain", "Problem", "Recorder", "Recording", "RecordingError"]
