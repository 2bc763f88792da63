"""Match questions beside the event loop, so that presses and heartbeats never wait for one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

LOOK = 0.002
GIVE_WAY = 0.02
"""Seconds in which the event loop must have been idle for half of the time before a question is matched, and after
which it is matched all the same: both need the interpreter, and whoever presses waits for the loop alone."""

# One thread each: the work is computing, and several would only take turns with each other.
_MATCHING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="matching")
_QUICK = ThreadPoolExecutor(max_workers=1, thread_name_prefix="quick")
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def aside(work: Callable[[], T], *, quick: bool = False) -> T:
    """Do `work` in the thread for matching and return what it returns or raises.

    What is `quick`, and waited for at every key, does not queue behind questions. Everything else gives way to an
    event loop that has much to do.
    """
    loop = asyncio.get_running_loop()
    if quick:
        return await loop.run_in_executor(_QUICK, work)
    async with _turns.setdefault(loop, asyncio.Lock()):
        await _idle()
        return await loop.run_in_executor(_MATCHING, work)


async def _idle() -> None:
    """Wait until the thread of the event loop is idle, for a bounded time."""
    until = time.perf_counter() + GIVE_WAY
    while (began := time.perf_counter()) < until:
        worked = time.thread_time()
        await asyncio.sleep(LOOK)
        took = time.perf_counter() - began
        # A loop that comes back late has had something else to do, or did not get the processor.
        if took < 2 * LOOK and time.thread_time() - worked < took / 2:
            return
