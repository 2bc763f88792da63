"""Build the library's Bot, with the switches that it needs to be safe here."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import os
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import httpx
from telegram import Bot, Update
from telegram.error import InvalidToken, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.request import HTTPXRequest

from bot.platforms.observer import UNOBSERVED, Observer
from bot.platforms.telegram.events import MEDIA, UNREADABLE

# The library's own switch. Without it each 429 raises a deprecation warning inside the library, which under
# `-W error` would hide the 429 (https://docs.python-telegram-bot.org/en/v22.8/telegram.error.html).
os.environ.setdefault("PTB_TIMEDELTA", "true")

Heard = Callable[[httpx.Response], Awaitable[None]]
Known = Callable[[int], bool]

CONNECT, READ, WRITE, POOL = 5.0, 10.0, 10.0, 10.0
"""Seconds. Waiting for a free connection is no fault while hundreds are answered at once. The library counts READ
from one byte to the next; a whole answer has CONNECT and POOL beside it."""

CONNECTIONS = 256
"""Calls under way at once; each waits for Telegram, not for our processor. A press that is acknowledged must never
queue behind messages that hang: thirty leave a second, each for READ seconds at most."""

RAW = "raw"
"""Under which an update of getUpdates holds what Telegram sent; it is decoded by itself (`decode`), so that a hundred
of them do not hold up everything else."""

_TALKATIVE = ("httpx", "httpcore", "telegram")
"""Loggers that write addresses, and with them the token, at the levels below a warning."""


_ESSENTIAL = frozenset(
    {
        "caption", "caption_entities", "chat", "date", "entities", "forum_topic_created", "from",
        "is_automatic_forward", "is_topic_message", "media_group_id", "message_id", "message_thread_id",
        "reply_markup", "sender_chat", "text", "via_bot",
    }
)  # fmt: skip
"""What we read of a message, beside the message that it answers."""


class _Observed(HTTPXRequest):
    """A request that reports what Telegram refuses, and that it could not be reached."""

    def __init__(self, observer: Observer, **options: Any) -> None:
        super().__init__(**options)
        self._observer = observer

    async def do_request(self, *given: Any, **named: Any) -> tuple[int, bytes]:
        """Return the status and what came with it.

        An answer that comes byte by byte is cut off, and the page of something in between is none of Telegram's,
        whatever its status says: neither about the token nor about a chat.
        """
        read = named.get("read_timeout")
        within = (read if isinstance(read, int | float) else READ) + CONNECT + POOL
        try:
            try:
                async with asyncio.timeout(within):
                    status, payload = await super().do_request(*given, **named)
            except TimeoutError:
                # It was sent, as where nothing comes back at all.
                raise TimedOut from httpx.ReadTimeout("The answer takes too long.")
        except TelegramError:
            self._observer.refused(None)
            raise
        if status >= HTTPStatus.BAD_REQUEST:
            self._observer.refused(status)
        if not payload.lstrip().startswith(b"{"):
            if status < HTTPStatus.BAD_REQUEST:
                self._observer.refused(None)
            raise NetworkError(f"Telegram cannot be reached (status {status}).")
        return status, payload


class _Polling(_Observed):
    """The request of getUpdates: an update that the library cannot read does not take the others with it."""

    def __init__(self, observer: Observer, known: Known, **options: Any) -> None:
        super().__init__(observer, **options)
        self._known = known

    def parse_json_payload(self, payload: bytes) -> dict[str, Any]:  # type: ignore[override]
        """Return the answer with undecoded updates; of one that is known only its id is left."""
        data = HTTPXRequest.parse_json_payload(payload)
        result = data.get("result") if isinstance(data, dict) else None
        if not isinstance(data, dict) or (data.get("ok") and not isinstance(result, list)):
            raise TelegramError("The answer to getUpdates is no list of updates.")
        if isinstance(result, list):
            data["result"] = [self._undecoded(update) for update in result if _has_id(update)]
        return data

    def _undecoded(self, update: dict[str, Any]) -> dict[str, Any]:
        id = {"update_id": update["update_id"]}
        return id if self._known(update["update_id"]) else {**id, RAW: update}


def connect(
    token: str,
    base_url: str,
    observer: Observer = UNOBSERVED,
    *,
    heard: Heard | None = None,
    known: Known = lambda _id: False,
) -> Bot:
    """Return a Bot that has not spoken to Telegram yet; `heard` is given each response, `known` names updates to skip."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    timeouts: dict[str, Any] = {
        "connect_timeout": CONNECT,
        "read_timeout": READ,
        "write_timeout": WRITE,
        "pool_timeout": POOL,
        "httpx_kwargs": {"event_hooks": {"response": [heard]}} if heard else None,
    }
    return Bot(
        token,
        base_url=base_url,
        request=_Observed(observer, connection_pool_size=CONNECTIONS, **timeouts),
        get_updates_request=_Polling(observer, known, connection_pool_size=2, **timeouts),
    )


def seconds(flood: RetryAfter) -> float:
    """Return how long Telegram asks to wait."""
    wait = flood.retry_after
    return wait.total_seconds() if isinstance(wait, datetime.timedelta) else float(wait)


def is_bad_token(error: InvalidToken) -> bool:
    """Tell Telegram's own refusal from a page (404) of something in between, which says nothing about the token."""
    cause = error.__cause__
    while isinstance(cause, InvalidToken):
        cause = cause.__cause__
    return not isinstance(cause, TelegramError)


def _has_id(update: Any) -> bool:
    return isinstance(update, dict) and type(update.get("update_id")) is int


def decode(raw: dict[str, Any], bot: Bot) -> Update:
    """Return as much of an update as the library can read: all, what we need of it, or its id alone."""
    # Whatever the library makes of an update that it does not understand.
    with contextlib.suppress(Exception):
        return Update.de_json(raw, bot)
    with contextlib.suppress(Exception):
        return Update.de_json(_essence(raw), bot)
    return Update(raw["update_id"])


def _essence(update: dict[str, Any]) -> dict[str, Any]:
    """Return an update without what servers of another version may tell in another way: pictures, polls and so on."""
    told: dict[str, Any] = {"update_id": update["update_id"]}
    if "message" in update:
        return {**told, "message": _words(update["message"])}
    query = dict(update["callback_query"])
    if "message" in query:
        query["message"] = _words(query["message"])
    return {**told, "callback_query": query}


def _words(message: dict[str, Any]) -> dict[str, Any]:
    words = {name: value for name, value in message.items() if name in _ESSENTIAL}
    if any(name in message for name in MEDIA):
        words[UNREADABLE] = True
    if replied := message.get("reply_to_message"):
        words["reply_to_message"] = _words(replied)
    return words
