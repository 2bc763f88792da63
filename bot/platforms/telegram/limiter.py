"""Let messages leave as fast as Telegram permits, and no faster.

The library's own limiter halts every chat when one of them is flooded, and counts for its process alone.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum

from telegram.constants import FloodLimit

from bot.platforms.pace import Pace

CHAT_EVERY = 1.0 / FloodLimit.MESSAGES_PER_SECOND_PER_CHAT
"""Seconds between two messages in one chat (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this)."""

GROUP_MESSAGES = int(FloodLimit.MESSAGES_PER_MINUTE_PER_GROUP)
GROUP_WITHIN = 60.0
"""So many messages may leave for one group in so many seconds."""

PER_SECOND = float(FloodLimit.MESSAGES_PER_SECOND)
"""Messages a second to all chats together, of all processes that share a token."""

_IDLE_CHATS = 1_000
"""Chats remembered before the idle ones among them are looked for."""


class Urgency(IntEnum):
    """Who goes first where not everything can leave at once."""

    PRESS = 0
    PRIVATE = 1
    GROUP = 2


@dataclass(slots=True)
class _Chat:
    """When messages left for a chat, as far back as it matters, or will: a turn is taken when it is given."""

    sent: deque[float]
    paused_until: float = 0.0

    def ready_at(self, now: float, *, is_group: bool, ahead: int = 0) -> float:
        """Return when the next message may leave, or the one after so many more."""
        times = self.sent.copy()
        for _ in range(ahead + 1):
            at = max(now, self.paused_until)
            if times:
                at = max(at, times[-1] + CHAT_EVERY)
            if is_group and len(times) == times.maxlen:
                at = max(at, times[0] + GROUP_WITHIN)
            times.append(at)
        return times[-1]


class Limiter:
    """Turns to send: a chat waits for itself, and only what every chat shares is waited for together.

    `clock` returns seconds that never run backwards. `replicas` processes share the token, and so the rate; those of
    one group share the group's through `pace`, or, where there is none, each takes its part of it. `waited` hears how long each message was held back.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        replicas: int = 1,
        pace: Pace | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        waited: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._clock = clock
        self._waited = waited
        self._sleep = sleep
        self._every = replicas / PER_SECOND
        self._replicas = replicas
        self._pace = pace
        self._most = GROUP_MESSAGES if pace else max(1, GROUP_MESSAGES // replicas)
        self._chats: OrderedDict[int, _Chat] = OrderedDict()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._next = float("-inf")
        self._pump: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Return how many messages wait for what all chats share."""
        return len(self._waiting)

    async def turn(self, chat: int, urgency: Urgency) -> float:
        """Wait until a message may leave for a chat; returns the seconds that this took.

        Whoever calls for one chat twice at once goes in the order of the calls.
        """
        began = self._clock()
        places = await self._pace.take(chat) if self._pace and chat < 0 else None
        known, now = self._chat(chat), self._clock()
        if places:
            # What the others send there counts as well.
            known.sent.clear()
            known.sent.extend(now + place for place in places)
            at = max(known.sent[-1], known.paused_until)
        else:
            at = known.ready_at(now, is_group=chat < 0)
            known.sent.append(at)
        if at > now:
            await self._sleep(at - now)
        await self._shared_turn(urgency)
        now = self._clock()
        if known.sent[-1] == at:
            # What all chats share has taken longer, and the next message counts from when this one leaves.
            known.sent[-1] = now
        self._waited(now - began)
        return now - began

    def pause(self, chat: int, seconds: float) -> None:
        """Send nothing more into a chat for so many seconds, as Telegram has asked (429); the others go on."""
        known = self._chat(chat)
        known.paused_until = max(known.paused_until, self._clock() + seconds)

    def wait(self, chat: int, ahead: int) -> float:
        """Return the seconds that a message would wait in its chat behind so many others."""
        now = self._clock()
        known = self._chats.get(chat) or self._new()
        if self._pace:
            # As many wait in each of the other processes.
            ahead = (ahead + 1) * self._replicas - 1
        return known.ready_at(now, is_group=chat < 0, ahead=ahead) - now

    async def is_first(self, chat: int, seconds: float) -> bool:
        """Tell whether no other process has asked the same about a chat within so many seconds."""
        return self._pace is None or await self._pace.is_first(chat, seconds)

    async def _shared_turn(self, urgency: Urgency) -> None:
        if not self._waiting and self._clock() >= self._next:
            self._next = self._clock() + self._every
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._order), turn))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._give_turns())
        await turn

    async def _give_turns(self) -> None:
        while self._waiting:
            if (wait := self._next - self._clock()) > 0:
                await self._sleep(wait)
            # Whoever gave up meanwhile takes no turn from the others.
            while self._waiting and self._waiting[0][2].done():
                heapq.heappop(self._waiting)
            if self._waiting:
                _, _, turn = heapq.heappop(self._waiting)
                self._next = max(self._next, self._clock() - self._every) + self._every
                turn.set_result(None)

    def _chat(self, id: int) -> _Chat:
        known = self._chats.get(id) or self._chats.setdefault(id, self._new())
        self._chats.move_to_end(id)
        if len(self._chats) > _IDLE_CHATS:
            self._forget()
        return known

    def _new(self) -> _Chat:
        return _Chat(deque(maxlen=self._most))

    def _forget(self) -> None:
        """Drop a few of the chats in which nothing left lately, the longest idle first."""
        now = self._clock()
        for _ in range(4):
            id, chat = next(iter(self._chats.items()))
            if chat.paused_until > now:
                # For hours perhaps, and the others must not be kept for as long.
                self._chats.move_to_end(id)
            elif chat.sent and chat.sent[-1] + GROUP_WITHIN > now:
                return
            else:
                del self._chats[id]
