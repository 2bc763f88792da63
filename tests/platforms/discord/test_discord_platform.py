"""The platform in this process, against a local Discord."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import structlog
from conftest import FakeMatcher, sure
from wire.discord_server import (
    ADA,
    APPLICATION,
    CHANNEL,
    DIRECT,
    HTML,
    ME,
    TOKEN,
    DiscordServer,
    Fault,
    Json,
    buttons,
    code_of,
    limited,
)

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import File, Kind, Part, Prompt, Question, Reply, Section
from bot.dialogue.state import Action, State
from bot.knowledge.markup import Paragraph, Span
from bot.platforms.discord import adapter, gateway, rest
from bot.platforms.discord.adapter import DiscordPlatform
from bot.platforms.platform import PassingFault, PermanentFault
from bot.service.log import logger, setup_logs

SECRET = "my chemo letter 4711"
WRITE = State(Action.WRITE, "objection", place="de").encode()
HIDDEN = 64


class Stream(io.StringIO):
    """The log, which a test may wait for."""

    def __init__(self, server: DiscordServer) -> None:
        super().__init__()
        self._server = server

    def write(self, text: str) -> int:
        self._server.changed()
        return super().write(text)

    async def says(self, sentence: str, times: int = 1) -> None:
        await self._server.until(lambda: self.getvalue().count(sentence) >= times)


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server
    assert server.violations == []


@pytest.fixture(params=["json"])
def log(request: pytest.FixtureRequest, server: DiscordServer) -> Iterator[Stream]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = Stream(server)
    setup_logs(request.param, stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    for secret in (TOKEN, "interaction-token", ADA["id"], CHANNEL, DIRECT, "Adalinde", "ada_of_test", SECRET, "chemo"):
        assert secret not in stream.getvalue()


both_forms = pytest.mark.parametrize("log", ["console", "json"], indirect=True)


@pytest.fixture
def make(
    server: DiscordServer, log: Stream, dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., DiscordPlatform]:
    monkeypatch.setattr(gateway, "IDENTIFY_EVERY", 0.0)

    def make(**changes: Any) -> DiscordPlatform:
        options: Json = {"token": TOKEN, "base_url": server.base_url, "log": logger("bot.discord"), **changes}
        return DiscordPlatform(dialogue, reference=lambda: "abc123", **options)

    return make


@contextlib.asynccontextmanager
async def serving(
    server: DiscordServer, platform: DiscordPlatform, shards: int = 1
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a platform until the block ends; it must not fail by itself."""
    task = asyncio.create_task(platform.run())
    try:
        await server.until(lambda: task.done() or sum(1 for s in server.sessions.values() if s.connection) == shards)
        yield task
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait({task})


async def ending(platform: DiscordPlatform) -> BaseException:
    """Return what a platform fails with."""
    with pytest.raises((PermanentFault, PassingFault)) as caught:
        async with asyncio.timeout(30):
            await platform.run()
    return caught.value


def shown(message: Json) -> str:
    embed = message["embeds"][0]
    return f"{embed.get('title', '')}\n{embed.get('description', '')}"


def form_of(code: str) -> Json:
    """Return a form as it was opened for a state."""
    return {"custom_id": code, "components": [{"component": {"custom_id": "text"}}]}


def letter(text: str) -> Reply:
    """Return a letter with words of one's own, and two files."""
    files = File("letter.txt", text.encode()), File("due.ics", b"BEGIN:VCALENDAR", "text/calendar")
    section = Section(Part.LETTER, (Paragraph((Span(text),)),))
    return Reply(Kind.SCREEN, "Your letter", (section,), files=files, private=True)


def screen(title: str, **changes: Any) -> Reply:
    return Reply(Kind.SCREEN, title, (Section(Part.ANSWER, (Paragraph((Span("text"),)),)),), **changes)


async def works(server: DiscordServer) -> None:
    assert (await server.command("help"))["type"] == 4


# --- whatever raises -----------------------------------------------------------------------------------------


@both_forms
async def test_every_handler_that_raises_still_answers(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], dialogue: Dialogue,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    """Whatever raises inside, the person gets a sentence and a reference, and the log no word of theirs."""

    def fail(*_: object, **__: object) -> None:
        local_variable = SECRET
        raise RuntimeError(local_variable)

    for name in ("ask", "press", "show", "suggest", "no_text", "prompt", "submit"):
        monkeypatch.setattr(dialogue, name, fail)
    async with serving(server, make()):
        for answer in (
            await server.command("ask", SECRET),
            await server.command("topics"),
            await server.command("help"),
            await server.point(SECRET),
            await server.point(""),
            await server.press("v1:menu::", {"flags": 64}),
            await server.choose("choose:0", SECRET, {"flags": 0}),
            await server.press(WRITE, {"flags": 64}),
            (await server.submit(form_of(SECRET), SECRET))[0],
            await server.answered(await server.interact(2, {"name": SECRET, "type": 2})),
        ):
            assert answer["type"] == 4
            assert answer["data"]["flags"] == 64
            assert "abc123" in shown(answer["data"])
        assert await server.type(SECRET) == []
        await server.say(SECRET)
        await server.say("", attachments=[{"id": "1", "filename": SECRET}])
        await server.say(f"<@{ME['id']}> {SECRET}", guild=True, mentions=[ME])
        await server.until(lambda: len(server.messages) == 3)
        assert all("abc123" in shown(message) for message in server.messages)
    told = log.getvalue()
    assert told.count("a handler failed") == 14
    assert told.count("abc123") == 14
    assert "RuntimeError" in told
    for handler in ("commanded", "pointed", "pressed", "submitted", "typed", "unknown", "message"):
        assert handler in told


@both_forms
async def test_faults_of_reading_and_drawing(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """Also where reading an event or drawing a reply raises, nothing of the event is logged and all goes on."""

    def fail(raw: Any, *_: object) -> None:
        raise ValueError(repr(raw))

    async with serving(server, make()):
        with monkeypatch.context() as patch:
            patch.setattr("bot.platforms.discord.events.read_message", fail)
            patch.setattr("bot.platforms.discord.events.read_interaction", fail)
            await server.say(SECRET)
            await log.says("a handler failed")
            assert "abc123" in shown((await server.command("ask", SECRET))["data"])
            assert await server.type(SECRET) == []
        await works(server)


@both_forms
async def test_limits_and_faults_hold_no_secret(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform]
):
    """The library's own records of a 429 and of faults, which hold addresses and tokens, are reduced."""
    async with serving(server, make()):
        server.fail("/channels/", limited(0.05), HTML, Fault(400, {"message": SECRET, "code": 50035}))
        await server.say(SECRET)
        await log.says("Discord refused a message")
        assert "a library reports" in log.getvalue()
        server.fail("/interactions/", limited(0.05), HTML, Fault(drop=True), Fault(403, {"message": SECRET}))
        assert "abc123" in shown((await server.command("ask", SECRET))["data"])


async def test_an_interaction_is_answered_in_time_or_not_at_all(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform]
):
    """While Discord fails, an interaction is tried again only as long as it lives."""
    async with serving(server, make()):
        server.fail("/interactions/", *[Fault(500)] * 50)
        await server.interact(2, {"id": "1", "name": "help", "type": 1})
        await log.says("an interaction could not be answered in time")
        server.fail("/interactions/", limited(30))
        server.forget()
        server.fail("/interactions/", limited(30))
        await server.interact(2, {"id": "1", "name": "help", "type": 1})
        await log.says("an interaction could not be answered in time", 2)
        assert server.answers == {}
        await works(server)


@pytest.fixture
def slow(dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return what has to be set before a question is answered."""
    ready, ask = threading.Event(), dialogue.ask

    def waiting(question: Question) -> Reply:
        assert ready.wait(20)
        return ask(question)

    monkeypatch.setattr(dialogue, "ask", waiting)
    return ready


async def test_a_question_that_takes_long_is_acknowledged_first(
    server: DiscordServer, make: Callable[..., DiscordPlatform], slow: threading.Event
):
    """Whoever asks hears at once that an answer comes, and gets it hidden; presses, screens and typing do not wait."""
    async with serving(server, make()):
        option = {"name": "question", "type": 3, "value": "my phone?"}
        id = await server.interact(2, {"id": "1", "name": "ask", "type": 1, "options": [option]})
        await server.until(lambda: server.deferred)
        assert server.answers == {}
        await works(server)
        assert (await server.press("v1:menu::", {"flags": HIDDEN}))["type"] == 7
        assert await server.type("phone")
        slow.set()
        answer = await server.answered(id)
        assert answer["data"]["flags"] == HIDDEN
        assert shown(answer["data"])


@pytest.mark.parametrize(
    "fault",
    [
        HTML,
        Fault(503),
        Fault(drop=True),
        Fault(drop=True, after=True),
        limited(0.1),
        Fault(429, "slow", {"Retry-After": "0.1"}),
        Fault(200, "<html>log in to this network</html>"),
    ],
)
async def test_an_answer_that_comes_later_outlives_faults(
    server: DiscordServer, make: Callable[..., DiscordPlatform], slow: threading.Event, fault: Fault
):
    """Whatever fails while it is acknowledged or completed, the answer arrives."""
    async with serving(server, make()):
        server.fail("/callback", fault)
        server.fail("/webhooks/", fault)
        option = {"name": "question", "type": 3, "value": "my phone?"}
        id = await server.interact(2, {"id": "1", "name": "ask", "type": 1, "options": [option]})
        await server.until(lambda: server.deferred)
        slow.set()
        assert (await server.answered(id))["data"]["flags"] == HIDDEN


async def test_an_answer_that_is_refused_later_becomes_an_apology(
    server: DiscordServer, make: Callable[..., DiscordPlatform], slow: threading.Event
):
    """Nobody is left waiting behind an acknowledgement; where that is refused, the answer is sent without it."""
    async with serving(server, make()):
        option = {"name": "question", "type": 3, "value": "my phone?"}
        data = {"id": "1", "name": "ask", "type": 1, "options": [option]}
        server.fail("/webhooks/", Fault(400, {"message": "Invalid Form Body", "code": 50035}))
        id = await server.interact(2, data)
        await server.until(lambda: server.deferred)
        slow.set()
        assert "abc123" in shown((await server.answered(id))["data"])
        slow.clear()
        server.fail("/callback", Fault(400, {"message": "Invalid Form Body", "code": 50035}))
        id = await server.interact(2, data)
        await server.until(lambda: any(id in call.path for call in server.calls))
        slow.set()
        assert "abc123" not in shown((await server.answered(id))["data"])


# --- coming and going ----------------------------------------------------------------------------------------


async def test_coming_back(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """Connections that break are resumed where READY says, with what was missed; a lost session begins anew."""
    async with serving(server, make()):
        await server.send({"op": 7, "d": None})
        await server.until(lambda: len(server.resumed) == 1 and server.ready)
        assert server.dials[-1] == "/resume/"
        await works(server)
        await server.cut(4000)
        await server.answered(await server.interact(2, {"id": "1", "name": "about", "type": 1}))
        assert len(server.identified) == 1
        await server.send({"op": 9, "d": True})
        await server.until(lambda: len(server.resumed) == 3 and server.ready)
        await works(server)
        assert len(server.identified) == 1
        await server.send({"op": 9, "d": False})
        await server.until(lambda: len(server.identified) == 2 and server.ready)
        assert server.dials[-1] == "/gateway/"
        await works(server)
        assert sum(call.path == "/gateway/bot" for call in server.calls) == 2


@pytest.mark.parametrize("codes", [[4009], [4007], [4000, 4000]])
async def test_a_session_that_is_not_resumed(
    server: DiscordServer, make: Callable[..., DiscordPlatform], codes: list[int]
):
    """A gateway that closes attempts to resume gets a new session."""
    async with serving(server, make()):
        server.close_resume = list(codes)
        await server.cut(4000)
        await server.until(lambda: len(server.identified) == 2 and server.ready)
        assert len(server.resumed) == len(codes)
        await works(server)


async def test_sessions_that_can_be_resumed_come_back_soon(
    server: DiscordServer, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """However often a connection breaks in a row, nobody waits half a minute while it can be resumed for nothing."""
    monkeypatch.setattr(gateway, "_LONGEST_RESUME_PAUSE", 0.0)
    async with serving(server, make()):
        for times in range(1, 8):
            await server.cut(4000)
            await server.until(lambda times=times: len(server.resumed) == times and server.ready, 5)
        await works(server)
        assert len(server.identified) == 1


async def test_a_resume_address_of_somebody_else(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """With a base address of one's own, no connection leaves for where that does not lead."""
    server.resume_url = "wss://gateway-elsewhere.discord.gg"
    async with serving(server, make()):
        await server.send({"op": 7, "d": None})
        await server.until(lambda: len(server.resumed) == 1)
        assert server.dials == ["/gateway/", "/gateway/"]


async def test_a_resume_address_that_is_gone(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """Where the resume address cannot be reached, the session is resumed at the gateway itself."""
    server.resume_url = "ws://127.0.0.1:9/"
    async with serving(server, make()):
        await server.send({"op": 7, "d": None})
        await server.until(lambda: len(server.resumed) == 1 and server.ready)
        assert server.dials == ["/gateway/", "/gateway/"]
        await works(server)


@pytest.mark.parametrize("garbage", [{"op": 0, "t": "READY", "s": 2, "d": {}}, {"op": 0, "t": "READY", "s": 2, "d": 5}])
async def test_nonsense_from_the_gateway(server: DiscordServer, make: Callable[..., DiscordPlatform], garbage: Json):
    """A frame that nobody understands costs the connection at most, never the platform."""
    async with serving(server, make()):
        await server.send(garbage)
        await server.until(lambda: len(server.dials) == 2 and server.ready)
        await works(server)


async def test_a_session_that_is_invalid_at_first(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """An IDENTIFY that is not accepted is repeated, at the address that Discord names then."""
    server.invalidate_identify = 2
    async with serving(server, make()):
        await server.until(lambda: server.ready)
        assert len(server.identified) == 3
        assert server.dials == ["/gateway/"] * 3
        assert sum(call.path == "/gateway/bot" for call in server.calls) == 3


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (4004, "Discord refuses the token"),
        (4010, "does not accept this shard"),
        (4011, "set DISCORD_SHARD_COUNT to at least 3"),
        (4012, "no longer speaks this version"),
        (4013, "does not know an intent"),
        (4014, "disallows an intent"),
    ],
)
async def test_what_cannot_be_tried_again(
    server: DiscordServer, make: Callable[..., DiscordPlatform], code: int, sentence: str
):
    """Close codes after which nothing helps are one sentence each."""
    server.close_identify = [code]
    fault = await ending(make())
    assert isinstance(fault, PermanentFault)
    assert sentence in str(fault)
    assert len(server.identified) == 1


async def test_a_token_that_goes_bad_while_running(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """A token that is reset while the bot runs ends it, wherever Discord says so first."""
    async with asyncio.TaskGroup() as group:
        run = group.create_task(ending(make()))
        await server.until(lambda: server.ready)
        server.fail("/channels/", Fault(401, {"message": "401: Unauthorized", "code": 0}))
        await server.say("hello")
    assert isinstance(run.result(), PermanentFault)
    for path in ("/users/@me", "/gateway/bot", "/commands"):
        server.fail(path, Fault(401, {"message": "401: Unauthorized", "code": 0}))
        assert isinstance(await ending(make()), PermanentFault)


async def test_what_is_tried_again(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """What may pass is a passing fault with a sentence, and the same platform runs again afterwards."""
    platform = make()
    for path, fault in (
        ("/users/@me", Fault(403, "<html>blocked</html>")),
        ("/users/@me", Fault(401, "<html>log in to this network</html>")),
        ("/users/@me", Fault(503)),
        ("/users/@me", Fault(200, "<html>hello</html>")),
        ("/gateway/bot", Fault(200, "<html>hello</html>")),
        ("/gateway/bot", Fault(200, {"url": "http://example.org", "shards": 1})),
        ("/gateway/bot", Fault(429, "<html>banned</html>")),
    ):
        server.fail(path, fault)
        assert isinstance(await ending(platform), PassingFault)
    server.gateway_url = "ws://127.0.0.1:9"
    assert "the gateway of Discord cannot be reached" in str(await ending(platform))
    assert not platform.can_answer()
    server.gateway_url = None
    async with serving(server, platform):
        await works(server)
        await server.until(platform.can_answer)


async def test_a_gateway_that_closes_every_connection(
    server: DiscordServer, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """Connections that never become ready end the attempt instead of being repeated unseen for ever."""
    monkeypatch.setattr(gateway, "_LONGEST_PAUSE", 0.0)
    server.close_identify = [4000] * 50
    assert isinstance(await ending(make()), PassingFault)
    assert len(server.identified) == 5


async def test_too_few_sessions_are_waited_for(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """With fewer sessions left than shards the bot says so and waits until they are renewed."""
    monkeypatch.setattr(gateway, "_FIRST_RENEWAL", 0.0)
    server.limit = {"total": 1_000, "remaining": 1, "reset_after": 50, "max_concurrency": 1}
    platform = make(shard_count=2)
    task = asyncio.create_task(platform.run())
    await log.says("Discord allows too few new sessions for now, so the bot waits", 2)
    assert server.identified == []
    assert not platform.can_answer()
    server.limit["remaining"] = 2
    await server.until(lambda: len(server.sessions) == 2)
    task.cancel()
    await asyncio.wait({task})


async def test_a_gateway_that_tells_only_its_address(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """Where a proxy leaves out how many sessions are left, the bot connects all the same."""
    server.fail("/gateway/bot", Fault(200, {"url": f"ws://127.0.0.1:{server.port}/gateway/"}))
    async with serving(server, make()):
        await works(server)


async def test_a_page_that_forbids_closes_no_channel(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform]
):
    """A 403 of Discord closes a channel for us; one that somebody in between sends as a page does not."""
    async with serving(server, make()):
        server.fail("/channels/", Fault(403, "<html>blocked</html>"))
        await server.say("hello")
        await log.says("a channel does not take our messages")
        await server.say("hello")
        await server.until(lambda: len(server.messages) == 1)


async def test_shards(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """Each shard dials where Discord says and answers; the platform can answer when all of them can."""
    platform = make(shard_count=3, shard_ids=(0, 2))
    async with serving(server, platform, shards=2):
        assert sorted(data["shard"] for data in server.identified) == [[0, 3], [2, 3]]
        assert server.dials == ["/gateway/", "/gateway/"]
        await server.until(platform.can_answer)
        id = server.expect("token-of-shard-2", 2)
        data = {"id": id, "token": "token-of-shard-2", "type": 2, "data": {"name": "help", "type": 1}}
        await server.dispatch("INTERACTION_CREATE", data, shard=2)
        assert (await server.answered(id))["type"] == 4


async def test_a_shard_that_cannot_connect(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """One shard that is refused ends the whole attempt, so that somebody hears of it."""
    server.close_identify = [4010]
    assert "does not accept this shard" in str(await ending(make(shard_count=2)))


async def test_a_shard_that_comes_back_late_takes_no_other_down(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """While one of several needs a new session and Discord gives none, the others stay and answer; for good it is told."""
    monkeypatch.setattr(gateway, "_LONGEST_PAUSE", 0.0)
    platform = make(shard_count=2)
    async with asyncio.TaskGroup() as group:
        run = group.create_task(ending(platform))
        await server.until(platform.can_answer)
        server.fail("/gateway/bot", Fault(503), Fault(200, "<html>hello</html>"), Fault(403))
        await server.send({"op": 9, "d": False}, shard=1)
        await log.says("a connection to Discord cannot be made yet", 3)
        await works(server)
        await server.until(lambda: len(server.identified) == 3 and platform.can_answer())
        server.fail("/gateway/bot", *[Fault(503)] * 5)
        await server.send({"op": 9, "d": False}, shard=1)
    assert "the gateway of Discord takes no connection" in str(run.result())
    assert len(server.identified) == 3


async def test_readiness_follows_the_heartbeat(
    server: DiscordServer, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """The platform can answer once the gateway is ready, and not while heartbeats stay without an answer."""
    monkeypatch.setattr(gateway, "_ACK_GRACE", 0.2)
    server.heartbeat_interval = 100
    platform = make()
    assert not platform.can_answer()
    async with serving(server, platform):
        await server.until(platform.can_answer)
        server.acknowledge = False
        await server.until(lambda: not platform.can_answer())
        server.acknowledge = True
        await server.until(platform.can_answer)
    assert not platform.can_answer()


async def test_a_connection_without_a_pulse_is_left(
    server: DiscordServer, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """Where heartbeats stay without an answer, the session is resumed on another connection."""
    monkeypatch.setattr(gateway, "_ACK_GRACE", 0.2)
    server.heartbeat_interval = 100
    async with serving(server, make()):
        server.acknowledge = False
        await server.until(lambda: server.resumed, 10)
        server.acknowledge = True
        await works(server)
        assert len(server.identified) == 1


async def test_a_gateway_that_never_gets_ready_is_left(
    server: DiscordServer, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """One that answers heartbeats and never says READY, or RESUMED, is dialled anew; at the start the operator hears of it."""
    monkeypatch.setattr(gateway, "_READY_WITHIN", 0.3)
    server.mute = True
    assert "cannot be reached" in str(await ending(make()))
    server.mute = False
    async with serving(server, make()):
        await works(server)
        resumed = len(server.resumed)
        server.mute = True
        await server.cut(4000)
        await server.until(lambda: len(server.resumed) >= resumed + 2)
        server.mute = False
        await server.until(lambda: server.ready)
        await works(server)


async def test_a_gateway_that_takes_connections_and_says_nothing(
    server: DiscordServer, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """A dial that leads nowhere is given up after a while, and told."""
    monkeypatch.setattr(gateway, "_DIAL_WITHIN", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server.gateway_url = f"ws://127.0.0.1:{silent.getsockname()[1]}/"
        assert "gateway of Discord cannot be reached" in str(await ending(make()))


@pytest.mark.parametrize("fault", [Fault(hang=True), Fault(hang=True, after=True)])
async def test_a_request_that_nobody_answers(
    server: DiscordServer, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch, fault: Fault
):
    """Where a connection is dead and nobody says so, the answer takes another one, and arrives once."""
    monkeypatch.setattr(rest, "REQUEST_WITHIN", 0.3)
    monkeypatch.setattr(rest, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(rest, "_ATTEMPT", 0.3)
    async with serving(server, make()):
        server.fail("/channels/", fault)
        server.fail("/interactions/", fault)
        asked = await server.say("hello")
        await works(server)
        await server.until(lambda: sum("/channels/" in call.path for call in server.calls) == 2 and server.messages)
        await works(server)
    assert [said["message_reference"]["message_id"] for said in server.messages] == [asked]


LIMITS = {
    "of one route": limited(0.2),
    "of everything": Fault(
        429,
        {"message": "slow", "retry_after": 0.2, "global": True},
        {"Via": "1.1 google", "X-RateLimit-Global": "true", "Retry-After": "1", "X-RateLimit-Scope": "global"},
    ),
    "shared": Fault(
        429, {"message": "slow", "retry_after": 0.2, "global": False}, {"Via": "1", "X-RateLimit-Scope": "shared"}
    ),
    "that says not how long": Fault(429, {"message": "slow", "global": False}, {"Via": "1.1 google"}),
    "without a word": Fault(429, None, {"Via": "1.1 google"}),
    "in a list": Fault(429, ["slow"], {"Via": "1.1 google"}),
    "in a page": Fault(429, "<html>slow</html>", {"Via": "1.1 google"}),
    "of something in between": Fault(429, "<html>slow</html>", {"Retry-After": "1"}),
    "in nonsense": Fault(429, {"retry_after": "soon"}, {"Via": "1.1 google"}),
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
async def test_limits_of_every_form_are_waited_for(
    server: DiscordServer, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch, limit: Fault
):
    """Whoever asks gets the answer after it; others and interactions go on, and so does logging in."""
    monkeypatch.setattr(rest, "_FIRST_PAUSE", 0.05)
    async with serving(server, make()):
        server.fail("/channels/", limit)
        asked = await server.say("hello")
        await works(server)
        await server.until(lambda: server.messages)
        assert server.messages[0]["message_reference"]["message_id"] == asked
        server.fail("/interactions/", limit)
        await works(server)
    assert len(server.messages) == 1


async def test_a_limit_that_lasts_holds_nobody(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform]
):
    """Where Discord lets nothing through for an hour, the message is given up and told, instead of piling up with all others."""
    async with serving(server, make()):
        server.fail("/channels/", limited(3_600))
        await server.say("hello")
        await log.says("a message could not be sent")
        await server.say("hello again")
        await server.until(lambda: server.messages)
    server.fail("/users/@me", limited(3_600))
    assert "lets nothing through for 3600 seconds" in str(await ending(make()))
    server.fail("/gateway/bot", limited(3_600))
    assert "lets nothing through for 3600 seconds" in str(await ending(make()))
    server.fail("/gateway/bot", LIMITS["without a word"])
    assert "cannot be reached" in str(await ending(make()))


async def test_an_interaction_that_expired_is_let_go(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], slow: threading.Event
):
    """One that Discord no longer knows when it is acknowledged, or when its answer comes, is no failure of ours."""
    data: Json = {"id": "1", "name": "ask", "type": 1, "options": [{"name": "question", "type": 3, "value": "hello"}]}
    async with serving(server, make()):
        server.fail("/interactions/", Fault(404, {"message": "Unknown interaction", "code": 10062}))
        await server.interact(2, data)
        await log.says("too old to be")
        server.fail("/webhooks/", Fault(404, {"message": "Unknown Webhook", "code": 10015}))
        server.fail("/webhooks/", Fault(401, {"message": "Invalid Webhook Token", "code": 50027}))
        await server.interact(2, data)
        await server.until(lambda: server.deferred)
        slow.set()
        await log.says("too old to be", 3)
        await works(server)
    assert "a handler failed" not in log.getvalue()
    assert sum("/webhooks/" in call.path for call in server.calls) == 2


async def test_nothing_stays_in_memory_of_the_library(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """The base address of discord.py is untouched: another client of the process would not notice ours."""
    from discord.gateway import DiscordWebSocket  # noqa: PLC0415
    from discord.http import Route  # noqa: PLC0415

    async with serving(server, make()):
        await works(server)
        assert Route.BASE == "https://discord.com/api/v10"
        assert str(DiscordWebSocket.DEFAULT_GATEWAY) == "wss://gateway.discord.gg/"


# --- stopping ------------------------------------------------------------------------------------------------


async def test_stopping_finishes_what_is_being_answered(server: DiscordServer, make: Callable[..., DiscordPlatform]):
    """An answer that is under way leaves before the session is closed for good; nothing new is taken."""
    async with serving(server, make()):
        server.fail("/channels/", Fault(503))
        await server.say("hello")
        await server.until(lambda: any("/channels/" in call.path for call in server.calls))
    await server.until(lambda: server.closes)
    assert server.closes == [1000]
    assert len(server.messages) == 1


async def test_stopping_waits_for_nobody_for_long(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """What takes too long to answer is left, and told."""
    monkeypatch.setattr(adapter, "FINISH_WITHIN", 0.05)
    async with serving(server, make()):
        server.fail("/channels/", limited(20))
        await server.say("hello")
        await server.until(lambda: any("/channels/" in call.path for call in server.calls))
    assert "answers were left unfinished" in log.getvalue()


@pytest.mark.parametrize("arrived", [False, True])
async def test_stopping_while_a_question_is_acknowledged(
    server: DiscordServer, make: Callable[..., DiscordPlatform], slow: threading.Event, monkeypatch: pytest.MonkeyPatch,
    *, arrived: bool,
):  # fmt: skip
    """Whether Discord has heard of the acknowledgement or not, whoever asked is told."""
    monkeypatch.setattr(adapter, "FINISH_WITHIN", 0.05)
    async with serving(server, make()):
        server.fail("/callback", Fault(hang=True, after=arrived))
        option = {"name": "question", "type": 3, "value": "my phone?"}
        id = await server.interact(2, {"id": "1", "name": "ask", "type": 1, "options": [option]})
        await server.until(lambda: any("/callback" in call.path for call in server.calls))
    assert bool(server.deferred) is arrived
    assert "Please ask again in a moment" in shown(server.answers[id]["data"])
    assert server.answers[id]["data"]["flags"] == HIDDEN
    slow.set()


# --- commands ------------------------------------------------------------------------------------------------


async def test_commands_that_cannot_be_written_stop_nothing(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], monkeypatch: pytest.MonkeyPatch
):
    """Where Discord takes no commands, that is told, tried again later, and questions are answered meanwhile."""
    monkeypatch.setattr(adapter, "SYNC_PAUSES", (0.0,))
    path = rf"/applications/{APPLICATION}/commands"
    server.fail(path, Fault(403, {"message": "Missing Access", "code": 50001}), Fault(200, "<html></html>"))
    async with serving(server, make()):
        await log.says("the commands could not be brought up to date", 2)
        await works(server)
    assert server.commands == []


async def test_an_interactions_endpoint_is_told(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform]
):
    """Where the application sends interactions elsewhere, the operator learns why no command is answered."""
    told = {"id": APPLICATION, "interactions_endpoint_url": "https://elsewhere.example/x"}
    server.fail("/oauth2/applications/@me", Fault(200, told))
    async with serving(server, make()):
        await log.says("The application has an interactions endpoint URL")
    assert "elsewhere.example" not in log.getvalue()


# --- forms, files, private replies ---------------------------------------------------------------------------


async def test_a_form_is_opened_and_answered(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], dialogue: Dialogue,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    """A prompt's button opens its form; what is written into it comes back as a private letter with its files."""
    prompt = Prompt(WRITE, "Write", "Objection", "Your reasons", "for example", "Letter: objection", 50)
    monkeypatch.setattr(dialogue, "prompt", lambda code: prompt if code == WRITE else None)
    monkeypatch.setattr(
        dialogue,
        "submit",
        lambda code, text: letter(text) if len(text) <= 50 else screen("Too long", prompt=prompt, private=True),
    )
    async with serving(server, make()):
        for message in ({"flags": 0}, {"flags": HIDDEN}, {}):
            opened = await server.press(WRITE, message)
            assert opened["type"] == 9
        answer, files = await server.submit(opened["data"], f" {SECRET} <@1> ```\n@everyone ")
        assert answer["type"] == 4
        assert answer["data"]["flags"] == HIDDEN
        said = f"{SECRET} <@1> ```\n@everyone"
        assert answer["data"]["embeds"][0]["description"] == f"```\n{SECRET} <@1> `\u200b`\u200b`\n@everyone\n```"
        assert files == {"letter.txt": said.encode(), "due.ics": b"BEGIN:VCALENDAR"}
        for again in range(2):
            answer, files = await server.submit(opened["data"], "w" * 51, direct=bool(again))
            assert answer["type"] == 4
            assert "Too long" in shown(answer["data"])
            assert next(buttons(answer["data"]))["custom_id"] == WRITE
            assert files == {}
        gone = State(Action.WRITE, "no-such-letter").encode()
        monkeypatch.undo()
        assert "too old" in shown((await server.press(gone, {"flags": HIDDEN}))["data"])
        assert "too old" in shown((await server.submit(form_of(gone), SECRET))[0]["data"])


@pytest.mark.parametrize(
    "fault",
    [
        Fault(403, {"message": "Missing Permissions", "code": 50013}),
        Fault(413, {"message": "Request entity too large", "code": 40005}),
        Fault(413, "<html>too large</html>"),
        Fault(400, {"message": "Invalid Form Body", "code": 50035}),
    ],
)
async def test_files_that_are_refused(
    server: DiscordServer, make: Callable[..., DiscordPlatform], dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
):  # fmt: skip
    """Where files may not be attached the same letter comes without them and says so, as an answer and a message."""
    monkeypatch.setattr(dialogue, "submit", lambda _code, text: letter(text))
    monkeypatch.setattr(dialogue, "ask", lambda question: letter(question.text))
    async with serving(server, make()):
        server.fail("/interactions/", fault)
        answer, files = await server.submit(form_of(WRITE), "my reasons")
        assert files == {}
        assert "attachments" not in answer["data"]
        assert "The files could not be sent here" in shown(answer["data"])
        assert "```\nmy reasons\n```" in shown(answer["data"])
        server.fail("/channels/", fault)
        await server.say("my reasons")
        await server.until(lambda: server.messages)
        assert "The files could not be sent here" in shown(server.messages[0])
        assert server.files[server.messages[0]["id"]] == {}
        await server.say("my other reasons")
        await server.until(lambda: len(server.messages) == 2)
        assert server.files[server.messages[1]["id"]]["letter.txt"] == b"my other reasons"


async def test_files_come_whole_where_discord_fails_first(
    server: DiscordServer, make: Callable[..., DiscordPlatform], dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
):
    """An answer with files is tried again like any other, with all of them."""
    monkeypatch.setattr(dialogue, "submit", lambda _code, text: letter(text))
    monkeypatch.setattr(dialogue, "ask", lambda question: letter(question.text))
    async with serving(server, make()):
        server.fail("/interactions/", Fault(503), limited(0.1), Fault(drop=True))
        answer, files = await server.submit(form_of(WRITE), "my reasons")
        assert "The files could not be sent" not in shown(answer["data"])
        assert set(files) == {"letter.txt", "due.ics"}
        server.fail("/channels/", Fault(503), limited(0.1))
        await server.say("my reasons")
        await server.until(lambda: server.messages)
        assert set(server.files[server.messages[0]["id"]]) == {"letter.txt", "due.ics"}


async def test_private_replies_leave_public_messages_alone(
    server: DiscordServer, make: Callable[..., DiscordPlatform], dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
):
    """A flow begun below a public message goes on in a private one, changed in place but where it holds files."""
    monkeypatch.setattr(dialogue, "press", lambda *_: screen("Step 1", private=True))
    public = {"id": "1", "flags": 0, "referenced_message": {"id": "3", "author": ADA}}
    async with serving(server, make()):
        for message, direct in (({**public}, False), ({"id": "1", "flags": 0}, False)):
            copy = await server.press("v1:menu::", message, direct=direct)
            assert copy["type"] == 4
            assert copy["data"]["flags"] == HIDDEN
            assert "own copy" not in shown(copy["data"])
        for message, direct in (({**public, "flags": HIDDEN}, False), ({**public}, True)):
            changed = await server.press("v1:menu::", message, direct=direct)
            assert changed["type"] == 7
            kept = await server.press("v1:menu::", {**message, "attachments": [{"id": "1"}]}, direct=direct)
            assert kept["type"] == 4
            assert kept["data"]["flags"] == HIDDEN


async def test_own_words_go_with_the_press_and_are_shown_to_nobody_else(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], dialogue: Dialogue,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    """What a message quotes is handed to the dialogue word for word, and left out where the reply is shown to all."""
    heard: list[str] = []

    def press(_code: str, _conversation: object, quoted: str) -> Reply:
        heard.append(quoted)
        return screen("Again", quote=quoted)

    monkeypatch.setattr(dialogue, "press", press)
    said = f"{SECRET} *why*?\n1. `so`"
    monkeypatch.setattr(dialogue, "ask", lambda _: screen("First", quote=said))
    async with serving(server, make()):
        first = (await server.command("ask", said))["data"]
        again = {**(await server.press("v1:menu::", first))["data"], "flags": HIDDEN}
        assert again["embeds"][0]["description"].startswith("> my chemo")
        shared = await server.press(State(Action.SHARE, "opt-out-phone").encode(), again)
        assert "chemo" not in json.dumps(shared)
        public = {**again, "flags": 0, "interaction_metadata": {"user": {"id": "9"}}}
        await server.press("v1:menu::", public)
    assert heard == [said, said, ""]


class FakeLedger:
    """A ledger that notes what it is told."""

    takes_messages = True
    is_late = False

    def __init__(self) -> None:
        self.counted: list[tuple[str, str]] = []
        self.kept: dict[str, str] = {}

    def count(self, topic: str, what: str) -> None:
        self.counted.append((topic, what))

    def receipt(self) -> str:
        return "r4711"

    def keep(self, text: str, receipt: str) -> bool:
        self.kept[receipt] = text
        return True

    def withdraw(self, receipt: str) -> None:
        self.kept.pop(receipt, None)


@pytest.mark.parametrize("way", ["public", "private", "direct"])
async def test_telling_the_editors(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], dialogue: Dialogue,
    monkeypatch: pytest.MonkeyPatch, way: str,
):  # fmt: skip
    """What nobody could answer is shown masked in private, kept after a second press only, and can be deleted."""
    ledger, editors, direct = FakeLedger(), dialogue.knowledge.texts.editors, way == "direct"
    monkeypatch.setattr(dialogue, "_ledger", ledger)
    said = f"why *{SECRET}* by ada@example.org > x"

    async def press(label: str, message: Json) -> Json:
        answer = await server.press(code_of(message, label), message, direct=direct)
        return {**({"id": "9", "flags": 0} if answer["type"] == 4 else message), **answer["data"]}

    async with serving(server, make()):
        if way == "private":
            refused = (await server.command("ask", said))["data"]
        else:
            id = await server.say(said if direct else f"<@{ME['id']}> {said}", mentions=[ME], guild=not direct)
            await server.until(lambda: server.messages)
            refused = {**server.messages[0], "flags": 0, "referenced_message": {"id": id, "author": ADA}}
        assert refused["embeds"][0]["description"].startswith("> why \\*my chemo letter 4711\\* by ada@example.org > x")
        preview = await press(editors.tell, refused)
        assert preview["embeds"][0]["title"] == editors.preview.title
        assert preview.get("flags", 0) == (0 if direct else HIDDEN)
        masked = f"why *my chemo letter {editors.masks.number}* by {editors.masks.email} > x"
        assert ledger.kept == {}
        receipt = await press(editors.send, preview)
        assert ledger.kept == {"r4711": masked}
        await press(editors.send, preview)
        assert ledger.kept == {"r4711": masked}
        gone = await press(editors.delete, receipt)
        assert gone["embeds"][0]["title"] == editors.deleted.title
        assert ledger.kept == {}
        assert SECRET not in json.dumps([receipt["embeds"], gone["embeds"]])


async def test_words_of_somebody_else_are_not_handed_on(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], dialogue: Dialogue,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    """Who points at another person's message, or presses below the answer to it, cannot give it to the editors."""
    ledger, editors = FakeLedger(), dialogue.knowledge.texts.editors
    monkeypatch.setattr(dialogue, "_ledger", ledger)
    async with serving(server, make()):
        pointed = await server.point(SECRET)
        assert "chemo" not in json.dumps(pointed)
        assert editors.tell not in [button["label"] for button in buttons(pointed["data"])]
        await server.say(f"<@{ME['id']}> {SECRET}", mentions=[ME], guild=True)
        await server.until(lambda: server.messages)
        message = {**server.messages[0], "flags": 0, "referenced_message": {"id": "1", "author": {"id": "9"}}}
        nothing = await server.press(code_of(message, editors.tell), message)
        assert nothing["data"]["embeds"][0]["title"] == editors.nothing.title


async def test_saying_whether_it_helped(
    server: DiscordServer, make: Callable[..., DiscordPlatform], dialogue: Dialogue, matcher: FakeMatcher,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    """A word on an answer is counted by topic, thanked for in place, and then asked for no more."""
    ledger, editors = FakeLedger(), dialogue.knowledge.texts.editors
    monkeypatch.setattr(dialogue, "_ledger", ledger)
    matcher.says["how"] = sure("opt-out-phone")
    async with serving(server, make()):
        answer = (await server.command("ask", "how"))["data"]
        thanked = await server.press(code_of(answer, editors.didnt), answer)
        assert thanked["type"] == 7
        assert editors.didnt_note[:20] in shown(thanked["data"])
        labels = [button["label"] for button in buttons(thanked["data"])]
        assert editors.tell in labels
        assert editors.helped not in labels
    assert ledger.counted == [("opt-out-phone", "didnt")]


async def test_closed_direct_messages_end_in_nothing_repeated(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform]
):
    """Who takes no direct messages from us gets none a second time."""
    async with serving(server, make()):
        server.fail("/channels/", Fault(403, {"message": "Cannot send messages to this user", "code": 50007}))
        await server.say(SECRET)
        await log.says("a channel does not take our messages")
        await server.say(SECRET)
        await works(server)
    assert [call.path for call in server.calls if "/channels/" in call.path] == [f"/channels/{DIRECT}/messages"]


# --- conversation --------------------------------------------------------------------------------------------


async def test_a_reply_to_an_answer_is_about_it(
    server: DiscordServer, make: Callable[..., DiscordPlatform], matcher: FakeMatcher
):
    """Whoever replies to an answer of ours, also somebody else and after a restart, goes on from it."""
    matcher.says["how"] = sure("opt-out-phone")
    async with serving(server, make()):
        await server.say("how")
        await server.until(lambda: server.messages)
        answer = server.messages[0]
        await server.say("and then?", author={**ADA, "id": "9"}, type=19, referenced_message=answer)
        await server.until(lambda: len(server.messages) == 2)
    assert matcher.asked[-1] == ("and then?", "opt-out-phone")


@both_forms
async def test_ids_in_the_dialogue_stay_in_memory(
    server: DiscordServer, log: Stream, make: Callable[..., DiscordPlatform], matcher: FakeMatcher
):
    """In ordinary running nothing of a person is logged."""
    matcher.says[SECRET] = sure("opt-out-phone")
    async with serving(server, make()):
        answer = await server.command("ask", SECRET)
        assert list(buttons(answer["data"]))
        assert SECRET not in json.dumps(answer)
        await server.say(SECRET)
        await server.until(lambda: server.messages)
        assert SECRET not in json.dumps(server.messages)
