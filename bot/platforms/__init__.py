"""Speak with people: the only code that knows Discord, Telegram or a terminal."""
