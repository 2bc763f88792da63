from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis.asyncio
from conftest import TODAY, Clock
from limits import RateLimitItem
from limits.aio.strategies import MovingWindowRateLimiter
from valkey_server import Valkey

from bot.platforms.gate import Act, Verdict
from bot.service.flood import ALLOWED, SHARED_AGAIN, TOLD_FOR, Counters, Counting, FloodGate, RedisCounters

TOKEN = "7:token-of-a-test"
ANSWER, TELL, SILENCE = Verdict.ANSWER, Verdict.TELL, Verdict.SILENCE


@pytest.fixture
def gate(clock: Clock) -> FloodGate:
    return FloodGate(Counters(clock), token=TOKEN, today=lambda: TODAY)


async def verdicts(
    gate: FloodGate, act: Act, count: int, person: object = "ada", chat: object = "room"
) -> list[Verdict]:
    return [await gate.verdict(act, person, chat) for _ in range(count)]


async def test_too_many_questions_get_one_sentence_and_then_silence(gate: FloodGate, clock: Clock):
    """Forty questions in twenty seconds are answered, the next is told that it was too much, the rest get nothing."""
    assert await verdicts(gate, Act.QUESTION, 40) == [ANSWER] * 40
    assert await verdicts(gate, Act.QUESTION, 30) == [TELL] + [SILENCE] * 29
    clock.now = 20.0
    assert await verdicts(gate, Act.QUESTION, 1) == [ANSWER]


async def test_what_is_refused_does_not_prolong_the_silence(gate: FloodGate, clock: Clock):
    """Whoever goes on asking meanwhile is answered as soon as whoever waited."""
    await verdicts(gate, Act.QUESTION, 40)
    for second in range(1, 20):
        clock.now = float(second)
        assert await gate.verdict(Act.QUESTION, "ada", "room") is not ANSWER
    clock.now = 20.0
    assert await gate.verdict(Act.QUESTION, "ada", "room") is ANSWER


async def test_one_person_takes_nothing_from_the_others(gate: FloodGate):
    """Who is over their limit is silent alone; the others in the chat are answered."""
    await verdicts(gate, Act.QUESTION, 100)
    assert await verdicts(gate, Act.QUESTION, 40, "bob") == [ANSWER] * 40


async def test_a_chat_is_told_once_for_everybody_in_it(gate: FloodGate, clock: Clock):
    """Three hundred questions a minute are answered in a chat; then one sentence, whoever asks; other chats go on."""
    got = [await gate.verdict(Act.QUESTION, person, "room") for person in range(310)]
    assert got == [ANSWER] * 300 + [TELL] + [SILENCE] * 9
    assert await gate.verdict(Act.QUESTION, 39, "elsewhere") is ANSWER
    clock.now = 60.0
    assert await gate.verdict(Act.QUESTION, 39, "room") is ANSWER


async def test_presses_have_a_limit_of_their_own(gate: FloodGate):
    """Whoever asked too much can still press; sixty presses in twenty seconds go through."""
    await verdicts(gate, Act.QUESTION, 40)
    assert await verdicts(gate, Act.PRESS, 62) == [ANSWER] * 60 + [TELL, SILENCE]


async def test_an_act_of_nobody_counts_for_its_chat_alone(gate: FloodGate):
    """Where a platform names no person, the limit of the chat holds; where it names neither, none does."""
    assert (await verdicts(gate, Act.QUESTION, 305, None)).count(ANSWER) == 300
    assert await verdicts(gate, Act.QUESTION, 400, None, None) == [ANSWER] * 400


class Recorder:
    """Count nothing, and keep the names under which it would be counted."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        self.names.append(item.key_for(*identifiers))
        return True

    async def close(self) -> None:
        pass


async def test_counters_name_nobody_and_change_every_day(clock: Clock):
    """The name of a counter holds no id; it is another one on the next day, and for another bot."""
    recorder = Recorder()
    day = TODAY

    async def names(token: str) -> set[str]:
        recorder.names.clear()
        await FloodGate(Counters(clock, recorder), token=token, today=lambda: day).verdict(Act.QUESTION, 4711, -815)
        return set(recorder.names)

    first = await names(TOKEN)
    assert first == await names(TOKEN)
    assert not any("4711" in name or "815" in name or TOKEN in name for name in first)
    assert not first & await names("8:another")
    day += datetime.timedelta(days=1)
    assert not first & await names(TOKEN)


async def test_counters_in_memory_are_dropped_when_they_are_over(clock: Clock):
    """Ten thousand people of a minute ago take no memory any more."""
    counting = Counting(clock)
    limiter = MovingWindowRateLimiter(counting)
    limit = ALLOWED[Act.QUESTION].person
    for person in range(10_000):
        await limiter.hit(limit, str(person))
    clock.now = 61.0
    for person in range(5_000):
        await limiter.hit(limit, f"new {person}")
    assert len(counting) == 5_000


async def test_counting_takes_no_time_that_matters(gate: FloodGate):
    """With ten thousand people under way, a verdict takes well under a millisecond."""
    for person in range(10_000):
        await gate.verdict(Act.PRESS, person, person)
    began = time.process_time()
    for person in range(1_000):
        await gate.verdict(Act.PRESS, person, person)
    assert time.process_time() - began < 0.5


class Slow:
    """Counters that take long, or are gone."""

    def __init__(self, fault: Callable[[], object]) -> None:
        self.fault = fault
        self.asked = 0

    async def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        self.asked += 1
        if asyncio.iscoroutine(waits := self.fault()):
            await waits
        return True

    async def close(self) -> None:
        pass


def _raise(error: Exception) -> Callable[[], object]:
    def fault() -> object:
        raise error

    return fault


@pytest.mark.parametrize("fault", [_raise(redis.ConnectionError("gone")), _raise(OSError()), lambda: asyncio.sleep(60)])
async def test_without_redis_each_process_counts_by_itself(clock: Clock, fault: Callable[[], object]):
    """What is gone or slow is asked once and then left alone; the limits hold all the same, and it says so."""
    shared = Slow(fault)
    counters = Counters(clock, shared)
    gate = FloodGate(counters, token=TOKEN, today=lambda: TODAY)
    async with asyncio.timeout(5):
        assert await verdicts(gate, Act.QUESTION, 42) == [ANSWER] * 40 + [TELL, SILENCE]
    assert counters.degraded
    assert shared.asked == 1
    clock.now = SHARED_AGAIN
    shared.fault = lambda: None
    assert await gate.verdict(Act.QUESTION, "ada", "room") is ANSWER
    assert not counters.degraded


async def test_a_failure_is_not_told_for_ever_where_nobody_asks(clock: Clock):
    """In a quiet night nothing is counted, so nothing shows that Redis is back; other parts tell whether it is."""
    counters = Counters(clock, Slow(_raise(OSError())))
    await FloodGate(counters, token=TOKEN, today=lambda: TODAY).verdict(Act.QUESTION, "ada", "room")
    clock.now = TOLD_FOR - 1
    assert counters.degraded
    clock.now = TOLD_FOR
    assert not counters.degraded


async def test_processes_share_their_counters_through_a_server(tmp_path: Path):
    """Two processes together let through what one may; the server is killed and comes back in the middle."""
    with Valkey(tmp_path) as valkey:
        clock = Clock()
        pair = [Counters(clock, RedisCounters(valkey.url)) for _ in range(2)]
        gates = [FloodGate(counters, token=TOKEN, today=lambda: TODAY) for counters in pair]
        got = [await gates[number % 2].verdict(Act.QUESTION, "ada", "room") for number in range(44)]
        assert got == [ANSWER] * 40 + [TELL] + [SILENCE] * 3
        client = redis.asyncio.Redis.from_url(valkey.url)
        lives = [await client.ttl(key) for key in await client.keys("*")]
        await client.aclose()
        assert lives
        assert all(0 < life <= 600 for life in lives)
        valkey.kill()
        async with asyncio.timeout(5):
            assert await gates[0].verdict(Act.QUESTION, "ada", "room") is ANSWER
        assert pair[0].degraded
        valkey.start()
        clock.now = SHARED_AGAIN
        assert await gates[0].verdict(Act.QUESTION, "ada", "room") is ANSWER
        assert not pair[0].degraded
        for counters in pair:
            await counters.close()
