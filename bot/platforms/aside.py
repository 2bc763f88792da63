"""Match questions beside the event loop, so that presses and heartbeats never wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# One thread each: the work is computing, and several would only take turns with each other.
_MATCHING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="matching")
_QUICK = ThreadPoolExecutor(max_workers=1, thread_name_prefix="quick")


async def aside(work: Callable[[], T], *, quick: bool = False) -> T:
    """Do `work` in the thread for matching and return what it returns or raises.

    What is `quick`, and waited for at every key, does not queue behind questions.
    """
    return await asyncio.get_running_loop().run_in_executor(_QUICK if quick else _MATCHING, work)
