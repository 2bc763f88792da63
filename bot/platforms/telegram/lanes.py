"""Do work side by side, and in order within a chat."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

Job = Callable[[], Awaitable[None]]

MOST_IN_LANE = 120
"""Jobs that may wait in one chat, two minutes of them; who writes more than can be answered loses the newest."""

MOST_WAITING = 1_000
"""Chats in which jobs may wait; beyond it nothing more is fetched, and Telegram keeps it for us. Jobs are not counted:
a few who write without end would hold up everybody else."""


class Lanes:
    """One lane a chat: its jobs run one after the other, those of other lanes at the same time.

    A job must not raise.
    """

    def __init__(self, *, most_in_lane: int = MOST_IN_LANE, most_waiting: int = MOST_WAITING) -> None:
        self._most_in_lane = most_in_lane
        self._most_waiting = most_waiting
        self._lanes: dict[Hashable, deque[Job]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._closed = False
        self._room = asyncio.Event()
        self._room.set()

    def put(self, key: Hashable, job: Job) -> bool:
        """Queue a job in the lane `key`; returns False, and leaves it, where that lane is full."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = deque()
            worker = asyncio.create_task(self._work(key, lane))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        elif len(lane) >= self._most_in_lane:
            return False
        lane.append(job)
        self._count(1)
        return True

    def waiting(self, key: Hashable) -> int:
        """Return how many jobs wait in the lane `key`."""
        return len(self._lanes.get(key, ()))

    @property
    def length(self) -> int:
        """Return how many jobs wait or are being done, in all lanes."""
        return self._waiting

    async def room(self) -> None:
        """Wait until more may be queued."""
        await self._room.wait()

    async def close(self, within: float) -> None:
        """Let what is queued finish for so many seconds, then cancel what is left; there is no room any more."""
        self._closed = True
        self._room.clear()
        if self._workers:
            await asyncio.wait(set(self._workers), timeout=within)
        left = set(self._workers)
        for worker in left:
            worker.cancel()
        if left:
            await asyncio.wait(left, timeout=1.0)

    async def _work(self, key: Hashable, lane: deque[Job]) -> None:
        while lane:
            job = lane.popleft()
            try:
                await job()
            finally:
                self._count(-1)
        # Nothing was awaited since the lane was seen empty, so nothing was queued either.
        del self._lanes[key]
        self._count(0)

    def _count(self, change: int) -> None:
        self._waiting += change
        if len(self._lanes) < self._most_waiting and not self._closed:
            self._room.set()
        else:
            self._room.clear()
