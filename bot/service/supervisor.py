"""Keep each platform running on its own: back off after a passing fault, end after a permanent one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.platforms.platform import PassingFault, PermanentFault, Platform, ProcessFault
from bot.service.log import logger

FIRST_WAIT = 1.0
LONGEST_WAIT = 300.0
STEADY_AFTER = 60.0
"""Seconds. A platform that ran this long counts as recovered, and its waits begin anew."""

STOP_WITHIN = 4.0
"""Seconds that platforms have to finish what they are answering; the promise for the process is 5."""

log = logger("bot.supervisor")


class Health(StrEnum):
    """How a platform is."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    ENDED = "ended"


@dataclass(slots=True)
class Watch:
    """One platform and how it is."""

    platform: Platform
    health: Health = Health.STARTING
    fault: str | None = field(default=None)

    @property
    def can_answer(self) -> bool:
        """Tell whether a question on this platform would be answered now."""
        return self.health is Health.RUNNING and self.platform.can_answer()


class Supervisor:
    """Run platforms side by side. `uniform` gives the jitter, between its two arguments."""

    def __init__(
        self,
        platforms: Sequence[Platform],
        *,
        clock: Callable[[], float],
        uniform: Callable[[float, float], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        tell: Callable[[str], None],
    ) -> None:
        self.watches = [Watch(platform) for platform in platforms]
        self._clock = clock
        self._uniform = uniform
        self._sleep = sleep
        self._tell = tell
        self._over = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> bool:
        """Serve until `stop` is set or no platform is left; returns whether it was stopped.

        A ProcessFault of one platform ends them all. A platform that does not close in time is left behind
        rather than waited for.
        """
        tasks = {asyncio.create_task(self._keep(watch), name=watch.platform.name) for watch in self.watches}
        stopped = asyncio.create_task(stop.wait(), name="stop")
        over = asyncio.create_task(self._over.wait(), name="over")
        pending = set(tasks)
        try:
            while pending and not (stop.is_set() or self._over.is_set()):
                done, _ = await asyncio.wait({*pending, stopped, over}, return_when=asyncio.FIRST_COMPLETED)
                pending -= done
        finally:
            for task in (*tasks, stopped, over):
                task.cancel()
            _, late = await asyncio.wait({*tasks, stopped, over}, timeout=STOP_WITHIN)
            for task in late:
                log.warning("a platform did not close in time", platform=task.get_name())
        return stop.is_set()

    async def _keep(self, watch: Watch) -> None:
        wait = FIRST_WAIT
        while True:
            began = self._clock()
            try:
                watch.health = Health.RUNNING
                await watch.platform.run()
                watch.fault = "it ended by itself"
                log.warning("a platform ended by itself", platform=watch.platform.name)
            except PermanentFault as fault:
                watch.health, watch.fault = Health.ENDED, str(fault)
                self._tell(f"{watch.platform.name}: {fault}")
                if isinstance(fault, ProcessFault):
                    self._over.set()
                return
            except PassingFault as fault:
                watch.fault = str(fault)
                log.warning("a platform failed and is tried again", platform=watch.platform.name, fault=str(fault))
            except (Exception, asyncio.CancelledError) as fault:  # whatever a platform raises, the other one goes on
                if isinstance(fault, asyncio.CancelledError) and _is_cancelled():
                    raise
                watch.fault = type(fault).__name__
                log.warning("a platform failed and is tried again", platform=watch.platform.name, exc_info=fault)
            if self._clock() - began >= STEADY_AFTER:
                wait = FIRST_WAIT
            watch.health = Health.WAITING
            # Full jitter keeps many processes from coming back at the same moment.
            await self._sleep(self._uniform(wait / 2, wait))
            wait = min(wait * 2, LONGEST_WAIT)


def _is_cancelled() -> bool:
    """Tell whether somebody wants the current task to end; a library may have cancelled a part of itself alone."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
