"""Follow the knowledge folder: answer from it at once, check it, learn what changed, and tell every open page."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.dialogue.dialogue import Dialogue, Mind
from bot.knowledge.finding import Finding, KnowledgeError, Severity
from bot.knowledge.loader import load_questions
from bot.knowledge.model import Knowledge
from bot.matching.model import Matcher
from bot.service.reload import RefitError, Reloader
from bot.workshop.check import check_folder
from bot.workshop.preview.moving import Moves
from bot.workshop.preview.sheet import told

Tell = Callable[[str, float], None]

_STEPS = 100
"""Parts of a bar that can be told apart; finer progress is not sent."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the preview is built from, passed in from above.

    `load` reads the folder and raises KnowledgeError; `remade` joins a knowledge with a matcher; `digest` names what
    is learned; `learn` returns the matcher of a knowledge, fitted in a process of its own where need be, and raises
    RefitError; `dialogue` builds the conversation partner.
    """

    folder: Path
    load: Callable[[], Knowledge]
    remade: Callable[[Knowledge, Matcher], Mind]
    digest: Callable[[Knowledge], str]
    learn: Callable[[Knowledge, Tell], Awaitable[Matcher]]
    dialogue: Callable[[Mind], Dialogue]
    today: Callable[[], datetime.date]
    log: Any


@dataclass(frozen=True, slots=True)
class Progress:
    """How far long work is."""

    step: str
    share: float

    def json(self) -> dict[str, Any]:
        """Return it as the page takes it."""
        return {"step": self.step, "share": round(self.share, 2)}


class Live:
    """Everything that the page shows and that changes by itself; `serial` grows whenever answers may be others.

    `checker` is where the folder is checked; a process of its own keeps the page from waiting for seconds, since
    comparing all phrasings with each other lets no other thread compute. Without one it is a thread.
    """

    def __init__(self, parts: Parts, checker: Executor | None = None) -> None:
        self._parts = parts
        self._checker = checker
        self.dialogue: Dialogue | None = None
        self.before: Dialogue | None = None
        self.serial = 0
        self._errors: tuple[Finding, ...] = ()
        self._found: tuple[Finding, ...] = ()
        self._checking = False
        self._learning: Progress | None = None
        self._moving: Progress | None = None
        self._moved: Mapping[str, Any] | None = None
        self._fault = ""
        self._moves: Moves | None = None
        self._reloader: Reloader | None = None
        self._to_check = asyncio.Event()
        self._to_compare = asyncio.Event()
        self._listeners: set[asyncio.Event] = set()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the errors of the folder as it is now, and the findings of its last check."""
        checked = (finding for finding in self._found if finding.severity is Severity.FINDING)
        return tuple(sorted({*self._errors, *checked}))

    @property
    def loading(self) -> bool:
        """Tell whether the first knowledge is still being read, with nothing known against it."""
        return self.dialogue is None and not self._errors

    def state(self) -> dict[str, Any]:
        """Return what the page needs to know without being asked."""
        return {
            "serial": self.serial,
            "loaded": self.dialogue is not None,
            "errors": [told(finding) for finding in self._errors],
            "findings": sum(finding.severity is Severity.FINDING for finding in self.findings),
            "checking": self._checking,
            "learning": self._learning.json() if self._learning else None,
            "moving": self._moving.json() if self._moving else None,
            "moved": self._moved,
            "fault": self._fault,
        }

    def counts(self) -> Mapping[str, int]:
        """Return the number of errors and findings by file."""
        return Counter(finding.path for finding in self.findings)

    def compare(self) -> None:
        """Have the golden questions compared soon."""
        self._to_compare.set()

    @contextlib.contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Enter with an event that is set whenever the state changed."""
        event = asyncio.Event()
        event.set()
        self._listeners.add(event)
        try:
            yield event
        finally:
            self._listeners.discard(event)

    async def run(self, changes: AsyncIterator[None]) -> None:
        """Follow `changes` until cancelled; a folder that cannot be loaded is told, and waited for."""
        noticed = self._noticed(changes)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._check())
            group.create_task(self._compare())
            self._to_check.set()
            dialogue = await self._first(noticed)
            self.before = self._parts.dialogue(dialogue.mind)
            self._moves = Moves(self.before)
            self.dialogue = dialogue
            self._reloader = Reloader(
                dialogue,
                load=self._parts.load,
                remade=self._parts.remade,
                digest=self._parts.digest,
                refit=self._relearn,
                log=self._parts.log,
                told=self._reloaded,
            )
            self._answers_changed()
            # What was saved while the first knowledge was read is read once more.
            self._reloader.look()
            group.create_task(self._reloader.run(noticed))

    async def _first(self, noticed: AsyncIterator[None]) -> Dialogue:
        while True:
            try:
                knowledge = await asyncio.to_thread(self._parts.load)
                matcher = await self._learn(knowledge)
                mind = await asyncio.to_thread(self._parts.remade, knowledge, matcher)
            except KnowledgeError as error:
                self._errors = tuple(error.findings)
            except RefitError as error:
                self._fault = str(error)
            else:
                self._errors, self._fault = (), ""
                return self._parts.dialogue(mind)
            self._publish()
            await anext(noticed)

    async def _noticed(self, changes: AsyncIterator[None]) -> AsyncIterator[None]:
        async for _ in changes:
            self._to_check.set()
            yield

    async def _relearn(self, knowledge: Knowledge) -> Matcher:
        return await self._learn(knowledge)

    async def _learn(self, knowledge: Knowledge) -> Matcher:
        def tell(step: str, share: float) -> None:
            if not self._learning or round(share * _STEPS) != round(self._learning.share * _STEPS):
                self._learning = Progress(step, share)
                self._publish()

        try:
            return await self._parts.learn(knowledge, tell)
        finally:
            self._learning = None
            self._publish()

    def _reloaded(self, result: str) -> None:
        # Told before the dialogue answers from it, so that the page hears of it a turn of the loop later.
        asyncio.get_running_loop().call_soon(self._after, result)

    def _after(self, result: str) -> None:
        assert self._reloader
        self._errors = self._reloader.refused
        self._fault = {
            "failed": "The knowledge could not be read again; the terminal says why, and the last good one goes on.",
            "unlearned": "The new phrasings could not be learned, so the previous ones go on answering; run privacy-bot fit to see why.",
        }.get(result, "")
        if result == "learned":
            self.compare()
        if result in {"reloaded", "learned"}:
            self._answers_changed()
        else:
            self._publish()

    def _answers_changed(self) -> None:
        self.serial += 1
        self._publish()

    def _publish(self) -> None:
        for listener in self._listeners:
            listener.set()

    async def _check(self) -> None:
        while True:
            await self._to_check.wait()
            self._to_check.clear()
            self._checking = True
            self._publish()
            try:
                loop = asyncio.get_running_loop()
                self._found = tuple(
                    await loop.run_in_executor(self._checker, check_folder, self._parts.folder, self._parts.today())
                )
            except OSError as error:
                self._fault = f"The folder could not be checked ({error.strerror}); save the file once more."
            except BrokenExecutor:
                self._fault = (
                    "The process that checks was ended, so nothing is checked any more; start the preview again."
                )
            self._checking = False
            self._publish()

    async def _compare(self) -> None:
        loop = asyncio.get_running_loop()

        def tell(step: str, share: float) -> None:
            if not self._moving or round(share * _STEPS) != round(self._moving.share * _STEPS):
                self._moving = Progress(step, share)
                loop.call_soon_threadsafe(self._publish)

        while True:
            await self._to_compare.wait()
            self._to_compare.clear()
            if not (self.dialogue and self._moves):
                continue
            self._moving = Progress("reading the questions", 0.0)
            self._publish()
            # A dialogue of its own: what is saved meanwhile changes the other one.
            present = self._parts.dialogue(self.dialogue.mind)
            try:
                questions = await asyncio.to_thread(load_questions, self._parts.folder)
                self._moved = await asyncio.to_thread(self._moves.find, present, questions, tell)
            except KnowledgeError:
                self._moved = {"sentence": "The knowledge has errors; mend them, then compare again.", "moves": []}
            self._moving = None
            self._publish()
