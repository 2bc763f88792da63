from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.platforms.telegram.limiter import GROUP_MESSAGES, PER_SECOND, Limiter, Urgency


@dataclass
class Hours:
    """Time that passes only while everybody waits."""

    now: float = 0.0
    waiting: list[tuple[float, int, asyncio.Future[None]]] = field(default_factory=list)
    count: int = 0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.count += 1
        heapq.heappush(self.waiting, (self.now + seconds, self.count, woken))
        await woken

    async def run(self, *work: Awaitable[object]) -> None:
        """Do all of `work`, letting time pass whenever nothing else can happen."""
        tasks = [asyncio.ensure_future(one) for one in work]
        while not all(task.done() for task in tasks):
            for _ in range(20):
                await asyncio.sleep(0)
            if self.waiting and not all(task.done() for task in tasks):
                self.now, _, woken = heapq.heappop(self.waiting)
                if not woken.done():
                    woken.set_result(None)
        await asyncio.gather(*tasks)


@pytest.fixture
def hours() -> Hours:
    return Hours()


class Sent:
    """Messages that left, with the time of each."""

    def __init__(self, hours: Hours, **given: Any) -> None:
        self.limiter = Limiter(hours.clock, sleep=hours.sleep, **given)
        self.hours = hours
        self.log: list[tuple[float, int, Urgency]] = []

    async def send(self, chat: int, urgency: Urgency = Urgency.PRIVATE) -> None:
        await self.limiter.turn(chat, urgency)
        self.log.append((self.hours.now, chat, urgency))

    def times(self, chat: int) -> list[float]:
        return [time for time, other, _ in self.log if other == chat]


async def test_a_chat_gets_one_message_a_second(hours: Hours):
    """The first leaves at once, each further one a second after the one before."""
    sent = Sent(hours)
    await hours.run(*(sent.send(1) for _ in range(4)))
    assert sent.times(1) == pytest.approx([0, 1, 2, 3])


async def test_a_group_gets_twenty_a_minute(hours: Hours):
    """No sixty seconds hold more than twenty messages for one group."""
    sent = Sent(hours)
    await hours.run(*(sent.send(-5, Urgency.GROUP) for _ in range(45)))
    times = sent.times(-5)
    assert len(times) == 45
    assert all(later - earlier >= 60 - 1e-6 for earlier, later in zip(times, times[GROUP_MESSAGES:], strict=False))


async def test_a_thousand_chats_are_all_served_at_the_permitted_rate(hours: Hours):
    """A thousand people in a thousand chats wait for the shared rate only, and nobody is left out."""
    sent = Sent(hours)
    await hours.run(*(sent.send(chat) for chat in range(1, 1001)))
    assert len({chat for _, chat, _ in sent.log}) == 1000
    assert hours.now == pytest.approx(999 / PER_SECOND, rel=0.01)


async def test_replicas_share_the_rate(hours: Hours):
    """Each of two processes takes half of what Telegram allows them together."""
    sent = Sent(hours, replicas=2)
    await hours.run(*(sent.send(chat) for chat in range(1, 101)))
    assert hours.now == pytest.approx(2 * 99 / PER_SECOND, rel=0.01)


class Places:
    """The order of a group that two processes share, as long as it is there."""

    def __init__(self, hours: Hours) -> None:
        self.hours = hours
        self.times: list[float] = []
        self.is_gone = False

    async def take(self, chat: int) -> tuple[float, ...] | None:
        assert chat < 0
        if self.is_gone:
            return None
        now = self.hours.now
        at = max([now, *(time + 1 for time in self.times[-1:]), *(time + 60 for time in self.times[-20:][:-19])])
        self.times.append(at)
        return tuple(time - now for time in self.times[-20:])

    async def is_first(self, chat: int, seconds: float) -> bool:
        raise AssertionError(chat, seconds)


async def test_replicas_share_a_group(hours: Hours):
    """Twenty a minute are what two processes send to it together; each knows how long one waits behind the others."""
    places = Places(hours)
    one, other = (Sent(hours, replicas=2, pace=places) for _ in range(2))
    await hours.run(*(sent.send(-5, Urgency.GROUP) for _ in range(15) for sent in (one, other)))
    times = sorted(one.times(-5) + other.times(-5))
    assert len(times) == 30
    assert all(later - earlier >= 60 - 0.1 for earlier, later in zip(times, times[GROUP_MESSAGES:], strict=False))
    # Behind nine here, as many wait in the other process.
    assert one.limiter.wait(-5, 9) == pytest.approx(other.limiter.wait(-5, 9), abs=1.1)
    assert one.limiter.wait(-5, 9) > places.times[10] + 60 - hours.now + 8


async def test_without_what_replicas_share_each_goes_by_itself(hours: Hours):
    """Where it is gone a process sends as if it were alone; where there never was any it takes its part."""
    places = Places(hours)
    places.is_gone = True
    alone, part = Sent(hours, replicas=2, pace=places), Sent(hours, replicas=2)
    await hours.run(*(sent.send(-5, Urgency.GROUP) for _ in range(GROUP_MESSAGES) for sent in (alone, part)))
    assert alone.times(-5)[-1] < 30
    assert part.times(-5)[GROUP_MESSAGES // 2] >= 60


async def test_presses_go_before_private_chats_and_those_before_groups(hours: Hours):
    """Where not everything can leave at once, whoever pressed a button waits least."""
    sent = Sent(hours)
    groups = [sent.send(-chat, Urgency.GROUP) for chat in range(1, 31)]
    people = [sent.send(chat, Urgency.PRIVATE) for chat in range(1, 31)]
    presses = [sent.send(chat, Urgency.PRESS) for chat in range(101, 131)]
    await hours.run(*groups, *people, *presses)
    order = [urgency for _, _, urgency in sent.log]
    # The very first one leaves before anybody waits.
    assert order[1:] == sorted(order[1:])


async def test_a_flooded_chat_waits_alone(hours: Hours):
    """What Telegram asks of one chat holds up no other."""
    sent = Sent(hours)
    sent.limiter.pause(7, 40)
    await hours.run(sent.send(7), sent.send(8))
    assert sent.times(8)[0] < 1
    assert sent.times(7)[0] >= 40


async def test_the_wait_in_a_full_group_is_known_beforehand(hours: Hours):
    """Behind twenty others in a group one waits a minute; in an empty chat nothing."""
    sent = Sent(hours)
    assert sent.limiter.wait(-5, 0) == 0
    await hours.run(*(sent.send(-5, Urgency.GROUP) for _ in range(GROUP_MESSAGES)))
    assert sent.limiter.wait(-5, 0) == pytest.approx(60 - hours.now, abs=0.1)
    assert sent.limiter.wait(-5, GROUP_MESSAGES) == pytest.approx(120 - hours.now, abs=0.1)


async def test_who_gives_up_takes_no_turn(hours: Hours):
    """A message that is cancelled while it waits leaves its place to the next one."""
    sent = Sent(hours)
    tasks = [asyncio.ensure_future(sent.send(chat)) for chat in range(1, 5)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await hours.run(*(tasks[0], tasks[2], tasks[3]))
    assert [chat for _, chat, _ in sent.log] == [1, 3, 4]
    assert hours.now == pytest.approx(2 / PER_SECOND)


async def test_idle_chats_are_forgotten(hours: Hours):
    """Memory does not grow with the number of chats that ever wrote."""
    sent = Sent(hours)
    for start in range(0, 4000, 500):
        await hours.run(*(sent.send(chat) for chat in range(start + 1, start + 501)))
        # One that Telegram has asked to wait for a day keeps no other.
        sent.limiter.pause(1, 86_400)
        hours.now += 120
    assert len(sent.limiter._chats) <= 1_002
