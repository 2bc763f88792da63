"""Fetch updates by long polling of our own.

The library's updater deletes a webhook that somebody else set, retries for ever on a second poller, dies
unseen on a bad token, and confirms updates before they are answered.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, RetryAfter

from bot.platforms.platform import PermanentFault
from bot.platforms.telegram.connection import RAW, decode, is_bad_token, seconds
from bot.platforms.telegram.events import UPDATES
from bot.platforms.telegram.limits import UPDATES as MOST_UPDATES
from bot.platforms.telegram.unconfirmed import Unconfirmed

LONG_POLL = 30
"""Seconds that Telegram holds our question for updates when there are none."""

CONFLICT_WAIT = 10.0
"""Seconds after which a second conflict is no restart any more but a second poller."""

CONFLICT_MEMORY = 120.0
"""Seconds in which conflicts belong together: two pollers each get through now and then."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 0.5
"""Seconds to wait for answers under way before asking again; Telegram would only repeat those updates."""

FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0
"""Seconds between attempts while Telegram cannot be reached, doubling."""

LONGEST_FLOOD_WAIT = 300.0

REFUSED = "Telegram does not accept the token; get a new one from BotFather and set TELEGRAM_TOKEN."
SECOND_POLLER = "Another process receives the messages of this bot; stop it, or use another token for one of the two."
WEBHOOK = (
    "A webhook is set for this bot, so its messages go elsewhere; it is left as it is: remove it if nothing uses it, "
    "or use another token."
)

Take = Callable[[Update], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


class Polling:
    """Long polling that ends by PermanentFault only. `take` is given every update once, and must not raise."""

    def __init__(
        self,
        bot: Bot,
        take: Take,
        unconfirmed: Unconfirmed,
        log: Any,
        *,
        conflict_wait: float = CONFLICT_WAIT,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._bot = bot
        self._take = take
        self._unconfirmed = unconfirmed
        self._log = log
        self._conflict_wait = conflict_wait
        self._sleep = sleep
        self._clock = clock
        self._uniform = uniform
        self._conflict_at: float | None = None
        self._failures = 0
        self._reached = False
        self._reached_at = float("-inf")

    @property
    def connected(self) -> bool:
        """Tell whether Telegram has answered within two time-outs; until then it keeps what people write."""
        return self._reached or self._clock() - self._reached_at < 2 * LONG_POLL

    async def begin(self) -> None:
        """Reach Telegram, however long it takes; PermanentFault for a bad token or somebody's webhook."""
        await self._until_reached(self._bot.initialize)
        await self._refuse_webhook()
        self._reached, self._reached_at = True, self._clock()

    async def run(self) -> None:
        """Fetch updates until cancelled."""
        pause = FIRST_PAUSE
        while True:
            asked = self._clock()
            updates = await self._until_reached(self._fetch)
            self._reached, self._reached_at = True, self._clock()
            if not updates and self._clock() - asked < FIRST_PAUSE:
                # A server that does not wait must not be asked without a pause.
                await self._sleep(FIRST_PAUSE)
            new = [update for update in updates if self._unconfirmed.take(update.update_id)]
            for update in new:
                await self._take(decode(update.api_kwargs[RAW], self._bot) if RAW in update.api_kwargs else update)
            if new and len(updates) >= MOST_UPDATES:
                # More waits.
                continue
            if updates:
                # What is answered by then is confirmed with the next call; what is not, comes once more.
                pause = FIRST_PAUSE if new else min(pause * 2, LONGEST_PAUSE)
                await self._unconfirmed.idle(pause)

    async def stop(self) -> None:
        """Take nothing more; what ends `run` has seen to it."""

    async def confirm(self) -> None:
        """Tell Telegram what has been answered since the last call, without fetching more."""
        offset = self._unconfirmed.offset()
        if offset is not None and self._reached:
            await self._bot.get_updates(offset, limit=1, timeout=0, allowed_updates=UPDATES)

    async def _fetch(self) -> tuple[Update, ...]:
        # After a failure the first question is a short one, so that we soon know that Telegram answers again.
        timeout = LONG_POLL if self._reached else 1
        return await self._bot.get_updates(
            self._unconfirmed.offset(), limit=MOST_UPDATES, timeout=timeout, allowed_updates=UPDATES
        )

    async def _refuse_webhook(self) -> None:
        webhook = await self._until_reached(self._bot.get_webhook_info)
        if webhook.url:
            raise PermanentFault(WEBHOOK)

    async def _until_reached(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what `call` returns, trying again until it does; PermanentFault where that cannot help."""
        while True:
            try:
                result = await call()
            except InvalidToken as error:
                if not is_bad_token(error):
                    await self._back_off(error)
                    continue
                raise PermanentFault(REFUSED) from None
            except Conflict:
                await self._after_conflict()
            except RetryAfter as flood:
                self._reached = False
                self._log.warning("Telegram asks to wait before more updates are fetched")
                await self._sleep(min(seconds(flood), LONGEST_FLOOD_WAIT))
            except Exception as error:  # noqa: BLE001 - whatever it is, polling goes on
                await self._back_off(error)
            else:
                if self._failures:
                    self._failures = 0
                    self._log.info("Telegram answers again")
                return result

    async def _after_conflict(self) -> None:
        self._reached = False
        now = self._clock()
        if self._conflict_at is not None and now - self._conflict_at < CONFLICT_MEMORY:
            await self._refuse_webhook()
            raise PermanentFault(SECOND_POLLER)
        self._conflict_at = now
        self._log.warning("somebody else receives the messages of this bot; it may be a restart")
        await self._refuse_webhook()
        await self._sleep(self._conflict_wait)

    async def _back_off(self, error: Exception) -> None:
        self._reached = False
        if not self._failures:
            self._log.warning("Telegram cannot be reached; trying again until it answers", exc_info=error)
        wait = min(FIRST_RETRY * 2**self._failures, LONGEST_RETRY)
        self._failures = min(self._failures + 1, 20)
        await self._sleep(self._uniform(wait / 2, wait))
