"""Measure what a question costs from its arrival to its answer, ours beside that of the bare platform libraries.

    python -m bench.parts

Processor time of one thread, by platform and part. *Library* is what python-telegram-bot and discord.py need to read
the update and to write the request, with a connection that answers at once; *ours* is reading the event, matching,
deciding and drawing.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import discord
from telegram import Bot, Update, User
from telegram.request import BaseRequest

from bot.app import build_dialogue, build_mind
from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Question
from bot.knowledge.loader import load_questions
from bot.platforms.discord import events as discord_events
from bot.platforms.discord.render import render as render_discord
from bot.platforms.telegram import events as telegram_events
from bot.platforms.telegram.render import render as render_telegram
from bot.settings import Settings

_ME = {"id": 4711, "is_bot": True, "first_name": "Guide", "username": "guide_bot"}
_PERSON = {"id": 5550, "is_bot": False, "first_name": "Ada"}
_MOST = 400
_WARM = 20

Times = dict[str, tuple[float, float]]
"""Median and 99th percentile in milliseconds, by part."""


class _Answering(BaseRequest):
    """A connection to Telegram that answers everything at once."""

    @property
    def read_timeout(self) -> float | None:
        return 5.0

    async def initialize(self) -> None:
        return

    async def shutdown(self) -> None:
        return

    async def do_request(self, url: str, *_: Any, **__: Any) -> tuple[int, bytes]:
        message = {"message_id": 1, "date": 1, "chat": {"id": 5550, "type": "private"}, "text": "x"}
        return 200, json.dumps({"ok": True, "result": _ME if url.endswith("getMe") else message}).encode()


def main() -> None:
    """Measure, and write a table."""
    settings = Settings()
    dialogue = build_dialogue(build_mind(settings), settings)
    golden = load_questions(settings.bot_knowledge).topics
    texts = [question.text for questions in golden.values() for question in questions][: _MOST + _WARM]
    found = {"Telegram": asyncio.run(telegram(dialogue, texts)), "Discord": asyncio.run(discord_(dialogue, texts))}
    sys.stdout.write(table(found))


def table(found: dict[str, Times]) -> str:
    """Return the times as a table of Markdown."""
    lines = ["| platform | part | p50 | p99 | × library (p50) |", "|---|---|---|---|---|"]
    for platform, times in found.items():
        library = times["library"][0]
        lines += [
            f"| {platform} | {part} | {median:.2f} ms | {worst:.2f} ms | ×{median / library:.2f} |"
            for part, (median, worst) in times.items()
        ]
    return "\n".join(lines) + "\n"


async def telegram(dialogue: Dialogue, texts: Sequence[str]) -> Times:
    """Return the times of a question in a private chat on Telegram."""
    bot = Bot("4711:bench", request=_Answering(), get_updates_request=_Answering())
    await bot.initialize()
    me, knowledge = User(**_ME), dialogue.knowledge
    library, ours = [], []
    for number, text in enumerate(texts):
        raw = {
            "update_id": number,
            "message": {"message_id": 1, "date": 1, "chat": {"id": 5550 + number, "type": "private"}, "from": _PERSON, "text": text},
        }  # fmt: skip
        began = time.thread_time()
        update = Update.de_json(raw, bot)
        read = time.thread_time()
        event = telegram_events.read(update, me)
        assert isinstance(event, telegram_events.Asked)
        drawn = render_telegram(dialogue.ask(Question(event.text, event.conversation)), knowledge.texts)
        made = time.thread_time()
        await bot.send_message(5550, drawn.html, parse_mode="HTML", reply_markup=drawn.keyboard)
        ended = time.thread_time()
        library.append((read - began) + (ended - made))
        ours.append(made - read)
    return _summed(library, ours)


async def discord_(dialogue: Dialogue, texts: Sequence[str]) -> Times:
    """Return the times of a question that mentions the bot on Discord."""
    library, ours = [], []
    for number, text in enumerate(texts):
        raw = {
            "id": str(number + 1), "type": 0, "channel_id": str(number), "guild_id": "3", "content": f"<@4711> {text}",
            "author": {"id": "5550", "username": "ada"}, "mentions": [{"id": "4711"}], "attachments": [], "embeds": [],
        }  # fmt: skip
        payload = json.dumps({"op": 0, "t": "MESSAGE_CREATE", "s": number, "d": raw})
        began = time.thread_time()
        data = discord.utils._from_json(payload)["d"]  # noqa: SLF001 - how the library reads what arrives
        read = time.thread_time()
        event = discord_events.read_message(data, "4711")
        assert isinstance(event, discord_events.Asked)
        drawn = render_discord(dialogue.ask(Question(event.text, event.conversation)), dialogue.knowledge.texts)
        made = time.thread_time()
        discord.utils._to_json(drawn.payload())  # noqa: SLF001 - how the library writes what leaves
        ended = time.thread_time()
        library.append((read - began) + (ended - made))
        ours.append(made - read)
    return _summed(library, ours)


def _summed(library: list[float], ours: list[float]) -> Times:
    both = [one + other for one, other in zip(library, ours, strict=True)]
    return {"library": _spread(library), "ours": _spread(ours), "together": _spread(both)}


def _spread(seconds: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile, in milliseconds, without the first ones."""
    ordered = sorted(seconds[_WARM:])
    return 1000 * ordered[len(ordered) // 2], 1000 * ordered[int(0.99 * (len(ordered) - 1))]


if __name__ == "__main__":
    main()
