"""Changed knowledge counts without a restart, and a bad edit never takes an answer away."""

from __future__ import annotations

import asyncio
import shutil
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import SMALL, FakeMatcher, sure, write_knowledge

from bot import app
from bot.app import mind_of, training
from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Question
from bot.knowledge.loader import load
from bot.knowledge.model import Knowledge
from bot.matching.model import Matcher
from bot.service import reload
from bot.service.metrics import Metrics
from bot.service.reload import RefitError, Reloader, changes_in
from bot.settings import Settings

MESSAGES = "topics/which-data/private-messages.yaml"
NEW_TOPIC = SMALL[MESSAGES].replace("Are private messages used?", "Are drafts used?").replace("dms", "drafts")


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def _say(self, sentence: str, **more: object) -> None:
        self.lines.append(sentence)

    info = warning = error = _say


class Fitting:
    """Stands for the process that fits: a test lets it go on, and says what comes of it."""

    def __init__(self) -> None:
        self.matcher: Matcher = FakeMatcher()
        self.fails = False
        self.go_on = asyncio.Event()
        self.asked: list[Knowledge] = []

    async def __call__(self, knowledge: Knowledge) -> Matcher:
        self.asked.append(knowledge)
        await self.go_on.wait()
        self.go_on.clear()
        if self.fails:
            raise RefitError("The new phrasings could not be learned.")
        return self.matcher


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)


def reloader_of(
    dialogue: Dialogue, folder: Path, refit: Callable[[Knowledge], Awaitable[Matcher]], log: Log, **more: Any
) -> Reloader:
    """Return a reloader of a folder, put together as for a bot that serves; `more` replaces parts of it."""
    parts: dict[str, Any] = {
        "load": lambda: load(folder),
        "remade": mind_of,
        "digest": lambda knowledge: training(knowledge).digest(),
    }
    return Reloader(dialogue, refit=refit, log=log, **{**parts, **more})


@asynccontextmanager
async def reloading(
    dialogue: Dialogue, folder: Path, fitting: Callable[[Knowledge], Awaitable[Matcher]], log: Log
) -> AsyncIterator[Reloader]:
    reloader = reloader_of(dialogue, folder, fitting, log)
    task = asyncio.create_task(reloader.run(changes_in(folder)))
    # The watch has to stand before a test changes a file.
    await asyncio.sleep(0.3)
    try:
        yield reloader
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def change(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def said(dialogue: Dialogue, topic: str) -> str:
    return str(dialogue.topic(topic))


async def test_a_saved_text_is_live_without_a_new_fit(dialogue: Dialogue, folder: Path):
    """What people read changes at once; nothing is learned anew for it."""
    fitting, log = Fitting(), Log()
    async with reloading(dialogue, folder, fitting, log) as reloader:
        change(folder, MESSAGES, "LinkedIn says no.", "LinkedIn says never.")
        await until(lambda: "LinkedIn says never." in said(dialogue, "private-messages"))
        assert not reloader.stale
    assert not fitting.asked


async def test_a_bad_edit_keeps_the_last_good_knowledge(dialogue: Dialogue, folder: Path):
    """It is told once, with file, line and remedy, and mended by the next good edit."""
    log = Log()
    async with reloading(dialogue, folder, Fitting(), log) as reloader:
        change(folder, MESSAGES, "answer: |", "anser: |")
        await until(lambda: reloader.refused)
        assert "LinkedIn says no." in said(dialogue, "private-messages")
        assert reloader.refused[0].path == MESSAGES
        assert reloader.state.startswith(f"degraded: {MESSAGES}:")
        reloader.look()
        await asyncio.sleep(0.5)
        told = [line for line in log.lines if line.startswith(f"{MESSAGES}:2:1: ")]
        assert len(told) == 1
        assert 'did you mean "answer"' in told[0]
        change(folder, MESSAGES, "anser: |", "answer: |")
        await until(lambda: not reloader.refused)
        assert reloader.state == "ok"


async def test_each_reading_is_counted_and_told(dialogue: Dialogue, folder: Path):
    """Whatever breaks a reading, the last good knowledge answers, readiness says so, and a good one mends it."""
    results: list[str] = []
    breaks = True

    def read() -> Knowledge:
        if breaks:
            raise RuntimeError("whatever")
        return load(folder)

    reloader = reloader_of(dialogue, folder, Fitting(), Log(), load=read, told=results.append)
    task = asyncio.create_task(reloader.run(changes_in(folder)))
    reloader.look()
    await until(lambda: results == ["failed"])
    assert reloader.state == "degraded: the changed knowledge could not be read, and the log says where"
    breaks = False
    change(folder, MESSAGES, "answer: |", "anser: |")
    reloader.look()
    await until(lambda: "refused" in results)
    change(folder, MESSAGES, "anser: |", "answer: |")
    reloader.look()
    await until(lambda: reloader.state == "ok" and results[-1] == "reloaded")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_new_phrasings_count_once_they_are_learned(dialogue: Dialogue, folder: Path, matcher: FakeMatcher):
    """Until then the previous matcher answers, and of what it knows only topics that still exist."""
    fitting, log = Fitting(), Log()
    matcher.says["are my dms read"] = sure("private-messages")
    fitting.matcher = FakeMatcher({"were drafts ever looked at": sure("drafts")})
    async with reloading(dialogue, folder, fitting, log) as reloader:
        (folder / MESSAGES).unlink()
        change(folder, "topics/opting-out/opt-out-phone.yaml", "related: [private-messages]", "related: []")
        (folder / "questions" / "golden.yaml").unlink()
        (folder / "topics/which-data/drafts.yaml").write_text(
            NEW_TOPIC.replace("related: [opt-out-phone]\n", ""), encoding="utf-8"
        )
        await until(lambda: "drafts" in dialogue.knowledge.topics and fitting.asked and reloader.stale)
        assert dialogue.ask(Question("are my dms read")).topics == ()
        assert dialogue.ask(Question("were drafts ever looked at")).topics == ()
        await until(lambda: fitting.asked[-1].version == dialogue.knowledge.version or fitting.go_on.set())
        fitting.go_on.set()
        await until(lambda: not reloader.stale or fitting.go_on.set())
        assert dialogue.ask(Question("were drafts ever looked at")).topics[0].topic == "drafts"


async def test_phrasings_that_cannot_be_learned_leave_the_texts_changed(dialogue: Dialogue, folder: Path):
    """The fault is told in a sentence, and readiness goes on saying that the matcher is behind."""
    fitting, log = Fitting(), Log()
    fitting.fails = True
    async with reloading(dialogue, folder, fitting, log) as reloader:
        change(folder, MESSAGES, "  - are my dms read", "  - are my dms seen by anyone")
        await until(lambda: fitting.asked)
        fitting.go_on.set()
        await until(lambda: "The new phrasings could not be learned." in log.lines)
        assert reloader.stale
        assert reloader.state.startswith("degraded: the new phrasings could not be learned")
        assert "are my dms seen by anyone" in dialogue.knowledge.topics["private-messages"].form.asks


@pytest.mark.parametrize("later", ["taken back", "changed again", "broken"])
async def test_an_edit_while_phrasings_are_learned_is_no_fault(dialogue: Dialogue, folder: Path, later: str):
    """What learns reads the folder after its edit, so that it may meet the next one; only that one counts then."""
    fitting, log, results = Fitting(), Log(), list[str]()
    fitting.fails = True
    reloader = reloader_of(dialogue, folder, fitting, log, told=results.append)
    task = asyncio.create_task(reloader.run(changes_in(folder)))
    change(folder, MESSAGES, "  - are my dms read", "  - are my dms seen by anyone")
    reloader.look()
    await until(lambda: fitting.asked)
    again = {"taken back": "  - are my dms read", "changed again": "  - are my dms seen", "broken": "  are: dms"}[later]
    change(folder, MESSAGES, "  - are my dms seen by anyone", again)
    reloader.look()
    await until(lambda: results.count("reloaded") > 1 or "refused" in results)
    fitting.go_on.set()
    if later == "broken":
        change(folder, MESSAGES, again, "  - are my dms seen")
        reloader.look()
    if later != "taken back":
        await until(lambda: len(fitting.asked) > 1)
        fitting.fails = False
        fitting.go_on.set()
    await until(lambda: reloader.state == "ok" and not fitting.go_on.is_set())
    await asyncio.sleep(0.1)
    assert reloader.state == "ok"
    assert "unlearned" not in results
    assert "The new phrasings could not be learned." not in log.lines
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_phrasings_that_are_taken_back_need_not_be_learned(dialogue: Dialogue, folder: Path):
    """Whatever kept them from being learned, readiness is well again without them, and later ones are learned."""
    log, fails = Log(), True

    async def fitting(_: Knowledge) -> Matcher:
        if fails:
            raise OSError(12, "Cannot allocate memory")
        return FakeMatcher()

    heard: list[str] = []
    reloader = reloader_of(dialogue, folder, fitting, log, told=heard.append, settled=lambda: heard.append("settled"))
    task = asyncio.create_task(reloader.run(changes_in(folder)))
    change(folder, MESSAGES, "  - are my dms read", "  - are my dms seen by anyone")
    reloader.look()
    await until(lambda: reloader.state.startswith("degraded: the new phrasings could not be learned"))
    assert "the new phrasings could not be learned" in log.lines
    change(folder, MESSAGES, "  - are my dms seen by anyone", "  - are my dms read")
    reloader.look()
    await until(lambda: reloader.state == "ok")
    fails = False
    heard.clear()
    change(folder, MESSAGES, "  - are my dms read", "  - does anyone see my dms")
    reloader.look()
    await until(lambda: "learned" in heard and reloader.state == "ok")
    # Whoever has to do something about what answers now hears of both.
    assert heard.count("settled") >= 2
    assert heard[-1] == "settled"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_process_that_hangs_while_it_learns_is_ended(
    dialogue: Dialogue, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """It is told, and the next edit begins anew: nothing waits for ever behind it."""
    monkeypatch.setattr(app, "_fitting", lambda _settings: [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(app, "FIT_WITHIN", 0.2)
    fitted = 0

    async def refit(_: Knowledge) -> Matcher:
        nonlocal fitted
        fitted += 1
        await app.fit_beside(Settings())
        return FakeMatcher()

    log = Log()
    async with reloading(dialogue, folder, refit, log) as reloader:
        for times in (1, 2):
            change(folder, MESSAGES, "  - are my dms read", "  - are my dms read by anyone")
            await until(lambda times=times: sum("were not learned within" in line for line in log.lines) == times)
            assert reloader.state.startswith("degraded: the new phrasings could not be learned")
    assert fitted == 2


async def test_a_fit_that_the_system_kills_is_told_as_one_that_lacks_memory(monkeypatch: pytest.MonkeyPatch):
    """A process that is killed prints nothing, so the sentence names what it usually lacks, at the start and later."""
    killing = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    monkeypatch.setattr(app, "_fitting", lambda _settings: killing)
    with pytest.raises(app.AppError, match="memory"):
        app.fit_in_child(Settings())
    with pytest.raises(RefitError, match="memory"):
        await app.fit_beside(Settings())


async def test_what_was_learned_is_taken_in_beside_the_event_loop(
    dialogue: Dialogue, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """Making a matcher takes a third of a second, for which presses and heartbeats do not wait."""
    made: list[threading.Thread] = []

    def engine(_: object) -> Matcher:
        made.append(threading.current_thread())
        return FakeMatcher()

    monkeypatch.setattr(app, "_cached", lambda *_: None)
    monkeypatch.setattr(app, "Engine", engine)
    metrics = Metrics(version=lambda: "", topics=dict)
    reloader = app.build_reloader(dialogue, Settings(bot_knowledge=folder), metrics)
    task = asyncio.create_task(reloader.run(changes_in(folder)))
    await asyncio.sleep(0.3)
    change(folder, MESSAGES, "  - are my dms read", "  - are my dms read by anyone")
    await until(lambda: made and not reloader.stale)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert threading.main_thread() not in made


async def test_a_folder_that_goes_while_its_watch_begins_is_followed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A deployment that replaces it at that moment ends nothing."""
    watch, gone, went = reload.awatch, tmp_path / "gone", list[bool]()

    async def goes_first(*given: Any, **named: Any) -> AsyncIterator[Any]:
        if not went:
            went.append(True)
            shutil.move(folder, gone)
            asyncio.get_running_loop().call_later(0.2, gone.rename, folder)
            raise FileNotFoundError(2, "No such file or directory")
        async for found in watch(*given, **named):
            yield found

    monkeypatch.setattr(reload, "awatch", goes_first)
    monkeypatch.setattr(reload, "_LOOK_EVERY", 0.1)
    changes = changes_in(folder)
    async with asyncio.timeout(10):
        await anext(changes)
        # That it went; and what came in its place before anybody watched it.
        await anext(changes)
    await changes.aclose()


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), RuntimeError("whatever")])
async def test_watching_that_ends_leaves_the_signal(dialogue: Dialogue, folder: Path, fault: Exception):
    """It is told once, and a look reads the folder all the same."""
    log = Log()

    async def ending() -> AsyncIterator[None]:
        raise fault
        yield

    reloader = reloader_of(dialogue, folder, Fitting(), log)
    task = asyncio.create_task(reloader.run(ending()))
    await until(lambda: any("changes count after a SIGHUP" in line for line in log.lines))
    change(folder, MESSAGES, "LinkedIn says no.", "LinkedIn says never.")
    reloader.look()
    await until(lambda: "LinkedIn says never." in said(dialogue, "private-messages"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_folder_that_is_replaced_whole_is_followed(dialogue: Dialogue, folder: Path, tmp_path: Path):
    """A deployment that puts another folder in the place of the old one counts like an edit."""
    fitting = Fitting()
    async with reloading(dialogue, folder, fitting, Log()):
        for number in ("first", "second"):
            other = write_knowledge(
                tmp_path / number, {MESSAGES: SMALL[MESSAGES].replace("LinkedIn says no.", f"The {number} answer.")}
            )
            shutil.move(folder, tmp_path / f"before-{number}")
            shutil.move(other, folder)
            await until(lambda number=number: f"The {number} answer." in said(dialogue, "private-messages"))


async def test_a_folder_that_cannot_be_watched_is_told(dialogue: Dialogue, folder: Path):
    """A system that watches nothing more costs the watching alone; a signal still reloads."""

    async def broken() -> AsyncIterator[None]:
        raise OSError(28, "No space left on device")
        yield

    log = Log()
    reloader = reloader_of(dialogue, folder, Fitting(), log)
    task = asyncio.create_task(reloader.run(broken()))
    change(folder, MESSAGES, "LinkedIn says no.", "LinkedIn says never.")
    await until(lambda: log.lines)
    reloader.look()
    await until(lambda: "LinkedIn says never." in said(dialogue, "private-messages"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "cannot be watched (No space left on device)" in log.lines[0]
