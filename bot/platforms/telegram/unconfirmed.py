"""Remember which updates are not answered yet, so that Telegram keeps them until they are."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

MOST_HELD = 50
"""Updates fetched and not confirmed. Telegram shows the first hundred only, so a chat in which an answer
takes long must not hold more than half of them back from everybody else."""

MOST_REMEMBERED = 500
"""Ids of answered updates, for when Telegram sends them once more."""

REMEMBERED_SECONDS = 24 * 3600
"""Telegram keeps updates that nobody fetches for a day, and no longer (promised in /privacy)."""


class Unconfirmed:
    """The updates from the first that is not answered yet, in the order in which they came.

    The id of an update names nobody; it is kept in memory only, also while the connection begins anew.
    `clock` returns seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answered: OrderedDict[int, bool] = OrderedDict()
        self._passed: OrderedDict[int, float] = OrderedDict()
        self._next: int | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def take(self, id: int) -> bool:
        """Note an update that came; returns False where it is known already."""
        if id in self._passed:
            if self._next is not None and id >= self._next:
                # It was answered, and Telegram has not been told yet.
                self._answered.setdefault(id, True)
            return False
        if id in self._answered:
            return False
        self._answered[id] = False
        self._idle.clear()
        return True

    def knows(self, id: int) -> bool:
        """Tell whether an update came before."""
        return id in self._passed or id in self._answered

    def answer(self, id: int) -> None:
        """Note that an update is answered, or failed kindly."""
        if id in self._answered:
            self._answered[id] = True
        if all(self._answered.values()):
            self._idle.set()

    def forget_unanswered(self) -> None:
        """Let updates that nobody works on any more come again; those answered meanwhile stay known."""
        offset = self.offset()
        for id, answered in self._answered.items():
            if answered:
                self._passed[id] = self._clock()
        self._answered.clear()
        self._next = offset
        self._idle.set()

    def offset(self) -> int | None:
        """Return the offset that confirms what is answered, and no more than it must of the rest."""
        while self._answered:
            id, answered = next(iter(self._answered.items()))
            if not answered and len(self._answered) <= MOST_HELD:
                return id
            del self._answered[id]
            self._passed[id] = self._clock()
            self._next = id + 1
        self._forget()
        return self._next

    def _forget(self) -> None:
        """Drop the ids that are too many or too old; every fetch asks for the offset, and so comes by here."""
        too_old = self._clock() - REMEMBERED_SECONDS
        while self._passed and (len(self._passed) > MOST_REMEMBERED or next(iter(self._passed.values())) <= too_old):
            self._passed.popitem(last=False)
        if not (self._passed or self._answered):
            # Nothing that was confirmed is left with Telegram, and after a week without updates it begins to number
            # them anywhere; what comes below an offset would be taken for confirmed.
            self._next = None

    async def idle(self, within: float) -> None:
        """Wait until everything is answered, at most so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self._idle.wait()
        except TimeoutError:
            return
