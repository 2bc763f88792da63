"""Run the console command, also as `python -m bot`."""

from __future__ import annotations

import signal
import sys
from types import FrameType

DONE, INTERRUPTED = 0, 130
"""The exit code of what a signal stopped, and the one that typer would give it."""

AGAIN = 3.0
"""Seconds until what goes on all the same is stopped once more; to end takes less, and five are promised."""


def main() -> None:
    """Run the console command; a signal ends it with 0, also while it still starts.

    As the first process of a container it would otherwise not even hear a SIGTERM before it has a handler.
    """
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(name, _stop)
    if sys.argv[1:2] == ["run"]:
        # A reload that is asked for while the bot still starts would end it; the knowledge is read anyway.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        from bot.cli import main as command  # noqa: PLC0415 - importing takes long, and signals may come meanwhile

        # The terminal and asyncio know what to do with this one.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        command()
    except KeyboardInterrupt:
        raise SystemExit(DONE) from None
    except SystemExit as end:
        raise SystemExit(DONE if end.code == INTERRUPTED else end.code) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    # Python throws away, and prints, what is raised while it clears up an object or calls back about one.
    sys.unraisablehook = lambda _: None
    signal.setitimer(signal.ITIMER_REAL, AGAIN)
    raise SystemExit(DONE)


if __name__ == "__main__":
    main()
