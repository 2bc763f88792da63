"""What people see on both platforms while something around the real process fails: an answer."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from pathlib import Path
from textwrap import dedent

import aiohttp
import pytest
from wire.discord_server import DiscordServer
from wire.process import BotProcess
from wire.telegram_server import TOKEN, TelegramServer

DONE = 0
QUESTION = "are my private messages read?"


def environment(telegram: TelegramServer, discord: DiscordServer, **more: str) -> dict[str, str]:
    tokens = {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API_BASE_URL": telegram.base_url, "NO_PROXY": "*"}
    return {**discord.environment, **tokens, **more}


async def answers(telegram: TelegramServer, discord: DiscordServer) -> None:
    """Ask and press on both platforms; each is answered."""
    asked = await discord.command("ask", QUESTION)
    assert "rivate messages" in str(asked["data"]["embeds"])
    helped = [button for row in asked["data"]["components"] for button in row["components"]]
    code = next(button["custom_id"] for button in helped if button["label"] == "This helped")
    assert (await discord.press(code, {**asked["data"], "id": "1"}))["type"] in {4, 7}
    before, edits = len(telegram.said()), len(telegram.of("editMessageText"))
    await telegram.write(QUESTION)
    await telegram.until(lambda: len(telegram.said()) > before and not telegram.unconfirmed)
    said = telegram.said()[-1]
    assert "rivate messages" in said.text
    code = next(button["callback_data"] for button in said.buttons if button["text"] == "This helped")
    await telegram.press(telegram.message_of(said), code)
    await telegram.until(lambda: len(telegram.of("editMessageText")) > edits)


async def store_of(port: int) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as response:
        return response.status, (await response.json())["parts"]["store"]


@pytest.mark.skipif(sys.platform != "linux", reason="nothing can be written below /proc on Linux only")
@pytest.mark.parametrize("disk", ["read-only", "full"])
async def test_a_disk_that_takes_nothing(telegram: TelegramServer, discord: DiscordServer, tmp_path: Path, disk: str):
    """Questions and presses are answered; readiness stays and names the store."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    more = {"BOT_HTTP": f"127.0.0.1:{port}", "BOT_STATE": "sqlite:////proc/nowhere/state.db"}
    if disk == "full":
        # No file may grow beyond so many bytes; those of the matcher are only read.
        code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))"
        (tmp_path / "sitecustomize.py").write_text(code)
        more |= {"BOT_STATE": f"sqlite:///{tmp_path / 'state.db'}", "PYTHONPATH": str(tmp_path)}
    async with BotProcess(environment(telegram, discord, **more)) as process:
        await discord.until(lambda: discord.ready)
        await process.says("Telegram is connected")
        for _ in range(2):
            await answers(telegram, discord)
        async with asyncio.timeout(20):
            while not (told := await store_of(port))[1].startswith("degraded"):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
        assert told[0] == 200
        assert await process.stop() == DONE


async def test_a_clock_that_jumps(telegram: TelegramServer, discord: DiscordServer, tmp_path: Path):
    """However the clock on the wall jumps, back and forth by days, both platforms answer: what is timed goes by another one."""
    (tmp_path / "sitecustomize.py").write_text(
        dedent("""
        import itertools, time

        real, jumps = time.time, itertools.cycle((0, 86_400, -86_400, 3_600, -40 * 86_400, 400 * 86_400))
        time.time = lambda: real() + next(jumps)
        """)
    )
    async with BotProcess(environment(telegram, discord, PYTHONPATH=str(tmp_path))) as process:
        await discord.until(lambda: discord.ready)
        await process.says("Telegram is connected")
        for _ in range(3):
            await answers(telegram, discord)
        assert await process.stop() == DONE


async def test_a_folder_that_is_replaced_while_it_is_read(
    telegram: TelegramServer, discord: DiscordServer, real_folder: Path, tmp_path: Path
):
    """While the knowledge comes and goes, half of it at a time, people get answers; in the end they get the new one."""
    spare, gone = tmp_path / "spare", tmp_path / "gone"
    shutil.copytree(real_folder, spare)
    topic = Path("topics", "which-data", "private-messages.yaml")
    whole = (real_folder / topic).read_text(encoding="utf-8")
    (spare / topic).write_text(whole.replace("answer: |\n", "answer: |\n  It was replaced. ", 1), encoding="utf-8")
    async with BotProcess(environment(telegram, discord, BOT_KNOWLEDGE=str(real_folder))) as process:
        await discord.until(lambda: discord.ready)
        await process.says("Telegram is connected")
        for _ in range(3):
            shutil.move(real_folder, gone)
            await answers(telegram, discord)
            shutil.copytree(gone / "topics", real_folder / "topics")
            await answers(telegram, discord)
            shutil.rmtree(real_folder)
            shutil.move(gone, real_folder)
        await process.says("the last good one goes on answering")
        shutil.move(real_folder, gone)
        shutil.move(spare, real_folder)
        async with asyncio.timeout(30):
            while "It was replaced." not in str(await discord.command("ask", QUESTION)):  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.2)
        await answers(telegram, discord)
        assert await process.stop() == DONE
