"""Keep the state in Redis or Valkey, where several processes share it."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator, Mapping, Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.service.calendar import Mark
from bot.service.connections import fault_of
from bot.service.store import COUNTS_KEPT, MESSAGES_KEPT, Changes, Counted, Sealed, StoreError

BATCH_KEPT = datetime.timedelta(days=1)
"""How long the number of a writer's last batch is kept; a server that hung is asked again within seconds."""

_NAMES = "privacy-bot"

# In one step, since a command that nobody waits for any more is still obeyed by a server that hung. Nothing that a
# script has written is taken back where it fails, so what could not be added to is found before anything is written.
_ADD = """
local last, number = tonumber(redis.call('get', KEYS[1]) or '0'), tonumber(ARGV[1])
if number > 0 and last >= number then return 0 end
for i = 2, #KEYS do
    local held = redis.call('hget', KEYS[i], ARGV[3 * i - 3])
    if held and not string.match(held, '^-?%d+$') then return redis.error_reply('ERR hash value is not an integer') end
end
if number > 0 then
    redis.call('set', KEYS[1], ARGV[1], 'ex', ARGV[2])
end
for i = 2, #KEYS do
    redis.call('hincrby', KEYS[i], ARGV[3 * i - 3], ARGV[3 * i - 2])
    redis.call('expire', KEYS[i], ARGV[3 * i - 1])
end
return 1
"""
_DAY = datetime.timedelta(days=1)
_GONE = (RedisError, OSError, TimeoutError)


class RedisStore:
    """One hash of counts a day, one key a message; both expire by themselves.

    They do so by the server's clock and so many days after they were written, so that neither a wrong clock of ours
    keeps anything for years nor deletes it at once.
    """

    name = "redis"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def check(self) -> None:
        """Find out whether the server takes what is written: one that is full answers a ping all the same."""
        async with self._working():
            await self._redis.set(f"{_NAMES}:check", 1, ex=_seconds(BATCH_KEPT))

    async def mark(self) -> Mark | None:
        """Return None: the server's clock says what goes, and each process knows its own day."""
        return None

    async def apply(self, changes: Changes) -> None:
        """Write all changes in one transaction."""
        async with self._working():
            pipe = self._redis.pipeline(transaction=True)
            if changes.counts:
                batch = changes.batch
                keys = [f"{_NAMES}:batch:{batch.writer}"]
                values: list[int | str] = [batch.number, _seconds(BATCH_KEPT)]
                for counted, number in changes.counts.items():
                    if (left := _left(COUNTS_KEPT, counted.day, changes.day)) > 0:
                        keys.append(f"{_NAMES}:counts:{counted.day.isoformat()}")
                        values += [f"{counted.what}:{counted.topic}", number, left]
                pipe.eval(_ADD, len(keys), *keys, *values)
            for sealed in changes.messages.values():
                if (left := _left(MESSAGES_KEPT, sealed.day, changes.day)) > 0:
                    key = f"{_NAMES}:message:{sealed.receipt}"
                    pipe.set(key, sealed.day.isoformat().encode() + b" " + sealed.text, nx=True, ex=left)
            for receipt in changes.withdrawn:
                pipe.delete(f"{_NAMES}:message:{receipt}")
            await pipe.execute()

    async def forget(self, mark: Mark) -> None:
        """Do nothing: each key carries the time at which it goes."""

    async def counts(self) -> Mapping[Counted, int]:
        """Return all counts."""
        found: dict[Counted, int] = {}
        async with self._working():
            async for key in self._redis.scan_iter(match=f"{_NAMES}:counts:*"):
                day = _day(key)
                for name, number in (await self._redis.hgetall(key)).items():
                    what, _, topic = _text(name).partition(":")
                    found[Counted(topic, what, day)] = int(number)
        return found

    async def messages(self) -> Sequence[Sealed]:
        """Return all messages, the oldest first."""
        found: list[Sealed] = []
        async with self._working():
            async for key in self._redis.scan_iter(match=f"{_NAMES}:message:*"):
                if value := await self._redis.get(key):
                    day, _, text = _bytes(value).partition(b" ")
                    name = _text(key).rsplit(":", 1)[1]
                    found.append(Sealed(name, datetime.date.fromisoformat(day.decode()), text))
        return sorted(found, key=lambda sealed: (sealed.day, sealed.receipt))

    async def close(self) -> None:
        """Let go of the connections."""
        with contextlib.suppress(*_GONE):
            await self._redis.aclose()

    @contextlib.asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        try:
            yield
        except _GONE as error:
            raise StoreError(f"Redis {fault_of(error)} ({type(error).__name__}).") from error
        except ValueError as error:
            raise StoreError(
                f"Redis holds what the bot did not write under a name that begins with {_NAMES}."
            ) from error


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _day(key: bytes | str) -> datetime.date:
    return datetime.date.fromisoformat(_text(key).rsplit(":", 1)[1])


def _left(kept: datetime.timedelta, day: datetime.date, written: datetime.date | None) -> int:
    """Return for how many seconds to keep what is of `day` and was written later, where the store had been gone."""
    late = max(datetime.timedelta(), (written or day) - day)
    return _seconds(kept + _DAY - late)


def _seconds(time: datetime.timedelta) -> int:
    return int(time.total_seconds())
