"""Connect to Redis or Valkey so that a server in trouble is in nobody else's way, and say what its trouble is."""

from __future__ import annotations

import asyncio
import functools
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from redis.asyncio import Connection, ConnectionPool, SSLConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,  # noqa: A004 - its own, not Python's
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)


class CertificatesError(ValueError):
    """What an address says about TLS cannot be used; what is wrong with it."""


MOST = 100
"""Connections of a pool at most; whoever comes when all are in use waits for one."""

_NO_ROOM = "max number of clients"
"""What only the text of the server's refusal tells."""

_FILES = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
_DATABASE, _OPTION = re.compile(r"/?\d*"), re.compile(r"db|username|password|ssl_\w+")

# Looking up a name that nobody answers for takes half a minute, and cannot be cancelled. In the few threads of the event
# loop, where the platforms' names are looked up too, several at once would keep answers from leaving.
_LOOKUPS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lookups")


def pool(url: str, within: float, retry: Retry | None = None) -> ConnectionPool:
    """Return connections to the server at `url`, which must answer `within` so many seconds.

    Raises ValueError for what is no address, or asks for what would change how the bot talks with the server;
    CertificatesError where it names a file for TLS that cannot be used.
    """
    parts = urlsplit(url)
    options = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if not _DATABASE.fullmatch(parts.path) or not all(map(_OPTION.fullmatch, options)):
        raise ValueError("no address of a server")
    made = _Pool.from_url(url, socket_timeout=within, socket_connect_timeout=within, retry=retry)
    made.connection_class = _SecureLine if issubclass(made.connection_class, SSLConnection) else _Line
    try:
        line = made.make_connection()  # type: ignore[no-untyped-call]
        if isinstance(line, SSLConnection):
            # Read at each connection, where a file that is missing would look like a server that is gone.
            line.ssl_context.get()
    except (RedisError, TypeError) as error:
        raise ValueError("no options of a connection") from error
    except OSError as error:
        raise CertificatesError(_unusable(parse_qsl(parts.query))) from error
    return made


def _unusable(options: Sequence[tuple[str, str]]) -> str:
    """Return which of an address's options for TLS cannot be used, and why; its values are not told."""
    for name, value in options:
        if name in _FILES:
            try:
                Path(value).open("rb").close()
            except OSError as error:
                return f"its option {name} names a file that cannot be read ({error.strerror})"
    return "what its ssl_… options name is no certificate, key or cipher"


def fault_of(error: BaseException) -> str:
    """Return what is wrong with a server, to be said after its name."""
    match error:
        case OutOfMemoryError():
            return "is full"
        case AuthenticationError():
            return "refuses the password, or asks for one"
        case NoPermissionError():
            return "does not permit what the bot needs"
        case ReadOnlyError():
            return "is a replica, which takes no writes"
        case BusyLoadingError():
            return "is still starting"
        case ResponseError():
            return "refuses what it is asked"
        case ConnectionError() if _NO_ROOM in str(error):
            return "takes no more connections"
        case ConnectionError() if isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError):
            return "shows a certificate that is not trusted"
    return "is gone"


class _Pool(ConnectionPool):
    """Connections for which those who come when all are in use wait.

    The library's own pool refuses them at once, as if the server was gone; its waiting one waits in a way that cannot be
    cancelled in every case, and hung.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given, max_connections=MOST)
        self._free = asyncio.Semaphore(MOST)
        self._held: set[AbstractConnection] = set()

    async def get_connection(self, *given: Any, **more: Any) -> AbstractConnection:
        try:
            async with asyncio.timeout(self.connection_kwargs["socket_timeout"]):
                await self._free.acquire()
        except TimeoutError as error:
            raise ConnectionError("all connections are in use") from error
        try:
            line: AbstractConnection = await super().get_connection(*given, **more)  # type: ignore[no-untyped-call]
        except BaseException:
            self._free.release()
            raise
        self._held.add(line)
        return line

    async def release(self, connection: AbstractConnection) -> None:
        try:
            await super().release(connection)
        finally:
            # One that never got as far as to be handed out is released as well.
            if connection in self._held:
                self._held.discard(connection)
                self._free.release()


class _Line(Connection):
    """A connection that looks up its server in a thread of its own, and leaves one that became a replica."""

    _address = ""

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        lookup = functools.partial(socket.getaddrinfo, self.host, self.port, type=socket.SOCK_STREAM)
        fault: OSError | None = None
        async with asyncio.timeout(self.socket_connect_timeout):
            for *_, address in await loop.run_in_executor(_LOOKUPS, lookup):
                self._address = str(address[0])
                try:
                    await super()._connect()  # type: ignore[no-untyped-call]
                except OSError as error:
                    fault = error
                else:
                    return
        raise fault or OSError("the name has no address")

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "host": self._address}

    async def read_response(self, *given: Any, **named: Any) -> Any:
        try:
            return await super().read_response(*given, **named)
        except ReadOnlyError:
            # After a failover its name leads to another server, and it would keep this connection.
            await self.disconnect()
            raise


class _SecureLine(_Line, SSLConnection):
    """The same with TLS, in which the server has to prove its name."""

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "server_hostname": self.host}
