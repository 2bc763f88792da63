"""What polling tells about itself while Telegram is away, with a clock of its own."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from telegram import Update, WebhookInfo
from telegram.error import Conflict, NetworkError, RetryAfter, TelegramError

from bot.platforms.telegram.polling import LONG_POLL, Polling
from bot.platforms.telegram.unconfirmed import Unconfirmed


@dataclass
class FakeTelegram:
    """Answers to getUpdates come from a list; after the last of them it hangs."""

    answers: list[TelegramError | None]
    now: float = 0.0
    ready: list[tuple[float, bool]] = field(default_factory=list)
    polling: Polling | None = None
    hangs: asyncio.Event = field(default_factory=asyncio.Event)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.look()

    def look(self) -> None:
        assert self.polling
        self.ready.append((self.now, self.polling.connected))

    async def initialize(self) -> None:
        return

    async def get_webhook_info(self) -> WebhookInfo:
        return WebhookInfo("", False, 0)

    async def get_updates(self, *_: Any, **given: Any) -> tuple[Update, ...]:
        if not self.answers:
            self.hangs.set()
            await asyncio.Event().wait()
        if error := self.answers.pop(0):
            raise error
        self.now += given["timeout"]
        return ()


async def told(answers: list[TelegramError | None]) -> list[tuple[float, bool]]:
    """Return when it could answer, by the seconds since the start."""
    telegram = FakeTelegram(answers)

    async def take(_update: Update) -> None:
        return

    given: Any = {"sleep": telegram.sleep, "clock": telegram.clock, "uniform": lambda _low, high: high}
    bot: Any = telegram
    polling = telegram.polling = Polling(bot, take, Unconfirmed(telegram.clock), structlog.get_logger(), **given)
    assert not polling.connected
    await polling.begin()
    assert polling.connected
    task = asyncio.create_task(polling.run())
    await telegram.hangs.wait()
    telegram.look()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return telegram.ready


@pytest.mark.parametrize(
    "fault", [NetworkError("x"), Conflict("x"), RetryAfter(5)], ids=["unreached", "conflict", "flood"]
)
async def test_a_fault_that_passes_within_two_time_outs_does_not_show(fault: TelegramError):
    """What people write meanwhile is kept by Telegram and answered soon after."""
    assert all(ready for _, ready in await told([None, fault, None]))


async def test_it_cannot_answer_when_nothing_came_within_two_time_outs():
    """The last answer counts, not the first fault; the next answer counts at once."""
    ready = await told([None, *[NetworkError("x")] * 9, None])
    last = LONG_POLL
    assert any(at > last for at, _ in ready)
    assert all(can is (at < last + 2 * LONG_POLL) for at, can in ready[:-1])
    assert {can for _, can in ready[:-1]} == {True, False}
    assert ready[-1][1]
