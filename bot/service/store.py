"""Keep counts by topic and day, and sealed messages to the editors, where the operator wants them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

COUNTS_KEPT = datetime.timedelta(days=400)
MESSAGES_KEPT = datetime.timedelta(days=180)
"""How long each is kept (design, section 6)."""


class StoreError(Exception):
    """The store cannot be used now; one sentence that names no person and no secret."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something was said about a topic on a day."""

    topic: str
    what: str
    day: datetime.date


@dataclass(frozen=True, slots=True)
class Sealed:
    """A message under the hash of its receipt, with its day and no time, encrypted."""

    receipt: str
    day: datetime.date
    text: bytes


@dataclass(slots=True)
class Changes:
    """What is to be written, in one step: counts to add, messages to put and receipts to delete."""

    counts: dict[Counted, int] = field(default_factory=dict)
    messages: dict[str, Sealed] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Tell whether there is anything to write."""
        return bool(self.counts or self.messages or self.withdrawn)


class Store(Protocol):
    """Where it is kept. Every method raises StoreError where the store is gone, slow or full."""

    name: str

    async def check(self) -> None:
        """Find out, at little cost, whether the store can be used."""

    async def apply(self, changes: Changes) -> None:
        """Write all changes or none."""

    async def forget(self, today: datetime.date) -> None:
        """Delete what is older than it may be."""

    async def counts(self) -> Mapping[Counted, int]:
        """Return all counts."""

    async def messages(self) -> Sequence[Sealed]:
        """Return all messages, the oldest first."""

    async def close(self) -> None:
        """Let go of the store."""


class MemoryStore:
    """Keeps until the process ends (`memory://`)."""

    name = "memory"

    def __init__(self) -> None:
        self._counts: dict[Counted, int] = {}
        self._messages: dict[str, Sealed] = {}

    async def check(self) -> None:
        """Do nothing: memory is always there."""

    async def apply(self, changes: Changes) -> None:
        """Write all changes."""
        for counted, number in changes.counts.items():
            self._counts[counted] = self._counts.get(counted, 0) + number
        self._messages = changes.messages | self._messages
        for receipt in changes.withdrawn:
            self._messages.pop(receipt, None)

    async def forget(self, today: datetime.date) -> None:
        """Delete what is older than it may be."""
        self._counts = {key: n for key, n in self._counts.items() if key.day >= today - COUNTS_KEPT}
        self._messages = {key: m for key, m in self._messages.items() if m.day >= today - MESSAGES_KEPT}

    async def counts(self) -> Mapping[Counted, int]:
        """Return all counts."""
        return dict(self._counts)

    async def messages(self) -> Sequence[Sealed]:
        """Return all messages, the oldest first."""
        return sorted(self._messages.values(), key=lambda message: message.day)

    async def close(self) -> None:
        """Keep what there is, for as long as the process lives."""
