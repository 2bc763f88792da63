"""Hold back whoever asks more than can be meant, kindly once and then silently.

Counters stand under names that nobody can turn back into a person: HMAC(key of the day, id), with a key that is
derived from the bot's token (design, section 6). They live in memory, or in Redis where processes share it.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import hmac
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MovingWindowSupport, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from bot.platforms.gate import Act, Verdict
from bot.service.connections import fault_of, pool
from bot.service.log import logger

SHARED_WITHIN = 0.25
"""Seconds that a shared counter may take; an answer never waits longer for one."""

SHARED_AGAIN = 5.0
"""Seconds after a failure in which the shared counters are not asked."""

TOLD_FOR = 60.0
"""Seconds for which a failure is told: where nobody asks, nothing is tried that could show that it is over."""

_NAMES = "privacy-bot:flood"
_FAULTS = (RedisError, OSError, TimeoutError)

log = logger("bot.flood")


@dataclass(frozen=True, slots=True)
class Allowed:
    """So many acts within so many seconds, of a person and of a chat."""

    person: RateLimitItem
    chat: RateLimitItem

    @classmethod
    def of(cls, act: Act, person: tuple[int, int], chat: tuple[int, int]) -> Allowed:
        """Return limits whose counters are told apart by the act."""
        return cls(
            RateLimitItemPerSecond(*person, namespace=f"{act.value}-person"),
            RateLimitItemPerSecond(*chat, namespace=f"{act.value}-chat"),
        )


ALLOWED: Mapping[Act, Allowed] = {
    Act.QUESTION: Allowed.of(Act.QUESTION, (40, 20), (300, 60)),
    Act.PRESS: Allowed.of(Act.PRESS, (60, 20), (1_200, 60)),
    # A list of suggestions is asked for at each letter; it is never seen by others, so only the person counts.
    Act.TYPING: Allowed.of(Act.TYPING, (60, 20), (600, 60)),
}
"""What nobody reaches who reads the answers: Telegram itself lets one leave a second for a chat, and a question
takes longer to write."""


class Counting(Storage, MovingWindowSupport):
    """Counters in memory, for the strategies of `limits`.

    Its own memory storage goes through every counter at each hit, with a thread's help for each; here what is
    over is dropped as it is come by. `clock` returns seconds that never run backwards.
    """

    STORAGE_SCHEME = ["privacy-bot+memory"]

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._windows: OrderedDict[str, tuple[float, deque[float]]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what a failure raises; memory has none."""
        return ValueError

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Return whether so many entries fit into the window of `expiry` seconds, and take them if so."""
        now = self._clock()
        self._drop_over(now)
        _, times = self._windows.pop(key, (0.0, deque()))
        while times and times[0] <= now - expiry:
            times.popleft()
        fits = len(times) + amount <= limit
        if fits:
            times.extend([now] * amount)
        self._windows[key] = (now + expiry, times)
        return fits

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 - the library's signature
        """Return when the window began, and how many entries are in it."""
        now = self._clock()
        _, times = self._windows.get(key, (0.0, deque()))
        inside = [time for time in times if time > now - expiry]
        return (inside[0] if inside else now), len(inside)

    async def clear(self, key: str) -> None:
        """Forget a counter."""
        self._windows.pop(key, None)

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Refuse: only moving windows are counted here."""
        raise NotImplementedError(key, expiry, amount)

    async def get(self, key: str) -> int:
        """Refuse: only moving windows are counted here."""
        raise NotImplementedError(key)

    async def get_expiry(self, key: str) -> float:
        """Return when a counter is forgotten."""
        return self._windows.get(key, (self._clock(), deque()))[0]

    async def check(self) -> bool:
        """Return that memory is there."""
        return True

    async def reset(self) -> int:
        """Forget all counters; returns how many there were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    def __len__(self) -> int:
        return len(self._windows)

    def _drop_over(self, now: float) -> None:
        """Drop a few of the counters that are over, the longest untouched first."""
        for _ in range(4):
            key = next(iter(self._windows), None)
            if key is None or self._windows[key][0] > now:
                return
            del self._windows[key]


class Shared(Protocol):
    """Counters that several processes share."""

    async def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Count, and tell whether it was within the limit."""

    async def close(self) -> None:
        """Leave them."""


class Counters:
    """Count in what processes share, and in memory while that is gone."""

    def __init__(self, clock: Callable[[], float], shared: Shared | None = None) -> None:
        self._clock = clock
        self.shared = shared
        self._own = MovingWindowRateLimiter(Counting(clock))
        self._failed_at = float("-inf")
        self._is_gone = False

    @property
    def degraded(self) -> bool:
        """Tell whether what processes share is gone, as far as somebody has asked lately."""
        return self._is_gone and self._clock() < self._failed_at + TOLD_FOR

    async def hit(self, item: RateLimitItem, *names: str) -> bool:
        """Count, and tell whether it was within the limit."""
        if self.shared and self._clock() >= self._failed_at + SHARED_AGAIN:
            try:
                async with asyncio.timeout(SHARED_WITHIN):
                    within = await self.shared.hit(item, *names)
            except _FAULTS as error:
                if not self._is_gone:
                    log.warning(
                        f"Redis {fault_of(error)}, so each process counts by itself who asks too much",
                        kind=type(error).__name__,
                    )
                self._is_gone = True
                self._failed_at = self._clock()
            else:
                if self._is_gone:
                    log.info("Redis is back, and counts again who asks too much")
                self._is_gone = False
                return within
        return await self._own.hit(item, *names)

    async def close(self) -> None:
        """Leave what processes share."""
        if self.shared:
            await self.shared.close()


class RedisCounters:
    """Counters in Redis or Valkey, which may be gone at first."""

    def __init__(self, url: str) -> None:
        self._pool = pool(url, SHARED_WITHIN)
        options: dict[str, Any] = {
            "implementation": "redispy",  # the library's other choice makes pip take a release of years ago
            "key_prefix": _NAMES,
            "connection_pool": self._pool,
        }
        # It reads an address as well, refuses one without a port, and connects by the pool alone.
        self._limiter = MovingWindowRateLimiter(RedisStorage("async+redis://127.0.0.1:6379", **options))

    async def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Count, and tell whether it was within the limit."""
        return await self._limiter.hit(item, *identifiers, cost=cost)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.disconnect()


class Names:
    """Names that nobody can turn back into a person or a chat, and that change every day."""

    def __init__(self, token: str, today: Callable[[], datetime.date]) -> None:
        self._secret = hmac.digest(token.encode(), b"flood control", hashlib.sha256)
        self._today = today
        self._key = (datetime.date.min, b"")

    def of(self, kind: str, id: Hashable) -> str:
        """Return the name of today for an id."""
        today = self._today()
        if self._key[0] != today:
            self._key = today, hmac.digest(self._secret, today.isoformat().encode(), hashlib.sha256)
        return hmac.digest(self._key[1], f"{kind}:{id}".encode(), hashlib.sha256).hex()[:32]


class FloodGate:
    """Count what people do on one platform (a Gate).

    `token` is the bot's, from which the names of the counters are derived; `today` the day whose key is used.
    """

    def __init__(
        self,
        counters: Counters,
        *,
        token: str,
        today: Callable[[], datetime.date],
        allowed: Mapping[Act, Allowed] = ALLOWED,
    ) -> None:
        self._counters = counters
        self._names = Names(token, today)
        self._allowed = allowed

    async def verdict(self, act: Act, person: Hashable, chat: Hashable) -> Verdict:
        """Count an act; beyond a limit the first one gets the sentence, and the others nothing until it is over.

        Once a person is over their limit, what they do does not count for the chat.
        """
        allowed = self._allowed[act]
        for kind, limit, id in (("person", allowed.person, person), ("chat", allowed.chat, chat)):
            if id is None:
                continue
            name = self._names.of(kind, id)
            if not await self._counters.hit(limit, name):
                # It is over when the first act has left the window.
                once = RateLimitItemPerSecond(1, limit.get_expiry(), namespace=f"{limit.namespace}-told")
                return Verdict.TELL if await self._counters.hit(once, name) else Verdict.SILENCE
        return Verdict.ANSWER
