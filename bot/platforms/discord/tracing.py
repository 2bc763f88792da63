"""Report what Discord's REST interface refuses, and how long it asks to wait."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp

from bot.platforms.discord.rest import LONGEST_WAIT
from bot.platforms.observer import Observer


def trace(observer: Observer) -> aiohttp.TraceConfig:
    """Return what a client session needs to report its errors; neither addresses nor ids are looked at."""

    async def ended(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, told: aiohttp.TraceRequestEndParams
    ) -> None:
        status = told.response.status
        if status >= HTTPStatus.BAD_REQUEST:
            observer.refused(status)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            # What waits is told apart by nobody: the library holds back whatever shares the limit.
            with contextlib.suppress(ValueError, KeyError):
                asked = float(told.response.headers["Retry-After"])
                # What asks for more is given up, so nobody waits.
                if asked <= LONGEST_WAIT:
                    observer.waited(max(0.0, asked))

    async def failed(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, told: aiohttp.TraceRequestExceptionParams
    ) -> None:
        if not isinstance(told.exception, asyncio.CancelledError):
            observer.refused(None)

    config = aiohttp.TraceConfig()
    config.on_request_end.append(ended)
    config.on_request_exception.append(failed)
    return config
