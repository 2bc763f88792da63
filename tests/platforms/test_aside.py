from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

import pytest

from bot.platforms import aside as module
from bot.platforms.aside import GIVE_WAY, LOOK, aside


@dataclass
class Thread:
    """The event loop's thread as its clocks tell it: busy at first, then idle. Each look takes LOOK."""

    busy: int
    looks: int = 0

    def perf_counter(self) -> float:
        return self.looks * LOOK

    def thread_time(self) -> float:
        return min(self.looks, self.busy) * LOOK

    async def sleep(self, seconds: float) -> None:
        assert seconds == LOOK
        self.looks += 1


@pytest.mark.parametrize(("busy", "looks"), [(0, 1), (3, 4), (1_000, round(GIVE_WAY / LOOK))])
async def test_matching_gives_way_to_a_busy_loop_for_a_while(monkeypatch: pytest.MonkeyPatch, busy: int, looks: int):
    """A question is matched as soon as the loop is idle, and after a bounded time in any case."""
    thread = Thread(busy)
    monkeypatch.setattr(module, "time", thread)
    monkeypatch.setattr(module.asyncio, "sleep", thread.sleep)
    assert await aside(lambda: thread.looks) == looks


async def test_what_is_quick_does_not_wait_behind_questions():
    """Questions are matched one after the other, in their order; what is waited for at every key goes beside them."""
    go_on, order = threading.Event(), list[int]()

    def first() -> None:
        assert go_on.wait(20)
        order.append(1)

    tasks = [asyncio.create_task(aside(first)), asyncio.create_task(aside(lambda: order.append(2)))]
    assert await aside(lambda: "quick", quick=True) == "quick"
    assert order == []
    go_on.set()
    await asyncio.gather(*tasks)
    assert order == [1, 2]


async def test_a_question_that_fails_stops_none_after_it():
    """Its fault is that of whoever asked it."""

    def fails() -> None:
        raise ValueError("whatever")

    with pytest.raises(ValueError, match="whatever"):
        await aside(fails)
    assert await aside(lambda: 7) == 7
