"""Agree on how fast one chat gets messages, where several processes send to it."""

from __future__ import annotations

from typing import Protocol


class Pace(Protocol):
    """The order in which all processes send to one chat. None of it raises, or takes long."""

    async def take(self, chat: int) -> tuple[float, ...] | None:
        """Take the next place in a chat; returns when its newest messages left or will, this one last.

        In seconds from now, those that left below zero. None where what the processes share is gone, and each one
        goes by what it has sent itself.
        """

    async def is_first(self, chat: int, seconds: float) -> bool:
        """Tell whether no other process has asked the same within so many seconds."""
