"""Start the real process, and wait for what it does and says."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
"""Seconds after which a test gives up; a failsafe, never what is measured."""


_KEPT = ("PATH", "HOME", "LANG", "BOT_CACHE", "BOT_KNOWLEDGE")


class Watched:
    """Something that changes; `until` waits for a condition on it."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def changed(self) -> None:
        self._changed.set()

    async def until(self, condition: Callable[[], object], within: float = PATIENCE) -> None:
        """Return as soon as `condition` holds; it is asked after every change."""
        async with asyncio.timeout(within):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class BotProcess(Watched):
    """`python -m bot run` with an environment of its own; nothing of ours reaches it."""

    _is_fitted = False

    def __init__(self, environment: dict[str, str], *, python: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._environment = environment
        self._python = python
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []
        self.output = ""

    async def __aenter__(self) -> Self:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        if not BotProcess._is_fitted:
            await _fit(kept)
            BotProcess._is_fitted = True
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._python,
            "-m",
            "bot",
            "run",
            cwd=ROOT / "tests",  # where no .env lies
            env={**kept, "BOT_HTTP": "off", "BOT_LOG": "json", "BOT_STATE": "memory://", **self._environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout
        assert self._process.stderr
        self._readers = [
            asyncio.create_task(self._read(stream)) for stream in (self._process.stdout, self._process.stderr)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        await asyncio.gather(*self._readers)

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(65_536):
            self.output += chunk.decode(errors="replace")
            self.changed()

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        assert self._process
        return self._process.pid

    async def says(self, sentence: str, times: int = 1) -> None:
        """Wait until the output holds a sentence."""
        await self.until(lambda: self.output.count(sentence) >= times)

    async def ended(self, within: float = PATIENCE) -> int:
        """Wait until the process has ended by itself; returns its exit code."""
        assert self._process
        async with asyncio.timeout(within):
            code = await self._process.wait()
            await asyncio.gather(*self._readers)
        return code

    async def stop(self, name: signal.Signals = signal.SIGTERM, within: float = 5.0) -> int:
        """Send a signal; returns the exit code, raises TimeoutError where it takes too long."""
        assert self._process
        self._process.send_signal(name)
        return await self.ended(within)


async def _fit(environment: dict[str, str]) -> None:
    """Fit the matcher where that has not been done, so that no test waits for it."""
    fitting = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "fit", "--quiet", cwd=ROOT / "tests", env=environment
    )
    assert await fitting.wait() == 0
