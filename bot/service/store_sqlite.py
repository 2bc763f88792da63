"""Keep the state in one SQLite file."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import errno
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import aiosqlite

from bot.service.calendar import LEAP, Mark
from bot.service.store import COUNTS_KEPT, MESSAGES_KEPT, Changes, Counted, Sealed, StoreError

SCHEMA = 1
"""Version of the tables, in `user_version`. One more table does not raise it: a bot that does not know it can still
use the file."""

BUSY = 2.0
"""Seconds to wait for somebody else's write, a backup or `privacy-bot ledger`."""

_TABLES = """
CREATE TABLE IF NOT EXISTS counts (
    topic TEXT NOT NULL, what TEXT NOT NULL, day TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (topic, what, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    receipt TEXT PRIMARY KEY, day TEXT NOT NULL, sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (
    writer TEXT PRIMARY KEY, number INTEGER NOT NULL, day TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (
    one INTEGER PRIMARY KEY CHECK (one = 1), day TEXT NOT NULL, doubted TEXT
);
"""


class SqliteStore:
    """One file, opened when it is first needed, and anew after a failure."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: aiosqlite.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def check(self) -> None:
        """Open the file where it is not open, and see that it is still the one in its place."""
        async with self._open() as connection:
            await connection.execute_fetchall("SELECT 1 FROM counts LIMIT 1")

    async def mark(self) -> Mark | None:
        """Return the day that was known last; that of the newest row where an older version kept none."""
        async with self._open() as connection:
            rows = list(
                await connection.execute_fetchall(
                    "SELECT day, doubted FROM mark UNION ALL SELECT max(day), NULL FROM "
                    "(SELECT day FROM counts UNION ALL SELECT day FROM messages)"
                )
            )
            day, doubted = rows[0]
            return Mark(_date(day), _date(doubted) if doubted else None) if day else None

    async def apply(self, changes: Changes) -> None:
        """Write all changes in one transaction."""
        async with self._open() as connection:
            await connection.execute("BEGIN IMMEDIATE")
            if await self._is_new(connection, changes):
                await connection.executemany(
                    "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET number = number + excluded.number",
                    [(key.topic, key.what, key.day.isoformat(), number) for key, number in changes.counts.items()],
                )
            await connection.executemany(
                "INSERT OR IGNORE INTO messages VALUES (?, ?, ?)",
                [(sealed.receipt, sealed.day.isoformat(), sealed.text) for sealed in changes.messages.values()],
            )
            await connection.executemany(
                "DELETE FROM messages WHERE receipt = ?", [(receipt,) for receipt in changes.withdrawn]
            )
            await connection.commit()
            if changes.withdrawn:
                # The log still holds what was deleted, until it is written back and cut off.
                await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    @staticmethod
    async def _is_new(connection: aiosqlite.Connection, changes: Changes) -> bool:
        """Note the batch; returns whether it is not one that was written before somebody gave up waiting for it."""
        batch = changes.batch
        if not (changes.counts and batch.number):
            return bool(changes.counts)
        noted = await connection.execute(
            "INSERT INTO batches VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET number = excluded.number, day = excluded.day "
            "WHERE number < excluded.number",
            (batch.writer, batch.number, (changes.day or max(key.day for key in changes.counts)).isoformat()),
        )
        return noted.rowcount > 0

    async def forget(self, mark: Mark) -> None:
        """Delete what is older than it may be; what is deleted is overwritten, in the log as well."""
        day, doubted = mark.day.isoformat(), mark.doubted.isoformat() if mark.doubted else None
        async with self._open() as connection:
            await connection.execute("BEGIN IMMEDIATE")
            await connection.execute("INSERT OR REPLACE INTO mark VALUES (1, ?, ?)", (day, doubted))
            for table, kept in (("counts", COUNTS_KEPT), ("messages", MESSAGES_KEPT), ("batches", LEAP)):
                await connection.execute(f"DELETE FROM {table} WHERE day < ?", ((mark.oldest - kept).isoformat(),))  # noqa: S608 - names of our own
            if not mark.doubted:
                late = (mark.day + LEAP).isoformat()
                await connection.execute(
                    "INSERT INTO counts SELECT topic, what, ?, sum(number) FROM counts WHERE day > ? GROUP BY topic, what "
                    "ON CONFLICT DO UPDATE SET number = number + excluded.number",
                    (day, late),
                )
                await connection.execute("DELETE FROM counts WHERE day > ?", (late,))
                await connection.execute("UPDATE messages SET day = ? WHERE day > ?", (day, late))
            await connection.commit()
            await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def counts(self) -> Mapping[Counted, int]:
        """Return all counts."""
        async with self._open() as connection:
            rows = await connection.execute_fetchall("SELECT topic, what, day, number FROM counts")
            return {Counted(row[0], row[1], _date(row[2])): int(row[3]) for row in rows}

    async def messages(self) -> Sequence[Sealed]:
        """Return all messages, the oldest first."""
        async with self._open() as connection:
            rows = await connection.execute_fetchall("SELECT receipt, day, sealed FROM messages ORDER BY day, receipt")
            return [Sealed(row[0], _date(row[1]), bytes(row[2])) for row in rows]

    async def close(self) -> None:
        """Close the file; its log is written back into it."""
        connection, self._connection = self._connection, None
        if connection:
            with contextlib.suppress(sqlite3.Error, OSError, ValueError):
                await connection.close()

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[aiosqlite.Connection]:
        try:
            if self._connection and not self._is_in_place():
                # Moved or deleted under us: what is written into it would be lost with it.
                await self.close()
            if self._connection is None:
                self._connection = await self._connected()
            yield self._connection
        except asyncio.CancelledError:
            # Whatever it is in the middle of goes on in its thread; the next attempt takes a connection of its own.
            if self._connection:
                closing = asyncio.create_task(self._connection.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
                self._connection = None
            raise
        except (sqlite3.Error, OSError, ValueError, RuntimeError) as error:
            # RuntimeError: no thread can be started. A connection in the middle of something is of no use to the next attempt.
            await self.close()
            raise StoreError(f"The store {self._path} cannot be used ({_reason(error)}).") from error

    async def _connected(self) -> aiosqlite.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Made by us first, since SQLite would let everybody read it. Never opened where it is there already: closing
        # it would drop the locks of every other connection of this process (https://sqlite.org/howtocorrupt.html).
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._file = _identity(self._path.stat())
        # Looked at before, since a connection that cannot be opened leaves a thread behind for a moment.
        if not self._path.is_file():
            raise OSError(errno.EISDIR, "it is no file")
        if not os.access(self._path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        connection = await aiosqlite.connect(self._path, timeout=BUSY)
        try:
            # Before anything else, for each of the rest changes the file.
            self._refuse_newer(next(iter(await connection.execute_fetchall("PRAGMA user_version")))[0])
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
                await connection.execute(f"PRAGMA {pragma}")
            await connection.executescript(_TABLES)
            await connection.execute(f"PRAGMA user_version = {SCHEMA}")
            await connection.commit()
        except BaseException:
            await connection.close()
            raise
        return connection

    def _is_in_place(self) -> bool:
        try:
            # Without the name of its log, what is written would be gone with this process; closing writes it back.
            return _identity(self._path.stat()) == self._file and Path(f"{self._path}-wal").exists()
        except OSError:
            return False

    def _refuse_newer(self, version: int) -> None:
        if version > SCHEMA:
            raise StoreError(
                f"The store {self._path} was made by a newer version of the bot ({version}, not {SCHEMA}); "
                "update the bot, or name another file in BOT_STATE."
            )


def back_up(path: Path, target: Path) -> int:
    """Copy a store beside the running bot, with what is in its log; returns the bytes written.

    Raises StoreError. A plain copy of the file would lose what SQLite has not written back yet.
    """
    if os.path.lexists(target):
        raise StoreError(f"{target} is there already; name a new file, so that no backup is overwritten.")
    if not path.is_file():
        raise StoreError(f"There is no store at {path} to back up; BOT_STATE says where it is.")
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        # Whatever came there meanwhile is somebody else's.
        raise StoreError(f"{target} cannot be written ({_reason(error)}); name another file.") from error
    try:
        with (
            contextlib.closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY)
            ) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy, progress=_refuse_locked)
            # What is damaged is copied without a word, and would be missed when it is needed.
            if copy.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("it is damaged")
    except (sqlite3.Error, OSError) as error:
        with contextlib.suppress(OSError):
            target.unlink()
        raise StoreError(f"The store could not be copied to {target} ({_reason(error)}).") from error
    return target.stat().st_size


def _refuse_locked(status: int, _left: int, _all: int) -> None:
    """Give up after one wait for a lock, where the library itself would wait for ever."""
    if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        raise sqlite3.OperationalError("somebody else has locked it")


def _date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def _identity(file: os.stat_result) -> tuple[int, int]:
    return file.st_dev, file.st_ino


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
