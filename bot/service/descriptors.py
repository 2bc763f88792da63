"""Have room for connections, and tell once where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource
from collections.abc import Callable
from typing import Any

TOLD_AGAIN = 60.0
"""Seconds for which the same fault of the event loop is told once; what it tries again it may try thousands of times."""


def raise_limit() -> None:
    """Let this process open as many files and connections as the system permits, where it began with fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # What is refused leaves things as they were, and they were good enough to start with.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class LoopFaults:
    """Tell the log what fails in the event loop where nobody waits for it; `clock` returns seconds."""

    def __init__(self, log: Any, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock
        self._told: dict[tuple[object, ...], float] = {}

    def __call__(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take what asyncio hands to a handler of exceptions."""
        error = context.get("exception")
        kind = (type(error), getattr(error, "errno", None))
        now = self._clock()
        if now < self._told.get(kind, float("-inf")) + TOLD_AGAIN:
            return
        self._told[kind] = now
        if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}:
            self._log.error(
                "No more connections can be opened, so nobody is answered until some close; let fewer idle ones reach the "
                "webhook, or raise the limit of open files (ulimit -n, LimitNOFILE)."
            )
        else:
            self._log.error("a task failed unseen", exc_info=error)
