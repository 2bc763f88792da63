"""Match questions beside the event loop, so that presses and heartbeats never wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# One thread: the work is computing, and several would only take turns with each other.
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="matching")


async def aside(work: Callable[[], T]) -> T:
    """Do `work` in the thread for matching and return what it returns or raises."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, work)
