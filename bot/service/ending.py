"""End the process in time and with its own exit code, whatever hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

DONE = 0
"""Exit code of a process that a signal stopped."""


def end_within(seconds: float) -> None:
    """End the process with DONE after so many seconds, where it has not ended by itself.

    Python waits for threads without end, and one that looks up a name of a network that is gone can hang for
    minutes; nothing can cancel it.
    """
    timer = threading.Timer(seconds, _end)
    timer.daemon = True
    timer.start()


def ignore_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Take no further signal, so that a second one cannot change the exit code on the last steps."""
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(name)
        signal.signal(name, signal.SIG_IGN)


def _end() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(DONE)
