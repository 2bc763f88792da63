from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import FakeMatcher, sure
from test_discord_platform import Stream, form_of, log, make, server, serving, shown  # noqa: F401 - fixtures
from watcher import Watcher
from wire.discord_server import ADA, BEN, CHANNEL, ME, DiscordServer, limited

from bot.dialogue.state import Action, State
from bot.platforms.discord.adapter import DiscordPlatform
from bot.platforms.discord.sender import person, room
from bot.platforms.gate import Act, Verdict

HELP = State(Action.HELP).encode()
TOO_MUCH = "a lot in a short time"
Make = Callable[..., DiscordPlatform]


class Doorkeeper:
    """A gate that gives the verdicts that a test names, the last one for ever."""

    def __init__(self, *verdicts: Verdict) -> None:
        self.verdicts = list(verdicts)
        self.counted: list[tuple[Act, Any, Any]] = []

    async def verdict(self, act: Act, person: Any, chat: Any) -> Verdict:
        self.counted.append((act, person, chat))
        return self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]


async def test_messages_beyond_the_limit_get_one_sentence(server: DiscordServer, make: Make):  # noqa: F811
    """The first is told kindly, the others get nothing; what is not for us is not even counted."""
    gate = Doorkeeper(Verdict.ANSWER, Verdict.TELL, Verdict.SILENCE)
    async with serving(server, make(gate=gate)):
        await server.say("just talking", guild=True)
        await server.say(f"<@{ME['id']}> are my dms read", guild=True, mentions=[ME])
        await server.until(lambda: len(server.messages) == 1)
        await server.say("and now")
        await server.until(lambda: len(server.messages) == 2)
        for _ in range(3):
            await server.say("and again")
        # What is answered after them has been counted after them.
        await server.command("help")
    assert TOO_MUCH in shown(server.messages[1])
    assert len(server.messages) == 2
    assert len(gate.counted) == 6
    assert gate.counted[:2] == [(Act.QUESTION, ADA["id"], CHANNEL), (Act.QUESTION, ADA["id"], None)]


@pytest.mark.parametrize("verdict", [Verdict.TELL, Verdict.SILENCE])
async def test_interactions_beyond_the_limit_are_acknowledged(server: DiscordServer, make: Make, verdict: Verdict):  # noqa: F811
    """Commands and forms are told where only the person sees it; a press is told once, and then taken in silence."""
    gate = Doorkeeper(verdict)
    async with serving(server, make(gate=gate)):
        asked, (filled, _) = await server.command("ask", "are my dms read"), await server.submit(form_of(HELP), "x")
        pressed = await server.press(HELP, {"flags": 64})
        typed = await server.type("dms")
    told = [asked, filled, *([pressed] if verdict is Verdict.TELL else [])]
    for answer in told:
        assert answer["type"] == 4
        assert TOO_MUCH in shown(answer["data"])
        assert answer["data"]["flags"] & 64
    if verdict is Verdict.SILENCE:
        assert pressed["type"] == 6
    assert typed == []
    assert [act for act, _, _ in gate.counted] == [Act.QUESTION, Act.PRESS, Act.PRESS, Act.TYPING]
    assert {(person, chat) for _, person, chat in gate.counted} == {(ADA["id"], None)}


async def test_work_is_reported(server: DiscordServer, make: Make, matcher: FakeMatcher):  # noqa: F811
    """Questions with what answered them, times, errors by status, and what Discord asks to wait for."""
    matcher.says["are my dms read"] = sure("private-messages")
    watcher = Watcher()
    platform = make(observer=watcher)
    async with serving(server, platform):
        await server.command("ask", "are my dms read")
        server.fail("/channels/", limited(0.05))
        await server.say("are my dms read")
        await server.until(lambda: server.messages)
        await server.press(HELP, {"flags": 64})
        await server.command("topics")
        server.fail("/channels/", limited(3_600))
        await server.say("are my dms read")
        await server.until(lambda: len(watcher.statuses) == 2)
    assert platform.waiting() == 0
    assert len(watcher.seconds) >= 3
    assert [reply.topics[0].topic for reply in watcher.replies] == ["private-messages"] * 3
    assert watcher.statuses == [429, 429]
    # What Discord holds back for an hour is given up, and waited for by nobody.
    assert len(watcher.waits) == 1


def test_senders_are_told_from_every_kind_of_event():
    """A message has an author, an interaction a member or a user; what is told in another way is nobody."""
    assert person({"author": {"id": "1"}, "member": {"nick": "x"}}) == "1"
    assert person({"member": {"user": {"id": "2"}}}) == "2"
    assert person({"user": BEN}) == BEN["id"]
    assert [person(odd) for odd in ({}, {"author": 5}, {"user": {"id": 7}}, {"member": {"user": None}})] == [None] * 4
    assert room({"channel_id": "3", "guild_id": "4"}) == "3"
    assert room({"channel_id": "3"}) is None
