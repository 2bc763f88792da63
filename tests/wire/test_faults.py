"""What people see on both platforms while something around the real process fails: an answer."""

from __future__ import annotations

import asyncio
import datetime
import shutil
import socket
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import aiohttp
import pytest
from wire.discord_server import DiscordServer
from wire.process import BotProcess
from wire.telegram_server import TOKEN, Fault, TelegramServer

from bot.service.store import Changes, Counted, Sealed
from bot.service.store_sqlite import SqliteStore

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
        # No file may grow beyond so many bytes; those of the matcher are only read. Python would cut off what it keeps
        # of the modules that it compiles, for everybody else to stumble over.
        code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))"
        (tmp_path / "sitecustomize.py").write_text(code)
        more |= {"BOT_STATE": f"sqlite:///{tmp_path / 'state.db'}", "PYTHONPATH": str(tmp_path)}
        more |= {"PYTHONDONTWRITEBYTECODE": "1"}
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


async def test_a_clock_that_jumps_deletes_nothing_that_is_kept(
    telegram: TelegramServer, discord: DiscordServer, tmp_path: Path
):
    """A server whose clock is set 200 days ahead, and then right again, keeps counts and messages, and goes on counting."""
    ahead, path = tmp_path / "ahead", tmp_path / "state.db"
    (tmp_path / "sitecustomize.py").write_text(
        dedent(f"""
        import datetime
        from pathlib import Path
        from bot.service import clock

        def today(real=clock.today):
            return real() + datetime.timedelta(days=int(Path({str(ahead)!r}).read_text()))

        clock.today = today
        """)
    )
    ahead.write_text("0")
    day = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=100)
    old = Changes(counts={Counted("past-training", "helped", day): 5}, messages={"a1": Sealed("a1", day, b"sealed")})
    await _apply(path, old)
    environment_ = environment(telegram, discord, PYTHONPATH=str(tmp_path), BOT_STATE=f"sqlite:///{path}")
    async with BotProcess(environment_) as process:
        await discord.until(lambda: discord.ready)
        await process.says("Telegram is connected")
        await answers(telegram, discord)
        ahead.write_text("200")
        await process.says("the clock jumped")
        await answers(telegram, discord)
        assert await process.stop() == DONE
    async with BotProcess(environment_) as process:
        await discord.until(lambda: discord.ready)
        await process.says("Telegram is connected")
        await process.says("the clock jumped")
        ahead.write_text("0")
        await answers(telegram, discord)
        assert await process.stop() == DONE
    store = SqliteStore(path)
    counts = await store.counts()
    assert counts.pop(Counted("past-training", "helped", day)) == 5
    assert sum(counts.values()) == 6
    assert all(counted.day - day <= datetime.timedelta(days=101) for counted in counts)
    assert [message.receipt for message in await store.messages()] == ["a1"]
    await store.close()


async def _apply(path: Path, changes: Changes) -> None:
    store = SqliteStore(path)
    await store.apply(changes)
    await store.close()


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


SHORT = """
    from bot.platforms.telegram import connection, polling

    polling.LONG_POLL = 1
    connection.CONNECT, connection.READ, connection.POOL = 0.3, 0.6, 0.3
"""
"""Time-outs that run out in a second or two."""


@pytest.mark.parametrize("fault", [{"hold": asyncio.Event()}, {"drip": 0.1}], ids=["half-open", "byte by byte"])
async def test_an_answer_of_telegrams_that_never_ends(telegram: TelegramServer, tmp_path: Path, fault: dict[str, Any]):
    """The process says that it is not ready while nothing comes, and answers without a restart once something does."""
    (tmp_path / "sitecustomize.py").write_text(dedent(SHORT))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API_BASE_URL": telegram.base_url, "NO_PROXY": "*"}
    async with BotProcess({**own, "PYTHONPATH": str(tmp_path), "BOT_HTTP": f"127.0.0.1:{port}"}) as process:

        async def is_ready(status: int) -> None:
            async with asyncio.timeout(10):
                while (await store_of(port))[0] != status:  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(0.05)

        async def is_answered() -> None:
            before = len(telegram.said())
            await telegram.write(QUESTION)
            await telegram.until(lambda: len(telegram.said()) > before)

        await process.says("Telegram is connected")
        await is_answered()
        await is_ready(200)
        telegram.faults.append(Fault("getUpdates", times=1_000, **fault))
        await telegram.write(QUESTION)
        await is_ready(503)
        telegram.faults.clear()
        await telegram.until(lambda: len(telegram.said()) == 2)
        await is_ready(200)
        # The same for what is sent: most likely it arrived, so it is not sent twice; whoever asks again is answered.
        telegram.faults.append(Fault("sendMessage", **fault))
        await is_answered()
        await is_answered()
        await telegram.until(lambda: not telegram.unconfirmed)
        assert len(telegram.said()) == 4
        assert await process.stop() == DONE
