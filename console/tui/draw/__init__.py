"""What each panel says, as lines of text: pure functions of a view and a size."""
