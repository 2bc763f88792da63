"""Agree on which process holds which connections, and on when each may start a session."""

from __future__ import annotations

from typing import Protocol


class LostSlotError(Exception):
    """Somebody else holds the slot now, so this process must let go of its connections."""


class Slots(Protocol):
    """Slots that processes lease, one each; the number of a slot tells which connections are its holder's."""

    async def take(self, count: int) -> int:
        """Wait until one of so many slots is free, and lease it; returns its number, from 0."""

    async def hold(self) -> None:
        """Renew the lease until cancelled; raises LostSlotError when somebody else holds the slot.

        While what the processes share is gone, whoever holds a slot keeps it.
        """

    async def release(self) -> None:
        """Give the slot to whoever waits for one."""

    async def agreed(self, count: int) -> int:
        """Return the number of connections that all processes go by: the first one named."""

    async def turn(self, lane: int, every: float) -> None:
        """Wait for this process's turn to start a session in a lane, of which there is one in so many seconds."""
