"""Share claims, slots and turns between processes, through Redis or Valkey."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError, ResponseError  # noqa: A004 - its own, not Python's

from bot.platforms.claims import KEPT_SECONDS, Claim, Claims
from bot.platforms.slots import Division, Lease, LostSlotError
from bot.service.connections import fault_of
from bot.service.log import logger

Sleep = Callable[[float], Awaitable[None]]

WATCH_EVERY = 2.0
"""Seconds between looks whether the server answers."""

CLAIM_LAPSES = 15.0
CLAIM_RENEWED = 4.0
"""Seconds after which the claim of a process that died is free, and between two renewals of one that lives."""

SLOT_LAPSES = 30.0
SLOT_RENEWED = 8.0
"""The same for slots; a reconnection of Discord's takes less, and so does a restart of Redis."""

SLOT_LOOK = 2.0
"""Seconds between looks of a spare process for a free slot, and of a holder for a server that is gone."""

SLOT_GRACE = 12.0
"""Seconds for which the server must have been there before a spare takes a slot: whoever holds one takes it again
within less, where the server was away and has forgotten the lease."""

TURN_LOOK = 0.2

PACE_WITHIN = 0.25
"""Seconds that a place in a chat's order may take; a message never waits longer for one."""

_DONE = b"done"
_NAMES = "privacy-bot"

# Where the server's clock was put back, what should lapse in seconds would stay for as long as it was put back; it is
# given its own time once more, in which whoever lives renews it.
_SHORTEN = """
local function shorten(key, most)
    if redis.call('pttl', key) > tonumber(most) then redis.call('pexpire', key, most) end
end
"""
# Compare and change in one step: between two commands the key may have become somebody else's.
_TAKE = f"""{_SHORTEN}
local held = redis.call('get', KEYS[1])
if held and held ~= ARGV[1] then
    if held ~= ARGV[3] then shorten(KEYS[1], ARGV[2]) end
    return held
end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return ARGV[1]
"""
_HELD = f"""{_SHORTEN}
for i = 1, #KEYS do shorten(KEYS[i], ARGV[1]) end
return redis.call('mget', unpack(KEYS))
"""
_TURN = f"""{_SHORTEN}
if redis.call('set', KEYS[1], ARGV[1], 'nx', 'px', ARGV[2]) then return 1 end
shorten(KEYS[1], ARGV[2])
return 0
"""
_DROP = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
# The last one to leave takes the division with it, so that the next may be another one.
_LEAVE = """
if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end
for i = 3, #KEYS do if redis.call('exists', KEYS[i]) == 1 then return 0 end end
return redis.call('del', KEYS[2])
"""

# As a process that is alone counts in its memory, by the server's own clock in milliseconds; where that was put back,
# what it said before counts no more.
_PLACE = """
local most, within, every = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local times = redis.call('lrange', KEYS[1], 0, -1)
local at = now
if #times > 0 and times[#times] - now > 2 * within then
    redis.call('del', KEYS[1])
    times = {}
end
if #times > 0 then at = math.max(at, times[#times] + every) end
if #times >= most then at = math.max(at, times[#times - most + 1] + within) end
redis.call('rpush', KEYS[1], at)
redis.call('ltrim', KEYS[1], -most, -1)
redis.call('pexpire', KEYS[1], at - now + within)
times[#times + 1] = at
for i = 1, #times do times[i] = times[i] - now end
return times
"""

_GONE = (RedisError, OSError, TimeoutError)

log = logger("bot.sharing")


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def reconnecting() -> Retry:
    """Return how a connection that the server closed is made anew; all that is said here may be said twice.

    After a restart every connection that lay idle fails once, and none of that means that the server is gone.
    """
    return Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))


class SharedServer:
    """The server that the processes share, and whether it can be used; `is_gone` tells that it cannot."""

    def __init__(self, redis: Redis, *, sleep: Sleep = asyncio.sleep) -> None:
        self.redis = redis
        self._sleep = sleep
        self.fault: str | None = None
        """What is wrong with the server, to be said after its name."""

    @property
    def is_gone(self) -> bool:
        """Tell whether the server does not answer, or refuses."""
        return self.fault is not None

    async def watch(self) -> None:
        """Look again and again whether the server takes what is written, until cancelled."""
        while True:
            try:
                # One that is full, or a replica, answers a ping all the same.
                await self.redis.set(f"{_NAMES}:look", 1, px=_milliseconds(CLAIM_LAPSES))
                # Claims and leases are scripts, which may be forbidden where all else is permitted.
                await self.redis.eval("return 1", 0)
            except _GONE as error:
                self.lost(error)
            else:
                self.found()
            await self._sleep(WATCH_EVERY)

    def lost(self, error: BaseException) -> None:
        """Note that the server did not answer."""
        if self.fault is None:
            log.warning(
                f"Redis {fault_of(error)}, so this process goes by what it knows itself", kind=type(error).__name__
            )
        self.fault = fault_of(error)

    def found(self) -> None:
        """Note that the server answered."""
        if self.fault:
            log.info("Redis is back")
        self.fault = None


class _Shared:
    """What makes this process's keys its own. `bot` tells apart the bots that share a server."""

    def __init__(self, server: SharedServer, bot: str, holder: str, *, sleep: Sleep = asyncio.sleep) -> None:
        self._server = server
        self._redis = server.redis
        self._bot = bot
        self._holder = holder.encode()
        self._sleep = sleep

    def _key(self, *parts: object) -> str:
        return ":".join((_NAMES, self._bot, *map(str, parts)))

    async def _taken(self, key: str, seconds: float) -> bytes:
        """Take a key that is free or ours for so many seconds; returns whose it is."""
        return bytes(await self._redis.eval(_TAKE, 1, key, self._holder, _milliseconds(seconds), _DONE))


class RedisClaims(_Shared):
    """Claims on Telegram's updates. `alone` knows those of this process, and decides where the server is gone."""

    def __init__(
        self, server: SharedServer, bot: str, holder: str, *, alone: Claims, sleep: Sleep = asyncio.sleep
    ) -> None:
        super().__init__(server, bot, holder, sleep=sleep)
        self._alone = alone
        self._held: set[int] = set()
        self._renewing: asyncio.Task[None] | None = None

    async def take(self, id: int) -> Claim:
        """Claim an update: first among ourselves, for a server that began anew has forgotten what we answered."""
        claim = await self._alone.take(id)
        if claim is not Claim.OURS or self._server.is_gone:
            return claim
        try:
            whose = await self._taken(self._key("update", id), CLAIM_LAPSES)
        except _GONE as error:
            self._server.lost(error)
            return Claim.OURS
        if whose != self._holder:
            await self._alone.release(id)
            return Claim.DONE if whose == _DONE else Claim.HELD
        self._held.add(id)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        return Claim.OURS

    async def done(self, id: int) -> None:
        """Note that an update is answered."""
        self._held.discard(id)
        await self._alone.done(id)
        await self._tell(self._redis.set, self._key("update", id), _DONE, ex=KEPT_SECONDS)

    async def release(self, id: int) -> None:
        """Give up a claim."""
        self._held.discard(id)
        await self._alone.release(id)
        await self._tell(self._redis.eval, _DROP, 1, self._key("update", id), self._holder)

    async def _tell(self, command: Callable[..., Awaitable[Any]], *given: Any, **more: Any) -> None:
        if self._server.is_gone:
            return
        try:
            await command(*given, **more)
        except _GONE as error:
            self._server.lost(error)

    async def _renew(self) -> None:
        while self._held:
            await self._sleep(CLAIM_RENEWED)
            await self._tell(self._renew_all, tuple(self._held))

    async def _renew_all(self, ids: Sequence[int]) -> None:
        """Renew many claims at once; one that the server has forgotten is taken again."""
        pipeline = self._redis.pipeline(transaction=False)
        for id in ids:
            pipeline.eval(_TAKE, 1, self._key("update", id), self._holder, _milliseconds(CLAIM_LAPSES), _DONE)
        await pipeline.execute()


class RedisPace(_Shared):
    """The order in which all processes send to one chat: so many messages within so many seconds, one at a time.

    `named` gives a chat a name that says nothing about it.
    """

    def __init__(
        self, server: SharedServer, bot: str, *, most: int, within: float, every: float, named: Callable[[int], str]
    ) -> None:
        super().__init__(server, bot, "")
        self._rule = (most, _milliseconds(within), _milliseconds(every))
        self._named = named

    async def take(self, chat: int) -> tuple[float, ...] | None:
        """Take the next place in a chat."""
        key = self._key("pace", self._named(chat))
        times = await self._asked(None, self._redis.eval, _PLACE, 1, key, *self._rule)
        return None if times is None else tuple(int(time) / 1000 for time in times[-self._rule[0] :])

    async def is_first(self, chat: int, seconds: float) -> bool:
        """Tell whether no other process has asked the same lately; where the server is gone each one has."""
        key = self._key("told", self._named(chat))
        return bool(await self._asked(True, self._redis.set, key, 1, nx=True, px=_milliseconds(seconds)))

    async def _asked(self, gone: Any, command: Callable[..., Awaitable[Any]], *given: Any, **more: Any) -> Any:
        """Return what a command returns, `gone` where the server is or does not answer in time."""
        if self._server.is_gone:
            return gone
        try:
            async with asyncio.timeout(PACE_WITHIN):
                return await command(*given, **more)
        except _GONE as error:
            self._server.lost(error)
            return gone


class RedisSlots(_Shared):
    """Slots for Discord's connections, one a process."""

    def __init__(
        self,
        server: SharedServer,
        bot: str,
        holder: str,
        *,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(server, bot, holder, sleep=sleep)
        self._clock = clock
        self._lease: Lease | None = None
        self._seen: str | None = None
        self._seen_at = clock()
        """Which run of the server was there last, and since when."""

    async def take(self, wanted: Division) -> Lease:
        """Wait until a slot is free, and lease it."""
        told = ""
        since = float("-inf")
        while True:
            try:
                division = await self._division() or wanted
                free = await self._free(division)
                if free and await self._has_been_there(since):
                    for slot in free:
                        if await self._leased(lease := Lease(slot, division)):
                            return lease
                waits = "a slot is free, and left for a while to whoever may have held it"
                waits = waits if free else "every slot is held; this process waits as a spare"
                if waits != told:
                    log.info(waits, slots=division.slots, shards=division.shards)
                told = waits
            except _GONE as error:
                self._server.lost(error)
                since = self._clock()
            await self._sleep(SLOT_LOOK)

    async def hold(self) -> None:
        """Renew the lease until cancelled or lost."""
        wait = SLOT_RENEWED
        while True:
            await self._sleep(wait)
            lease = self._lease
            assert lease
            try:
                # A server that began anew has forgotten the lease; whoever held it takes it again.
                whose = await self._taken(self._key("slot", lease.slot), SLOT_LAPSES)
                if whose == self._holder:
                    await self._redis.set(self._key("division"), str(lease.division), px=_milliseconds(SLOT_LAPSES))
            except _GONE as error:
                self._server.lost(error)
                wait = min(SLOT_LOOK, SLOT_RENEWED)
                continue
            wait = SLOT_RENEWED
            if whose != self._holder:
                raise LostSlotError(f"another process holds slot {lease.slot} now")

    async def release(self) -> None:
        """Give the slot to whoever waits for one, also one that was only about to be leased."""
        lease, self._lease = self._lease, None
        if lease is None:
            return
        others = [self._key("slot", slot) for slot in range(lease.division.slots)]
        keys = [self._key("slot", lease.slot), self._key("division"), *others]
        with contextlib.suppress(*_GONE):
            await self._redis.eval(_LEAVE, len(keys), *keys, self._holder)

    async def turn(self, lane: int, every: float) -> None:
        """Wait for this process's turn in a lane."""
        key = self._key("identify", lane)
        while True:
            try:
                if await self._redis.eval(_TURN, 1, key, self._holder, _milliseconds(every)):
                    return
            except _GONE:
                # Discord itself still counts; each process keeps its own distance.
                return
            await self._sleep(TURN_LOOK)

    async def _division(self) -> Division | None:
        told = await self._redis.get(self._key("division"))
        return Division.read(told if isinstance(told, str) else told.decode()) if told else None

    async def _free(self, division: Division) -> list[int]:
        # Nothing is taken yet: a command that nobody waits for any more is still obeyed by a server that hung.
        keys = [self._key("slot", slot) for slot in range(division.slots)]
        held = await self._redis.eval(_HELD, len(keys), *keys, _milliseconds(SLOT_LAPSES))
        return [slot for slot, whose in enumerate(held) if whose in {None, self._holder}]

    async def _has_been_there(self, since: float) -> bool:
        """Tell whether the server has been there for long enough that holders have taken their slots again."""
        if self._clock() - since < SLOT_GRACE:
            return False
        try:
            told = await self._redis.info("server")
        except ResponseError:
            # Some servers tell nothing about themselves.
            return True
        if told.get("run_id") != self._seen:
            self._seen, self._seen_at = told.get("run_id"), self._clock()
        # What it says goes by its clock, and is too little for hours where that was put back.
        return (
            float(told.get("uptime_in_seconds", SLOT_GRACE)) >= SLOT_GRACE
            or self._clock() - self._seen_at >= SLOT_GRACE
        )

    async def _leased(self, lease: Lease) -> bool:
        """Take a slot, and see that all go by the same division; that of whoever came first holds."""
        self._lease = lease
        if await self._taken(self._key("slot", lease.slot), SLOT_LAPSES) == self._holder:
            key = self._key("division")
            if await self._redis.set(key, str(lease.division), nx=True, px=_milliseconds(SLOT_LAPSES)):
                return True
            if await self._division() == lease.division:
                await self._redis.pexpire(key, _milliseconds(SLOT_LAPSES))
                return True
            await self.release()
        self._lease = None
        return False
