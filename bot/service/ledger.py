"""Take counts and messages at once, and bring them to the store when it answers."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import threading
from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.service.log import logger
from bot.service.sealing import Seal, named
from bot.service.store import Changes, Counted, Sealed, Store, StoreError

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
        self._lost = 0
        self._forgotten: datetime.date | None = None
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
        counted = Counted(topic, what, self._today())
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
        sealed = Sealed(named(receipt), self._today(), self._seal.seal(text, receipt))
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
        messages, counts = len(self._waiting.messages), sum(self._waiting.counts.values()) + self._lost
        if messages or counts or self._waiting.withdrawn:
            log.error(
                "the bot stops while the store is gone, so what waits is lost", messages=messages, counts=counts,
                withdrawals=len(self._waiting.withdrawn),
            )  # fmt: skip

    async def _write(self, within: float) -> bool:
        """Bring what waits to the store, at most so many seconds; returns whether the store is there."""
        with self._lock:
            changes, self._waiting = self._waiting, Changes()
        today = self._today()
        try:
            async with asyncio.timeout(within):
                if self._forgotten != today:
                    await self._store.forget(today)
                    self._forgotten = today
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
        except asyncio.CancelledError:
            self._put_back(changes)
            raise
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

    def _put_back(self, changes: Changes) -> None:
        with self._lock:
            newer, self._waiting = self._waiting, changes
            for counted, number in newer.counts.items():
                changes.counts[counted] = changes.counts.get(counted, 0) + number
            changes.messages = {
                name: sealed
                for name, sealed in (changes.messages | newer.messages).items()
                if name not in newer.withdrawn
            }
            changes.withdrawn = (changes.withdrawn - set(newer.messages)) | newer.withdrawn
