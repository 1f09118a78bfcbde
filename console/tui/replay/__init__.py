"""The replay's own parts, none of which draws: what happened when, where it was quiet, what can be found, what was
bookmarked, whether the recording still grows."""
