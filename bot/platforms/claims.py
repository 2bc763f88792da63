"""Agree on who answers an update, where several processes may be handed the same one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import Protocol

KEPT_SECONDS = 24 * 3600
"""Telegram repeats an update for a day, and no longer (promised in /privacy)."""

MOST_KEPT = 20_000
"""Updates remembered in memory; at thirty answers a second Telegram's own repetitions come well before."""


class Claim(Enum):
    """Whose an update is."""

    OURS = "ours"
    HELD = "held"
    DONE = "done"


class Claims(Protocol):
    """One claim per update id. A claim lapses when its holder dies; an id names nobody.

    None of it raises: where what the processes share is gone, each one answers what it is handed.
    """

    async def take(self, id: int) -> Claim:
        """Claim an update, and hold the claim until it is done or released."""

    async def done(self, id: int) -> None:
        """Note that an update is answered, for as long as Telegram may repeat it."""

    async def release(self, id: int) -> None:
        """Give up a claim whose update was not answered, so that somebody else may."""


class LocalClaims:
    """Claims of a process that is alone with its token. `clock` returns seconds that never run backwards."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: set[int] = set()
        self._done: OrderedDict[int, float] = OrderedDict()

    async def take(self, id: int) -> Claim:
        """Claim an update."""
        self._forget()
        if id in self._done:
            return Claim.DONE
        if id in self._held:
            return Claim.HELD
        self._held.add(id)
        return Claim.OURS

    async def done(self, id: int) -> None:
        """Note that an update is answered."""
        self._held.discard(id)
        self._done[id] = self._clock()
        self._forget()

    async def release(self, id: int) -> None:
        """Give up a claim."""
        self._held.discard(id)

    def _forget(self) -> None:
        too_old = self._clock() - KEPT_SECONDS
        while self._done and (len(self._done) > MOST_KEPT or next(iter(self._done.values())) <= too_old):
            self._done.popitem(last=False)
