from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from conftest import Clock

from bot.platforms.telegram.lanes import Lanes
from bot.platforms.telegram.unconfirmed import MOST_HELD, MOST_REMEMBERED, REMEMBERED_SECONDS, Unconfirmed


def job(done: list[str], name: str, gate: asyncio.Event | None = None) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        if gate:
            await gate.wait()
        done.append(name)

    return work


async def test_a_lane_keeps_its_order_and_stops_no_other():
    """Jobs of a lane wait for each other; those of another lane do not."""
    lanes, done, gate = Lanes(), [], asyncio.Event()

    async def quick() -> None:
        done.append("quick")
        gate.set()

    lanes.put("slow", job(done, "slow 1", gate))
    lanes.put("slow", job(done, "slow 2"))
    lanes.put("quick", quick)
    await lanes.close(5)
    assert done == ["quick", "slow 1", "slow 2"]


async def test_a_full_lane_takes_no_more():
    """Whoever sends more than can be answered is cut off, others are not."""
    lanes, done, gate = Lanes(most_in_lane=2), [], asyncio.Event()
    assert lanes.put("a", job(done, "0", gate))
    await asyncio.sleep(0)
    assert [lanes.put("a", job(done, str(n))) for n in range(1, 5)] == [True, True, False, False]
    assert lanes.put("b", job(done, "b"))
    gate.set()
    await lanes.close(5)
    assert sorted(done) == ["0", "1", "2", "b"]


async def test_nothing_more_is_fetched_while_too_much_waits():
    """`room` holds back whoever fetches until something is done."""
    lanes, done, gate = Lanes(most_waiting=2), [], asyncio.Event()
    for name in "ab":
        lanes.put(name, job(done, name, gate))
    waiting = asyncio.create_task(lanes.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    await asyncio.wait_for(waiting, 5)
    for name in "ab":
        lanes.put(name, job(done, name, gate))
    waiting = asyncio.create_task(lanes.room())
    await lanes.close(5)
    # What comes now would never be done.
    assert not waiting.done()
    waiting.cancel()


async def test_a_few_who_write_without_end_hold_up_nobody():
    """Room is counted in chats: what waits in one of them takes none from the others."""
    lanes, done, gate = Lanes(most_in_lane=50, most_waiting=2), [], asyncio.Event()
    for number in range(50):
        lanes.put("a", job(done, str(number), gate))
    await asyncio.wait_for(lanes.room(), 5)
    gate.set()
    await lanes.close(5)
    assert len(done) == 50


async def test_closing_cancels_what_does_not_end():
    """What hangs is cancelled after the time that it is given; nothing is left behind."""
    lanes, done = Lanes(), []
    lanes.put("a", job(done, "never", asyncio.Event()))
    lanes.put("a", job(done, "never either"))
    await lanes.close(0.01)
    assert not done


async def test_lanes_are_forgotten_when_they_are_empty():
    """A chat that was answered leaves nothing in memory."""
    lanes, done = Lanes(), []
    for number in range(50):
        lanes.put(number, job(done, str(number)))
    await lanes.close(5)
    assert len(done) == 50
    assert not lanes._lanes
    assert not lanes._workers


def test_what_is_not_answered_is_not_confirmed():
    """The offset stays at the first update that is not answered, and passes those that are."""
    updates = Unconfirmed(time.monotonic)
    assert updates.offset() is None
    assert [updates.take(id) for id in (5, 6, 7)] == [True] * 3
    updates.answer(6)
    assert updates.offset() == 5
    assert not updates.take(5)
    updates.answer(5)
    assert updates.offset() == 7
    assert not updates.take(6)
    updates.answer(7)
    assert updates.offset() == 8


def test_a_slow_chat_does_not_hold_everybody_back():
    """Beyond half of what Telegram shows at once, the oldest are confirmed although they are not answered."""
    updates = Unconfirmed(time.monotonic)
    for id in range(100):
        updates.take(id)
    assert updates.offset() == 100 - MOST_HELD


def test_a_new_connection_gets_the_unanswered_again():
    """After a failure, what was not answered is taken once more and what was is not; both are confirmed then."""
    updates = Unconfirmed(time.monotonic)
    for id in (5, 6, 7):
        updates.take(id)
    updates.answer(6)
    updates.forget_unanswered()
    assert updates.offset() == 5
    assert [updates.take(id) for id in (5, 6, 7)] == [True, False, True]
    updates.answer(5)
    updates.answer(7)
    assert updates.offset() == 8


def test_ids_that_begin_anew_are_taken():
    """After a quiet week Telegram may go on with lower ids."""
    updates = Unconfirmed(time.monotonic)
    updates.take(900)
    updates.answer(900)
    assert updates.offset() == 901
    assert updates.take(3)
    assert updates.offset() == 3
    updates.answer(3)
    assert updates.offset() == 4


def test_what_is_remembered_is_bounded():
    """Ids of answered updates are dropped, the oldest first."""
    updates = Unconfirmed(time.monotonic)
    for id in range(3 * MOST_REMEMBERED):
        updates.take(id)
        updates.answer(id)
        updates.offset()
    assert len(updates._passed) == MOST_REMEMBERED
    assert not updates._answered


def test_nothing_is_remembered_beyond_a_day(clock: Clock):
    """The id of an answered update is forgotten after a day, and with it the offset: any id may come next."""
    updates = Unconfirmed(clock)
    updates.take(1)
    updates.answer(1)
    updates.offset()
    clock.now = REMEMBERED_SECONDS
    assert updates.offset() is None
    assert not updates._passed


@pytest.mark.parametrize("answered", [True, False])
async def test_idle_waits_for_answers_or_gives_up(answered: bool):
    """Waiting ends with the last answer, or with the time that is given."""
    updates = Unconfirmed(time.monotonic)
    updates.take(1)
    waiting = asyncio.create_task(updates.idle(30 if answered else 0.01))
    await asyncio.sleep(0)
    if answered:
        assert not waiting.done()
        updates.answer(1)
    await asyncio.wait_for(waiting, 5)
