"""Decide what to say: a question or a press comes in, a reply goes out. Knows no platform."""
