from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from bot.platforms.platform import PassingFault, PermanentFault, ProcessFault
from bot.service.supervisor import FIRST_WAIT, LONGEST_WAIT, STEADY_AFTER, Health, Supervisor


class Fake:
    """A platform that does what it is told at each start; the last thing is repeated."""

    def __init__(self, name: str, *starts: Callable[[], object]) -> None:
        self.name = name
        self.starts = list(starts)
        self.runs = 0
        self.closed = 0

    async def run(self) -> None:
        self.runs += 1
        start = self.starts[min(self.runs, len(self.starts)) - 1]
        try:
            if asyncio.iscoroutine(result := start()):
                await result
        except asyncio.CancelledError:
            self.closed += 1
            raise

    def can_answer(self) -> bool:
        return True


def fails(error: Exception) -> Callable[[], None]:
    def run() -> None:
        raise error

    return run


async def forever() -> None:
    await asyncio.Event().wait()


class Harness:
    def __init__(self, *platforms: Fake) -> None:
        self.told: list[str] = []
        self.someone_told = asyncio.Event()
        self.waits: list[float] = []
        self.now = 0.0
        self.stop = asyncio.Event()
        self.most_waits = 20
        self.supervisor = Supervisor(
            platforms, clock=lambda: self.now, uniform=lambda _low, high: high, sleep=self.sleep, tell=self.tell
        )

    def tell(self, sentence: str) -> None:
        self.told.append(sentence)
        self.someone_told.set()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) >= self.most_waits:
            self.stop.set()
        await asyncio.sleep(0)

    async def run(self) -> bool:
        return await self.supervisor.run(self.stop)


async def test_one_platform_going_leaves_the_other():
    """A permanent fault ends its platform with one sentence, is not retried, and the other goes on."""
    bad, good = Fake("telegram", fails(PermanentFault("the token is refused."))), Fake("discord", forever)
    harness = Harness(bad, good)
    task = asyncio.create_task(harness.run())
    await harness.someone_told.wait()
    assert harness.told == ["telegram: the token is refused."]
    assert [watch.health for watch in harness.supervisor.watches] == [Health.ENDED, Health.RUNNING]
    harness.stop.set()
    assert await task is True
    assert (bad.runs, good.runs, good.closed) == (1, 1, 1)


async def test_nothing_left_ends_the_run():
    """When every platform has ended for good, the run ends by itself."""
    harness = Harness(Fake("a", fails(PermanentFault("no."))), Fake("b", fails(PermanentFault("no."))))
    assert await harness.run() is False


async def test_passing_faults_back_off():
    """Waits double from one second to five minutes; any exception counts, also one of our own making."""
    harness = Harness(Fake("a", fails(PassingFault("away")), fails(RuntimeError("x"))))
    # To draw the traces of exceptions for a person to read takes seconds.
    with capture_logs():
        assert await harness.run() is True
    assert harness.waits[:5] == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert max(harness.waits) == LONGEST_WAIT
    assert harness.told == []


async def test_waits_begin_anew_after_a_steady_time():
    """A platform that ran for a minute starts over with the shortest wait."""
    harness = Harness()

    def run_long() -> None:
        harness.now += STEADY_AFTER
        raise PassingFault("away")

    harness.supervisor = Supervisor(
        [Fake("a", fails(PassingFault("x")), fails(PassingFault("x")), run_long, fails(PassingFault("x")))],
        clock=lambda: harness.now, uniform=lambda _low, high: high, sleep=harness.sleep, tell=harness.told.append,
    )  # fmt: skip
    harness.most_waits = 4
    await harness.run()
    assert harness.waits[:4] == [FIRST_WAIT, 2 * FIRST_WAIT, FIRST_WAIT, 2 * FIRST_WAIT]


async def test_a_platform_that_ends_by_itself_is_started_again():
    """Returning without a fault is no way to end."""
    fake = Fake("a", lambda: None)
    harness = Harness(fake)
    harness.most_waits = 3
    await harness.run()
    assert fake.runs >= 3


async def test_a_part_of_a_library_that_is_cancelled_ends_no_platform():
    """What cancels itself is a fault like any other, and is tried again; nobody wanted the platform to end."""
    again = asyncio.Event()

    async def cancelled() -> None:
        raise asyncio.CancelledError

    async def serve() -> None:
        again.set()
        await forever()

    harness = Harness(Fake("a", cancelled, serve))
    task = asyncio.create_task(harness.run())
    await asyncio.wait_for(again.wait(), 5)
    assert not task.done()
    harness.stop.set()
    assert await task is True


async def test_a_platform_that_will_not_close_is_left_behind(monkeypatch: pytest.MonkeyPatch):
    """Stopping never waits longer than its bound for one platform."""
    monkeypatch.setattr("bot.service.supervisor.STOP_WITHIN", 0.05)

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if done.is_set():
                    raise

    done = asyncio.Event()
    harness = Harness(Fake("a", stubborn))
    task = asyncio.create_task(harness.run())
    await asyncio.sleep(0)
    harness.stop.set()
    assert await task is True
    done.set()
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for other in left:
        other.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def test_jitter_lies_between_half_and_whole():
    """The wait is drawn between half and the whole of its bound."""
    drawn: list[tuple[float, float]] = []
    stop = asyncio.Event()

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        if len(drawn) == 3:
            stop.set()
        return low

    async def sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    await Supervisor(
        [Fake("a", fails(PassingFault("x")))], clock=lambda: 0.0, uniform=uniform, sleep=sleep, tell=print
    ).run(stop)
    assert drawn[:3] == [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0)]


async def test_a_process_that_lost_its_place_ends_whole():
    """Where another process does its work now, the other platforms are closed and the process ends by itself."""
    lost, good = Fake("discord", fails(ProcessFault("the slot is lost."))), Fake("telegram", forever)
    harness = Harness(lost, good)
    async with asyncio.timeout(5):
        assert await harness.run() is False
    assert harness.told == ["discord: the slot is lost."]
    assert good.closed == 1
