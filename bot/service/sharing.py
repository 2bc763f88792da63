"""Share claims, slots and turns between processes, through Redis or Valkey."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.platforms.claims import KEPT_SECONDS, Claim, Claims
from bot.platforms.slots import LostSlotError
from bot.service.log import logger

Sleep = Callable[[float], Awaitable[None]]

CLAIM_LAPSES = 15.0
CLAIM_RENEWED = 4.0
"""Seconds after which the claim of a process that died is free, and between two renewals of one that lives."""

SLOT_LAPSES = 30.0
SLOT_RENEWED = 8.0
"""The same for slots; a reconnection of Discord's takes less, and so does a restart of Redis."""

SLOT_LOOK = 2.0
"""Seconds between looks of a spare process for a free slot."""

TURN_LOOK = 0.2

_DONE = b"done"
_NAMES = "privacy-bot"

# Compare and change in one step: between two commands the key may have become somebody else's.
_RENEW = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
_DROP = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

_GONE = (RedisError, OSError, TimeoutError)

log = logger("bot.sharing")


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


class _Shared:
    """A connection, and what makes this process's keys its own. `bot` tells apart the bots that share a server."""

    def __init__(self, redis: Redis, bot: str, holder: str) -> None:
        self._redis = redis
        self._bot = bot
        self._holder = holder.encode()

    def _key(self, *parts: object) -> str:
        return ":".join((_NAMES, self._bot, *map(str, parts)))

    async def _eval(self, script: str, key: str, *given: Any) -> int:
        return int(await self._redis.eval(script, 1, key, self._holder, *given))


class RedisClaims(_Shared):
    """Claims on Telegram's updates; where Redis is gone, `alone` says whose an update is."""

    def __init__(self, redis: Redis, bot: str, holder: str, *, alone: Claims, sleep: Sleep = asyncio.sleep) -> None:
        super().__init__(redis, bot, holder)
        self._alone = alone
        self._sleep = sleep
        self._held: set[int] = set()
        self._renewing: asyncio.Task[None] | None = None
        self.degraded = False

    async def take(self, id: int) -> Claim:
        """Claim an update."""
        key = self._key("update", id)
        try:
            if await self._redis.set(key, self._holder, nx=True, px=_milliseconds(CLAIM_LAPSES)):
                claim = Claim.OURS
            else:
                claim = Claim.DONE if await self._redis.get(key) == _DONE else Claim.HELD
        except _GONE as error:
            self._is_gone(error)
            return await self._alone.take(id)
        self._is_back()
        if claim is Claim.OURS:
            # Also among ourselves, for when Redis goes away while the update is answered.
            await self._alone.take(id)
            self._held.add(id)
            if self._renewing is None or self._renewing.done():
                self._renewing = asyncio.create_task(self._renew())
        return claim

    async def done(self, id: int) -> None:
        """Note that an update is answered."""
        self._held.discard(id)
        await self._alone.done(id)
        try:
            await self._redis.set(self._key("update", id), _DONE, ex=KEPT_SECONDS)
        except _GONE as error:
            self._is_gone(error)

    async def release(self, id: int) -> None:
        """Give up a claim."""
        self._held.discard(id)
        await self._alone.release(id)
        try:
            await self._eval(_DROP, self._key("update", id))
        except _GONE as error:
            self._is_gone(error)

    async def _renew(self) -> None:
        while self._held:
            await self._sleep(CLAIM_RENEWED)
            for id in tuple(self._held):
                with contextlib.suppress(*_GONE):
                    await self._eval(_RENEW, self._key("update", id), _milliseconds(CLAIM_LAPSES))

    def _is_gone(self, error: BaseException) -> None:
        if not self.degraded:
            log.warning("Redis is gone, so updates are claimed by this process alone", kind=type(error).__name__)
        self.degraded = True

    def _is_back(self) -> None:
        if self.degraded:
            log.info("Redis is back")
        self.degraded = False


class RedisSlots(_Shared):
    """Slots for Discord's connections, one a process."""

    def __init__(self, redis: Redis, bot: str, holder: str, *, sleep: Sleep = asyncio.sleep) -> None:
        super().__init__(redis, bot, holder)
        self._sleep = sleep
        self._slot: int | None = None
        self.degraded = False

    async def take(self, count: int) -> int:
        """Wait until a slot is free, and lease it."""
        told = False
        while True:
            try:
                for slot in range(count):
                    if await self._leased(slot):
                        self._slot, self.degraded = slot, False
                        return slot
            except _GONE as error:
                if not self.degraded:
                    log.warning("Redis is gone, so no slot can be leased; trying again", kind=type(error).__name__)
                self.degraded = True
            else:
                if not told:
                    log.info("every slot is held; this process waits as a spare", slots=count)
                told = True
            await self._sleep(SLOT_LOOK)

    async def hold(self) -> None:
        """Renew the lease until cancelled or lost."""
        while True:
            await self._sleep(SLOT_RENEWED)
            assert self._slot is not None
            key = self._key("slot", self._slot)
            try:
                # A server that began anew has forgotten the lease; whoever held it takes it again.
                kept = await self._eval(_RENEW, key, _milliseconds(SLOT_LAPSES)) or await self._leased(self._slot)
                await self._redis.pexpire(self._key("shards"), _milliseconds(SLOT_LAPSES))
            except _GONE as error:
                if not self.degraded:
                    log.warning("Redis is gone; the slot is kept", kind=type(error).__name__)
                self.degraded = True
                continue
            self.degraded = False
            if not kept:
                raise LostSlotError(f"another process holds slot {self._slot} now")

    async def release(self) -> None:
        """Give the slot to whoever waits for one."""
        if self._slot is None:
            return
        slot, self._slot = self._slot, None
        with contextlib.suppress(*_GONE):
            await self._eval(_DROP, self._key("slot", slot))

    async def agreed(self, count: int) -> int:
        """Return the number of connections that all processes go by, for as long as one of them lives."""
        key = self._key("shards")
        try:
            if await self._redis.set(key, count, nx=True, px=_milliseconds(SLOT_LAPSES)):
                return count
            return int(await self._redis.get(key) or count)
        except _GONE:
            return count

    async def turn(self, lane: int, every: float) -> None:
        """Wait for this process's turn in a lane."""
        key = self._key("identify", lane)
        while True:
            try:
                if await self._redis.set(key, self._holder, nx=True, px=_milliseconds(every)):
                    return
            except _GONE:
                # Discord itself still counts; each process keeps its own distance.
                return
            await self._sleep(TURN_LOOK)

    async def _leased(self, slot: int) -> bool:
        return bool(
            await self._redis.set(self._key("slot", slot), self._holder, nx=True, px=_milliseconds(SLOT_LAPSES))
        )
