"""Run the console command, also as `python -m bot`."""

from __future__ import annotations

import signal
from types import FrameType

DONE, INTERRUPTED = 0, 130
"""The exit code of what a signal stopped, and the one that typer would give it."""


def main() -> None:
    """Run the console command; a signal ends it with 0, also while it still starts.

    As the first process of a container it would otherwise not even hear a SIGTERM before it has a handler.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        from bot.cli import main as command  # noqa: PLC0415 - importing takes long, and signals may come meanwhile

        command()
    except KeyboardInterrupt:
        raise SystemExit(DONE) from None
    except SystemExit as end:
        raise SystemExit(DONE if end.code == INTERRUPTED else end.code) from None


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
