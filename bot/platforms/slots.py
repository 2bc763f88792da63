"""Agree on which process holds which connections, and on when each may start a session."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol


class LostSlotError(Exception):
    """Somebody else holds the slot now, so this process must let go of its connections."""


@dataclass(frozen=True, slots=True)
class Division:
    """How many connections there are in all, and in how many slots they are shared out."""

    shards: int
    slots: int

    def __str__(self) -> str:
        return f"{self.shards}/{self.slots}"

    @classmethod
    def read(cls, text: str) -> Division | None:
        """Return the division that was written as text, None for anything else."""
        found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
        return cls(int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot, from 0, and the division that it belongs to."""

    slot: int
    division: Division

    @property
    def connections(self) -> range:
        """Return the numbers of the connections that its holder holds."""
        return range(self.slot, self.division.shards, self.division.slots)


class Slots(Protocol):
    """Slots that processes lease, one each."""

    async def take(self, wanted: Division) -> Lease:
        """Wait until a slot is free, and lease it.

        All processes go by the same division: where somebody holds a slot, by theirs and not by the wanted one.
        """

    async def hold(self) -> None:
        """Renew the lease until cancelled; raises LostSlotError when somebody else holds the slot.

        While what the processes share is gone, whoever holds a slot keeps it.
        """

    async def release(self) -> None:
        """Give the slot to whoever waits for one."""

    async def turn(self, lane: int, every: float) -> None:
        """Wait for this process's turn to start a session in a lane, of which there is one in so many seconds."""
