"""Tell over HTTP whether the process turns and whether it can answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

Parts = Callable[[], Mapping[str, str]]
"""Returns each part of the process as ok, degraded or down; `platforms.…` are the platforms."""

CLOSE_WITHIN = 0.3
"""Seconds that a client who asks slowly may still take when the bot stops; the library would wait a minute."""


class HealthServer:
    """Serve /healthz (the loop turns), /readyz (knowledge is there and a platform can answer), and /metrics.

    `metrics` returns what is counted, in Prometheus's text format; without it there is no /metrics.
    """

    def __init__(self, host: str, port: int, parts: Parts, metrics: Callable[[], bytes] | None = None) -> None:
        self._host, self._port = host, port
        self._parts = parts
        self._metrics = metrics
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; raises OSError where the address is taken or not ours."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        if self._metrics:
            app.router.add_get("/metrics", self._told_metrics)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_WITHIN)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def stop(self) -> None:
        """Close the listener."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        parts = dict(self._parts())
        platforms = [state for name, state in parts.items() if name.startswith("platforms.")]
        ready = parts.get("knowledge") == "ok" and "ok" in platforms
        body = {"status": "ready" if ready else "not ready", "parts": parts}
        return web.json_response(
            body, status=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, dumps=json.dumps
        )

    async def _told_metrics(self, _request: web.Request) -> web.Response:
        assert self._metrics
        # Writing out hundreds of series takes longer than the loop may be held.
        body = await asyncio.to_thread(self._metrics)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def ask_health(host: str, port: int, *, within: float = 3.0) -> tuple[bool, str]:
    """Ask a running bot whether it is ready; returns that and one sentence."""
    host = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    shown = f"[{host}]" if ":" in host else host
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=within)) as session,
            session.get(f"http://{shown}:{port}/readyz") as response,
        ):
            body = await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return False, f"No bot answers at {shown}:{port} ({type(error).__name__})."
    parts = body.get("parts") if isinstance(body, dict) else None
    if not isinstance(parts, dict):
        return False, f"Something else than the bot answers at {shown}:{port}; set BOT_HTTP to where the bot listens."
    told = ", ".join(f"{name} {state}" for name, state in parts.items())
    return response.status == HTTPStatus.OK, f"{body.get('status', 'unknown')}: {told}"
