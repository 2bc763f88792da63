from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog

from bot.platforms.discord.gateway import Turns


class Discord:
    """Tells how many sessions are left, and starts them."""

    def __init__(self, left: int) -> None:
        self.left = left

    async def fetch(self, *_: str) -> dict[str, Any]:
        await asyncio.sleep(0)
        limit = {"remaining": self.left, "reset_after": 3_600_000, "max_concurrency": 1}
        return {"url": "ws://x", "shards": 1, "session_start_limit": limit}


class Lane:
    """Hands out the turns that processes take with one another, one after the other."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def turn(self, _lane: int, _every: float) -> None:
        async with self._lock:
            for _ in range(10):
                await asyncio.sleep(0)


@pytest.mark.parametrize("processes", [1, 10])
async def test_no_more_sessions_are_started_than_are_left(processes: int):
    """Beyond them Discord resets the token; what was left when a turn was asked for may be gone when it comes."""
    discord, lane, now = Discord(3), Lane(), 0.0
    asleep = asyncio.Event()

    async def sleep(seconds: float) -> None:
        nonlocal now
        if seconds >= 60:
            await asleep.wait()
        now += seconds
        await asyncio.sleep(0)

    def turns() -> Turns:
        slots: Any = lane if processes > 1 else None
        return Turns(structlog.get_logger(), slots=slots, clock=lambda: now, sleep=sleep)

    async def connect(turns: Turns, shard: int) -> None:
        await turns.take(discord, shard)  # type: ignore[arg-type]
        discord.left -= 1

    each = [turns() for _ in range(processes)] * (10 // processes)
    tasks = [asyncio.create_task(connect(turns, shard)) for shard, turns in enumerate(each)]
    done, _ = await asyncio.wait(tasks, timeout=1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert discord.left == 0
    assert len(done) == 3
