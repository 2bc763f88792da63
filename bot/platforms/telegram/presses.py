"""Answer presses over connections of their own, so that none waits behind messages.

Through the library an answer costs as much as a message, about two milliseconds; with hundreds of people the last
of them would wait for seconds.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import aiohttp
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter

from bot.platforms.observer import Observer

WITHIN = 10.0
"""Seconds that Telegram has for one answer."""

_CONNECTIONS = 100
_FIRST_WAIT = 1.0


class Presses:
    """The method answerCallbackQuery of `bot`, and no other (https://core.telegram.org/bots/api#answercallbackquery)."""

    def __init__(self, bot: Bot, observer: Observer) -> None:
        self._url = f"{bot.base_url}/answerCallbackQuery"
        self._observer = observer
        self._session: aiohttp.ClientSession | None = None

    async def answer(self, id: str, *, text: str | None = None, url: str | None = None) -> None:
        """Answer a press, showing `text` or opening `url`; raises what the library would raise."""
        form = {"callback_query_id": id}
        if text:
            form |= {"text": text, "show_alert": "true"}
        if url:
            form["url"] = url
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=WITHIN),
                # As the library's own connections do.
                trust_env=True,
            )
        try:
            async with self._session.post(self._url, data=form) as response:
                status, content = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._observer.refused(None)
            # Its text may hold the address, and that the token.
            raise NetworkError(f"Telegram cannot be reached ({type(error).__name__}).") from None
        if status >= HTTPStatus.BAD_REQUEST:
            self._observer.refused(status)
        _judge(status, content)

    async def close(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()


def _judge(status: int, content: bytes) -> None:
    """Raise what an answer of Telegram's means; a page of something in between says nothing about the token."""
    told = _told(content)
    if told is None:
        raise NetworkError(f"Telegram cannot be reached (status {status}).")
    if told.get("ok") is True:
        return
    description = str(told.get("description", ""))
    match told.get("error_code", status):
        case HTTPStatus.TOO_MANY_REQUESTS:
            parameters = told.get("parameters")
            wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
            raise RetryAfter(int(wait) if isinstance(wait, int | float) else int(_FIRST_WAIT))
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.NOT_FOUND:
            raise InvalidToken(description)
        case HTTPStatus.FORBIDDEN:
            raise Forbidden(description)
        case int(code) if HTTPStatus.BAD_REQUEST <= code < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise BadRequest(description)
    raise NetworkError(f"Telegram cannot answer ({description}).")


def _told(content: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(content)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
