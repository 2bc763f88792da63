"""The same bot in a terminal: buttons are numbers."""
