"""Send, edit and acknowledge, with patience where Telegram asks for it or cannot be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import httpx
from telegram import Bot, InputMediaDocument, LinkPreviewOptions, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.dialogue.model import File
from bot.platforms.telegram.connection import is_bad_token, seconds
from bot.platforms.telegram.events import Where
from bot.platforms.telegram.inline import Offer
from bot.platforms.telegram.limiter import Limiter, Urgency
from bot.platforms.telegram.presses import Presses
from bot.platforms.telegram.render import Drawn

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

FLOOD_WAITS = 4
LONGEST_FLOOD_WAIT = 120.0
"""How often a call waits for the time that Telegram names (429), and for how many seconds at most, where it would come
too late afterwards or where something else can be sent in its place. An answer waits for as long as it takes."""

LONGEST_TYPING_WAIT = 5.0
"""The same for what somebody types in inline mode, who types on meanwhile and waits for the newest."""

FLOOD_MARGIN = 0.3
"""Seconds on top of what Telegram names, which it counts from its own clock."""

NETWORK_WAITS = (0.3, 0.6, 1.2, 2.4, 4.8)
"""Seconds between attempts when Telegram cannot be reached or fails (5xx)."""

MORE_NETWORK_WAITS = (10.0, 20.0) + 19 * (30.0,)
"""What an answer waits for beyond that, ten minutes in all: nothing else tells whoever asked that there is one."""

INLINE_CACHE = 30
"""Seconds that Telegram may repeat the results of a query; short, so that a changed text is soon shown."""

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class Outbox:
    """Everything that leaves for Telegram.

    Only InvalidToken is raised: what else fails is told to the log, safely, and the rest goes on.
    """

    def __init__(self, bot: Bot, presses: Presses, log: Any, limiter: Limiter, *, sleep: Sleep = asyncio.sleep) -> None:
        self._bot = bot
        self._presses = presses
        self._log = log
        self._limiter = limiter
        self._sleep = sleep

    async def send(self, where: Where, drawn: Drawn) -> None:
        """Send one message; where a group has moved, to where it has moved to."""
        try:
            try:
                await self._send(where, drawn)
            except ChatMigrated as moved:
                await self._send(Where(moved.new_chat_id, None, where.reply_to), drawn)
        except InvalidToken:
            raise
        except (Forbidden, BadRequest, ChatMigrated) as refusal:
            # Blocked, left, closed, no right to write: nobody there to tell.
            self._log.info("Telegram does not take a message for a chat", kind=type(refusal).__name__)
        except TelegramError as error:
            self._log.warning("a message could not be sent", exc_info=error)

    async def send_files(self, where: Where, files: Sequence[File]) -> bool:
        """Send files in one message; returns False where Telegram does not take them."""
        try:
            await self._send_files(where, files)
        except InvalidToken:
            raise
        except TelegramError as error:
            self._log.warning("files could not be sent", kind=type(error).__name__)
            return False
        return True

    async def delete(self, where: Where, message: int) -> bool:
        """Delete a message; returns False where Telegram no longer lets us, and True where it is gone already."""
        try:
            await self._patiently(lambda: self._bot.delete_message(where.chat, message), repeatable=True)
        except InvalidToken:
            raise
        except BadRequest as refusal:
            return "not found" in refusal.message.lower()
        except TelegramError as error:
            self._log.warning("a message could not be deleted", kind=type(error).__name__)
            return False
        return True

    async def edit(self, where: Where, message: int, drawn: Drawn) -> None:
        """Put other text and buttons into a message of ours; sends a new one where it is gone."""
        try:
            await self._edit(where, message, drawn)
        except InvalidToken:
            raise
        except BadRequest as refusal:
            if _is_unchanged(refusal):
                return
            await self.send(where, drawn)
        except ChatMigrated as moved:
            await self.send(Where(moved.new_chat_id), drawn)
        except Forbidden as refusal:
            self._log.info("Telegram does not take a message for a chat", kind=type(refusal).__name__)
        except TelegramError as error:
            self._log.warning("a message could not be edited", exc_info=error)

    async def acknowledge(self, id: str, url: str | None = None, text: str | None = None) -> bool:
        """Answer a press, opening `url` or showing `text`; returns False where the press is too old to be answered."""
        try:
            try:
                await self._patiently(lambda: self._presses.answer(id, text=text, url=url), repeatable=True)
            except BadRequest as refusal:
                if url is None or _is_too_old(refusal):
                    raise
                await self._patiently(lambda: self._presses.answer(id), repeatable=True)
        except InvalidToken:
            raise
        except BadRequest as refusal:
            if _is_too_old(refusal):
                return False
            self._log.info("Telegram does not take the answer to a press", kind=type(refusal).__name__)
        except TelegramError as error:
            self._log.warning("a press could not be acknowledged", exc_info=error)
        return True

    async def offer(self, id: str, found: Offer | None) -> None:
        """Answer what somebody types in inline mode; None ends the waiting with nothing."""

        async def answer(*, html: bool) -> None:
            results = found.results(html=html) if found else []
            button = found.button if found else None
            # Personal: what one person typed is repeated to nobody else.
            await self._patiently(
                lambda: self._bot.answer_inline_query(
                    id, results, cache_time=INLINE_CACHE if found else 0, is_personal=True, button=button
                ),
                repeatable=True,
                longest=LONGEST_TYPING_WAIT,
            )

        try:
            try:
                await answer(html=True)
            except BadRequest as refusal:
                if not _is_markup(refusal):
                    raise
                self._log.warning("Telegram does not take our HTML; it is sent as plain text")
                await answer(html=False)
        except InvalidToken:
            raise
        except BadRequest as refusal:
            if not _is_too_old(refusal):
                self._log.warning("inline results could not be sent", exc_info=refusal)
        except TelegramError as error:
            self._log.warning("inline results could not be sent", exc_info=error)

    async def _send(self, where: Where, drawn: Drawn) -> None:
        async def send(text: str, mode: str | None) -> None:
            await self._in_turn(
                where.chat,
                _urgency(where),
                lambda: self._bot.send_message(
                    where.chat,
                    text,
                    parse_mode=mode,
                    message_thread_id=where.thread,
                    link_preview_options=_NO_PREVIEW,
                    reply_parameters=_replying(where),
                    reply_markup=drawn.field or drawn.keyboard,
                ),
                lasting=True,
            )

        await self._as_html_else_plain(send, drawn)

    async def _send_files(self, where: Where, files: Sequence[File]) -> None:
        given: dict[str, Any] = {"message_thread_id": where.thread, "reply_parameters": _replying(where)}
        urgency = _urgency(where)

        async def send() -> None:
            if len(files) == 1:
                await self._bot.send_document(where.chat, files[0].content, filename=files[0].name, **given)
            else:
                group = [InputMediaDocument(file.content, filename=file.name) for file in files]
                await self._bot.send_media_group(where.chat, group, **given)

        for _ in files[1:]:
            # Telegram counts each file of a group.
            await self._limiter.turn(where.chat, urgency)
        await self._in_turn(where.chat, urgency, send)

    async def _edit(self, where: Where, message: int, drawn: Drawn) -> None:
        async def edit(text: str, mode: str | None) -> None:
            await self._in_turn(
                where.chat,
                Urgency.PRESS,
                lambda: self._bot.edit_message_text(
                    text,
                    chat_id=where.chat,
                    message_id=message,
                    parse_mode=mode,
                    link_preview_options=_NO_PREVIEW,
                    reply_markup=drawn.keyboard,
                ),
                repeatable=True,
                lasting=True,
            )

        await self._as_html_else_plain(edit, drawn)

    async def _as_html_else_plain(self, call: Callable[[str, str | None], Awaitable[None]], drawn: Drawn) -> None:
        try:
            await call(drawn.html, ParseMode.HTML)
        except BadRequest as refusal:
            if not _is_markup(refusal):
                raise
            self._log.warning("Telegram does not take our HTML; it is sent as plain text")
            await call(drawn.plain, None)

    async def _in_turn(
        self,
        chat: int,
        urgency: Urgency,
        call: Callable[[], Awaitable[T]],
        *,
        repeatable: bool = False,
        lasting: bool = False,
    ) -> T:
        """Return what `call`, which sends into a chat, returns once it is that chat's turn."""

        async def at_its_turn() -> T:
            await self._limiter.turn(chat, urgency)
            return await call()

        return await self._patiently(at_its_turn, chat, repeatable=repeatable, lasting=lasting)

    async def _patiently(
        self,
        call: Callable[[], Awaitable[T]],
        chat: int | None = None,
        *,
        repeatable: bool = False,
        lasting: bool = False,
        longest: float = LONGEST_FLOOD_WAIT,
    ) -> T:
        """Return what `call` returns, after waiting as often as is worth it.

        `repeatable` tells that doing it twice does no harm, `lasting` that it is worth as much later, `longest` how
        many seconds at once it is worth where it is not. What Telegram asks to wait for holds for `chat` alone.
        """
        waits = NETWORK_WAITS + MORE_NETWORK_WAITS if lasting else NETWORK_WAITS
        floods, faults = 0, 0
        while True:
            try:
                return await call()
            except RetryAfter as flood:
                wait = seconds(flood)
                if not lasting and (floods == FLOOD_WAITS or wait > longest):
                    raise
                floods += 1
                if chat is None:
                    await self._sleep(wait + FLOOD_MARGIN)
                else:
                    self._limiter.pause(chat, wait + FLOOD_MARGIN)
            except BadRequest:
                raise
            except (NetworkError, InvalidToken) as fault:
                if isinstance(fault, InvalidToken) and is_bad_token(fault):
                    raise
                # An answer that was lost on its way back has most likely been sent; twice is worse.
                sent = isinstance(fault.__cause__, httpx.ReadTimeout)
                if faults == len(waits) or (sent and not repeatable):
                    raise NetworkError("Telegram cannot be reached.") from fault
                await self._sleep(waits[faults])
                faults += 1


def _replying(where: Where) -> ReplyParameters | None:
    return ReplyParameters(where.reply_to, allow_sending_without_reply=True) if where.reply_to else None


def _urgency(where: Where) -> Urgency:
    return Urgency.GROUP if where.chat < 0 else Urgency.PRIVATE


def _is_markup(refusal: BadRequest) -> bool:
    return "can't parse entities" in refusal.message.lower()


def _is_unchanged(refusal: BadRequest) -> bool:
    return "message is not modified" in refusal.message.lower()


def _is_too_old(refusal: BadRequest) -> bool:
    text = refusal.message.lower()
    return "query is too old" in text or "query id is invalid" in text
