"""The real process against a local Discord: REST and gateway on loopback."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from wire.discord_server import (
    ADA,
    BEN,
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
from wire.process import BotProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIDDEN = 1 << 6


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def live() -> AsyncIterator[tuple[DiscordServer, BotProcess]]:
    """A process that many tests talk to."""
    async with DiscordServer() as server, BotProcess(server.environment) as bot:
        await server.until(lambda: server.ready)
        yield server, bot
    clean(bot)


@pytest_asyncio.fixture(loop_scope="module")
async def running(live: tuple[DiscordServer, BotProcess]) -> AsyncIterator[DiscordServer]:
    """The server of the process that many tests talk to."""
    server, _ = live
    server.forget()
    yield server
    assert server.violations == []


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server
    assert server.violations == []


@pytest_asyncio.fixture(loop_scope="module")
async def bot(server: DiscordServer) -> AsyncIterator[BotProcess]:
    async with BotProcess(server.environment) as bot:
        await server.until(lambda: server.ready)
        yield bot
    clean(bot)


def clean(bot: BotProcess, *words: str) -> None:
    """Fail where the output of a process holds an id, a name, a token or what was typed."""
    for secret in (
        TOKEN,
        "interaction-token",
        ADA["id"],
        CHANNEL,
        DIRECT,
        "Adalinde",
        "ada_of_test",
        "dms read",
        *words,
    ):
        assert secret not in bot.output


def shown(message: Json) -> str:
    embed = message["embeds"][0]
    return f"{embed.get('title', '')}\n{embed.get('description', '')}\n{embed.get('footer', {}).get('text', '')}"


async def reply_to(server: DiscordServer, id: str) -> Json:
    def replies() -> list[Json]:
        return [said for said in server.messages if said.get("message_reference", {}).get("message_id") == id]

    await server.until(replies)
    return replies()[0]


def mention(text: str) -> dict[str, Any]:
    return {"content": text, "mentions": [ME], "guild": True}


async def test_questions_get_right_fitted_and_honest_answers(running: DiscordServer):
    """The four questions of a first visit are answered over the wire: rightly, fitted, and honestly not at all."""
    overview = await running.command("ask", "how do i stop linkedin training ai on my stuff")
    assert overview["type"] == 4
    assert overview["data"]["flags"] == HIDDEN
    assert "Sources checked on" in shown(overview["data"])
    fitted = await running.command("ask", "i'm in munich on an iphone, how do i turn it off")
    assert "iPhone" in shown(fitted["data"])
    assert "Germany" in shown(fitted["data"])
    assert "1. " in shown(fitted["data"])
    private = await running.command("ask", "are my dms read?")
    assert "rivate messages" in shown(private["data"])
    weather = await running.command("ask", "what's the weather")
    assert "I have no answer to that" in shown(weather["data"])
    assert list(buttons(weather["data"]))


async def test_commands_and_presses_all_are_answered(running: DiscordServer):
    """Every command answers privately; buttons and choices lead on in place, also with nothing remembered."""
    for name in ("topics", "help", "about", "privacy", "a-command-of-old"):
        answer = await running.command(name)
        assert answer["type"] == 4
        assert answer["data"]["flags"] == HIDDEN
    menu = (await running.command("topics"))["data"]
    message = {**menu, "id": "1"}
    group = await running.press(code_of(menu, "Which data is used"), message)
    assert group["type"] == 7
    choice = next(b for b in buttons(group["data"]) if "value" in b)
    select = next(c["custom_id"] for row in group["data"]["components"] for c in row["components"] if c["type"] == 3)
    answer = await running.choose(select, choice["value"], message)
    assert answer["type"] == 7
    assert "Sources checked on" in shown(answer["data"])
    assert code_of(answer["data"], "Show to everyone")
    assert code_of(answer["data"], "All subjects")


async def test_showing_to_everyone(running: DiscordServer):
    """An answer shown to everyone is a new public message that names and pings nobody."""
    answer = (await running.command("ask", "are my dms read?"))["data"]
    public = await running.press(code_of(answer, "Show to everyone"), answer)
    assert public["type"] == 4
    assert not public["data"].get("flags")
    assert public["data"]["embeds"][0]["title"] == answer["embeds"][0]["title"]
    assert "Show to everyone" not in [b["label"] for b in buttons(public["data"])]
    assert ADA["id"] not in str(public)
    assert "Adalinde" not in str(public)
    assert "dms read" not in str(public)


async def test_whose_button_it_is(running: DiscordServer):
    """A press changes one's own message; somebody else gets a private copy; an unknown button a kind word."""
    answer = (await running.command("ask", "how do i turn it off on my phone"))["data"]
    code = code_of(answer, "Android")
    public = {"id": "1", "flags": 0, "author": ME}
    for mine in (
        {**public, "interaction_metadata": {"id": "2", "type": 2, "user": ADA}},
        {**public, "referenced_message": {"id": "3", "author": ADA}},
        {**public, "flags": HIDDEN},
    ):
        assert (await running.press(code, mine))["type"] == 7
    assert (await running.press(code, public, direct=True))["type"] == 7
    other = {**public, "interaction_metadata": {"id": "2", "type": 2, "user": ADA}}
    for message in (other, public, {**public, "referenced_message": None}):
        copy = await running.press(code, message, person=BEN)
        assert copy["type"] == 4
        assert copy["data"]["flags"] == HIDDEN
        assert "Here is your own copy" in shown(copy["data"])
    for unknown in ("v0:old:thing", "v1:show:no-such-topic:", "something else entirely", "v1:zzzz::"):
        kind = await running.press(unknown, {**public, "flags": HIDDEN})
        assert "too old" in shown(kind["data"])
        assert kind["data"]["flags"] == HIDDEN
    odd = await running.answered(await running.interact(5, {"custom_id": "x", "components": []}))
    assert "too old" in shown(odd["data"])


async def test_autocomplete(running: DiscordServer):
    """Suggestions come while somebody types; any text is a question all the same."""
    assert len(await running.type("")) == 25
    found = await running.type("opt out ph")
    assert any("phone" in choice["name"].lower() for choice in found)
    assert await running.type("xyzzy " * 300) == []
    assert len(await running.type("`**<@1>\x00\ud83d\ude00 \ud83d")) <= 25
    answer = await running.command("ask", found[0]["value"])
    assert "Sources checked on" in shown(answer["data"])


async def test_answering_somebody_elses_message(running: DiscordServer):
    """The message command answers privately what another person wrote; without words it says so."""
    answer = await running.point(f"<@{BEN['id']}> are my dms read? <:think:123456789012345678>")
    assert answer["data"]["flags"] == HIDDEN
    assert "rivate messages" in shown(answer["data"])
    assert "I can only read text" in shown((await running.point(""))["data"])


async def test_messages_that_are_for_us(running: DiscordServer):
    """Direct messages, mentions and pinging replies get one reply each, which pings nobody."""
    direct = await reply_to(running, await running.say("are my dms read?"))
    assert direct["channel_id"] == DIRECT
    assert direct["message_reference"]["fail_if_not_exists"] is False
    assert "rivate messages" in shown(direct)
    said = await reply_to(running, await running.say(**mention(f"<@{ME['id']}>, are my dms read?")))
    assert said["channel_id"] == CHANNEL
    assert "rivate messages" in shown(said)
    bare = await reply_to(running, await running.say(**mention(f"<@!{ME['id']}>")))
    assert "What is your question?" in shown(bare)
    picture = {"attachments": [{"id": "1", "filename": "x.png", "size": 1, "url": "https://cdn.example/x.png"}]}
    assert "I can only read text" in shown(await reply_to(running, await running.say("", **picture)))
    seen = await reply_to(running, await running.say(**{**mention(f"<@{ME['id']}>"), **picture}))
    assert "I can only read text" in shown(seen)
    replied = await running.say(
        **{**mention("and in canada?"), "type": 19, "referenced_message": {**said, "author": ME}}
    )
    assert shown(await reply_to(running, replied))
    assert len(running.messages) == 6


async def test_messages_that_are_not_for_us(running: DiscordServer):
    """Talk of others, of everyone, of bots, hooks and Discord itself, and edits stay without a word."""
    ask = "are my dms read?"
    await running.say(ask, guild=True)
    await running.say(f"@everyone {ask}", guild=True, mention_everyone=True)
    await running.say(f"<@&9> {ask}", guild=True, mention_roles=["9"])
    await running.say(f"<@{BEN['id']}> {ask}", guild=True, mentions=[BEN])
    await running.say(ask, author={**BEN, "bot": True})
    await running.say(ask, author=ME)
    await running.say(ask, webhook_id="5")
    await running.say(ask, type=7)
    await running.say(ask, guild=True, type=19, referenced_message={"id": "1", "author": ME})
    await running.dispatch("MESSAGE_UPDATE", {"id": "1", "channel_id": DIRECT, "content": ask, "author": ADA})
    await running.dispatch("GUILD_CREATE", {"id": "1", "name": "x"})
    await running.dispatch("SOMETHING_NEW", {})
    await reply_to(running, await running.say(ask))
    assert len(running.messages) == 1


async def test_no_privilege_is_asked_for(running: DiscordServer):
    """The bot identifies with the two unprivileged intents for messages, and nothing else."""
    assert running.identified[0]["intents"] == (1 << 9) | (1 << 12)
    assert running.dials == ["/gateway/"]


async def test_commands_are_written_once(server: DiscordServer):
    """Commands are written where Discord holds others, and left alone where it holds the same."""
    async with BotProcess(server.environment) as bot:
        await bot.says("the commands were brought up to date")
    names = [command["name"] for command in server.commands]
    assert names == ["ask", "optout", "checkup", "letter", "topics", "help", "about", "privacy", "Answer this"]
    async with BotProcess(server.environment) as bot:
        await bot.says("the commands are up to date")
    server.commands[2]["description"] = "Changed by hand"
    async with BotProcess(server.environment) as bot:
        await bot.says("the commands were brought up to date")
    assert [call.method for call in server.calls if call.path.endswith("/commands")] == [
        "GET",
        "PUT",
        "GET",
        "GET",
        "PUT",
    ]


async def test_faults_while_answering(server: DiscordServer, bot: BotProcess):
    """Failing, limiting and vanishing answers of Discord cost no reply and double none; no secret gets out."""
    for fault in (
        HTML,
        Fault(503),
        Fault(200, "<html>log in to this network</html>"),
        Fault(drop=True),
        limited(0.1),
        Fault(500, after=True),
        Fault(drop=True, after=True),
    ):
        server.fail("/interactions/", fault)
        assert (await server.command("ask", "are my dms read?"))["type"] == 4
    for fault in (
        HTML,
        Fault(503),
        Fault(drop=True),
        limited(0.1),
        Fault(429, "slow", {"Retry-After": "0.1"}),
        Fault(503, after=True),
        Fault(200, "<html>log in to this network</html>"),
        Fault(200, ["nonsense"]),
    ):
        server.fail("/channels/", fault)
        await reply_to(server, await server.say("are my dms read?"))
    assert len(server.messages) == 8
    for code in (10062, 40060):
        server.fail("/interactions/", Fault(404, {"message": "no", "code": code}))
        id = await server.interact(2, {"id": "1", "name": "help", "type": 1})
        await server.until(lambda id=id: any(id in call.path for call in server.calls))
    await bot.says("an interaction was already answered, or too old to be", 2)
    server.fail("/interactions/", Fault(400, {"message": "Invalid Form Body", "code": 50035}))
    apology = await server.command("ask", "are my dms read?")
    assert "tell the operator this reference" in shown(apology["data"])
    await server.command("help")


async def test_a_channel_whose_history_is_closed(server: DiscordServer, bot: BotProcess):
    """Where we may not name the message that we answer, the answer is sent without."""
    server.fail("/channels/", Fault(403, {"message": "Cannot reply without history", "code": 160002}))
    await server.say(**mention(f"<@{ME['id']}> are my dms read?"))
    await server.until(lambda: server.messages)
    assert "message_reference" not in server.messages[0]
    await reply_to(server, await server.say(**mention(f"<@{ME['id']}> are my dms read?")))


async def test_a_channel_that_refuses_us_is_left_alone(server: DiscordServer, bot: BotProcess):
    """After a 403 a channel gets no further message, and others do."""
    server.fail("/channels/", Fault(403, {"message": "Missing Permissions", "code": 50013}))
    await server.say(**mention(f"<@{ME['id']}> are my dms read?"))
    await bot.says("a channel does not take our messages")
    await server.say(**mention(f"<@{ME['id']}> are my dms read?"))
    await reply_to(server, await server.say("are my dms read?"))
    assert [call.path for call in server.calls if "/channels/" in call.path] == [
        f"/channels/{CHANNEL}/messages",
        f"/channels/{DIRECT}/messages",
    ]


async def test_odd_events_stop_nothing(running: DiscordServer):
    """Events that lack what they should have are passed over, and the next one is answered."""
    for odd in ({}, {"author": None, "content": 5}, {"author": {"id": "1"}, "channel_id": DIRECT, "mentions": "x"}):
        await running.dispatch("MESSAGE_CREATE", odd)
    await running.dispatch("INTERACTION_CREATE", {})
    await running.dispatch("INTERACTION_CREATE", {"id": "1", "token": "t", "type": "x", "data": [], "member": 3})
    assert (await running.command("help"))["type"] == 4


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
async def test_stopping(server: DiscordServer, bot: BotProcess, signal_: signal.Signals):
    """A signal ends the process in time, with its session closed for good."""
    assert await bot.stop(signal_) == 0
    assert server.closes == [1000]


async def test_stopping_finishes_what_is_being_answered(server: DiscordServer, bot: BotProcess):
    """An answer that has to be sent again still leaves when the bot is stopped in between."""
    server.fail("/channels/", Fault(503))
    id = await server.say("are my dms read?")
    await server.until(lambda: any("/channels/" in call.path for call in server.calls))
    assert await bot.stop() == 0
    await reply_to(server, id)


_THINKING = """
import time

from bot.matching.engine import Engine

match = Engine.match

def slow(self, text, **more):
    time.sleep(0.5 if "messages" in text else 60)
    return match(self, text, **more)

Engine.match = slow
"""


async def test_stopping_tells_whoever_still_waits(server: DiscordServer, tmp_path: Path):
    """Nobody is left with "thinking": what was acknowledged gets its answer where there is one, else a kind sentence.

    So does what was asked in a message. All of it in time, also with many of them.
    """
    (tmp_path / "sitecustomize.py").write_text(_THINKING)
    async with BotProcess({**server.environment, "PYTHONPATH": str(tmp_path)}) as bot:
        await server.until(lambda: server.ready)

        async def ask(text: str, number: int) -> str:
            options = [{"name": "question", "type": 3, "value": text}]
            user = {**ADA, "id": str(int(ADA["id"]) + number)}
            return await server.interact(2, {"id": "1", "name": "ask", "type": 1, "options": options}, person=user)

        # Its answer is made, and held back for longer than the bot lives.
        server.fail("/webhooks/", limited(20))
        made = await ask("are my private messages read?", 1)
        await server.until(lambda: any("/webhooks/" in call.path for call in server.calls))
        cut_off = [await ask("are my dms read?", number) for number in range(2, 60)]
        message = await server.say("are my dms read?")
        await server.until(lambda: len(server.deferred) == 1 + len(cut_off))
        began = time.monotonic()
        assert await bot.stop() == 0
        assert time.monotonic() - began < 5
    assert "rivate messages" in shown(server.answers[made]["data"])
    for id in cut_off:
        assert "Please ask again in a moment" in shown(server.answers[id]["data"])
        assert server.answers[id]["data"]["flags"] == HIDDEN
    assert "Please ask again in a moment" in shown(await reply_to(server, message))
    assert len(server.messages) == 1
    assert "Traceback" not in bot.output


async def test_console_logs(server: DiscordServer):
    """Logs for people hold no secret either, also on a 429 and a failing answer."""
    async with BotProcess({**server.environment, "BOT_LOG": "console"}) as bot:
        await server.until(lambda: server.ready)
        server.fail("/channels/", limited(0.1), Fault(429, "slow", {"Retry-After": "0.1"}), Fault(503))
        server.fail("/interactions/", limited(0.1), Fault(400, {"message": "no", "code": 50035}))
        await server.command("ask", "are my chemo dms read?")
        await reply_to(server, await server.say("are my chemo dms read?"))
        await bot.says("a library reports")
        assert await bot.stop() == 0
    clean(bot, "chemo")


async def test_a_bad_token(server: DiscordServer):
    """A token that Discord refuses is told in one sentence, not tried again, and never shown."""
    async with BotProcess({**server.environment, "DISCORD_TOKEN": "Wrong.token-of.a-test"}) as bot:
        assert await bot.ended() == 3
    assert bot.output.count("Discord refuses the token") == 1
    assert "Wrong.token" not in bot.output
    assert len(server.calls) == 1


async def test_warnings_as_errors(server: DiscordServer):
    """The bot runs where Python's warnings are errors."""
    async with BotProcess(server.environment, python=("-W", "error")) as bot:
        await server.until(lambda: server.ready)
        assert await bot.stop() == 0
