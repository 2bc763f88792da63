"""Makes the sentence encoder; see README.md."""
