"""Run the bot on Discord: log in, bring the commands up to date, hold the connections, answer, close."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import discord

from bot.dialogue.dialogue import Dialogue
from bot.platforms.diagnosis import Level
from bot.platforms.discord.commands import definitions, overwrite
from bot.platforms.discord.diagnosis import endpoint_of, settings_of
from bot.platforms.discord.gateway import Shard, Turns
from bot.platforms.discord.handlers import Handlers
from bot.platforms.discord.rest import Callbacks, Post, Rest
from bot.platforms.discord.tracing import trace
from bot.platforms.gate import OPEN, Gate
from bot.platforms.observer import UNOBSERVED, Observer
from bot.platforms.platform import PassingFault, PermanentFault, ProcessFault, Reference
from bot.platforms.slots import Division, LostSlotError, Slots

FINISH_WITHIN = 2.6
"""Seconds for what is being answered when the bot stops; then whoever still waits is told, within one more second, while
the connections are closed."""

LOG_IN_WITHIN = 60.0
SYNC_PAUSES = (30.0, 300.0, 3_600.0)
"""Seconds between attempts to bring the commands up to date."""

INTENTS = discord.Intents(guild_messages=True, dm_messages=True)
"""What arrives without any privilege: interactions need no intent, mentions and direct messages these two."""

# It warns that we keep no servers in memory, which is what we want.
logging.getLogger("discord.state").setLevel(logging.ERROR)
# And the client, that voice is not installed.
discord.VoiceClient.warn_nacl = False
discord.VoiceClient.warn_dave = False


class DiscordPlatform:
    """The bot on Discord. `base_url` is that of the REST interface, which also says where the gateway is.

    `shard_count` and `shard_ids` say which connections this process holds; without them it is one for all, or,
    where `recommended` is set, as many as Discord recommends. With `slots` the process leases one of `slot_count`
    (None: one a connection), and holds the connections that follow from its number.
    """

    name = "discord"

    def __init__(
        self,
        dialogue: Dialogue,
        *,
        token: str,
        base_url: str,
        log: Any,
        reference: Reference,
        shard_count: int | None = None,
        shard_ids: Sequence[int] | None = None,
        recommended: bool = False,
        slots: Slots | None = None,
        slot_count: int | None = None,
        gate: Gate = OPEN,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._dialogue = dialogue
        self._token = token
        self._base_url = base_url
        self._log = log
        self._reference = reference
        self._shard_count = shard_count
        self._shard_ids = shard_ids
        self._recommended = recommended
        self._slots = slots
        self._slot_count = slot_count
        self._gate = gate
        self._observer = observer
        self._inbox: _Inbox | None = None
        self._turns = Turns(log, slots=slots)
        self._shards: Sequence[Shard] = ()

    def can_answer(self) -> bool:
        """Tell whether every connection of this process stands, and answers heartbeats."""
        return bool(self._shards) and all(shard.can_answer() for shard in self._shards)

    def waiting(self) -> int:
        """Return how much is being answered."""
        return self._inbox.length if self._inbox else 0

    async def run(self) -> None:
        """Serve until cancelled; raises PermanentFault, or PassingFault where trying again may help."""
        client = _client(self._base_url)
        rest = client.http
        assert isinstance(rest, Rest)
        rest.http_trace = trace(self._observer)
        async with client, Callbacks(self._base_url, self._log, rest.http_trace) as callbacks:
            me = await _logged_in(rest, self._token)
            try:
                await self._serve(client, rest, callbacks, me)
            finally:
                if self._slots:
                    await self._slots.release()

    async def _serve(self, client: discord.Client, rest: Rest, callbacks: Callbacks, me: str) -> None:
        count, ids = await self._connections(rest)
        client.shard_count = client._connection.shard_count = count  # noqa: SLF001 - it is known only once we are logged in
        post = Post(rest, self._log, asyncio.get_running_loop().time)
        handlers = Handlers(
            self._dialogue, post, callbacks, self._log, self._reference, me, gate=self._gate, observer=self._observer
        )
        inbox = self._inbox = _Inbox(self._log)
        parsers = {
            "MESSAGE_CREATE": lambda raw: inbox.take(handlers.message(raw)),
            "INTERACTION_CREATE": lambda raw: inbox.take(handlers.interaction(raw)),
        }
        shards = [
            Shard(client, rest, self._turns, parsers, self._log, id=id, needed=len(ids) - index)
            for index, id in enumerate(ids)
        ]
        work: list[Coroutine[Any, Any, None]] = [shard.run() for shard in shards]
        if self._slots:
            work.append(_held(self._slots))
        if 0 in ids or None in ids:
            # One process of many is enough.
            work.append(self._bring_commands(rest, me))
        self._shards = shards
        try:
            await _until_fault(work, inbox.fault)
        finally:
            self._shards = ()
            self._inbox = None
            late = await inbox.finish(FINISH_WITHIN)
            await asyncio.gather(_cancelled(late), *(shard.close() for shard in shards))

    async def _connections(self, rest: Rest) -> tuple[int | None, Sequence[int | None]]:
        """Return how many connections there are in all, and which of them are this process's."""
        count = self._shard_count
        if count is None and (self._recommended or self._slots):
            count = await self._turns.recommended(rest)
        if self._slots is None:
            return count, self._shard_ids or (range(count) if count else (None,))
        count = count or 1
        wanted = Division(count, min(self._slot_count or count, count))
        lease = await self._slots.take(wanted)
        held = lease.division
        self._log.info(
            "a slot of Discord's connections is leased", slot=lease.slot, slots=held.slots, shards=held.shards
        )
        if held != wanted:
            self._log.warning(
                "the other processes share out Discord's connections in another way, so this one does as they do; "
                "stop all of them to change it", shards=wanted.shards, slots=wanted.slots,
            )  # fmt: skip
        return held.shards, lease.connections

    async def _bring_commands(self, rest: Rest, me: str) -> None:
        """Write the commands where Discord holds others; a failure is told, and never stops the answering."""
        for pause in (*SYNC_PAUSES, None):
            try:
                await self._compare_commands(rest, await self._application(rest, me))
            except PermanentFault:
                raise
            except Exception as error:  # noqa: BLE001 - the bot answers all the same
                self._log.warning("the commands could not be brought up to date", exc_info=error)
            else:
                return
            if pause is not None:
                await asyncio.sleep(pause)

    async def _application(self, rest: Rest, me: str) -> str:
        """Return the id of our application: for all but the oldest bots that of their user."""
        try:
            told = await rest.fetch("GET", "/oauth2/applications/@me")
        except PassingFault:
            return me
        if not isinstance(told, Mapping):
            return me
        for diagnosis in settings_of(told):
            if diagnosis.level is not Level.FINE:
                self._log.info(diagnosis.text)
        for diagnosis in endpoint_of(told):
            self._log.warning(diagnosis.text)
        return str(told.get("id") or me)

    async def _compare_commands(self, rest: Rest, application: str) -> None:
        path = f"/applications/{application}/commands"
        held = await rest.fetch("GET", path)
        if not isinstance(held, list):
            raise PassingFault("Discord does not say which commands it holds")
        write = overwrite(held, definitions(self._dialogue.knowledge.texts.commands))
        if write is None:
            self._log.info("the commands are up to date")
            return
        await rest.fetch("PUT", path, json=write)
        self._log.info("the commands were brought up to date", commands=len(write))


class _Inbox:
    """Answer events side by side; `fault` is what ends the platform."""

    def __init__(self, log: Any) -> None:
        self.fault: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = True

    def take(self, answering: Coroutine[Any, Any, None]) -> None:
        """Begin to answer an event."""
        if not self._is_open:
            answering.close()
            return
        task = asyncio.get_running_loop().create_task(answering)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    @property
    def length(self) -> int:
        """Return how many events are being answered."""
        return len(self._tasks)

    async def finish(self, within: float) -> set[asyncio.Task[None]]:
        """Take nothing more; wait for what is being answered, and return what takes longer, to be cancelled."""
        self._is_open = False
        late: set[asyncio.Task[None]] = set()
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=within)
            if late:
                self._log.warning("answers were left unfinished", count=len(late))
        if self.fault.done():
            # Whoever raised it has told it.
            self.fault.exception()
        return late

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, PermanentFault):
            if not self.fault.done():
                self.fault.set_exception(error)
        elif error:
            self._log.error("a handler failed", handler="inbox", exc_info=error)


async def _held(slots: Slots) -> None:
    """Renew the lease of our slot; PermanentFault when it was lost, for two must not answer the same servers."""
    try:
        await slots.hold()
    except LostSlotError as lost:
        raise ProcessFault(f"Discord's connections are lost to another process ({lost}).") from lost


def _client(base_url: str) -> discord.Client:
    """Return discord.py's client, which keeps nothing about anyone in memory."""
    client = discord.Client(
        intents=INTENTS,
        allowed_mentions=discord.AllowedMentions.none(),
        max_messages=None,
        member_cache_flags=discord.MemberCacheFlags.none(),
        chunk_guilds_at_startup=False,
    )
    client.http = Rest(base_url, client.loop)
    return client


async def _logged_in(rest: Rest, token: str) -> str:
    """Return our own user id."""
    try:
        user = await asyncio.wait_for(rest.log_in(token), LOG_IN_WITHIN)
    except TimeoutError as error:
        raise PassingFault("Discord cannot be reached") from error
    me = user.get("id") if isinstance(user, Mapping) else None
    if not me:
        raise PassingFault("Discord does not say who we are")
    return str(me)


async def _until_fault(work: Sequence[Coroutine[Any, Any, None]], fault: asyncio.Future[None]) -> None:
    """Run everything side by side until the first of it fails, and raise that; the rest is cancelled."""
    tasks = {asyncio.create_task(coroutine) for coroutine in work}
    waiting: set[asyncio.Future[None]] = {*tasks, fault}
    try:
        while True:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda task: isinstance(task.exception(), PermanentFault), reverse=True):
                task.result()
    finally:
        await _cancelled(tasks)


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
