"""Name what a platform reports about its work, to whoever counts it."""

from __future__ import annotations

from typing import Protocol

from bot.dialogue.model import Reply


class Observer(Protocol):
    """What happened on one platform; nothing of it names a person. None of it raises or waits."""

    def asked(self, reply: Reply) -> None:
        """Note that a question was given this reply."""

    def replied(self, seconds: float) -> None:
        """Note how long it took from the arrival of something until its answer was handed over."""

    def refused(self, status: int | None) -> None:
        """Note that the platform's interface answered with an error, or (None) could not be reached."""

    def waited(self, seconds: float) -> None:
        """Note how long something was held back by a rate limit."""


class Unobserved:
    """Count nothing."""

    def asked(self, reply: Reply) -> None:
        """Note nothing."""

    def replied(self, seconds: float) -> None:
        """Note nothing."""

    def refused(self, status: int | None) -> None:
        """Note nothing."""

    def waited(self, seconds: float) -> None:
        """Note nothing."""


UNOBSERVED = Unobserved()
"""Stands where nobody counts."""
