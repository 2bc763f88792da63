"""Keep counts by topic and day, and sealed messages to the editors, where the operator wants them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bot.service.calendar import LEAP, Mark

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


@dataclass(frozen=True, slots=True)
class Batch:
    """The number of a step among those of one writer, which rise: one that is written again adds nothing.

    Whoever gives up waiting cannot know whether a store that hung had done the work. Number 0 is always added.
    """

    writer: str = ""
    number: int = 0


@dataclass(slots=True)
class Changes:
    """What is to be written, in one step: counts to add, messages to put and receipts to delete.

    `day` is that on which it is written; None for the day that each thing carries.
    """

    counts: dict[Counted, int] = field(default_factory=dict)
    messages: dict[str, Sealed] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    batch: Batch = Batch()
    day: datetime.date | None = None

    def __bool__(self) -> bool:
        """Tell whether there is anything to write."""
        return bool(self.counts or self.messages or self.withdrawn)


class Store(Protocol):
    """Where it is kept. Every method raises StoreError where the store is gone, slow or full."""

    name: str

    async def check(self) -> None:
        """Find out, at little cost, whether the store can be used."""

    async def mark(self) -> Mark | None:
        """Return the day that was known last, None where that is not known."""

    async def apply(self, changes: Changes) -> None:
        """Write all changes or none; counts of a batch that was written already are not added again."""

    async def forget(self, mark: Mark) -> None:
        """Delete what is older than it may be, and keep the mark.

        What carries a day that is yet to come, from a clock that was wrong, carries the day of the mark from then on:
        otherwise it would stay for as long as the clock was ahead.
        """

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
        self._batches: dict[str, int] = {}
        self._mark: Mark | None = None

    async def check(self) -> None:
        """Do nothing: memory is always there."""

    async def mark(self) -> Mark | None:
        """Return the day that was known last."""
        return self._mark

    async def apply(self, changes: Changes) -> None:
        """Write all changes."""
        batch = changes.batch
        if not batch.number or batch.number > self._batches.get(batch.writer, 0):
            self._batches[batch.writer] = batch.number
            for counted, number in changes.counts.items():
                self._counts[counted] = self._counts.get(counted, 0) + number
        self._messages = changes.messages | self._messages
        for receipt in changes.withdrawn:
            self._messages.pop(receipt, None)

    async def forget(self, mark: Mark) -> None:
        """Delete what is older than it may be."""
        self._mark = mark
        counts, self._counts = self._counts, {}
        for key, number in counts.items():
            if key.day >= mark.oldest - COUNTS_KEPT:
                now = replace(key, day=_by(mark, key.day))
                self._counts[now] = self._counts.get(now, 0) + number
        self._messages = {
            key: replace(m, day=_by(mark, m.day))
            for key, m in self._messages.items()
            if m.day >= mark.oldest - MESSAGES_KEPT
        }

    async def counts(self) -> Mapping[Counted, int]:
        """Return all counts."""
        return dict(self._counts)

    async def messages(self) -> Sequence[Sealed]:
        """Return all messages, the oldest first."""
        return sorted(self._messages.values(), key=lambda message: message.day)

    async def close(self) -> None:
        """Keep what there is, for as long as the process lives."""


def _by(mark: Mark, day: datetime.date) -> datetime.date:
    return mark.day if mark.doubted is None and day > mark.day + LEAP else day
