"""The operator's commands over what is kept, and the real process between a press and its store."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from conftest import ROOT
from traces import traces
from wire.discord_server import ADA, CHANNEL, ME, DiscordServer, Json, buttons, code_of
from wire.process import BotProcess

from bot.app import build_dialogue, build_ledger, keeping, mind_of
from bot.dialogue.model import Reply
from bot.dialogue.state import Action, State
from bot.knowledge.loader import load
from bot.knowledge.markup import Items, spans
from bot.matching.engine import Engine
from bot.service.sealing import Seal, named, read_key
from bot.service.store import Changes, Counted, Sealed
from bot.service.store_sqlite import SCHEMA, SqliteStore
from bot.settings import Settings, StateAt

DAY = datetime.date(2026, 11, 23)
KNOWLEDGE = load(ROOT / "knowledge")
TEXTS = KNOWLEDGE.texts.editors
MESSAGES = ("does the feed robot know my salary", "does that feed robot know what i earn", "who feeds the office fish")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "ledger.key"
    file.write_text("0123456789abcdef0123456789abcdef\n", encoding="ascii")
    return file


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def run(tmp_path: Path, state: Path) -> Run:
    ready = ROOT / "var" / "cache"

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("BOT_", "DISCORD_", "TELEGRAM_"))
        }
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments], input=stdin, capture_output=True, text=True, cwd=tmp_path,
            timeout=300, check=False,
            env={
                **kept, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "BOT_CACHE": str(ready),
                "BOT_STATE": f"sqlite:///{state}", **environment,
            },
        )  # fmt: skip

    return run


def fill(state: Path, key: Path, texts: Iterable[str] = MESSAGES) -> None:
    """Write counts and sealed messages, as a bot does."""
    seal = Seal(read_key(key), os.urandom)
    changes = Changes(counts={Counted("past-training", "didnt", DAY): 3, Counted("past-training", "helped", DAY): 2})
    changes.counts[Counted("opt-out-phone", "helped", DAY)] = 9
    for number, text in enumerate(texts):
        receipt = f"{number:020x}"
        changes.messages[named(receipt)] = Sealed(named(receipt), DAY, seal.seal(text, receipt))

    async def write() -> None:
        store = SqliteStore(state)
        await store.apply(changes)
        await store.close()

    asyncio.run(write())


def test_editors_see_counts_and_grouped_messages(run: Run, state: Path, key: Path):
    """What did not help stands first, and messages that mean much the same stand together."""
    fill(state, key)
    done = run("ledger", BOT_LEDGER_KEY_FILE=str(key))
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    first, second = lines.index(["past-training", "2", "3"]), lines.index(["opt-out-phone", "9", "0"])
    assert first < second
    for text in MESSAGES:
        assert text in done.stdout


def test_the_messages_can_be_suggested_from(run: Run, state: Path, key: Path):
    """Every line is JSON with text, count and day, and `suggest -` takes them as they are."""
    fill(state, key)
    told = run("ledger", "--json", BOT_LEDGER_KEY_FILE=str(key))
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert sorted(line["text"] for line in lines) == sorted(MESSAGES)
    assert {(line["count"], line["day"]) for line in lines} == {(1, DAY.isoformat())}
    done = run("suggest", "-", stdin=told.stdout)
    assert done.returncode == 0, done.stderr
    assert MESSAGES[0] in done.stdout


@pytest.mark.parametrize("which", ["none", "another"])
def test_without_the_key_there_are_counts_only(run: Run, state: Path, key: Path, tmp_path: Path, which: str):
    """Messages that cannot be read are counted and the remedy is told."""
    fill(state, key)
    other = tmp_path / "other.key"
    other.write_bytes(bytes(range(64)))
    done = run("ledger", **({"BOT_LEDGER_KEY_FILE": str(other)} if which == "another" else {}))
    assert done.returncode == 0
    assert "past-training" in done.stdout
    assert "No message to the editors can be shown." in done.stdout
    remedy = "they need the key of their time" if which == "another" else "set BOT_LEDGER_KEY_FILE"
    assert done.stderr == f"3 messages cannot be read: {remedy}.\n"


def test_nothing_kept_yet_is_said(run: Run, state: Path):
    """Without a store there is nothing to show, and none is made by looking."""
    done = run("ledger")
    assert done.returncode == 0
    assert "Nobody has said yet" in done.stdout
    assert not state.exists()


def test_a_store_that_cannot_be_read_is_one_sentence(run: Run, state: Path):
    """A newer version and a file that is none are told with 2, without a traceback."""
    with contextlib.closing(sqlite3.connect(state)) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    newer_version = run("ledger")
    assert newer_version.returncode == 2
    assert "newer version of the bot" in newer_version.stderr
    state.write_bytes(b"something else, " * 50)
    other = run("ledger")
    assert other.returncode == 2
    assert len(other.stderr.splitlines()) == 1


def test_a_backup_beside_a_running_bot(run: Run, state: Path, key: Path, tmp_path: Path):
    """What only the log holds is in the copy, which nobody else may read; a second one never overwrites it."""

    async def beside() -> subprocess.CompletedProcess[str]:
        store = SqliteStore(state)
        await store.apply(Changes(counts={Counted("a-topic-of-the-log", "helped", DAY): 4}))
        done = await asyncio.to_thread(run, "backup", "copy.db")
        await store.close()
        return done

    done = asyncio.run(beside())
    assert done.returncode == 0, done.stderr
    copy = tmp_path / "copy.db"
    assert f"{copy.stat().st_size:,} bytes" in done.stdout
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    shown = run("ledger", BOT_STATE=f"sqlite:///{copy}", BOT_LEDGER_KEY_FILE=str(key))
    assert ["a-topic-of-the-log", "4", "0"] in [line.split() for line in shown.stdout.splitlines()]
    again = run("backup", "copy.db")
    assert again.returncode == 2
    assert "there already" in again.stderr


@pytest.mark.parametrize("where", ["memory://", "redis://127.0.0.1:1/0"])
def test_what_has_no_file_is_not_backed_up(run: Run, where: str):
    """Where another program keeps the state, it is told how that is copied."""
    done = run("backup", "copy.db", BOT_STATE=where)
    assert done.returncode == 2
    assert "BOT_STATE names no file" in done.stderr


@pytest.mark.parametrize("kept", [(), ("counts",), ("counts", "messages")])
def test_privacy_names_what_the_settings_keep(all_topics: Engine, key: Path, kept: tuple[str, ...]):
    """Counts are named where there is a ledger, messages where it has a key, and nothing that is not kept."""
    settings = Settings(bot_state=StateAt(kind="memory"), bot_ledger_key_file=key if "messages" in kept else None)
    dialogue = build_dialogue(mind_of(KNOWLEDGE, all_topics), settings, build_ledger(settings) if kept else None)
    shown = dialogue.show(State(Action.PRIVACY))
    assert shown
    for name in ("counts", "messages"):
        assert (plain_text(getattr(KNOWLEDGE.texts.privacy.kept, name)) in read(shown)) is (name in kept)


def test_where_no_loop_runs_a_thread_brings_it_to_the_store(state: Path):
    """The terminal chat keeps counts as well, up to its last moment."""
    ledger = build_ledger(Settings(bot_state=StateAt(kind="sqlite", path=state)))
    with keeping(ledger):
        ledger.count("past-training", "helped")
    assert [row[0::3] for row in rows(state, "counts")] == [("past-training", 1)]


def plain_text(text: str) -> str:
    return "".join(span.text for span in spans(text))


def read(reply: Reply) -> str:
    """Return all lines of a reply's lists."""
    items = [block for section in reply.sections for block in section.blocks if isinstance(block, Items)]
    return "\n".join("".join(span.text for span in line) for block in items for line in block.lines)


# --- the real process -------------------------------------------------------------------------------------------------

SECRET = "zanzibarquokka"
ASKED = f"does {SECRET} the fish in aisle 7 belong to jane.doe@example.org"


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server
    assert server.violations == []


def bot(server: DiscordServer, folder: Path, state: Path, key: Path | None, **more: str) -> BotProcess:
    (folder / "tmp").mkdir(exist_ok=True)
    keys = {"BOT_LEDGER_KEY_FILE": str(key)} if key else {}
    where = {"TMPDIR": str(folder / "tmp"), "BOT_STATE": f"sqlite:///{state}"}
    return BotProcess({**server.environment, **where, **keys, **more})


def shown(answer: Json) -> Json:
    """Return a message as the server hands it on with the press of a button in it."""
    owner = {"user": ADA, "interaction_metadata": {"user": ADA}}
    return {"id": "1", "channel_id": CHANNEL, "author": ME, "flags": 1 << 6, **owner, **answer["data"]}


async def press(server: DiscordServer, answer: Json, label: str) -> Json:
    return await server.press(code_of(answer["data"], label), shown(answer))


def rows(state: Path, table: str) -> list[tuple[Any, ...]]:
    """Read a table from beside the bot."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as file:
            return file.execute(f"SELECT * FROM {table}").fetchall()
    except sqlite3.OperationalError:
        return []


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - conditions are about a file
            await asyncio.sleep(0.05)


async def test_from_a_press_to_the_store_and_back_and_no_word_is_left(
    server: DiscordServer, tmp_path: Path, state: Path, key: Path
):
    """Told to the editors, killed, started again, deleted: the typed words are in no file, log or open descriptor."""
    async with bot(server, tmp_path, state, key) as process:
        await server.until(lambda: server.ready)
        refused = await server.command("ask", ASKED)
        preview = await press(server, refused, TEXTS.tell)
        assert rows(state, "messages") == []
        what = str(preview["data"]["embeds"])
        assert SECRET in what
        assert "jane" not in what
        receipt = await press(server, preview, TEXTS.send)
        again = await press(server, preview, TEXTS.send)
        assert again["data"]["components"] == receipt["data"]["components"]
        await until(lambda: len(rows(state, "messages")) == 1)
        assert traces(SECRET, [tmp_path], process.pid) == []
        os.kill(process.pid, 9)
        assert await process.ended() != 0
        assert SECRET not in process.output
    assert traces(SECRET, [tmp_path]) == []
    assert len(rows(state, "messages")) == 1
    async with bot(server, tmp_path, state, key) as process:
        await server.until(lambda: len(server.identified) > 1 and server.ready)
        for _ in range(2):
            gone = await press(server, receipt, TEXTS.delete)
            assert TEXTS.deleted.title in str(gone["data"]["embeds"])
        await until(lambda: not rows(state, "messages"))
        helped = await server.command("ask", "are my dms read?")
        await press(server, helped, TEXTS.helped)
        # Right before the end: what was pressed in the last second is kept.
        assert await process.stop() == 0
    assert [(what, number) for _topic, what, _day, number in rows(state, "counts")] == [("helped", 1)]
    assert traces(SECRET, [tmp_path]) == []


async def test_without_a_key_the_real_bot_quotes_nothing(server: DiscordServer, tmp_path: Path, state: Path):
    """The refusal leads to the public page, and what was asked is not shown again."""
    async with bot(server, tmp_path, state, None) as process:
        await server.until(lambda: server.ready)
        refused = await server.command("ask", ASKED)
        assert SECRET not in str(refused["data"]["embeds"])
        assert TEXTS.issues_url in {button.get("url") for button in buttons(refused["data"])}
        assert await process.stop() == 0


class Newer:
    """A file of a newer version of the bot, which somebody moves away."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def before(self) -> None:
        with contextlib.closing(sqlite3.connect(self._state)) as file:
            file.execute(f"PRAGMA user_version = {SCHEMA + 1}")

    def begin(self) -> None:
        """It is there from the start."""

    def end(self) -> None:
        self._state.unlink()


class NoFile(Newer):
    """A folder where the file should be."""

    def before(self) -> None:
        self._state.mkdir()

    def end(self) -> None:
        self._state.rmdir()


class Locked(Newer):
    """Another process in the middle of a write."""

    def before(self) -> None:
        """Nothing is wrong at the start."""

    def begin(self) -> None:
        self._other = sqlite3.connect(self._state, isolation_level=None)
        self._other.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        self._other.execute("ROLLBACK")
        self._other.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("kind", [Newer, NoFile, Locked])
async def test_whatever_the_store_does_people_get_answers(
    server: DiscordServer, tmp_path: Path, state: Path, key: Path, port: int, kind: type[Newer]
):
    """Readiness stays 200 and names the store as degraded; a message waits; once the store is back, all is written."""
    fault = kind(state)
    fault.before()
    async with bot(server, tmp_path, state, key, BOT_HTTP=f"127.0.0.1:{port}") as process:
        await server.until(lambda: server.ready)
        if kind is Locked:
            await until(lambda: is_open(state))
        fault.begin()
        await press(server, await server.command("ask", "are my dms read?"), TEXTS.helped)
        await store_is(port, "degraded")
        preview = await press(server, await server.command("ask", ASKED), TEXTS.tell)
        told = await press(server, preview, TEXTS.send)
        assert TEXTS.sent_later.title in str(told["data"]["embeds"])
        fault.end()
        await until(lambda: [row[1:2] + row[3:] for row in rows(state, "counts")] == [("helped", 1)])
        await until(lambda: len(rows(state, "messages")) == 1)
        await store_is(port, "ok")
        assert await process.stop() == 0


async def test_a_store_deleted_under_the_bot_is_made_anew(
    server: DiscordServer, tmp_path: Path, state: Path, key: Path, port: int
):
    """What is pressed afterwards is in the file of that name."""
    async with bot(server, tmp_path, state, key, BOT_HTTP=f"127.0.0.1:{port}") as process:
        await server.until(lambda: server.ready)
        await until(lambda: is_open(state))
        delete(state)
        await press(server, await server.command("ask", "are my dms read?"), TEXTS.helped)
        await until(lambda: [row[1:2] + row[3:] for row in rows(state, "counts")] == [("helped", 1)])
        await store_is(port, "ok")
        assert await process.stop() == 0


def is_open(state: Path) -> bool:
    return state.with_name(f"{state.name}-wal").exists()


def delete(state: Path) -> None:
    for file in list(state.parent.glob(f"{state.name}*")):
        file.unlink()


async def store_is(port: int, expected: str) -> None:
    """Wait until readiness says so of the store; its status is always 200."""
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                assert response.status == 200
                if str((await response.json())["parts"]["store"]).startswith(expected):
                    return
            await asyncio.sleep(0.1)
