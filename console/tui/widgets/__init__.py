"""What stands on the screens: panes of lines, buttons, the replay's time line."""
