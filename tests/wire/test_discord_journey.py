"""From a question to the switch off and a letter in hand, over Discord's wire, through a restart in the middle."""

from __future__ import annotations

import contextlib
import re
import secrets
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from traces import ROOT, traces
from wire.discord_server import ADA, CHANNEL, ME, DiscordServer, Fault, Json, buttons, code_of
from wire.process import BotProcess

from bot.dialogue.state import Action, decode
from bot.knowledge.loader import load
from bot.knowledge.texts import Texts

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIDDEN = 1 << 6
QUESTION = "i'm in lyon, how do i stop this on my android"
MOST_SCREENS, MOST_WORDS = 8, 60


@pytest.fixture(scope="module")
def texts() -> Texts:
    return load(ROOT / "knowledge").texts


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server
    assert server.violations == []


@pytest.fixture
def environment(server: DiscordServer, tmp_path: Path) -> Json:
    """Return an environment in which all that a process could write lies in one folder."""
    (tmp_path / "tmp").mkdir()
    state = f"sqlite:///{tmp_path / 'state.db'}"
    return {**server.environment, "TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path), "BOT_STATE": state}


def said(message: Json) -> str:
    """Return all that is read in a message."""
    parts = []
    for embed in message["embeds"]:
        parts += [embed.get("title", ""), embed.get("description", ""), embed.get("footer", {}).get("text", "")]
    return "\n".join(parts)


def words(message: Json) -> int:
    return sum(bool(re.search(r"\w", word)) for word in said(message).split())


def codes(message: Json, action: Action) -> Iterator[str]:
    """Yield the codes of a message's buttons that lead to an action."""
    for button in buttons(message):
        code = button.get("custom_id") or button.get("value") or ""
        if (state := decode(code)) and state.action is action:
            yield code


@contextlib.asynccontextmanager
async def running(server: DiscordServer, environment: Json) -> AsyncIterator[BotProcess]:
    """Run a process, from when it takes events; one before it may not have gone yet as Discord sees it."""
    before = len(server.sessions)
    async with BotProcess(environment) as bot:
        await server.until(lambda: len(server.sessions) > before and server.session().connection)
        yield bot


class Person:
    """Somebody who presses what they see; `screens` are those of the flow so far, the last one being in sight."""

    def __init__(self, server: DiscordServer, *, direct: bool = False) -> None:
        self._server = server
        self._direct = direct
        self.message: Json = {}
        self.screens: list[Json] = []

    async def press(self, code: str) -> Json:
        """Press a button below what is in sight; returns the whole answer."""
        return await self._server.press(code, self.message, direct=self._direct)

    async def follow(self, code: str) -> None:
        """Press a button that changes what is in sight."""
        answer = await self.press(code)
        assert answer["type"] == 7
        self.see({**self.message, **answer["data"]})

    def see(self, message: Json) -> None:
        self.message = message
        self.screens.append(message)

    async def steps(self, label: str, most: int = 99) -> None:
        """Go on as long as there is a button with a label, until so many screens were seen."""
        while len(self.screens) < most and label in (button["label"] for button in buttons(self.message)):
            await self.follow(code_of(self.message, label))

    async def write(self, form: Json, text: str) -> tuple[Json, dict[str, bytes]]:
        """Fill in a form; returns the message that answers it, and its files."""
        answer, files = await self._server.submit(form, text, direct=self._direct)
        assert answer["type"] == 4
        assert answer["data"]["flags"] == HIDDEN
        return answer["data"], files


async def ask(server: DiscordServer, way: str) -> Json:
    """Ask in one of the ways; returns the message with the answer."""
    if way == "command":
        return {**(await server.command("ask", QUESTION))["data"], "id": "1"}
    about = {"content": f"<@{ME['id']}> {QUESTION}", "mentions": [ME], "guild": True}
    asked = await server.say(**({"content": QUESTION} if way == "direct" else about))
    await server.until(lambda: server.messages)
    return {**server.messages[0], "referenced_message": {"id": asked, "author": ADA}}


async def begin(server: DiscordServer, way: str) -> Person:
    """Ask, and open the guide below the answer; below a public one that is a private message."""
    person = Person(server, direct=way == "direct")
    person.message = await ask(server, way)
    assert "Android" in said(person.message)
    assert "France" in said(person.message)
    guide = next(codes(person.message, Action.GUIDE))
    assert next(buttons(person.message)).get("custom_id") == guide
    if way != "mention":
        await person.follow(guide)
        return person
    assert person.message["channel_id"] == CHANNEL
    opened = await person.press(guide)
    assert (opened["type"], opened["data"]["flags"]) == (4, HIDDEN)
    person.see({"id": "2", **opened["data"]})
    return person


async def open_form(person: Person, texts: Texts) -> Json:
    """Go from the middle of the guide to the form for a letter; returns the form."""
    await person.steps(texts.guide.next)
    # The last step says what it does not do, and offers the letter.
    assert texts.headings.limits in said(person.message)
    await person.follow(next(codes(person.message, Action.LETTER)))
    write = next(codes(person.message, Action.WRITE))
    assert next(buttons(person.message))["custom_id"] == write
    opened = await person.press(write)
    assert opened["type"] == 9
    return opened["data"]


async def check_faults(server: DiscordServer, person: Person, form: Json, texts: Texts, own: str) -> None:
    """Write too much, where files may not be sent, and where Discord refuses all: each ends in something useful."""
    too_long, files = await person.write(form, own * 100)
    assert texts.letters.too_long.title in said(too_long)
    assert next(buttons(too_long))["custom_id"] == form["custom_id"]
    assert files == {}
    server.fail("/interactions/", Fault(403, {"message": "Missing Permissions", "code": 50013}))
    bare, files = await person.write(form, f"I am a {own}.")
    assert texts.discord.no_files in said(bare)
    assert f"I am a {own}." in said(bare)
    assert files == {}
    server.fail("/interactions/", Fault(400, {"message": own, "code": 50035}), Fault(400, {"message": own}))
    failed, _ = await person.write(form, f"I am a {own}.")
    assert "tell the operator this reference" in said(failed)


async def check_letter(person: Person, form: Json, own: str) -> None:
    """Write a letter, and see that it holds what was written, and stays when one goes on."""
    letter, files = await person.write(form, f"I am a {own}.\n```\n@everyone `*so*`")
    block = said(letter).split("```")[1]
    assert f"I am a {own}.\n`\u200b`\u200b`\n@everyone `*so*`\n" in block
    assert "LinkedIn Ireland Unlimited Company" in block
    by_kind = {name.rpartition(".")[2]: content for name, content in files.items()}
    assert set(by_kind) == {"txt", "ics"}
    assert f"I am a {own}.\r\n```\r\n@everyone `*so*`\r\n" in by_kind["txt"].decode()
    assert own.encode() not in by_kind["ics"]
    assert b"BEGIN:VEVENT" in by_kind["ics"]
    person.message = {**letter, "attachments": [{"id": "1"}, {"id": "2"}]}
    further = await person.press(next(codes(letter, Action.LETTER)))
    assert (further["type"], further["data"]["flags"]) == (4, HIDDEN)


@pytest.mark.parametrize("way", ["mention", "command", "direct"])
async def test_from_the_question_to_the_letter(
    server: DiscordServer, environment: Json, texts: Texts, tmp_path: Path, way: str
):
    """A person gets from the question to the switch and a letter of their own, and leaves no word behind."""
    # A word that stands nowhere else, so that finding it means that somebody kept it.
    own = f"nurse{uuid.uuid4().hex}"
    async with running(server, environment) as first:
        person = await begin(server, way)
        await person.steps(texts.guide.next, most=3)
    async with running(server, environment) as bot:
        form = await open_form(person, texts)
        assert len(person.screens) <= MOST_SCREENS
        assert [words(screen) for screen in person.screens if words(screen) > MOST_WORDS] == []
        await check_faults(server, person, form, texts, own)
        await check_letter(person, form, own)
        assert traces(own, [tmp_path], bot.pid) == []
        assert await bot.stop() == 0
    assert traces(own, [tmp_path, ROOT / "tests", ROOT / "var"]) == []
    for secret in (own, "lyon", ADA["id"], "interaction-token"):
        assert secret not in first.output + bot.output


async def test_every_flow_has_its_command(server: DiscordServer, environment: Json, texts: Texts):
    """The commands of the flows answer privately, and their buttons go on in place."""
    async with running(server, environment):
        for name, action in (("optout", Action.GUIDE), ("checkup", Action.CHECKUP), ("letter", Action.LETTER)):
            first = await server.command(name)
            assert first["type"] == 4
            assert first["data"]["flags"] == HIDDEN
            person = Person(server)
            person.see({**first["data"], "id": "1"})
            for _ in range(3):
                await person.follow(next(codes(person.message, action)))
            assert [words(screen) for screen in person.screens if words(screen) > MOST_WORDS] == []


async def test_telling_the_editors_through_restarts(
    server: DiscordServer, environment: Json, texts: Texts, tmp_path: Path
):
    """A question without an answer reaches the editors after a second press only, masked and sealed, and can go again."""
    # Without digits, which would be masked.
    own = "nurse" + uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))
    key = tmp_path / "ledger.key"
    key.write_text(secrets.token_hex(32), encoding="ascii")
    key.chmod(0o600)
    environment = {**environment, "BOT_LEDGER_KEY_FILE": str(key)}
    person = Person(server)
    async with running(server, environment) as first:
        refused = await server.command(
            "ask", f"what is the weather tomorrow, and how do i cook soup? {own}, ada@example.org"
        )
        person.message = {**refused["data"], "id": "1"}
        assert own in said(person.message)
    async with running(server, environment) as second:
        await person.follow(code_of(person.message, texts.editors.tell))
        assert texts.editors.preview.title in said(person.message)
        assert own in said(person.message)
        assert "ada@" not in said(person.message)
        # Only the counts are kept until now.
        assert traces(own, [tmp_path], second.pid) == []
    async with running(server, environment) as third:
        await person.follow(code_of(person.message, texts.editors.send))
        assert texts.editors.sent.title in said(person.message)
        await person.follow(code_of(person.message, texts.editors.delete))
        assert texts.editors.deleted.title in said(person.message)
        assert traces(own, [tmp_path], third.pid) == []
        assert await third.stop() == 0
    assert traces(own, [tmp_path, ROOT / "tests", ROOT / "var"]) == []
    assert own not in first.output + second.output + third.output
