"""How long an answer is worth waiting for, with a clock of its own."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import structlog
from telegram import Bot
from telegram.error import NetworkError, RetryAfter, TelegramError

from bot.platforms.telegram.events import Where
from bot.platforms.telegram.limiter import Limiter
from bot.platforms.telegram.outbox import LONGEST_FLOOD_WAIT, LONGEST_TYPING_WAIT, NETWORK_WAITS, Outbox
from bot.platforms.telegram.presses import Presses
from bot.platforms.telegram.render import Drawn


@dataclass
class FakeTelegram:
    """Every call fails in the same way until a moment; nothing takes time but waiting."""

    until: float
    fault: TelegramError
    now: float = 0.0
    calls: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def send_message(self, *_: Any, **__: Any) -> None:
        self.calls.append(self.now)
        if self.now < self.until:
            raise self.fault

    edit_message_text = send_document = answer = answer_inline_query = send_message

    @property
    def outbox(self) -> Outbox:
        bot: Bot = self  # type: ignore[assignment]
        presses: Presses = self  # type: ignore[assignment]
        limiter = Limiter(self.clock, sleep=self.sleep)
        return Outbox(bot, presses, structlog.get_logger(), limiter, sleep=self.sleep)


def flood(seconds: int) -> RetryAfter:
    return RetryAfter(datetime.timedelta(seconds=seconds))


def unreached() -> NetworkError:
    error = NetworkError("x")
    error.__cause__ = httpx.ConnectError("x")
    return error


DRAWN = Drawn("<b>x</b>", "x", None)


@pytest.mark.parametrize("chat", [5, -5], ids=["private", "group"])
async def test_an_answer_waits_for_as_long_as_telegram_asks(chat: int):
    """Who is told to wait for an hour gets the answer after that hour, and Telegram is not asked in between."""
    telegram = FakeTelegram(3_600, flood(3_600))
    await telegram.outbox.send(Where(chat), DRAWN)
    assert len(telegram.calls) == 2
    assert 3_600 < telegram.calls[1] < 3_602


@pytest.mark.parametrize("what", ["send", "edit"])
async def test_an_answer_outlives_an_outage_of_minutes(what: str):
    """Nobody else can tell people that there is an answer, so it is tried for ten minutes, ever more seldom."""
    telegram = FakeTelegram(480, unreached())
    if what == "send":
        await telegram.outbox.send(Where(5), DRAWN)
    else:
        await telegram.outbox.edit(Where(5), 7, DRAWN)
    assert 480 <= telegram.calls[-1] < 520
    assert len(telegram.calls) < 30
    # Without an end, a message that Telegram never takes would hold up its chat for ever.
    telegram = FakeTelegram(float("inf"), NetworkError("Internal Server Error"))
    await telegram.outbox.send(Where(5), DRAWN)
    assert 540 < telegram.now < 660


async def test_what_would_come_too_late_is_not_waited_for():
    """A press is acknowledged soon or never."""
    telegram = FakeTelegram(3_600, flood(round(LONGEST_FLOOD_WAIT) + 1))
    assert await telegram.outbox.acknowledge("q1")
    assert telegram.now == 0
    telegram = FakeTelegram(3_600, unreached())
    assert await telegram.outbox.acknowledge("q1")
    assert telegram.now == pytest.approx(sum(NETWORK_WAITS))


async def test_who_types_on_does_not_wait_behind_a_limit():
    """What is offered while somebody types is soon of no use, and the next letter waits behind it."""
    telegram = FakeTelegram(3_600, flood(round(LONGEST_TYPING_WAIT) + 1))
    await telegram.outbox.offer("q1", None)
    assert telegram.now == 0
    telegram = FakeTelegram(2, flood(2))
    await telegram.outbox.offer("q1", None)
    assert len(telegram.calls) == 2
