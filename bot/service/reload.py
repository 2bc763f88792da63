"""Answer from changed knowledge without a restart: texts at once, new phrasings as soon as they are learned."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from watchfiles import awatch

from bot.dialogue.dialogue import Dialogue, Mind
from bot.knowledge.finding import Finding, KnowledgeError
from bot.knowledge.model import Knowledge
from bot.matching.model import Matcher

_LOOK_EVERY = 2.0
"""Seconds between looks whether the folder is still the one that is watched; it may be replaced whole."""

_MOST_TOLD = 20
"""Errors of one refused edit that go into the log; `check` lists them all."""


class RefitError(Exception):
    """Refuse new phrasings, in one sentence; the previous ones go on answering."""


class Reloader:
    """Keep a dialogue's knowledge that of its folder.

    `load` reads the folder and raises KnowledgeError; `remade` joins a knowledge with the matcher that answers now;
    `digest` tells whether what the matcher learned from is another; `refit` learns it, in a process of its own,
    and raises RefitError. The previous matcher answers meanwhile, for topics that still exist.
    `told` hears how each reading ended: reloaded, refused, failed, learned or unlearned. `settled` is called when
    another knowledge or matcher answers.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        *,
        load: Callable[[], Knowledge],
        remade: Callable[[Knowledge, Matcher], Mind],
        digest: Callable[[Knowledge], str],
        refit: Callable[[Knowledge], Awaitable[Matcher]],
        log: Any,
        told: Callable[[str], None] = lambda _result: None,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._dialogue = dialogue
        self._settled = settled
        self._told = told
        self._load, self._remade, self._digest, self._refit = load, remade, digest, refit
        self._log = log
        self._learned = self._known = digest(dialogue.knowledge)
        self._to_look = asyncio.Event()
        self._to_refit = asyncio.Event()
        self.refused: tuple[Finding, ...] = ()
        self.stale = False
        self._unread = self._unlearned = False

    @property
    def state(self) -> str:
        """Return ok, or degraded with the reason for which the folder is not what answers."""
        if self.refused:
            return f"degraded: {self.refused[0]}"
        if self._unread:
            return "degraded: the changed knowledge could not be read, and the log says where"
        if self._unlearned:
            return "degraded: the new phrasings could not be learned, so the previous ones go on answering"
        return "degraded: the new phrasings are still being learned" if self.stale else "ok"

    def look(self) -> None:
        """Have the folder read again soon (SIGHUP, or a file that was saved)."""
        self._to_look.set()

    async def run(self, changes: AsyncIterator[None]) -> None:
        """Follow `changes` until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(changes))
            group.create_task(self._looking())
            group.create_task(self._refitting())

    async def _follow(self, changes: AsyncIterator[None]) -> None:
        try:
            async for _ in changes:
                self.look()
        except OSError as error:
            self._log.warning(
                f"The knowledge folder cannot be watched ({error.strerror}), so changes count after a SIGHUP or a restart."
            )
        except Exception as error:  # noqa: BLE001 - whatever ends the watching, a signal still reloads
            self._log.warning(
                "The knowledge folder is watched no more, so changes count after a SIGHUP or a restart.", exc_info=error
            )

    async def _looking(self) -> None:
        while True:
            await self._to_look.wait()
            self._to_look.clear()
            try:
                knowledge = await asyncio.to_thread(self._load)
                mind = await asyncio.to_thread(self._remade, knowledge, self._dialogue.mind.matcher)
                known = await asyncio.to_thread(self._digest, knowledge)
            except KnowledgeError as error:
                self._told("refused")
                self._unread = False
                self._refuse(tuple(error.findings))
                continue
            except Exception as error:  # noqa: BLE001 - whatever an edit breaks, the last good knowledge goes on answering
                self._told("failed")
                self._unread = True
                self._log.error("the knowledge could not be reloaded", exc_info=error)
                continue
            self._told("reloaded")
            self._unread = False
            if self.refused or knowledge.version != self._dialogue.knowledge.version:
                self._log.info("the knowledge is reloaded", knowledge=knowledge.version)
            self.refused = ()
            # The matcher may have been renewed while the folder was read.
            self._dialogue.change(replace(mind, matcher=self._dialogue.mind.matcher))
            self._known = known
            self._settled()
            if known != self._learned:
                self.stale = True
                self._to_refit.set()
            else:
                self.stale = self._unlearned = False

    async def _refitting(self) -> None:
        while True:
            await self._to_refit.wait()
            self._to_refit.clear()
            knowledge, digest = self._dialogue.knowledge, self._known
            if digest == self._learned:
                continue
            self._unlearned = False
            try:
                matcher = await self._refit(knowledge)
            except Exception as error:  # noqa: BLE001 - whatever it is, the folder is followed further
                if not self._is_overtaken(digest):
                    self._told("unlearned")
                    self._unlearned = True
                    if isinstance(error, RefitError):
                        self._log.error(str(error))
                    else:
                        self._log.error("the new phrasings could not be learned", exc_info=error)
                continue
            self._told("learned")
            self._learned = digest
            self._dialogue.change(replace(self._dialogue.mind, matcher=matcher))
            self._settled()
            self.stale = self._known != digest
            self._log.info("the matcher has learned the new phrasings", knowledge=knowledge.version)
            if self.stale:
                self._to_refit.set()

    def _is_overtaken(self, digest: str) -> bool:
        """Tell whether the folder has changed again while something was learned.

        What learns reads the folder itself, and so a later edit, which is told or learned in its own turn.
        """
        return self._known != digest or bool(self.refused) or self._unread

    def _refuse(self, findings: tuple[Finding, ...]) -> None:
        if findings == self.refused:
            return
        self.refused = findings
        for finding in findings[:_MOST_TOLD]:
            self._log.error(f"{finding}")
        more = (
            f" ({len(findings) - _MOST_TOLD} more errors; privacy-bot check lists them)"
            if len(findings) > _MOST_TOLD
            else ""
        )
        self._log.error(f"The changed knowledge has errors, so the last good one goes on answering{more}.")


async def changes_in(folder: Path) -> AsyncIterator[None]:
    """Yield whenever something in `folder` changed, also when it was replaced whole; raises OSError."""
    missed = False
    while True:
        watched = _identity(folder)
        while watched is None:
            await asyncio.sleep(_LOOK_EVERY)
            watched = _identity(folder)
        # It may go between the look and the watch, or while that goes through what is below it.
        with contextlib.suppress(FileNotFoundError):
            async for found in awatch(folder, step=50, rust_timeout=round(1000 * _LOOK_EVERY), yield_on_timeout=True):
                if found or missed:
                    missed = False
                    yield
                if _identity(folder) != watched:
                    break
        # The next one may be in place, whole, before it is watched.
        missed = True
        yield


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
