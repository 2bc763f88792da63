"""Two hundred people at once: how soon the real process acknowledges each, and how long its event loop is held."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from telegram.constants import WebhookLimit
from wire import discord_server
from wire.discord_server import DIRECT, DiscordServer, Json, code_of
from wire.process import BotProcess
from wire.soak import QUESTIONS, processor
from wire.telegram_server import TOKEN, Call, Fault, TelegramServer
from wire.test_operating import free_port

pytestmark = pytest.mark.alone

PEOPLE = 200
ACKNOWLEDGED_WITHIN = 1.0
HELD = 0.02
"""Seconds; both are promised in the design."""

_WATCH = """
import asyncio.events, sys, time

run = asyncio.events.Handle._run

def watched(handle):
    began = time.thread_time()
    run(handle)
    # The processor time of this thread: what others take of the machine is not ours.
    if (held := time.thread_time() - began) > 0.005:
        of = getattr(handle._callback, "__self__", None)
        sys.stderr.write(f"held {held:.4f} by {of.get_coro() if hasattr(of, 'get_coro') else handle._callback!r}\\n")

asyncio.events.Handle._run = watched
"""


class Timed(DiscordServer):
    """It notes when each interaction was sent and first acknowledged, and takes everything: looking closely takes time."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, float] = {}
        self.acknowledged: dict[str, float] = {}

    async def interact(self, *given: Any, **named: Any) -> str:
        began = time.perf_counter()
        id = await super().interact(*given, **named)
        self.sent[id] = began
        return id

    def _callback(self, id: str, *rest: Any) -> web.Response:
        self.acknowledged.setdefault(id, time.perf_counter())
        return super()._callback(id, *rest)

    async def longest(self, *asked: Any) -> float:
        """Let many people do something at once; returns the seconds until the last of them was acknowledged."""
        self.sent.clear()
        self.acknowledged.clear()
        await asyncio.gather(*asked)
        return max(self.acknowledged[id] - began for id, began in self.sent.items())


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Timed]:
    for name in ("refusals", "callback_faults", "message_faults", "file_faults"):
        monkeypatch.setattr(discord_server, name, lambda *_, **__: ())
    async with Timed() as server:
        yield server


class TimedTelegram(TelegramServer):
    """It notes when each press was acknowledged."""

    def __init__(self) -> None:
        super().__init__(strict=False)
        self.spec = None
        self.acknowledged: dict[str, float] = {}

    def _check(self, call: Call) -> None:
        if call.method == "answerCallbackQuery":
            self.acknowledged.setdefault(call["callback_query_id"], time.perf_counter())

    def has_acknowledged(self, ids: tuple[str, ...]) -> bool:
        return all(id in self.acknowledged for id in ids)

    def by_webhook(self) -> dict[str, str]:
        """Return the settings of a bot to which updates are delivered as Telegram does it: a hundred at a time."""
        listener = f"127.0.0.1:{free_port()}"
        self.deliver_to = [f"http://{listener}"]
        self._connections = asyncio.Semaphore(int(WebhookLimit.MAX_CONNECTIONS_LIMIT))
        return {
            "TELEGRAM_WEBHOOK_URL": "https://bot.example.org/telegram",
            "TELEGRAM_WEBHOOK_SECRET": "a-secret-of-telegram",
            "TELEGRAM_WEBHOOK_LISTEN": listener,
        }

    async def _deliver(self, update: Json, turn: int) -> None:
        async with self._connections:
            await super()._deliver(update, turn)


@pytest.fixture
async def telegram() -> AsyncIterator[TimedTelegram]:
    async with TimedTelegram() as server:
        yield server


def telegram_bot(telegram: TelegramServer) -> dict[str, str]:
    return {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API_BASE_URL": telegram.base_url, "NO_PROXY": "*"}


def of_loop(bot: BotProcess) -> float:
    """Return the seconds of processor time that the thread of the event loop has used."""
    return processor(f"{bot.pid}/task/{bot.pid}")


def chat(number: int) -> tuple[Json, Json]:
    """Return one of many private chats, and who is in it."""
    return (
        {"id": 5_000 + number, "type": "private", "first_name": "Somebody"},
        {"id": 5_000 + number, "is_bot": False, "first_name": "Somebody"},
    )


def direct(number: int) -> Json:
    """Return what makes an interaction that of one of many people, each in a chat of their own."""
    channel = str(int(DIRECT) + number)
    user = {"id": str(10**17 + number), "username": "somebody", "discriminator": "0"}
    return {"person": user, "direct": True, "channel_id": channel, "channel": {"id": channel, "type": 1}}


async def test_two_hundred_people_at_once(server: Timed, tmp_path: Path):
    """Every question and press is acknowledged within a second and answered, and nothing holds the event loop."""
    (tmp_path / "sitecustomize.py").write_text(_WATCH)
    async with BotProcess({**server.environment, "PYTHONPATH": str(tmp_path)}) as bot:
        await server.until(lambda: server.ready)
        menu = (await server.command("topics"))["data"]
        code = code_of(menu, "Which data is used")
        message = {**menu, "id": "1"}
        await server.command("ask", QUESTIONS[0])
        started = len(bot.output)
        for first, kinds in ((0, "ask"), (PEOPLE, "press"), (2 * PEOPLE, "both")):
            jobs = [
                server.press(code, message, **direct(number))
                if kinds == "press" or (kinds == "both" and number % 2)
                else server.command("ask", QUESTIONS[number % len(QUESTIONS)], **direct(number))
                for number in range(first, first + PEOPLE)
            ]
            assert await server.longest(*jobs) < ACKNOWLEDGED_WITHIN, kinds
            assert len(server.acknowledged) == PEOPLE
        held = sorted((float(found) for found in re.findall(r"held ([\d.]+)", bot.output[started:])), reverse=True)
        assert not held or held[0] < HELD, bot.output[started:]
        assert server.deferred


@pytest.mark.parametrize("intake", ["polling", "webhook"])
async def test_two_hundred_people_at_once_on_telegram(
    telegram: TimedTelegram, real_folder: Path, tmp_path: Path, intake: str
):
    """Two hundred presses, also behind two hundred questions, are acknowledged within a second; nothing holds the loop."""
    (tmp_path / "sitecustomize.py").write_text(_WATCH)
    environment = {**telegram_bot(telegram), "PYTHONPATH": str(tmp_path), "BOT_KNOWLEDGE": str(real_folder)}
    if intake == "webhook":
        environment |= telegram.by_webhook()
    async with BotProcess(environment) as bot:
        await bot.says("Telegram is connected")
        await telegram.write("/topics", *chat(0))
        await telegram.write(QUESTIONS[0], *chat(1))
        await telegram.until(lambda: len(telegram.said()) == 2 and not telegram.unconfirmed)
        menu = next(call for call in telegram.said() if call.chat == chat(0)[0]["id"])
        started = len(bot.output)
        for first, asked in ((1_000, 0), (2_000, PEOPLE)):
            for number in range(first, first + asked):
                await telegram.write(QUESTIONS[number % len(QUESTIONS)], *chat(number))
            pressed: dict[str, float] = {}
            spent = of_loop(bot)
            for number in range(first + PEOPLE, first + 2 * PEOPLE):
                where, who = chat(number)
                began = time.perf_counter()
                pressed[await telegram.press({**telegram.message_of(menu), "chat": where}, menu.codes[0], who)] = began
            await telegram.until(partial(telegram.has_acknowledged, tuple(pressed)))
            longest = max(telegram.acknowledged[id] - began for id, began in pressed.items())
            # Where others hold the machine, what the event loop took of the processor counts.
            assert min(longest, of_loop(bot) - spent) < ACKNOWLEDGED_WITHIN
        await telegram.until(lambda: len(telegram.of("editMessageText")) > PEOPLE)
        held = sorted((float(found) for found in re.findall(r"held ([\d.]+)", bot.output[started:])), reverse=True)
        assert not held or held[0] < HELD, bot.output[started:]
        telegram.deliver_to = []


async def test_presses_while_messages_hang(telegram: TimedTelegram):
    """A hundred messages that Telegram does not take keep nobody's press from being acknowledged within a second."""
    hold = asyncio.Event()
    async with BotProcess(telegram_bot(telegram)) as bot:
        await telegram.write("/topics", *chat(0))
        await telegram.until(lambda: telegram.said() and not telegram.unconfirmed)
        menu = telegram.said()[0]
        telegram.faults.append(Fault("sendMessage", hold=hold, times=100))
        for number in range(1, 101):
            await telegram.write("/help", *chat(number))
        await telegram.until(lambda: len(telegram.said()) > 90)
        pressed = {}
        for number in range(200, 240):
            where, who = chat(number)
            began = time.perf_counter()
            pressed[await telegram.press({**telegram.message_of(menu), "chat": where}, menu.codes[0], who)] = began
        await telegram.until(lambda: pressed.keys() <= telegram.acknowledged.keys())
        assert max(telegram.acknowledged[id] - began for id, began in pressed.items()) < ACKNOWLEDGED_WITHIN
        hold.set()
        assert await bot.stop() == 0


async def test_a_signal_under_load(server: Timed, telegram: TimedTelegram):
    """The process ends within five seconds; what was taken is answered, and Telegram keeps what is not."""
    async with BotProcess({**server.environment, **telegram_bot(telegram)}) as bot:
        await server.until(lambda: server.ready)
        await bot.says("Telegram is connected")
        written = [await telegram.write(QUESTIONS[number % 5], *chat(number)) for number in range(60)]
        ids = [
            await server.interact(
                2,
                {"id": "1", "name": "ask", "type": 1, "options": [{"name": "question", "type": 3, "value": text}]},
                **direct(number),
            )
            for number, text in enumerate(QUESTIONS * 8)
        ]
        await telegram.until(lambda: len(telegram.said()) > 5)
        await server.until(lambda: set(ids) <= server.acknowledged.keys())
        began = time.monotonic()
        assert await bot.stop() == 0
        assert time.monotonic() - began < 5
    assert set(ids) <= server.answers.keys()
    answered = {call.chat - 5_000 for call in telegram.said()}
    kept = {written.index(id) for id in telegram.unconfirmed if id in written}
    assert answered | kept == set(range(60))
