"""Take counts and messages at once, and bring them to the store when it answers."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import threading
from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.service.calendar import Mark, marked
from bot.service.log import logger
from bot.service.sealing import Seal, named
from bot.service.store import Batch, Changes, Counted, Sealed, Store, StoreError

WRITE_EVERY = 1.0
"""Seconds between two writes; what comes meanwhile is written together."""

WRITE_WITHIN = 10.0
"""Seconds after which a write counts as failed, and is tried again."""

LAST_WRITE_WITHIN = 1.0
"""Seconds for what is left when the bot stops."""

CHECK_EVERY = 5.0
"""Seconds between looks whether the store is there while nothing is to be written."""

LONGEST_WAIT = 8.0
"""Seconds between attempts while the store is gone."""

MOST_MESSAGES = 1_000
MOST_COUNTS = 100_000
"""What waits in memory at most while the store is gone; counts of one topic and day are one."""

log = logger("bot.ledger")


class Troubles(Protocol):
    """Whoever counts the failures of the store."""

    def store_failed(self) -> None:
        """Note one failure."""


class StoreLedger:
    """The dialogue's ledger over a store; without a `seal` messages are not taken.

    `today` returns the day that goes with what is kept, `random` so many random bits, `clock` seconds. Safe to use from any thread.
    """

    def __init__(
        self,
        store: Store,
        seal: Seal | None,
        *,
        today: Callable[[], datetime.date],
        random: Callable[[int], int],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._seal = seal
        self._today = today
        self._random = random
        self._troubles: Troubles | None = None
        self._sleep = sleep
        self._clock = clock
        self._checked = clock()
        self._lock = threading.Lock()
        self._waiting = Changes()
        self._writer = f"{random(64):016x}"
        self._batch = Batch(self._writer)
        self._batched: dict[Counted, int] = {}
        """Counts of the batch that may have been written: they are tried again as they are until that is certain."""

        self._lost = 0
        self._mark: Mark | None = None
        self._forgotten: Mark | None = None
        self.fault: str | None = None

    def watched_by(self, troubles: Troubles) -> None:
        """Tell somebody of each failure of the store from now on."""
        self._troubles = troubles

    @property
    def takes_messages(self) -> bool:
        """Tell whether messages are kept at all."""
        return self._seal is not None

    @property
    def is_late(self) -> bool:
        """Tell whether what is kept now waits in memory, because the store is gone."""
        return self.fault is not None

    def count(self, topic: str, what: str) -> None:
        """Count that an answer helped, or did not."""
        counted = Counted(topic, what, self._day())
        with self._lock:
            counts = self._waiting.counts
            if counted not in counts and len(counts) >= MOST_COUNTS:
                del counts[next(iter(counts))]
                self._lost += 1
            counts[counted] = counts.get(counted, 0) + 1

    def receipt(self) -> str:
        """Return a new receipt: a random number of 80 bits."""
        return f"{self._random(80):020x}"

    def keep(self, text: str, receipt: str) -> bool:
        """Seal a message and put it on its way; returns whether it is, since too many may wait."""
        if self._seal is None:
            return False
        sealed = Sealed(named(receipt), self._day(), self._seal.seal(text, receipt))
        with self._lock:
            if len(self._waiting.messages) >= MOST_MESSAGES:
                return False
            # Pressed twice, it is the same message; and the one who withdrew it may still change their mind.
            self._waiting.withdrawn.discard(sealed.receipt)
            self._waiting.messages.setdefault(sealed.receipt, sealed)
        return True

    def withdraw(self, receipt: str) -> None:
        """Delete a message, wherever it is by now."""
        name = named(receipt)
        with self._lock:
            self._waiting.messages.pop(name, None)
            # Also where it only waited: a write may be under way.
            self._waiting.withdrawn.add(name)

    async def run(self) -> None:
        """Write what waits until cancelled, then once more what is left."""
        wait = WRITE_EVERY
        writing: asyncio.Task[bool] | None = None
        try:
            while True:
                await self._sleep(wait)
                # Shielded: what is cut off in the middle may have been written, and would be written twice.
                writing = asyncio.create_task(self._write(WRITE_WITHIN))
                wait = WRITE_EVERY if await asyncio.shield(writing) else min(wait * 2, LONGEST_WAIT)
        finally:
            if writing:
                await asyncio.wait({writing}, timeout=LAST_WRITE_WITHIN)
                writing.cancel()
            await self._write(LAST_WRITE_WITHIN)
            self._tell_lost()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WRITE_WITHIN):
                    await self._store.close()

    def _tell_lost(self) -> None:
        """Say how much goes with the process; never in silence."""
        waiting = sum(self._waiting.counts.values()) + sum(self._batched.values())
        messages, counts = len(self._waiting.messages), waiting + self._lost
        if messages or counts or self._waiting.withdrawn:
            log.error(
                "the bot stops while the store is gone, so what waits is lost", messages=messages, counts=counts,
                withdrawals=len(self._waiting.withdrawn),
            )  # fmt: skip

    async def _write(self, within: float) -> bool:
        """Bring what waits to the store, at most so many seconds; returns whether the store is there."""
        again = bool(self._batched)
        if not await self._write_batch(within):
            return False
        # What came after a batch that had to be tried again.
        return not (again and self._waiting) or await self._write_batch(within)

    async def _write_batch(self, within: float) -> bool:
        changes = self._taken()
        try:
            async with asyncio.timeout(within):
                changes.day = await self._known_day()
                if changes:
                    await self._store.apply(changes)
                elif self.fault or self._clock() >= self._checked + CHECK_EVERY:
                    # Nothing to write, but whether it could be written is worth knowing.
                    await self._store.check()
                    self._checked = self._clock()
        except (StoreError, TimeoutError) as error:
            self._put_back(changes)
            self._failed(str(error) or f"the store does not answer within {within:.0f} seconds")
            return False
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the next attempt is made, and this one told
            self._put_back(changes)
            self._failed(f"the store fails ({type(error).__name__})")
            return False
        except asyncio.CancelledError:
            self._put_back(changes)
            raise
        self._batched = {}
        if self.fault:
            log.info("the store is back", counts_lost=self._lost)
            self._lost = 0
        self.fault = None
        return True

    def _failed(self, fault: str) -> None:
        if self._troubles:
            self._troubles.store_failed()
        if self.fault is None:
            log.warning("the store is gone; answers go on, and what is to be kept waits", fault=fault)
        self.fault = fault

    def _day(self) -> datetime.date:
        """Return the day that goes with what is kept now: while the clock is in doubt the last one known."""
        return marked(self._mark, self._today()).day

    async def _known_day(self) -> datetime.date:
        """Return the day; whenever it changes, what is too old by it is deleted, and a clock that jumped is told."""
        before = self._mark
        self._mark = mark = marked(before or await self._store.mark(), self._today())
        if mark.doubted and (before is None or before.doubted != mark.doubted):
            log.warning(
                "the clock jumped, so nothing is deleted by it until it has kept its day for a while",
                days=(mark.doubted - mark.day).days,
            )
        if mark != self._forgotten:
            await self._store.forget(mark)
            self._forgotten = mark
        return mark.day

    def _taken(self) -> Changes:
        """Return what is to be written now; counts that may have been written already are a batch of their own."""
        with self._lock:
            changes, self._waiting = self._waiting, Changes()
            if self._batched:
                self._waiting.counts = changes.counts
            elif changes.counts:
                self._batched = changes.counts
                self._batch = Batch(self._writer, self._batch.number + 1)
        changes.counts, changes.batch = dict(self._batched), self._batch
        return changes

    def _put_back(self, changes: Changes) -> None:
        with self._lock:
            newer, self._waiting = self._waiting, Changes()
            self._waiting.counts = newer.counts
            self._waiting.messages = {
                name: sealed
                for name, sealed in (changes.messages | newer.messages).items()
                if name not in newer.withdrawn
            }
            self._waiting.withdrawn = (changes.withdrawn - set(newer.messages)) | newer.withdrawn
