"""Several real processes that share the work: one webhook behind a load balancer, Discord's connections in slots."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import io
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from telegram_server import GROUP, PRIVATE, TOKEN, Fault, TelegramServer
from valkey_server import Line, Valkey
from wire.discord_server import ADA, DIRECT, DiscordServer, code_of
from wire.discord_server import TOKEN as DISCORD_TOKEN
from wire.process import PATIENCE, BotProcess

DONE, NO_PLATFORM = 0, 3
QUESTION = "are my dms read?"
SECRET = "a-secret-of-telegram"
PATH = "/a-path-of-its-own"

QUICK = """
    from bot.platforms.discord import limits
    from bot.service import sharing

    limits.IDENTIFY_EVERY = 0.3
    sharing.WATCH_EVERY = 0.1
    sharing.CLAIM_LAPSES, sharing.CLAIM_RENEWED = 3.0, 0.3
    sharing.SLOT_LAPSES, sharing.SLOT_RENEWED, sharing.SLOT_LOOK, sharing.SLOT_GRACE = 3.0, 0.3, 0.1, 2.0
"""
"""Leases that lapse in seconds, so that a test does not wait for those of a bot that serves people."""


class Replica(BotProcess):
    """One process of several, with a port for its health and one for its webhook."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.http, self.hook = _free_port(), _free_port()
        own = {"BOT_HTTP": f"127.0.0.1:{self.http}"}
        if "TELEGRAM_TOKEN" in environment:
            own["TELEGRAM_WEBHOOK_LISTEN"] = f"127.0.0.1:{self.hook}"
        super().__init__({**environment, **own})

    @property
    def listener(self) -> str:
        """Return where a load balancer finds the webhook."""
        return f"http://127.0.0.1:{self.hook}"

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return what the process has logged."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{") and line.endswith("}")]

    @property
    def slot(self) -> int | None:
        """Return the slot that the process leased."""
        leased = [line for line in self.lines if line["event"].startswith("a slot of Discord's")]
        return leased[-1]["slot"] if leased else None

    def signal(self, name: signal.Signals) -> None:
        os.kill(self.pid, name)

    async def ready(self) -> tuple[int, dict[str, str]]:
        """Ask whether the process is ready."""
        where = f"http://127.0.0.1:{self.http}/readyz"
        async with aiohttp.ClientSession() as session, session.get(where) as response:
            return response.status, (await response.json())["parts"]

    async def shares(self, state: str) -> None:
        """Wait until the part `sharing` is in a state; the process is ready all the while."""

        async def does() -> bool:
            status, parts = await self.ready()
            assert status == 200
            return parts["sharing"].startswith(state)

        await until(does)


async def until(condition: Callable[[], Any]) -> None:
    """Wait until a condition holds, which may have to be awaited itself."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    with Valkey(tmp_path) as running:
        yield running


@pytest.fixture
def shared(tmp_path: Path, valkey: Valkey) -> dict[str, str]:
    """Return the settings of processes that share a server and have quick leases."""
    (tmp_path / "sitecustomize.py").write_text(dedent(QUICK))
    return {"BOT_STATE": valkey.url, "PYTHONPATH": str(tmp_path)}


@asynccontextmanager
async def running(count: int, environment: dict[str, str]) -> AsyncIterator[list[Replica]]:
    """Run so many processes with the same settings."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Replica(environment)) for _ in range(count)]


# --- Telegram by webhook ------------------------------------------------------------------------------------------


def by_webhook(telegram: TelegramServer, shared: dict[str, str]) -> dict[str, str]:
    return {
        **shared,
        "TELEGRAM_TOKEN": TOKEN,
        "TELEGRAM_API_BASE_URL": telegram.base_url,
        "TELEGRAM_WEBHOOK_URL": f"https://bot.example.org{PATH}",
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
    }


@asynccontextmanager
async def webhooks(count: int, telegram: TelegramServer, shared: dict[str, str]) -> AsyncIterator[list[Replica]]:
    """Run so many processes behind one webhook."""
    async with running(count, by_webhook(telegram, shared)) as replicas:
        for replica in replicas:
            await replica.says("Telegram is connected")
        telegram.deliver_to = [replica.listener for replica in replicas]
        yield replicas
        telegram.deliver_to = []


def person(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a private chat and who writes there."""
    id = PRIVATE["id"] + 1_000 + number
    return {**PRIVATE, "id": id}, {"id": id, "is_bot": False, "first_name": "Somebody"}


async def all_answered(telegram: TelegramServer, chats: list[int], times: int = 1) -> None:
    """Wait until everything is delivered; each chat must have got so many answers then, and no more."""
    await telegram.until(lambda: not telegram.undelivered, PATIENCE)
    assert {chat: len(telegram.said(chat)) for chat in chats} == dict.fromkeys(chats, times)


async def test_each_update_is_answered_once_whoever_it_is_delivered_to(
    telegram: TelegramServer, shared: dict[str, str]
):
    """Two processes are handed each update twice at the same moment, and then once more: each gets one answer."""
    async with webhooks(2, telegram, shared) as replicas:
        telegram.times = 2
        people = [person(number) for number in range(24)]
        for chat, user in people:
            await telegram.write(QUESTION, chat, user)
        chats = [chat["id"] for chat, _ in people]
        await all_answered(telegram, chats)
        for number, (chat, user) in enumerate(people):
            telegram.deliver({"update_id": 501 + number, "message": telegram.body(chat, user, text=QUESTION)})
        await all_answered(telegram, chats)
        assert all([(await replica.ready())[0] == 200 for replica in replicas])

        # What does not come from Telegram.
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
        update = {"update_id": 900, "message": telegram.body(*person(99), text=QUESTION)}
        async with aiohttp.ClientSession(replicas[0].listener) as session:
            for method, path, secret, body, status in (
                ("POST", PATH, "a-guess", update, 403),
                ("POST", "/", SECRET, update, 404),
                ("POST", PATH + "/", SECRET, update, 404),
                ("POST", "/healthz", SECRET, update, 404),
                ("GET", PATH, SECRET, None, 404),
                ("GET", "/metrics", SECRET, None, 404),
                ("PUT", PATH, SECRET, update, 404),
                ("POST", PATH, SECRET, ["x" * (1 << 20)], 413),
                ("POST", PATH, SECRET, ["no update"], 400),
            ):
                headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
                data = io.BytesIO(json.dumps(body).encode())
                async with session.request(method, path, data=data, headers=headers) as response:
                    assert (response.status, await response.text()) == (status, ""), (method, path)
        assert telegram.said(person(99)[0]["id"]) == []
    for told in (TOKEN, SECRET, QUESTION):
        assert not any(told in replica.output for replica in replicas)


async def test_an_update_outlives_the_process_that_answers_it(telegram: TelegramServer, shared: dict[str, str]):
    """Whether that is killed, or stopped before it could finish, another one answers; one that can finish does so."""
    never, later = asyncio.Event(), asyncio.Event()
    async with webhooks(3, telegram, shared) as (killed, stopped, last):
        killed_chat, stopped_chat, last_chat = (person(number)[0]["id"] for number in range(3))
        for hold, chat in ((never, killed_chat), (never, stopped_chat), (later, last_chat)):
            telegram.faults.append(Fault("sendMessage", hold=hold, chat=chat))

        telegram.deliver_to = [killed.listener]
        await telegram.write(QUESTION, *person(0))
        await telegram.until(lambda: telegram.said(killed_chat))
        telegram.deliver_to = [killed.listener, last.listener]
        await killed.stop(signal.SIGKILL)
        await all_answered(telegram, [killed_chat], 2)

        telegram.deliver_to = [stopped.listener]
        await telegram.write(QUESTION, *person(1))
        await telegram.until(lambda: telegram.said(stopped_chat))
        telegram.deliver_to = [stopped.listener, last.listener]
        assert await stopped.stop() == DONE
        await all_answered(telegram, [stopped_chat], 2)

        telegram.deliver_to = [last.listener]
        await telegram.write(QUESTION, *person(2))
        await telegram.until(lambda: telegram.said(last_chat))
        last.signal(signal.SIGTERM)
        await until(lambda: _is_closed(last.hook))
        later.set()
        await all_answered(telegram, [last_chat])
        assert await last.ended(5) == DONE
        never.set()


async def _is_closed(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.close()
    return False


async def test_answers_go_on_while_the_shared_server_is_gone(
    telegram: TelegramServer, valkey: Valkey, shared: dict[str, str]
):
    """Not there at the start, there, hanging, there, killed: each question is answered, readiness tells the state."""
    number = 0

    async def ask() -> None:
        nonlocal number
        chats = []
        for _ in range(4):
            number += 1
            chats.append(person(number)[0]["id"])
            await telegram.write(QUESTION, *person(number))
        await all_answered(telegram, chats)

    valkey.kill()
    async with webhooks(2, telegram, shared) as replicas:
        for gone in (None, valkey.hang, valkey.kill):
            telegram.times = 1
            if gone:
                gone()
                # Also before anybody has noticed.
                await ask()
            for replica in replicas:
                await replica.shares("degraded")
            await ask()
            valkey.go_on() if gone == valkey.hang else valkey.start()
            for replica in replicas:
                await replica.shares("ok")
            telegram.times = 2
            await ask()
        assert [await replica.stop() for replica in replicas] == [DONE, DONE]


async def test_a_group_gets_what_telegram_allows_from_all_together(
    telegram: TelegramServer, shared: dict[str, str], tmp_path: Path
):
    """Two processes send no more to a group than one would; everybody there is answered."""
    few = """
        from bot.platforms.telegram import limiter

        limiter.GROUP_MESSAGES, limiter.GROUP_WITHIN, limiter.CHAT_EVERY = 5, 3.0, 0.1
    """
    (tmp_path / "sitecustomize.py").write_text(dedent(QUICK) + dedent(few))
    async with webhooks(2, telegram, shared) as replicas:
        for number in range(14):
            await telegram.write(f"{QUESTION} @GuideTestBot", GROUP, person(number)[1])
        await telegram.until(lambda: len(telegram.said(GROUP["id"])) == 14, PATIENCE)
        times = [call.at for call in telegram.said(GROUP["id"])]
        spans = [later - earlier for earlier, later in zip(times, times[5:], strict=False)]
        assert min(spans) > 2.5, spans
        assert all([(await replica.ready())[1]["sharing"] == "ok" for replica in replicas])
        for replica in replicas:
            assert str(GROUP["id"]) not in replica.output


# --- Discord in slots ---------------------------------------------------------------------------------------------


def in_slots(discord: DiscordServer, shared: dict[str, str], shards: str) -> dict[str, str]:
    return {
        **shared,
        **discord.environment,
        "DISCORD_SHARD_COUNT": shards,
        "DISCORD_SHARD_IDS": "auto",
        "DISCORD_SLOTS": "2",
    }


class Keys:
    """What the processes keep in the server that they share."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._bot = hashlib.sha256(f"privacy-bot {DISCORD_TOKEN}".encode()).hexdigest()[:12]

    def name(self, *parts: object) -> str:
        return ":".join(("privacy-bot", self._bot, *map(str, parts)))

    async def slots(self) -> list[bytes | None]:
        """Return who holds each of the two slots."""
        return list(await self.redis.mget(self.name("slot", 0), self.name("slot", 1)))

    async def held_by(self, holders: list[bytes | None]) -> bool:
        return await self.slots() == holders


@pytest.fixture
async def keys(valkey: Valkey) -> AsyncIterator[Keys]:
    redis = Redis.from_url(valkey.url, retry=Retry(NoBackoff(), 3))
    yield Keys(redis)
    await redis.aclose()


def held(discord: DiscordServer) -> list[int]:
    """Return the shards of all connections that stand."""
    return sorted(session.shard for session in discord.sessions.values() if session.connection)


async def answers(discord: DiscordServer, shards: int) -> None:
    """Ask on each shard, and get one answer."""
    discord.forget()
    for shard in range(shards):
        channel = str(int(DIRECT) + shard)
        asker = {**ADA, "id": str(int(ADA["id"]) + int(discord.id()) % 1_000_000)}
        await discord.say(QUESTION, shard=shard, channel_id=channel, author=asker)
    await discord.until(lambda: len(discord.messages) >= shards)
    assert sorted(message["channel_id"] for message in discord.messages) == [
        str(int(DIRECT) + shard) for shard in range(shards)
    ]


async def test_connections_are_shared_out_and_kept(
    discord: DiscordServer, valkey: Valkey, shared: dict[str, str], keys: Keys
):
    """Two processes hold as many connections as Discord recommends, a third waits; a server that starts anew changes nothing."""
    discord.limit["max_concurrency"] = 1
    # Somebody else's turn: nobody may start a session meanwhile.
    await keys.redis.set(keys.name("identify", 0), "somebody else")
    async with running(3, in_slots(discord, shared, "auto")) as replicas:
        await until(lambda: sum(replica.slot is not None for replica in replicas) == 2)
        holders = sorted((replica for replica in replicas if replica.slot is not None), key=lambda one: one.slot or 0)
        (spare,) = (replica for replica in replicas if replica.slot is None)
        await spare.says("waits as a spare")
        asked = "GET", "/gateway/bot"
        # Once for the number of connections, and once before each session.
        await discord.until(lambda: sum((call.method, call.path) == asked for call in discord.calls) >= 3 + 2)
        assert discord.identified == []
        await keys.redis.delete(keys.name("identify", 0))
        await discord.until(lambda: held(discord) == [0, 1, 2])
        assert sorted(data["shard"] for data in discord.identified) == [[0, 3], [1, 3], [2, 3]]
        await answers(discord, 3)
        assert [(await holder.ready())[0] for holder in holders] == [200, 200]
        status, parts = await spare.ready()
        assert (status, parts["platforms.discord"], parts["sharing"]) == (503, "degraded", "ok")

        before = await keys.slots()
        for stop, go_on in ((valkey.kill, valkey.start), (valkey.hang, valkey.go_on)):
            stop()
            for holder in holders:
                await holder.shares("degraded")
            await answers(discord, 3)
            if stop == valkey.hang:
                # Until the leases have run out.
                await asyncio.sleep(3.5)
            go_on()
            for holder in holders:
                await holder.shares("ok")
            await until(lambda: keys.held_by(before))
            await answers(discord, 3)
        assert spare.slot is None
        assert len(discord.identified) == 3
        assert await holders[0].stop() == DONE
        # At once, not when its lease has run out.
        assert (await keys.slots())[0] != before[0]
        await discord.until(lambda: spare.slot == 0 and held(discord) == [0, 1, 2])
        assert [await replica.stop() for replica in (holders[1], spare)] == [DONE, DONE]
        assert await keys.slots() == [None, None]
        assert not await keys.redis.exists(keys.name("division"))


async def test_a_spare_takes_over(discord: DiscordServer, shared: dict[str, str], keys: Keys):
    """From a holder that is killed, and from one that stood still for longer than its lease, which ends with 3.

    What runs also says how many connections there are; a spare that was told another number does as it does.
    """
    async with AsyncExitStack() as stack:
        replicas = await stack.enter_async_context(running(2, in_slots(discord, shared, "4")))
        await discord.until(lambda: held(discord) == [0, 1, 2, 3])
        spares = await stack.enter_async_context(running(2, in_slots(discord, shared, "8")))
        for spare in spares:
            await spare.says("waits as a spare")
        replicas += spares
        holders = {replica.slot: replica for replica in replicas if replica.slot is not None}
        await holders[0].stop(signal.SIGKILL)
        await discord.until(lambda: held(discord) == [1, 3])
        await discord.until(lambda: held(discord) == [0, 1, 2, 3])
        await answers(discord, 4)

        holders[1].signal(signal.SIGSTOP)
        await until(lambda: [replica.slot for replica in replicas].count(1) == 2)
        holders[1].signal(signal.SIGCONT)
        assert await holders[1].ended() == NO_PLATFORM
        assert "another process holds slot 1 now" in holders[1].output
        await discord.until(lambda: held(discord) == [0, 1, 2, 3])
        await answers(discord, 4)
        assert sorted(data["shard"][0] for data in discord.identified) == [0, 0, 1, 1, 2, 2, 3, 3]
        assert None not in await keys.slots()
        for spare in spares:
            assert "stop all of them to change it" in spare.output
            assert await spare.stop() == DONE
        assert await keys.slots() == [None, None]


LATE = 5.0
"""Seconds by which a slow server answers late; whatever waits for it waits at least so long."""


async def test_a_slow_shared_server_holds_nobody_up(
    telegram: TelegramServer, discord: DiscordServer, valkey: Valkey, shared: dict[str, str], keys: Keys
):
    """While each answer of it comes seconds late, people get theirs, connections stay, and each press is counted once."""
    pressed = number = 0

    async def ask() -> None:
        """Ask and press on both platforms."""
        nonlocal pressed, number
        number += 1
        who = {"person": {**ADA, "id": str(int(ADA["id"]) + number)}}
        asked = await discord.command("ask", "are my private messages read?", **who)
        helped = code_of(asked["data"], "This helped")
        assert (await discord.press(helped, {**asked["data"], "id": "1"}, **who))["type"] == 7
        pressed += 1
        await telegram.write(QUESTION, *person(number))
        await all_answered(telegram, [person(number)[0]["id"]])

    async def counted() -> int:
        names = [name async for name in keys.redis.scan_iter(match="privacy-bot:counts:*")]
        return sum([sum(map(int, await keys.redis.hvals(name))) for name in names])

    async with Line(valkey.port) as line:
        both = {**in_slots(discord, shared, "2"), "BOT_STATE": line.url}
        async with webhooks(2, telegram, both) as replicas:
            await discord.until(lambda: held(discord) == [0, 1])
            await ask()
            line.delay = LATE
            began = asyncio.get_running_loop().time()
            for _ in range(2):
                await ask()
            assert asyncio.get_running_loop().time() - began < LATE
            for replica in replicas:
                await replica.shares("degraded")
            for _ in range(3):
                await ask()
            # Longer than a lease lasts.
            await asyncio.sleep(4)
            await answers(discord, 2)
            line.delay = 0
            for replica in replicas:
                await replica.shares("ok")
            await ask()
            await until(counted)
            assert [await replica.stop() for replica in replicas] == [DONE, DONE]
        assert len(discord.identified) == 2
        assert await counted() == pressed == 7
