from __future__ import annotations

import asyncio
import json
import socket

import aiohttp
import pytest

from bot.service.health import HealthServer, ask_health


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("parts", "ready"),
    [
        ({"knowledge": "ok", "platforms.discord": "ok", "platforms.telegram": "down"}, True),
        ({"knowledge": "ok", "platforms.discord": "degraded"}, False),
        ({"knowledge": "down", "platforms.discord": "ok"}, False),
    ],
)
async def test_ready_means_that_one_platform_can_answer(parts: dict[str, str], ready: bool):
    """Ready is 200 with knowledge and one platform, else 503; the body tells each part; alive is always 200."""
    port = free_port()
    server = HealthServer("127.0.0.1", port, lambda: parts)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                assert response.status == (200 if ready else 503)
                assert (await response.json())["parts"] == parts
            async with session.get(f"http://127.0.0.1:{port}/healthz") as response:
                assert response.status == 200
        answer, sentence = await ask_health("127.0.0.1", port)
        assert answer is ready
        assert "knowledge" in sentence
        # Where it listens everywhere, it is asked here.
        assert (await ask_health("*", port))[0] is ready
    finally:
        await server.stop()


async def test_a_taken_port_is_an_os_error():
    """Listening on a taken port raises, and leaves nothing open."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = HealthServer("127.0.0.1", taken.getsockname()[1], dict)
        with pytest.raises(OSError, match="address"):
            await server.start()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
    ],
)
async def test_a_client_that_does_not_finish_holds_nothing_up(sent: bytes):
    """Whoever asks half a question and stays is cut off when the bot stops."""
    port = free_port()
    server = HealthServer("127.0.0.1", port, dict)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        if b"POST" in sent:
            await asyncio.wait_for(reader.read(20), 5)
        async with asyncio.timeout(3):
            await server.stop()
    finally:
        writer.close()


@pytest.mark.parametrize("body", [[], "x", {"parts": []}, {}, None])
async def test_another_service_is_one_sentence(body: object):
    """Whatever else answers at the address is not taken for the bot."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        text = json.dumps(body).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + text
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        ready, sentence = await ask_health("127.0.0.1", other.sockets[0].getsockname()[1])
    assert not ready
    assert sentence.startswith("Something else than the bot answers")


async def test_nobody_there_is_one_sentence():
    """Asking where no bot listens is answered with a sentence."""
    ready, sentence = await ask_health("127.0.0.1", free_port())
    assert not ready
    assert sentence.startswith("No bot answers at 127.0.0.1:")
