"""The real process with both platforms: their independence, the health port, and the end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import aiohttp
import pytest
from telegram_server import TOKEN, TelegramServer
from wire.discord_server import DiscordServer
from wire.process import BotProcess

DONE, USAGE, NO_PLATFORM = 0, 2, 3
SIGNALS = pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])


def bot(telegram: TelegramServer, discord: DiscordServer, **more: str) -> BotProcess:
    tokens = {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API_BASE_URL": telegram.base_url}
    return BotProcess({**discord.environment, **tokens, **more})


def listening() -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return taken


def _at_start(folder: Path, code: str) -> None:
    """Let every Python that has `folder` on its path run `code` first."""
    (folder / "sitecustomize.py").write_text(dedent(code))


async def ready(port: int) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as response:
        return response.status, (await response.json())["parts"]


async def test_one_platform_with_a_bad_token_leaves_the_other_alone(telegram: TelegramServer, discord: DiscordServer):
    """A token that is refused is told once; the other platform answers, and readiness names both."""
    telegram.token = "1:another"
    with listening() as probe:
        port = probe.getsockname()[1]
    async with bot(telegram, discord, BOT_HTTP=f"127.0.0.1:{port}") as process:
        await process.says("does not accept the token")
        await discord.until(lambda: discord.ready)
        assert (await discord.command("ask", "are my dms read?"))["type"] == 4
        parts = {
            "knowledge": "ok",
            "reload": "ok",
            "store": "ok",
            "platforms.telegram": "down",
            "platforms.discord": "ok",
        }
        assert await ready(port) == (200, parts)
        assert await process.stop() == DONE
    assert process.output.count("does not accept the token") == 1
    assert len(telegram.calls) == 1


async def test_with_both_tokens_bad_the_process_ends(telegram: TelegramServer, discord: DiscordServer):
    """Each is told in a sentence of its own, and no platform is left."""
    telegram.token = "1:another"
    async with bot(telegram, discord, DISCORD_TOKEN="Wrong.token-of.a-test") as process:
        assert await process.ended() == NO_PLATFORM
    for sentence in ("does not accept the token", "refuses the token", "No platform is left"):
        assert process.output.count(sentence) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="a file that is always full is there on Linux only")
async def test_a_log_that_cannot_be_written_changes_nothing(
    telegram: TelegramServer, discord: DiscordServer, tmp_path: Path
):
    """With the log on a full disk the platforms run, and the process ends with the same code."""
    _at_start(tmp_path, "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 2)")
    telegram.token = "1:another"
    async with bot(telegram, discord, PYTHONPATH=str(tmp_path)) as process:
        await discord.until(lambda: discord.ready)
        assert (await discord.command("ask", "are my dms read?"))["type"] == 4
        assert await process.stop() == DONE
    assert not process.output


async def test_a_chosen_port_that_is_taken_stops_the_start(telegram: TelegramServer, discord: DiscordServer):
    """It is told in one sentence that names the variable and what to do."""
    with listening() as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        async with bot(telegram, discord, BOT_HTTP=where) as process:
            assert await process.ended() == USAGE
    assert process.output.strip() == f"BOT_HTTP: {where} is taken; choose another host:port, or off."


@SIGNALS
async def test_a_signal_while_the_bot_starts(
    telegram: TelegramServer, discord: DiscordServer, tmp_path: Path, name: signal.Signals
):
    """The process ends with 0 and without a word, also before it has connected or even read the knowledge."""
    _at_start(
        tmp_path,
        """
        import sys, time

        class Slow:
            def find_spec(self, name, *_):
                if name in {"bot.cli", "bot.knowledge.loader"}:
                    sys.stderr.write("loading\\n")
                    time.sleep(0.1 if name == "bot.cli" else 60)

        sys.meta_path.insert(0, Slow())
        """,
    )
    for times in (1, 2):
        async with bot(telegram, discord, PYTHONPATH=str(tmp_path)) as process:
            await process.says("loading", times)
            # Who asks for the knowledge to be read again is never too early.
            os.kill(process.pid, signal.SIGHUP)
            assert await process.stop(name) == DONE
        assert set(process.output.split()) == {"loading"}
    assert telegram.calls == discord.calls == []


@SIGNALS
async def test_a_signal_that_python_throws_away(
    telegram: TelegramServer, discord: DiscordServer, tmp_path: Path, name: signal.Signals
):
    """Where the start goes on since nothing may be raised at that moment, it is ended a little later."""
    _at_start(
        tmp_path,
        """
        import signal, sys, time

        set_timer = signal.setitimer
        signal.setitimer = lambda which, seconds: set_timer(which, seconds / 10)

        class Cleared:
            def __del__(self):
                sys.stderr.write("clearing\\n")
                time.sleep(60)

        class Slow:
            def find_spec(self, name, *_):
                if name == "bot.cli":
                    Cleared()
                elif name == "bot.knowledge.loader":
                    time.sleep(60)

        sys.meta_path.insert(0, Slow())
        """,
    )
    async with bot(telegram, discord, PYTHONPATH=str(tmp_path)) as process:
        await process.says("clearing")
        assert await process.stop(name) == DONE
    assert process.output.split() == ["clearing"]


@SIGNALS
async def test_a_name_that_cannot_be_looked_up_holds_nothing_up(
    telegram: TelegramServer, discord: DiscordServer, tmp_path: Path, name: signal.Signals
):
    """Looking up a name on a network that is gone hangs in a thread; a signal ends the process in time all the same."""
    _at_start(
        tmp_path,
        """
        import socket, sys, time

        real = socket.getaddrinfo

        def slow(host, *rest, **more):
            if "nowhere.invalid" in str(host):
                sys.stderr.write("looking up\\n")
                time.sleep(60)
            return real(host, *rest, **more)

        socket.getaddrinfo = slow
        """,
    )
    api = "http://nowhere.invalid/bot"
    async with bot(telegram, discord, TELEGRAM_API_BASE_URL=api, PYTHONPATH=str(tmp_path)) as process:
        await process.says("looking up")
        await discord.until(lambda: discord.ready)
        began = time.monotonic()
        assert await process.stop(name) == DONE
        assert time.monotonic() - began < 5


async def test_a_second_signal_changes_nothing(telegram: TelegramServer, discord: DiscordServer):
    """Whoever is impatient gets the same exit code."""
    async with bot(telegram, discord) as process:
        await process.says("Telegram is connected")
        ended = asyncio.create_task(process.ended(5))
        while not ended.done():
            assert process._process
            process._process.send_signal(signal.SIGTERM)
            await asyncio.wait({ended}, timeout=0.02)
        assert ended.result() == DONE


async def test_an_edit_counts_while_the_bot_runs(telegram: TelegramServer, discord: DiscordServer, real_folder: Path):
    """A saved text is in the next answer; a broken file changes nothing but what readiness and the log say."""
    with listening() as probe:
        port = probe.getsockname()[1]
    topic = real_folder / "topics" / "which-data" / "private-messages.yaml"
    whole = topic.read_text(encoding="utf-8")
    more = {"BOT_KNOWLEDGE": str(real_folder), "BOT_HTTP": f"127.0.0.1:{port}"}
    async with bot(telegram, discord, **more) as process:
        await discord.until(lambda: discord.ready)
        topic.write_text(
            whole.replace("answer: |\n", "answer: |\n  A sentence that was just saved. ", 1), encoding="utf-8"
        )
        await process.says("the knowledge is reloaded")
        assert "A sentence that was just saved." in str(await discord.command("ask", "are my private messages read?"))
        topic.write_text(whole.replace("answer: |\n", "anser: |\n", 1), encoding="utf-8")
        await process.says("the last good one goes on answering")
        assert "A sentence that was just saved." in str(await discord.command("ask", "are my private messages read?"))
        status, parts = await ready(port)
        assert status == 200
        assert parts["reload"].startswith("degraded: topics/which-data/private-messages.yaml:")
        assert await process.stop() == DONE
