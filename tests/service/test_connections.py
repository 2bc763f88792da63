"""Connections to a server that is shared: whatever its trouble is, nobody else has it."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.asyncio import Redis
from redis.exceptions import ConnectionError, ReadOnlyError, RedisError, TimeoutError  # noqa: A004 - its own, not Python's
from structlog.testing import capture_logs
from valkey_server import Valkey

from bot.service import sharing
from bot.service.connections import MOST, fault_of, pool
from bot.service.sharing import SharedServer
from bot.service.store import StoreError
from bot.service.store_redis import RedisStore


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    with Valkey(tmp_path) as running:
        yield running


@asynccontextmanager
async def connected(url: str, within: float = 0.5) -> AsyncIterator[Redis]:
    client = Redis.from_pool(pool(url, within))
    try:
        yield client
    finally:
        await client.aclose()


async def test_a_name_that_nobody_answers_for_keeps_no_other_lookup_waiting(monkeypatch: pytest.MonkeyPatch):
    """However often the server is asked meanwhile, the platforms' names are looked up at once."""
    real, over = socket.getaddrinfo, threading.Event()

    def lookup(host: Any, *given: Any, **named: Any) -> Any:
        if host == "valkey.example":
            over.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    try:
        async with connected("redis://valkey.example", 0.1) as client:
            asked = await asyncio.gather(*(client.ping() for _ in range(50)), return_exceptions=True)
            assert all(isinstance(fault, TimeoutError) for fault in asked)
            began = time.monotonic()
            await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 1)
            assert time.monotonic() - began < 5
    finally:
        over.set()


async def test_a_name_is_tried_at_each_of_its_addresses(server: Valkey, monkeypatch: pytest.MonkeyPatch):
    """A server that listens at the second address of its name is found there."""
    real = socket.getaddrinfo

    def lookup(host: Any, port: Any, *given: Any, **named: Any) -> Any:
        if host != "valkey.example":
            return real(host, port, *given, **named)
        return [address for place in ("127.0.0.2", "127.0.0.1") for address in real(place, port, *given, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    async with connected(f"redis://valkey.example:{server.port}") as client:
        assert await client.ping()


async def test_a_server_that_became_a_replica_is_left(server: Valkey):
    """What is said next goes over another connection, since the name may lead to another server by then."""
    async with connected(server.url) as client:
        before = await client.client_id()
        await client.replicaof("127.0.0.1", 1)
        with pytest.raises(ReadOnlyError):
            await client.set("a", 1)
        assert await client.client_id() != before


async def test_a_full_server_is_told_once_and_once_that_it_is_right_again(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
):
    """It answers a ping all the while, but neither claims nor counts can be written."""
    monkeypatch.setattr(sharing, "WATCH_EVERY", 0.02)
    async with connected(server.url) as client, connected(server.url) as operator:
        shared, store = SharedServer(client), RedisStore(client)
        await operator.config_set("maxmemory", 1)
        with capture_logs() as logs:
            watching = asyncio.create_task(shared.watch())
            await asyncio.sleep(0.3)
            assert shared.is_gone
            with pytest.raises(StoreError, match="Redis is full"):
                await store.check()
            await operator.config_set("maxmemory", 0)
            async with asyncio.timeout(20):
                while shared.is_gone:  # noqa: ASYNC110 - it is about the server
                    await asyncio.sleep(0.02)
        watching.cancel()
        await store.check()
    assert [line["event"] for line in logs] == [
        "Redis is full, so this process goes by what it knows itself",
        "Redis is back",
    ]


async def test_a_server_that_forbids_scripts_is_told_for_as_long_as_it_does(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
):
    """It takes what is written, but without scripts nothing can be claimed, so it must not seem to be right again."""
    monkeypatch.setattr(sharing, "WATCH_EVERY", 0.02)
    async with connected(server.url) as operator:
        await operator.acl_setuser(
            username="bot", enabled=True, passwords=["+word"], categories=["+@all", "-@scripting"], keys=["*"]
        )
        async with connected(f"redis://bot:word@127.0.0.1:{server.port}") as client:
            shared = SharedServer(client)
            with capture_logs() as logs:
                watching = asyncio.create_task(shared.watch())
                await asyncio.sleep(0.3)
                watching.cancel()
            assert shared.fault == "does not permit what the bot needs"
            assert len(logs) == 1


async def test_many_who_ask_at_once_wait_for_a_connection(server: Valkey):
    """A burst of questions is no fault of the server's, and is not told as one."""
    async with connected(server.url, within=5) as client:
        counted = await asyncio.gather(*(client.incr("a") for _ in range(5 * MOST)))
        assert sorted(counted) == list(range(1, 5 * MOST + 1))
        assert (await client.info("clients"))["connected_clients"] <= MOST


async def test_whoever_waits_for_a_connection_can_be_stopped(server: Valkey):
    """What is cancelled ends, and leaves its place to others, also where the server says nothing meanwhile."""
    async with connected(server.url, within=5) as client:
        await client.ping()
        server.hang()
        waiting = [asyncio.create_task(client.incr("a")) for _ in range(3 * MOST)]
        await asyncio.sleep(0.1)
        for task in waiting:
            task.cancel()
        async with asyncio.timeout(20):
            await asyncio.gather(*waiting, return_exceptions=True)
        server.go_on()
        counted = await asyncio.gather(*(client.incr("b") for _ in range(2 * MOST)))
        assert sorted(counted) == list(range(1, 2 * MOST + 1))


async def test_a_server_without_room_for_connections_is_told(server: Valkey):
    """It is there, so whoever looks after it must hear what it lacks."""
    async with connected(server.url) as operator, connected(server.url) as client:
        await operator.config_set("maxclients", 1)
        with pytest.raises(ConnectionError) as refusal:
            await client.ping()
        assert fault_of(refusal.value) == "takes no more connections"


async def test_what_is_wrong_with_a_server_is_told(server: Valkey):
    """A password that is missing or wrong, and a command that is not permitted, are no server that is gone."""
    async with connected(server.url) as operator:
        await operator.config_set("requirepass", "s3cret")
        await operator.acl_setuser(
            username="reader", enabled=True, passwords=["+word"], categories=["+@read"], keys=["*"]
        )
        for user, fault in (
            ("", "refuses the password, or asks for one"),
            (":wrong@", "refuses the password, or asks for one"),
            ("reader:word@", "does not permit what the bot needs"),
            (":s3cret@", None),
        ):
            async with connected(f"redis://{user}127.0.0.1:{server.port}") as client:
                found = None
                try:
                    await client.set("a", 1)
                except RedisError as error:
                    found = fault_of(error)
                assert found == fault
    assert fault_of(ConnectionError()) == "is gone"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of a certificate for 127.0.0.1 and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "valkey")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "server.pem", tmp_path / "server.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


async def test_a_server_proves_its_name_with_tls(server: Valkey, certificate: tuple[Path, Path]):
    """One that is trusted is used, and one that is not is never told the password."""
    heard: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", server.port)
        while data := await reader.read(4096):
            heard.append(data)
            back.write(data)
            writer.write(await there.read(4096))
        back.close()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    async with await asyncio.start_server(take, "127.0.0.1", 0, ssl=context) as front:
        address = f"rediss://127.0.0.1:{front.sockets[0].getsockname()[1]}/0"
        async with connected(address) as client:
            with pytest.raises(ConnectionError) as refusal:
                await client.ping()
        assert fault_of(refusal.value) == "shows a certificate that is not trusted"
        assert not heard
        async with connected(f"{address}?ssl_ca_certs={certificate[0]}") as client:
            assert await client.set("a", 1)
