"""Keep the state in Redis or Valkey, where several processes share it."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator, Mapping, Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.service.store import COUNTS_KEPT, MESSAGES_KEPT, Changes, Counted, Sealed, StoreError

_NAMES = "privacy-bot"
_GONE = (RedisError, OSError, TimeoutError)


class RedisStore:
    """One hash of counts a day, one key a message; both expire by themselves."""

    name = "redis"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def check(self) -> None:
        """Ask the server whether it is there."""
        async with self._working():
            await self._redis.ping()

    async def apply(self, changes: Changes) -> None:
        """Write all changes in one transaction."""
        async with self._working():
            pipe = self._redis.pipeline(transaction=True)
            for counted, number in changes.counts.items():
                key = f"{_NAMES}:counts:{counted.day.isoformat()}"
                pipe.hincrby(key, f"{counted.what}:{counted.topic}", number)
                pipe.expireat(key, _end(counted.day + COUNTS_KEPT))
            for sealed in changes.messages.values():
                key = f"{_NAMES}:message:{sealed.receipt}"
                pipe.set(key, sealed.day.isoformat().encode() + b" " + sealed.text, nx=True)
                pipe.expireat(key, _end(sealed.day + MESSAGES_KEPT))
            for receipt in changes.withdrawn:
                pipe.delete(f"{_NAMES}:message:{receipt}")
            await pipe.execute()

    async def forget(self, today: datetime.date) -> None:
        """Do nothing: each key carries the day on which it goes."""

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
            raise StoreError(f"Redis cannot be used ({type(error).__name__}).") from error


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _day(key: bytes | str) -> datetime.date:
    return datetime.date.fromisoformat(_text(key).rsplit(":", 1)[1])


def _end(day: datetime.date) -> int:
    return int(datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp()) + 86_400
