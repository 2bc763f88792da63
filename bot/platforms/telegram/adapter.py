"""Connect to Telegram, take what comes, answer it, close."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from telegram import Bot, Update
from telegram.error import InvalidToken

from bot.dialogue.dialogue import Dialogue
from bot.platforms.platform import PermanentFault, Reference
from bot.platforms.telegram import commands, events
from bot.platforms.telegram.answering import Answering
from bot.platforms.telegram.connection import connect
from bot.platforms.telegram.events import Event, Pressed
from bot.platforms.telegram.lanes import Lanes
from bot.platforms.telegram.outbox import Outbox
from bot.platforms.telegram.polling import CONFLICT_WAIT, REFUSED, Polling
from bot.platforms.telegram.unconfirmed import Unconfirmed

FINISH_WITHIN = 1.8
CONFIRM_WITHIN = 0.4
"""Seconds that answers under way have when the bot stops, then presses, then the confirmation; together below 3."""


class TelegramPlatform:
    """The bot on Telegram; `run` may be called again after it failed."""

    name = "telegram"

    def __init__(
        self,
        dialogue: Dialogue,
        *,
        token: str,
        base_url: str,
        log: Any,
        reference: Reference,
        clock: Callable[[], float],
        conflict_wait: float = CONFLICT_WAIT,
    ) -> None:
        self._dialogue = dialogue
        self._token = token
        self._base_url = base_url
        self._log = log
        self._reference = reference
        self._conflict_wait = conflict_wait
        self._unconfirmed = Unconfirmed(clock)
        self._connection: _Connection | None = None

    async def run(self) -> None:
        """Serve until cancelled; PermanentFault for a bad token, somebody's webhook or a second poller."""
        bot = connect(self._token, self._base_url)
        self._connection = _Connection(
            bot, self._dialogue, self._unconfirmed, self._log, self._reference, self._conflict_wait
        )
        try:
            await self._connection.run()
        finally:
            self._connection = None

    def can_answer(self) -> bool:
        """Tell whether updates were fetched when that was tried last."""
        return self._connection is not None and self._connection.polling.connected


class _Connection:
    """One run: a fresh client, and everything that lives as long as it."""

    def __init__(
        self,
        bot: Bot,
        dialogue: Dialogue,
        unconfirmed: Unconfirmed,
        log: Any,
        reference: Reference,
        conflict_wait: float,
    ) -> None:
        self._bot = bot
        self._dialogue = dialogue
        self._unconfirmed = unconfirmed
        self._log = log
        self._reference = reference
        self._lanes = Lanes()
        self._acknowledging: set[asyncio.Task[bool]] = set()
        self._refused = asyncio.Event()
        self.polling = Polling(bot, self._take, unconfirmed, log, conflict_wait=conflict_wait)
        self._answering: Answering | None = None

    async def run(self) -> None:
        """Serve until cancelled or refused."""
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self.polling.begin()
            self._answering = Answering(
                self._dialogue, Outbox(self._bot, self._log), self._bot.bot, self._log, self._reference
            )
            self._tell()
            texts = self._dialogue.knowledge.texts
            tasks = [
                asyncio.create_task(self.polling.run()),
                asyncio.create_task(self._refused.wait()),
                asyncio.create_task(commands.synchronise(self._bot, texts, self._log)),
            ]
            await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
            if self._refused.is_set():
                raise PermanentFault(REFUSED)
            await tasks[0]
        finally:
            await self._close(tasks)

    def _tell(self) -> None:
        me = self._bot.bot
        self._log.info(
            "Telegram is connected",
            group_messages="all" if me.can_read_all_group_messages else "commands, replies and where the bot is admin",
            inline_mode="on" if me.supports_inline_queries else "off (BotFather: /setinline)",
        )

    async def _take(self, update: Update) -> None:
        """Hand an update to the lane of its chat; returns when more may be fetched."""
        try:
            event = events.read(update, self._bot.bot)
        except Exception as error:  # noqa: BLE001 - an update that we do not understand is passed by
            self._log.error("an update could not be read", reference=self._reference(), exc_info=error)
            event = None
        if event is None:
            self._unconfirmed.answer(update.update_id)
            return
        assert self._answering
        self._answering.expect(event)
        # A press is acknowledged at once, whatever its chat still waits for.
        acknowledged = self._acknowledge(event) if isinstance(event, Pressed) else None
        if not self._lanes.put(events.lane(event), lambda: self._work(update.update_id, event, acknowledged)):
            self._log.warning("a chat sends more than can be answered; the newest is left out")
            self._unconfirmed.answer(update.update_id)
        await self._lanes.room()
        # So many updates at once must not hold up what answers them.
        await asyncio.sleep(0)

    def _acknowledge(self, event: Pressed) -> asyncio.Task[bool]:
        assert self._answering
        task = asyncio.create_task(self._answering.acknowledge(event))
        self._acknowledging.add(task)
        task.add_done_callback(self._acknowledged)
        return task

    def _acknowledged(self, task: asyncio.Task[bool]) -> None:
        self._acknowledging.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failed(error)

    async def _work(self, id: int, event: Event, acknowledged: asyncio.Task[bool] | None) -> None:
        """Answer an update, and note that it is; a cancelled one is not, so Telegram keeps it."""
        assert self._answering
        try:
            await self._answering.answer(event, acknowledged)
        except Exception as error:  # noqa: BLE001 - one update never ends the others
            self._failed(error)
        self._unconfirmed.answer(id)

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, InvalidToken):
            self._refused.set()
            return
        self._log.error("an update could not be answered", reference=self._reference(), exc_info=error)

    async def _close(self, tasks: list[asyncio.Task[Any]]) -> None:
        """Take nothing new, finish what is being answered, confirm it, close."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._lanes.close(0 if self._refused.is_set() else FINISH_WITHIN)
        if self._acknowledging:
            _, late = await asyncio.wait(set(self._acknowledging), timeout=CONFIRM_WITHIN)
            for task in late:
                task.cancel()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CONFIRM_WITHIN):
                await self.polling.confirm()
        self._unconfirmed.forget_unanswered()
        with contextlib.suppress(Exception):
            await self._bot.shutdown()
