from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis
from valkey_server import Valkey

from bot.service import ledger as ledger_module
from bot.service.calendar import Mark, marked
from bot.service.ledger import StoreLedger
from bot.service.sealing import Seal, named
from bot.service.store import Changes, Counted, MemoryStore, Store, StoreError
from bot.service.store_redis import RedisStore
from bot.service.store_sqlite import SqliteStore

DAY = datetime.date(2026, 11, 23)
KEY = b"k" * 32
TEXT = "a question about my feed"


class Frail(MemoryStore):
    """A store in memory that is gone while a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_gone = False
        self.hangs = False
        self.fault: Exception | None = None
        self.applied = 0
        self.forgotten: list[Mark] = []

    async def _there(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fault:
            raise self.fault
        if self.is_gone:
            raise StoreError("The store is out for lunch.")

    async def check(self) -> None:
        await self._there()

    async def apply(self, changes: Changes) -> None:
        await self._there()
        self.applied += 1
        await super().apply(changes)

    async def forget(self, mark: Mark) -> None:
        await self._there()
        self.forgotten.append(mark)
        await super().forget(mark)


class Troubles:
    def __init__(self) -> None:
        self.failures = 0

    def store_failed(self) -> None:
        self.failures += 1


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    """Let seconds be fractions of one."""
    for name, seconds in {
        "WRITE_EVERY": 0.01, "WRITE_WITHIN": 0.3, "LAST_WRITE_WITHIN": 0.2, "LONGEST_WAIT": 0.05, "CHECK_EVERY": 0.05,
    }.items():  # fmt: skip
        monkeypatch.setattr(ledger_module, name, seconds)


def new(store: Store, *, key: bytes | None = KEY, today: datetime.date = DAY) -> StoreLedger:
    seal = Seal(key, os.urandom) if key else None
    clock = asyncio.get_running_loop().time
    return StoreLedger(store, seal, today=lambda: today, random=secrets.randbits, clock=clock)


def kept(ledger: StoreLedger, text: str) -> str:
    """Give a message to a ledger; returns its receipt."""
    receipt = ledger.receipt()
    assert ledger.keep(text, receipt)
    return receipt


@contextlib.asynccontextmanager
async def running(ledger: StoreLedger) -> AsyncIterator[None]:
    task = asyncio.create_task(ledger.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - conditions are about the store
            await asyncio.sleep(0.005)


@pytest.fixture
def store() -> Frail:
    return Frail()


async def test_counts_are_by_topic_and_day_only(store: Frail):
    """A hundred presses are one number; nothing else goes to the store."""
    ledger = new(store, key=None)
    async with running(ledger):
        for _ in range(100):
            ledger.count("past-training", "helped")
        ledger.count("past-training", "didnt")
    assert await store.counts() == {
        Counted("past-training", "helped", DAY): 100,
        Counted("past-training", "didnt", DAY): 1,
    }
    assert await store.messages() == []


async def test_a_message_is_kept_sealed_under_the_hash_of_its_receipt(store: Frail):
    """The store holds neither words nor receipt; the key opens it; the same ticket is the same message."""
    ledger = new(store)
    async with running(ledger):
        receipt = ledger.receipt()
        assert ledger.keep(TEXT, receipt)
        await until(lambda: store.applied)
        assert ledger.keep(TEXT, receipt)
        await until(lambda: store.applied > 1)
    (sealed,) = await store.messages()
    assert (sealed.receipt, sealed.day) == (named(receipt), DAY)
    assert receipt not in repr(sealed)
    assert b"feed" not in sealed.text
    assert Seal(KEY, os.urandom).unseal(sealed.text, sealed.receipt) == TEXT


async def test_without_a_key_nothing_is_taken(store: Frail):
    """No message is kept, and none is promised."""
    ledger = new(store, key=None)
    async with running(ledger):
        assert not ledger.takes_messages
        assert not ledger.keep(TEXT, "ab")
    assert await store.messages() == []


@pytest.mark.parametrize("when", ["at once", "written", "after a restart"])
async def test_the_receipt_deletes(store: Frail, when: str):
    """Whether the message still waits, is written, or came before a restart: it goes, and a second press does no harm."""
    ledger = new(store)
    async with running(ledger):
        receipt = kept(ledger, TEXT)
        assert receipt
        if when != "at once":
            await until(lambda: store.applied)
            assert len(await store.messages()) == 1
        if when != "after a restart":
            ledger.withdraw(receipt)
            ledger.withdraw(receipt)
    if when == "after a restart":
        later = new(store)
        async with running(later):
            later.withdraw(receipt)
    assert await store.messages() == []


async def test_a_store_that_is_gone_delays_nothing_and_is_caught_up_with(store: Frail):
    """What comes meanwhile waits, what is withdrawn meanwhile is never written, and nothing is written twice."""
    ledger, troubles = new(store), Troubles()
    ledger.watched_by(troubles)
    async with running(ledger):
        early = kept(ledger, "early")
        ledger.count("a", "helped")
        await until(lambda: store.applied)
        store.is_gone = True
        ledger.count("a", "helped")
        await until(lambda: ledger.is_late)
        assert ledger.fault == "The store is out for lunch."
        assert troubles.failures
        stays, dropped = kept(ledger, "stays"), kept(ledger, "dropped")
        assert early
        assert stays
        assert dropped
        ledger.count("a", "helped")
        ledger.withdraw(early)
        ledger.withdraw(dropped)
        failures = troubles.failures
        await until(lambda: troubles.failures > failures + 2)
        store.is_gone = False
        await until(lambda: not ledger.is_late)
        assert [sealed.receipt for sealed in await store.messages()] == [named(stays)]
        assert await store.counts() == {Counted("a", "helped", DAY): 3}


async def test_a_quiet_bot_notices_that_its_store_is_gone(store: Frail):
    """Readiness tells the truth although nobody has pressed anything, and notices when the store is back."""
    ledger = new(store)
    async with running(ledger):
        await until(lambda: store.forgotten)
        assert ledger.fault is None
        store.is_gone = True
        await until(lambda: ledger.is_late)
        store.is_gone = False
        await until(lambda: not ledger.is_late)


async def test_a_store_that_fails_as_nobody_foresaw_is_tried_again(store: Frail):
    """It is told like one that is gone, without what the fault says, and what waits is written afterwards."""
    ledger = new(store)
    async with running(ledger):
        store.fault = ValueError("a word of somebody")
        ledger.count("a", "helped")
        await until(lambda: ledger.is_late)
        assert ledger.fault == "the store fails (ValueError)"
        store.fault = None
        await until(lambda: not ledger.is_late)
        assert await store.counts() == {Counted("a", "helped", DAY): 1}


async def test_a_store_that_hangs_counts_as_gone(store: Frail):
    """It is given up after a while and named; the bot ends in time all the same."""
    ledger = new(store)
    async with running(ledger):
        await until(lambda: store.forgotten)
        store.hangs = True
        ledger.count("a", "helped")
        await until(lambda: ledger.is_late)
        assert "does not answer" in str(ledger.fault)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 2


async def test_a_stop_in_the_middle_of_a_write_counts_once(store: Frail, monkeypatch: pytest.MonkeyPatch):
    """A write that is under way is finished first, so that nothing is lost and nothing doubled."""
    under_way, plain = asyncio.Event(), MemoryStore.apply

    async def slow(self: MemoryStore, changes: Changes) -> None:
        await plain(self, changes)
        under_way.set()
        await asyncio.sleep(0.05)

    monkeypatch.setattr(MemoryStore, "apply", slow)
    ledger = new(store)
    async with running(ledger):
        ledger.count("a", "helped")
        await under_way.wait()
        ledger.count("a", "didnt")
    assert await store.counts() == {Counted("a", "helped", DAY): 1, Counted("a", "didnt", DAY): 1}


async def test_what_is_lost_at_the_end_is_told(store: Frail, monkeypatch: pytest.MonkeyPatch):
    """When the bot stops while the store is gone, the log says how much went with it, and no word of it."""
    told: list[tuple[str, dict[str, int]]] = []
    monkeypatch.setattr(ledger_module.log, "error", lambda sentence, **numbers: told.append((sentence, numbers)))
    store.is_gone = True
    ledger = new(store)
    async with running(ledger):
        assert ledger.keep(TEXT, ledger.receipt())
        ledger.count("a", "helped")
    ((sentence, numbers),) = told
    assert "what waits is lost" in sentence
    assert numbers == {"messages": 1, "counts": 1, "withdrawals": 0}


async def test_what_waits_is_bounded(store: Frail, monkeypatch: pytest.MonkeyPatch):
    """With the store gone, messages beyond the limit are refused openly, and memory stays flat."""
    monkeypatch.setattr(ledger_module, "MOST_MESSAGES", 3)
    monkeypatch.setattr(ledger_module, "MOST_COUNTS", 2)
    store.is_gone = True
    ledger = new(store)
    async with running(ledger):
        taken = [ledger.keep(TEXT, ledger.receipt()) for _ in range(5)]
        assert taken == [True, True, True, False, False]
        for topic in "abcd":
            ledger.count(topic, "helped")
        store.is_gone = False
        await until(lambda: store.applied)
    assert len(await store.counts()) == 2
    assert len(await store.messages()) == 3


async def test_a_new_day_forgets_once(store: Frail):
    """What is too old goes when the bot starts and whenever the day changes."""
    day = DAY
    ledger = StoreLedger(store, None, today=lambda: day, random=lambda _: 0, clock=asyncio.get_running_loop().time)
    async with running(ledger):
        await until(lambda: store.forgotten)
        ledger.count("a", "helped")
        await until(lambda: store.applied)
        day += datetime.timedelta(days=1)
        await until(lambda: len(store.forgotten) > 1)
        ledger.count("a", "helped")
        await until(lambda: store.applied > 1)
    assert store.forgotten == [Mark(DAY), Mark(DAY + datetime.timedelta(days=1))]


async def test_a_real_server_that_hangs_is_caught_up_with(tmp_path: Path):
    """A hung Valkey server delays no press; when it goes on, counts and messages arrive."""
    with Valkey(tmp_path) as server:
        redis = Redis.from_url(server.url, socket_timeout=0.2, socket_connect_timeout=0.2)
        store = RedisStore(redis)
        ledger = new(store)
        async with running(ledger):
            ledger.count("a", "helped")
            await until(lambda: not ledger._waiting)
            server.hang()
            receipt = kept(ledger, TEXT)
            assert receipt
            await until(lambda: ledger.is_late)
            server.go_on()
            await until(lambda: not ledger.is_late)
            assert [sealed.receipt for sealed in await store.messages()] == [named(receipt)]
            assert await store.counts() == {Counted("a", "helped", DAY): 1}


async def test_a_server_that_hangs_after_it_did_the_work_counts_once(tmp_path: Path):
    """What a hung Valkey server was told again and again it does when it goes on; each press is counted once all the same."""
    with Valkey(tmp_path) as server:
        redis = Redis.from_url(server.url, socket_timeout=0.1, socket_connect_timeout=0.1)
        store, troubles = RedisStore(redis), Troubles()
        ledger = new(store)
        ledger.watched_by(troubles)
        async with running(ledger):
            await until(lambda: ledger._forgotten)
            for _ in range(2):
                server.hang()
                ledger.count("a", "helped")
                failures = troubles.failures
                await until(lambda failures=failures: troubles.failures >= failures + 3)
                # It comes while the first may have been done.
                ledger.count("a", "helped")
                ledger.count("b", "didnt")
                await until(lambda failures=failures: troubles.failures >= failures + 5)
                server.go_on()
                await until(lambda: not (ledger.is_late or ledger._waiting or ledger._batched))
        assert await RedisStore(redis).counts() == {Counted("a", "helped", DAY): 4, Counted("b", "didnt", DAY): 2}
        assert len([key async for key in redis.scan_iter(match="*:batch:*")]) == 1
        await redis.aclose()


async def test_a_server_that_is_full_is_caught_up_with(tmp_path: Path):
    """One that takes nothing more, as it does without a policy to throw away, is told; what waits is written later."""
    with Valkey(tmp_path) as server:
        redis = Redis.from_url(server.url, socket_timeout=0.5, socket_connect_timeout=0.5)
        store = RedisStore(redis)
        ledger = new(store)
        async with running(ledger):
            await until(lambda: ledger._forgotten)
            await redis.config_set("maxmemory", 1)
            ledger.count("a", "helped")
            receipt = kept(ledger, TEXT)
            await until(lambda: ledger.is_late)
            await redis.config_set("maxmemory", 0)
            await until(lambda: not (ledger.is_late or ledger._waiting or ledger._batched))
            assert await store.counts() == {Counted("a", "helped", DAY): 1}
            assert [sealed.receipt for sealed in await store.messages()] == [named(receipt)]


async def test_a_write_that_fails_after_it_was_done_counts_once(store: Frail, monkeypatch: pytest.MonkeyPatch):
    """Also where the bot stops before it is certain, and with presses that came meanwhile."""
    plain, fails = MemoryStore.apply, 3

    async def lost(self: MemoryStore, changes: Changes) -> None:
        nonlocal fails
        await plain(self, changes)
        if changes.counts and fails:
            fails -= 1
            raise StoreError("The answer was lost on its way.")

    monkeypatch.setattr(MemoryStore, "apply", lost)
    ledger, troubles = new(store), Troubles()
    ledger.watched_by(troubles)
    async with running(ledger):
        ledger.count("a", "helped")
        await until(lambda: troubles.failures == 2)
        ledger.count("a", "helped")
        ledger.count("b", "helped")
        await until(lambda: troubles.failures == 3)
    assert await store.counts() == {Counted("a", "helped", DAY): 2, Counted("b", "helped", DAY): 1}


class Wall:
    """A clock on the wall that a test sets."""

    def __init__(self) -> None:
        self.day = DAY

    def __call__(self) -> datetime.date:
        return self.day


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_clock_that_jumps_deletes_nothing(tmp_path: Path, store: Frail, kind: str):
    """Half a year forth, back, ten years forth, forty back: all is there, under the days on which it came.

    Once the clock keeps a day for two, also through restarts, what is too old by it goes: nothing lives for ever.
    """
    wall, path = Wall(), tmp_path / "state.db"
    kept_in: Store = SqliteStore(path) if kind == "sqlite" else store

    def started() -> StoreLedger:
        seal, clock = Seal(KEY, os.urandom), asyncio.get_running_loop().time
        return StoreLedger(kept_in, seal, today=wall, random=secrets.randbits, clock=clock)

    ledger, came = started(), 0

    async def comes() -> None:
        """Let something be kept, and wait until the ledger has seen the clock and written it."""
        nonlocal came
        await until(lambda: ledger._mark and ledger._mark == marked(ledger._mark, wall.day))
        ledger.count("a", "helped")
        kept(ledger, TEXT)
        came += 1
        await until(lambda: not (ledger._waiting or ledger._batched))

    async with running(ledger):
        await comes()
        for days in (200, 1, 3_650, -14_600, 0):
            wall.day = DAY + datetime.timedelta(days=days)
            await comes()
    kept_days = [message.day for message in await kept_in.messages()]
    assert len(kept_days) == came == 6
    assert set(kept_days) <= {DAY, DAY + datetime.timedelta(days=1)}
    assert sum((await kept_in.counts()).values()) == came

    for days in (300, 300, 301, 302):
        ledger = started()
        wall.day = DAY + datetime.timedelta(days=days)
        async with running(ledger):
            await comes()
    assert [message.day for message in await kept_in.messages()] == [wall.day]
    assert sum((await kept_in.counts()).values()) == came

    for days in (-7_000, -6_999, -6_998):
        wall.day = DAY + datetime.timedelta(days=days)
        async with running(ledger := started()):
            await comes()
    # By the clock that went back for good they have their half year, and no more.
    assert {message.day for message in await kept_in.messages()} == {wall.day}
    for days in range(7, 190, 7):
        wall.day = DAY + datetime.timedelta(days=days - 6_998)
        async with running(ledger := started()):
            await until(lambda: ledger._mark and wall.day == ledger._mark.day)
            await until(lambda: ledger._forgotten == ledger._mark)
    assert await kept_in.messages() == []
    if kind == "sqlite":
        await kept_in.close()
        with contextlib.closing(sqlite3.connect(path)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_what_is_left_is_written_at_the_end(tmp_path: Path):
    """A bot that stops right after a press loses nothing."""
    ledger = new(SqliteStore(tmp_path / "state.db"))
    async with running(ledger):
        await asyncio.sleep(0.05)
        ledger.count("a", "helped")
        receipt = kept(ledger, TEXT)
    again = SqliteStore(tmp_path / "state.db")
    assert await again.counts() == {Counted("a", "helped", DAY): 1}
    assert receipt
    assert [sealed.receipt for sealed in await again.messages()] == [named(receipt)]
    await again.close()
