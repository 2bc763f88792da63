"""Connect to Telegram, take what comes, answer it, close."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from functools import partial
from typing import Any, Protocol

from telegram import Bot, Update
from telegram.constants import ChatType
from telegram.error import InvalidToken

from bot.dialogue.dialogue import Dialogue
from bot.platforms.claims import Claims, LocalClaims
from bot.platforms.gate import OPEN, Act, Gate, Verdict
from bot.platforms.observer import UNOBSERVED, Observer
from bot.platforms.pace import Pace
from bot.platforms.platform import PermanentFault, Reference
from bot.platforms.telegram import commands, events
from bot.platforms.telegram.answering import Answering
from bot.platforms.telegram.connection import connect
from bot.platforms.telegram.diagnosis import settings_of
from bot.platforms.telegram.events import Asked, Commanded, Event, Pressed, Typed, WithoutText
from bot.platforms.telegram.lanes import Lanes
from bot.platforms.telegram.limiter import Limiter
from bot.platforms.telegram.outbox import Outbox
from bot.platforms.telegram.polling import CONFLICT_WAIT, REFUSED, Polling
from bot.platforms.telegram.presses import Presses
from bot.platforms.telegram.render import render
from bot.platforms.telegram.unconfirmed import Unconfirmed
from bot.platforms.telegram.webhook import Listen, Take, Webhook

LONGEST_GROUP_WAIT = 60.0
"""Seconds that somebody in a group waits for an answer; what would wait longer is covered by one sentence for all."""

_MOST_ALBUMS = 200
"""Albums whose other parts may still come."""

FINISH_WITHIN = 2.6
CONFIRM_WITHIN = 0.4
"""Seconds that answers under way have when the bot stops, then presses, then the confirmation; together below 4."""


class Intake(Protocol):
    """How updates come in."""

    @property
    def connected(self) -> bool:
        """Tell whether updates arrive, as far as could be told last."""

    async def begin(self) -> None:
        """Reach Telegram, however long it takes; PermanentFault where that cannot help."""

    async def run(self) -> None:
        """Take updates until cancelled."""

    async def stop(self) -> None:
        """Take nothing more."""

    async def confirm(self) -> None:
        """Tell Telegram what has been answered meanwhile."""


class TelegramPlatform:
    """The bot on Telegram; `run` may be called again after it failed.

    It polls, or, with `listen`, takes its updates by webhook, as one of several processes that share `claims`.
    `replicas` are the processes that send with the same token, `pace` what they share of each group. `clock` returns seconds that never run backwards,
    `now` those since 1970.
    """

    name = "telegram"

    def __init__(
        self,
        dialogue: Dialogue,
        *,
        token: str,
        base_url: str,
        log: Any,
        reference: Reference,
        clock: Callable[[], float],
        now: Callable[[], float] = time.time,
        listen: Listen | None = None,
        claims: Claims | None = None,
        replicas: int = 1,
        pace: Pace | None = None,
        conflict_wait: float = CONFLICT_WAIT,
        gate: Gate = OPEN,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._dialogue = dialogue
        self._token = token
        self._base_url = base_url
        self._log = log
        self._reference = reference
        self._conflict_wait = conflict_wait
        self._now = now
        self._listen = listen
        self._replicas = replicas
        self._claims = claims or LocalClaims(clock)
        self._unconfirmed = Unconfirmed(clock)
        # Kept for as long as the process lives, since Telegram counts over all of it.
        self._limiter = Limiter(clock, replicas=replicas, pace=pace, waited=observer.waited)
        self._gate = gate
        self._observer = observer
        self._clock = clock
        self._connection: _Connection | None = None

    async def run(self) -> None:
        """Serve until cancelled; PermanentFault for a bad token, a refused webhook, or another process in the way."""
        bot = connect(self._token, self._base_url, self._observer, known=self._unconfirmed.knows)
        self._connection = _Connection(
            bot,
            self._dialogue,
            self._limiter,
            self._intake,
            self._log,
            self._reference,
            gate=self._gate,
            observer=self._observer,
            clock=self._clock,
        )
        try:
            await self._connection.run()
        finally:
            self._connection = None
            self._unconfirmed.forget_unanswered()

    def can_answer(self) -> bool:
        """Tell whether updates arrive, as far as could be told last."""
        return self._connection is not None and self._connection.intake.connected

    def waiting(self) -> int:
        """Return how much waits to be answered or sent."""
        return self._connection.waiting if self._connection else 0

    def _intake(self, bot: Bot, take: Take) -> Intake:
        if self._listen:
            return Webhook(bot, take, self._claims, self._listen, self._log, now=self._now, replicas=self._replicas)

        async def fetched(update: Update) -> None:
            # The update itself is not kept: hundreds of them would soon be looked through for garbage.
            id = update.update_id
            (await take(update)).add_done_callback(lambda done: self._unconfirmed.answer(id) if done.result() else None)

        return Polling(bot, fetched, self._unconfirmed, self._log, conflict_wait=self._conflict_wait)


class _Connection:
    """One run: a fresh client, and everything that lives as long as it."""

    def __init__(
        self,
        bot: Bot,
        dialogue: Dialogue,
        limiter: Limiter,
        intake: Callable[[Bot, Take], Intake],
        log: Any,
        reference: Reference,
        *,
        gate: Gate,
        observer: Observer,
        clock: Callable[[], float],
    ) -> None:
        self._bot = bot
        self._gate = gate
        self._observer = observer
        self._clock = clock
        self._albums: OrderedDict[tuple[int, str], asyncio.Task[Verdict]] = OrderedDict()
        self._presses = Presses(bot, observer)
        self._outbox = Outbox(bot, self._presses, log, limiter)
        self._dialogue = dialogue
        self._limiter = limiter
        self._log = log
        self._reference = reference
        self._lanes = Lanes()
        self._covered: set[int] = set()
        self._overfull: set[Hashable] = set()
        self._acknowledging: set[asyncio.Task[bool]] = set()
        self._refused = asyncio.Event()
        self.intake = intake(bot, self._take)
        self._answering: Answering | None = None

    async def run(self) -> None:
        """Serve until cancelled or refused."""
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self.intake.begin()
            self._answering = Answering(
                self._dialogue, self._outbox, self._bot.bot, self._log, self._reference, observer=self._observer
            )
            self._tell()
            texts = self._dialogue.knowledge.texts
            tasks = [
                asyncio.create_task(self.intake.run()),
                asyncio.create_task(self._refused.wait()),
                asyncio.create_task(commands.synchronise(self._bot, texts, self._log)),
            ]
            await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
            if self._refused.is_set():
                raise PermanentFault(REFUSED)
            await tasks[0]
        finally:
            await self._close(tasks)

    @property
    def waiting(self) -> int:
        """Return how much waits to be answered or sent."""
        return self._lanes.length

    def _tell(self) -> None:
        self._log.info("Telegram is connected")
        for diagnosis in settings_of(self._bot.bot):
            self._log.info(diagnosis.text)

    async def _take(self, update: Update) -> asyncio.Future[bool]:
        """Hand an update to the lane of its chat, once there is room.

        The future tells whether it was answered, or needs no answer; a cancelled one is not, so Telegram keeps it.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            event = events.read(update, self._bot.bot)
        except Exception as error:  # noqa: BLE001 - an update that we do not understand is passed by
            self._log.error("an update could not be read", reference=self._reference(), exc_info=error)
            event = None
        if event is None or self._answering is None:
            done.set_result(event is None)
            return done
        self._answering.expect(event)
        # A press is acknowledged at once, whatever its chat still waits for.
        acknowledged = self._acknowledge(event) if isinstance(event, Pressed) else None
        verdict = self._judge(update, event)
        await self._lanes.room()
        answer: Callable[[], Awaitable[None]] | None = partial(
            self._answer, event, verdict, acknowledged, self._clock()
        )
        lane = events.lane(event)
        if (chat := _group_of(event)) is not None and self._is_flooded(chat, lane):
            # Told now, not behind all that waits already.
            answer, lane = self._cover(chat, event), ("flooded", chat)
        if answer is None:
            done.set_result(True)
        elif self._lanes.put(lane, partial(self._work, answer, done)):
            self._overfull.discard(lane)
        else:
            if lane not in self._overfull:
                self._log.warning("a chat sends more than can be answered; the newest is left out")
            self._overfull.add(lane)
            done.set_result(True)
        # So many updates at once must not hold up what answers them.
        await asyncio.sleep(0)
        return done

    def _judge(self, update: Update, event: Event) -> asyncio.Task[Verdict]:
        """Count what somebody does, at the moment when it arrives; an album counts once."""
        act = Act.PRESS if isinstance(event, Pressed) else Act.TYPING if isinstance(event, Typed) else Act.QUESTION
        person, chat = update.effective_sender, update.effective_chat
        shared = chat.id if chat and chat.type != ChatType.PRIVATE else None
        counted = self._gate.verdict(act, person.id if person else None, shared)
        album = event.album if isinstance(event, Asked | Commanded | WithoutText) else None
        if album is None or chat is None:
            return asyncio.create_task(_verdict(counted))
        if first := self._albums.get((chat.id, album)):
            counted.close()
            return asyncio.create_task(_as_first(first))
        task = self._albums[chat.id, album] = asyncio.create_task(_verdict(counted))
        if len(self._albums) > _MOST_ALBUMS:
            self._albums.popitem(last=False)
        return task

    async def _answer(
        self, event: Event, verdict: asyncio.Task[Verdict], acknowledged: asyncio.Task[bool] | None, began: float
    ) -> None:
        """Answer an event as far as its sender has not asked too much."""
        assert self._answering
        judged = await verdict
        if judged is Verdict.ANSWER:
            await self._answering.answer(event, acknowledged)
            self._observer.replied(self._clock() - began)
        elif judged is Verdict.TELL and not isinstance(event, Typed) and event.where:
            await self._outbox.send(event.where, render(self._dialogue.too_much(), self._dialogue.knowledge.texts))

    def _is_flooded(self, chat: int, lane: Hashable) -> bool:
        """Tell whether an answer would wait in a group for longer than anybody would."""
        flooded = self._limiter.wait(chat, self._lanes.waiting(lane)) > LONGEST_GROUP_WAIT
        if not flooded:
            self._covered.discard(chat)
        return flooded

    def _cover(self, chat: int, event: Event) -> Callable[[], Awaitable[None]] | None:
        """Return what tells a flooded group so, once for all who ask meanwhile; None where it has been told."""
        if chat in self._covered or self._answering is None:
            return None
        self._covered.add(chat)
        return partial(self._tell_flooded, self._answering, chat, event)

    async def _tell_flooded(self, answering: Answering, chat: int, event: Event) -> None:
        if await self._limiter.is_first(chat, LONGEST_GROUP_WAIT):
            await answering.tell_flooded(event)

    def _acknowledge(self, event: Pressed) -> asyncio.Task[bool]:
        assert self._answering
        task = asyncio.create_task(self._answering.acknowledge(event))
        self._acknowledging.add(task)
        task.add_done_callback(self._acknowledged)
        return task

    def _acknowledged(self, task: asyncio.Task[bool]) -> None:
        self._acknowledging.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failed(error)

    async def _work(self, answer: Callable[[], Awaitable[None]], done: asyncio.Future[bool]) -> None:
        try:
            await answer()
        except Exception as error:  # noqa: BLE001 - one update never ends the others
            self._failed(error)
        except asyncio.CancelledError:
            done.set_result(False)
            raise
        done.set_result(True)

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, InvalidToken):
            self._refused.set()
            return
        self._log.error("an update could not be answered", reference=self._reference(), exc_info=error)

    async def _close(self, tasks: list[asyncio.Task[Any]]) -> None:
        """Take nothing new, finish what is being answered, confirm it, close."""
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self.intake.stop()
        await self._lanes.close(0 if self._refused.is_set() else FINISH_WITHIN)
        if self._acknowledging:
            _, late = await asyncio.wait(set(self._acknowledging), timeout=CONFIRM_WITHIN)
            for task in late:
                task.cancel()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CONFIRM_WITHIN):
                await self.intake.confirm()
        with contextlib.suppress(Exception):
            await self._presses.close()
        with contextlib.suppress(Exception):
            await self._bot.shutdown()


async def _verdict(counted: Coroutine[Any, Any, Verdict]) -> Verdict:
    return await counted


async def _as_first(first: asyncio.Task[Verdict]) -> Verdict:
    """Return what a part of an album gets: an answer with the first one, else nothing of its own."""
    return Verdict.ANSWER if await first is Verdict.ANSWER else Verdict.SILENCE


def _group_of(event: Event) -> int | None:
    """Return the group in which something asks for a message of its own; presses only change one that is there."""
    if isinstance(event, Asked | Commanded | WithoutText) and event.where.chat < 0:
        return event.where.chat
    return None
