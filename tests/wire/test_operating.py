"""The real process as its operator sees it: what it counts, what it tells, whom it holds back."""

from __future__ import annotations

import socket

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from telegram_server import TOKEN, TelegramServer
from wire.discord_server import ADA, DiscordServer
from wire.process import BotProcess

MOST = 40
"""Questions of one person that are answered at once."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def metrics(port: int) -> dict[str, float]:
    """Return every sample by its name and labels."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
        text = await response.text()
    return {
        " ".join((sample.name, *sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_an_operator_sees_what_happens(telegram: TelegramServer, discord: DiscordServer):
    """Both platforms count; the start says what is set up badly; a flood is told once; nobody stands in any of it."""
    port = free_port()
    environment = {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API_BASE_URL": telegram.base_url, "NO_PROXY": "*"}
    async with BotProcess({**discord.environment, **environment, "BOT_HTTP": f"127.0.0.1:{port}"}) as process:
        await discord.until(lambda: discord.ready)
        for sentence in (
            "BOT_CONTACT is not set",
            "BOT_PRIVACY_URL is not set",
            "Privacy mode is on",
            "Inline mode is",
        ):
            await process.says(sentence)
        await telegram.write("how do i stop linkedin training ai on my stuff")
        await telegram.until(lambda: telegram.said() and not telegram.unconfirmed, 60)
        for number in range(MOST + 10):
            await discord.say(f"are my dms read? {number}")
        await discord.until(lambda: len(discord.messages) == MOST + 1)
        await discord.say("hello", author={**ADA, "id": "900000000000000001"})
        await discord.until(lambda: len(discord.messages) == MOST + 2)
        found = await metrics(port)
        output = process.output
    told = [message for message in discord.messages if "a lot in a short time" in message["embeds"][0]["description"]]
    assert len(told) == 1
    questions = {name: value for name, value in found.items() if name.startswith("bot_questions_total")}
    assert sum(value for name, value in questions.items() if "discord" in name) == MOST
    assert sum(value for name, value in questions.items() if "telegram" in name) == 1
    assert found["bot_match_seconds_count"] > 0
    assert found["bot_reply_seconds_count telegram"] == 1
    assert found["bot_reply_seconds_count discord"] == MOST + 2
    assert found["bot_part_state knowledge ok"] == 1
    assert ADA["id"] not in output
