"""One suite over every store, and what each does when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from valkey_server import Valkey

from bot.service import store_sqlite
from bot.service.calendar import Mark
from bot.service.store import (
    COUNTS_KEPT,
    MESSAGES_KEPT,
    Batch,
    Changes,
    Counted,
    MemoryStore,
    Sealed,
    Store,
    StoreError,
)
from bot.service.store_redis import RedisStore
from bot.service.store_sqlite import SCHEMA, SqliteStore, back_up

TODAY = datetime.datetime.now(datetime.UTC).date()
DAY = datetime.timedelta(days=1)
HELPED, DIDNT = Counted("past-training", "helped", TODAY), Counted("past-training", "didnt", TODAY)
FIRST, SECOND = Sealed("a1" * 32, TODAY - DAY, b"\0\xff first"), Sealed("b2" * 32, TODAY, b" second ")


def messages(*sealed: Sealed) -> Changes:
    return Changes(messages={one.receipt: one for one in sealed})


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    with Valkey(tmp_path) as server:
        yield server


@pytest.fixture
async def redis(valkey: Valkey) -> AsyncIterator[Redis]:
    client = Redis.from_url(valkey.url, socket_timeout=0.3, socket_connect_timeout=0.3)
    yield client
    await client.aclose()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "state.db"


@pytest.fixture
async def sqlite(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "redis":
        return RedisStore(request.getfixturevalue("redis"))
    store: Store = request.getfixturevalue("sqlite")
    return store


async def test_counts_add_up_and_messages_are_kept(store: Store):
    """What is written is read back, byte for byte, the oldest message first."""
    await store.check()
    assert await store.counts() == {}
    assert await store.messages() == []
    await store.apply(Changes(counts={HELPED: 2, DIDNT: 1}))
    await store.apply(Changes(counts={HELPED: 3}, messages={SECOND.receipt: SECOND, FIRST.receipt: FIRST}))
    assert await store.counts() == {HELPED: 5, DIDNT: 1}
    assert list(await store.messages()) == [FIRST, SECOND]
    await store.check()


async def test_the_same_message_twice_is_one(store: Store):
    """A message that comes again under its name changes nothing."""
    await store.apply(messages(FIRST))
    await store.apply(messages(Sealed(FIRST.receipt, TODAY, b"another")))
    assert list(await store.messages()) == [FIRST]


async def test_a_withdrawn_message_is_gone(store: Store):
    """It is deleted with its receipt, also in the step that brought it, and a second time does no harm."""
    await store.apply(messages(FIRST, SECOND))
    for _ in range(2):
        await store.apply(Changes(withdrawn={FIRST.receipt}))
        assert list(await store.messages()) == [SECOND]
    await store.apply(Changes(messages={FIRST.receipt: FIRST}, withdrawn={FIRST.receipt}))
    assert list(await store.messages()) == [SECOND]


async def test_what_is_too_old_goes(store: Store):
    """Counts go after 400 days and messages after 180, no day earlier."""
    old = {Counted("a", "helped", TODAY - COUNTS_KEPT - DAY): 1, Counted("a", "helped", TODAY - COUNTS_KEPT): 1}
    kept = Sealed("c3" * 32, TODAY - MESSAGES_KEPT, b"kept")
    gone = Sealed("d4" * 32, TODAY - MESSAGES_KEPT - DAY, b"gone")
    await store.apply(Changes(counts=old, messages={kept.receipt: kept, gone.receipt: gone}, day=TODAY))
    await store.forget(Mark(TODAY))
    assert await store.counts() == {Counted("a", "helped", TODAY - COUNTS_KEPT): 1}
    assert list(await store.messages()) == [kept]


async def test_in_doubt_about_the_day_nothing_goes_early(store: Store):
    """While a clock that jumped forward is doubted, what the known day keeps stays."""
    kept = Sealed("c3" * 32, TODAY - MESSAGES_KEPT, b"kept")
    await store.apply(Changes(counts={HELPED: 1}, messages={kept.receipt: kept}))
    await store.forget(Mark(TODAY, doubted=TODAY + 500 * DAY))
    await store.forget(Mark(TODAY + 500 * DAY, doubted=TODAY))
    assert await store.counts() == {HELPED: 1}
    assert list(await store.messages()) == [kept]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_what_is_of_a_day_to_come_goes_in_its_time(sqlite: SqliteStore, kind: str):
    """What a clock wrote that was years ahead is of today from then on; counts of one topic add up."""
    store: Store = MemoryStore() if kind == "memory" else sqlite
    ahead = TODAY + 4_000 * DAY
    late = Sealed("c3" * 32, ahead, b"late")
    counts = {
        HELPED: 1,
        Counted("past-training", "helped", ahead): 2,
        Counted("past-training", "helped", ahead + DAY): 4,
    }
    await store.apply(Changes(counts=counts, messages={late.receipt: late}))
    await store.forget(Mark(TODAY, doubted=ahead))
    assert [message.day for message in await store.messages()] == [ahead]
    await store.forget(Mark(TODAY))
    assert await store.counts() == {HELPED: 7}
    assert [message.day for message in await store.messages()] == [TODAY]
    await store.forget(Mark(TODAY + MESSAGES_KEPT + DAY))
    assert await store.messages() == []


async def test_the_day_is_known_after_a_restart(sqlite: SqliteStore, path: Path):
    """Also its doubts; a file of an older version, which kept none, has the day of its newest row."""
    assert await sqlite.mark() is None
    await sqlite.apply(messages(FIRST, SECOND))
    assert await sqlite.mark() == Mark(SECOND.day)
    await sqlite.forget(Mark(TODAY, doubted=TODAY - 99 * DAY))
    again = SqliteStore(path)
    assert await again.mark() == Mark(TODAY, doubted=TODAY - 99 * DAY)
    await again.forget(Mark(TODAY))
    assert await again.mark() == Mark(TODAY)
    await again.close()


async def test_a_batch_that_comes_again_is_counted_once(store: Store):
    """Whoever gave up waiting writes it again as it was; another writer's batch of that number counts."""
    for batch, number in (
        (Batch("a", 1), 1),
        (Batch("a", 1), 1),
        (Batch("a", 2), 10),
        (Batch("a", 1), 1),
        (Batch("b", 1), 100),
    ):
        await store.apply(Changes(counts={HELPED: number}, batch=batch))
    assert await store.counts() == {HELPED: 111}
    for _ in range(2):
        await store.apply(Changes(counts={HELPED: 1_000}))
    assert await store.counts() == {HELPED: 2_111}


@pytest.mark.parametrize("wrong", [-4_000, 4_000])
async def test_redis_keeps_as_long_whatever_our_clock_says(redis: Redis, wrong: int):
    """A clock years behind would otherwise have it deleted at once, and one ahead keep it for years."""
    day = TODAY + wrong * DAY
    await RedisStore(redis).apply(
        Changes(counts={Counted("a", "helped", day): 1}, messages={"c3" * 32: Sealed("c3" * 32, day, b"x")}, day=day)
    )
    left = sorted([await redis.ttl(key) async for key in redis.scan_iter()])
    assert [round(seconds / DAY.total_seconds()) for seconds in left] == [MESSAGES_KEPT.days + 1, COUNTS_KEPT.days + 1]


async def test_redis_keeps_no_longer_what_comes_late(redis: Redis):
    """What waited for a server that was gone for days goes when its own time is over."""
    await RedisStore(redis).apply(Changes(messages={SECOND.receipt: SECOND}, day=SECOND.day + 9 * DAY))
    (left,) = [await redis.ttl(key) async for key in redis.scan_iter()]
    assert round(left / DAY.total_seconds()) == MESSAGES_KEPT.days + 1 - 9


async def test_redis_forgets_by_itself(redis: Redis):
    """Every key carries the end of its time, so that nothing stays where no bot runs any more."""
    await RedisStore(redis).apply(Changes(counts={HELPED: 1}, messages={SECOND.receipt: SECOND}))
    keys = [key async for key in redis.scan_iter()]
    assert len(keys) == 2
    left = sorted([await redis.ttl(key) for key in keys])
    day = DAY.total_seconds()
    assert MESSAGES_KEPT.days * day <= left[0] <= (MESSAGES_KEPT.days + 1) * day
    assert COUNTS_KEPT.days * day <= left[1] <= (COUNTS_KEPT.days + 1) * day


@pytest.mark.parametrize("name", ["counts:yesterday", "message:nothing"])
async def test_what_others_wrote_under_our_names_is_told(redis: Redis, name: str):
    """Where another program uses the same names, whoever reads the store hears of it in one sentence."""
    if name.startswith("counts"):
        await redis.hset(f"privacy-bot:{name}", "helped:past-training", "1")
    else:
        await redis.set(f"privacy-bot:{name}", "a value of its own")
    store = RedisStore(redis)
    with pytest.raises(StoreError, match="Redis holds what the bot did not write"):
        await (store.counts() if name.startswith("counts") else store.messages())


@pytest.mark.parametrize("kind", ["a value", "a field"])
async def test_counts_that_cannot_be_added_wait_and_are_added_once(redis: Redis, kind: str):
    """Where a day's counts are what nobody can add to, none of a batch is written, and all of it once they are gone."""
    store, key = RedisStore(redis), f"privacy-bot:counts:{TODAY}"
    await (redis.set(key, "many") if kind == "a value" else redis.hset(key, "helped:past-training", "many"))
    before = Counted("past-training", "helped", TODAY - DAY)
    changes = Changes(counts={before: 2, HELPED: 3}, batch=Batch("a", 1), day=TODAY)
    with pytest.raises(StoreError, match="Redis refuses what it is asked"):
        await store.apply(changes)
    await redis.delete(key)
    await store.apply(changes)
    await store.apply(changes)
    assert await store.counts() == {before: 2, HELPED: 3}


async def test_a_server_that_hangs_or_is_gone_is_told_and_used_again(valkey: Valkey, redis: Redis):
    """It is told within the time-out and without an address; as soon as it answers, it is used again."""
    store = RedisStore(redis)
    await store.apply(Changes(counts={HELPED: 1}))
    valkey.hang()
    began = time.monotonic()
    with pytest.raises(StoreError) as told:
        await store.check()
    assert time.monotonic() - began < 5
    assert str(valkey.port) not in str(told.value)
    valkey.go_on()
    await store.check()
    assert await store.counts() == {HELPED: 1}
    valkey.kill()
    for attempt in (store.check, store.counts, store.messages, lambda: store.apply(Changes(counts={HELPED: 1}))):
        with pytest.raises(StoreError):
            await attempt()
    valkey.start()
    await store.apply(Changes(counts={HELPED: 1}))
    assert await store.counts() == {HELPED: 1}


async def test_only_its_owner_can_read_the_file(sqlite: SqliteStore, path: Path):
    """File and log are made with mode 0600, whatever the umask."""
    await sqlite.apply(Changes(counts={HELPED: 1}))
    files = [file for file in path.parent.iterdir() if file.is_file()]
    assert {file.name for file in files} >= {"state.db", "state.db-wal"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_a_file_of_a_newer_version_is_left_alone(sqlite: SqliteStore, path: Path):
    """It is refused in one sentence with a remedy, and not changed."""
    path.parent.mkdir()
    with sqlite3.connect(path) as newer:
        newer.execute("CREATE TABLE counts (other TEXT)")
        newer.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    newer.close()
    content = await asyncio.to_thread(path.read_bytes)
    for attempt in (sqlite.check, lambda: sqlite.apply(Changes(counts={HELPED: 1})), sqlite.counts):
        with pytest.raises(StoreError, match="newer version of the bot"):
            await attempt()
    assert await asyncio.to_thread(path.read_bytes) == content


async def test_a_file_in_which_a_day_is_none_is_told(sqlite: SqliteStore, path: Path):
    """What somebody has written into it by hand is a store that cannot be used, whatever is asked."""
    await sqlite.apply(Changes(counts={HELPED: 1}, messages={"a1": Sealed("a1", HELPED.day, b"x")}))
    with sqlite3.connect(path) as other:
        other.execute("UPDATE counts SET day = 'yesterday'")
        other.execute("UPDATE messages SET day = 'yesterday'")
    other.close()
    for attempt in (sqlite.counts, sqlite.messages, sqlite.mark):
        with pytest.raises(StoreError, match="cannot be used"):
            await attempt()


async def test_a_log_deleted_under_the_bot_costs_nothing(sqlite: SqliteStore, path: Path):
    """What it held is in the file after all, and so is what is written afterwards."""
    await sqlite.apply(Changes(counts={HELPED: 3}))
    for beside in ("-wal", "-shm"):
        await asyncio.to_thread(Path(f"{path}{beside}").unlink)
    await sqlite.apply(Changes(counts={HELPED: 4}))
    # As one that is killed would leave it.
    other = SqliteStore(path)
    assert await other.counts() == {HELPED: 7}
    await other.close()


@pytest.mark.parametrize("away", ["deleted", "replaced"])
async def test_a_file_deleted_under_the_bot_is_made_anew(sqlite: SqliteStore, path: Path, away: str):
    """What is written afterwards is in the file of that name, not in one that nobody can find any more."""
    await sqlite.apply(Changes(counts={HELPED: 1}))
    if away == "deleted":
        shutil.rmtree(path.parent)
    else:
        for file in list(path.parent.iterdir()):
            file.rename(path.parent.parent / file.name)
        other = SqliteStore(path)
        await other.apply(Changes(counts={HELPED: 10}))
        await other.close()
    await sqlite.apply(Changes(counts={HELPED: 1}))
    again = SqliteStore(path)
    assert await again.counts() == {HELPED: 1 if away == "deleted" else 11}
    await again.close()


@pytest.mark.parametrize("what", ["text", "folder"])
def test_what_is_none_of_ours_is_told(path: Path, what: str):
    """Whatever stands in its place is told in one sentence and left as it is."""
    path.parent.mkdir()
    letter = b"a letter to my aunt, " * 100
    if what == "folder":
        path.mkdir()
    else:
        path.write_bytes(letter)
    with pytest.raises(StoreError, match="cannot be used"):
        asyncio.run(SqliteStore(path).check())
    assert path.is_dir() if what == "folder" else path.read_bytes() == letter


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let another process be in the middle of a write."""
    code = f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('BEGIN IMMEDIATE'); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"1\n"
        yield
        other.communicate(b"\n")


async def test_a_locked_file_is_told_and_caught_up_with(
    sqlite: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
):
    """While another process writes, the store says so in time; afterwards all is written once."""
    monkeypatch.setattr("bot.service.store_sqlite.BUSY", 0.2)
    await sqlite.apply(Changes(counts={HELPED: 1}))
    with locked(path):
        # A connection of its own time-out, as a bot that starts now has.
        fresh = SqliteStore(path)
        with pytest.raises(StoreError, match="locked"):
            await fresh.apply(Changes(counts={HELPED: 1}))
        assert await sqlite.counts() == {HELPED: 1}
    await fresh.apply(Changes(counts={HELPED: 1}))
    await fresh.close()
    assert await sqlite.counts() == {HELPED: 2}


_FULL = """
import asyncio, datetime, resource, sys
from pathlib import Path
from bot.service.store import Changes, Counted, Sealed, StoreError
from bot.service.store_sqlite import SqliteStore

async def fill():
    day = datetime.date(2026, 11, 23)
    store = SqliteStore(Path(sys.argv[1]))
    await store.apply(Changes(counts={Counted("a", "helped", day): 1}))
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
    big = Sealed("e5" * 32, day, bytes(100_000))
    try:
        await store.apply(Changes(counts={Counted("a", "helped", day): 1}, messages={big.receipt: big}))
    except StoreError as error:
        print("full:", error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.apply(Changes(counts={Counted("a", "helped", day): 1}))
    print(list((await store.counts()).values()), len(await store.messages()))
    await store.close()

asyncio.run(fill())
"""


def test_a_full_disk_is_told_and_nothing_is_half_written(path: Path):
    """What does not fit is not written at all; as soon as there is room, the store is used again."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", _FULL, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("full: The store")
    assert second == "[2] 0"


_KILLED = """
import asyncio, datetime, itertools, sys
from pathlib import Path
from bot.service.store import Changes, Counted, Sealed
from bot.service.store_sqlite import SqliteStore

async def write():
    store, day = SqliteStore(Path(sys.argv[1])), datetime.date(2026, 11, 23)
    for number in itertools.count(1):
        one = Sealed(f"{number:064x}", day, bytes(500))
        await store.apply(Changes(counts={Counted("a", "helped", day): 1}, messages={one.receipt: one}))
        print(number, flush=True)

asyncio.run(write())
"""


def test_a_kill_in_the_middle_corrupts_nothing(path: Path):
    """All that was written is there, counts and messages of one step together, and the file is sound."""
    with subprocess.Popen([sys.executable, "-c", _KILLED, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        for line in writer.stdout:
            if int(line) >= 25:
                writer.kill()
                break
        told = max([25, *(int(line) for line in writer.stdout.read().split(b"\n")[:-1])])

    async def read() -> tuple[int, int]:
        store = SqliteStore(path)
        try:
            return sum((await store.counts()).values()), len(await store.messages())
        finally:
            await store.close()

    counted, kept = asyncio.run(read())
    assert counted == kept
    assert told <= kept <= told + 1
    with contextlib.closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_withdrawn_message_is_overwritten(sqlite: SqliteStore, path: Path):
    """Its bytes are in no file any more, not even in the log."""
    await sqlite.apply(messages(Sealed("f6" * 32, TODAY, b"to be withdrawn")))
    assert any(b"to be withdrawn" in file.read_bytes() for file in path.parent.iterdir())
    await sqlite.apply(Changes(withdrawn={"f6" * 32}))
    assert not any(b"to be withdrawn" in file.read_bytes() for file in path.parent.iterdir())


async def test_a_write_cut_off_leaves_a_usable_store(sqlite: SqliteStore):
    """Whoever gives up waiting can try again at once; the file does not stay locked."""
    await sqlite.apply(Changes(counts={HELPED: 1}))
    task = asyncio.create_task(sqlite.apply(Changes(counts={HELPED: 1})))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await sqlite.apply(Changes(counts={DIDNT: 1}))
    assert (await sqlite.counts())[DIDNT] == 1


def siblings(path: Path) -> list[Path]:
    return list(path.parent.iterdir())


def left_by_a_kill(path: Path) -> Path:
    """Copy file and log as they are now; the shared memory beside them does not outlive a machine."""
    folder = path.parent / "left"
    folder.mkdir()
    for file in (path, path.with_name(f"{path.name}-wal")):
        shutil.copy(file, folder / file.name)
    return folder / path.name


@pytest.mark.parametrize("name", ["copy.db", "odd ?name#50%.db"])
@pytest.mark.parametrize("state", ["running", "killed", "closed"])
async def test_a_backup_holds_what_the_file_does_not(tmp_path: Path, name: str, state: str):
    """Also what only the log holds is in it, beside a bot that runs, after one that was killed, and from odd names."""
    path, target = tmp_path / f"state {name}", tmp_path / f"backup {name}"
    store = SqliteStore(path)
    await store.apply(Changes(counts={HELPED: 7}, messages={FIRST.receipt: FIRST}))
    if state == "killed":
        path = left_by_a_kill(path)
    if state == "closed":
        await store.close()
    assert back_up(path, target) == target.stat().st_size
    await store.close()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [file.name for file in siblings(target) if file.name.startswith("backup")] == [target.name]
    copy = SqliteStore(target)
    assert await copy.counts() == {HELPED: 7}
    assert list(await copy.messages()) == [FIRST]
    await copy.close()


async def test_a_backup_leaves_what_came_there_meanwhile(tmp_path: Path):
    """A name that leads nowhere is somebody's too: it is neither followed nor removed."""
    store = SqliteStore(tmp_path / "state.db")
    await store.apply(Changes(counts={HELPED: 1}))
    await store.close()
    target = tmp_path / "copy.db"
    target.symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(StoreError, match="is there already"):
        back_up(tmp_path / "state.db", target)
    assert target.is_symlink()
    assert not target.exists()


async def test_a_damaged_store_is_no_backup(tmp_path: Path):
    """Its pages can be copied, but whoever needs the copy one day must hear now that it is worth nothing."""
    path, target = tmp_path / "state.db", tmp_path / "copy.db"
    store = SqliteStore(path)
    await store.apply(Changes(counts={Counted(f"topic-{number}", "helped", TODAY): 1 for number in range(500)}))
    await store.close()
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xff" * 3 * 4096)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        back_up(path, target)
    assert not target.exists()


def test_a_backup_waits_for_a_lock_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where somebody keeps the store to themselves the command says so and ends, and leaves no file."""
    monkeypatch.setattr(store_sqlite, "BUSY", 0.1)
    path, target = tmp_path / "state.db", tmp_path / "copy.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("CREATE TABLE counts (number)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="somebody else has locked it"):
            back_up(path, target)
    assert not target.exists()


def test_a_backup_overwrites_nothing_and_leaves_nothing_half_done(tmp_path: Path):
    """A file that is there, a store that is not, and a store that is none: one sentence each, no file."""
    here, target = tmp_path / "here", tmp_path / "copy.db"
    here.write_bytes(b"not a database, " * 100)
    with pytest.raises(StoreError, match="there already"):
        back_up(here, here)
    with pytest.raises(StoreError, match="no store at"):
        back_up(tmp_path / "missing.db", target)
    with pytest.raises(StoreError, match="could not be copied"):
        back_up(here, target)
    assert not target.exists()
