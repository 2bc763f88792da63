"""From a question to the switch off and a letter in hand, over Telegram's wire, through a restart in the middle."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from traces import ROOT, traces
from wire.process import BotProcess
from wire.telegram_server import ADA, BEN, GROUP, TOKEN, Call, Fault, Json, TelegramServer

from bot.dialogue.state import Action, decode
from bot.knowledge.loader import load
from bot.knowledge.texts import Texts

QUESTION = "i'm in lyon, how do i stop this on my android"
MOST_SCREENS, MOST_WORDS = 8, 60
BENS = {"id": BEN["id"], "type": "private", "first_name": "Ben"}


@pytest.fixture(scope="module")
def texts() -> Texts:
    return load(ROOT / "knowledge").texts


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest.fixture
def environment(server: TelegramServer, tmp_path: Path) -> dict[str, str]:
    """Return an environment in which all that a process could write lies in one folder."""
    (tmp_path / "tmp").mkdir()
    return {
        "TELEGRAM_TOKEN": TOKEN,
        "TELEGRAM_API_BASE_URL": server.base_url,
        "NO_PROXY": "*",
        "TMPDIR": str(tmp_path / "tmp"),
        "HOME": str(tmp_path),
        "BOT_STATE": f"sqlite:///{tmp_path / 'state.db'}",
    }


@pytest.fixture
def own() -> str:
    """Return a word that stands nowhere else, so that finding it means that somebody kept it; digits would be masked."""
    return "nurse" + uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))


def words(message: Json) -> int:
    return sum(bool(re.search(r"\w", word)) for word in message["text"].split())


def buttons(message: Json) -> list[Json]:
    return [button for row in message.get("reply_markup", {}).get("inline_keyboard", ()) for button in row]


def code(message: Json, wanted: Action | str) -> str:
    """Return the code of the first button with a label, or that leads to an action."""
    for button in buttons(message):
        state = decode(button.get("callback_data", ""))
        if state and wanted in (button["text"], state.action):
            return str(button["callback_data"])
    raise AssertionError(f"no button {wanted} among {[button['text'] for button in buttons(message)]}")


class Person:
    """Somebody who writes and presses what they see; `screens` are those so far, the last one being in sight."""

    def __init__(self, server: TelegramServer) -> None:
        self.server = server
        self.message: Json = {}
        self.screens: list[Json] = []

    async def write(self, text: str, *given: Any, **rest: Any) -> Call:
        """Write something; returns the one message that answers it, in sight from now on."""
        before = len(self.server.said())
        await self.server.write(text, *given, **rest)
        return await self.answered(before)

    async def answered(self, before: int) -> Call:
        await self.server.until(lambda: len(self.server.said()) > before and not self.server.unconfirmed, 60)
        (call,) = self.server.said()[before:]
        self.message = self.server.message_of(call)
        return call

    async def follow(self, wanted: Action | str) -> None:
        """Press a button that changes what is in sight."""
        before = len(self.server.of("editMessageText"))
        await self.server.press(self.message, code(self.message, wanted))
        await self.server.until(lambda: len(self.server.of("editMessageText")) > before, 30)
        self.see(self.server.shown[self.message["message_id"]])

    async def open(self, wanted: Action | str) -> Call:
        """Press a button that sends a message of its own."""
        before = len(self.server.said())
        await self.server.press(self.message, code(self.message, wanted))
        return await self.answered(before)

    async def told(self, wanted: Action | str, user: Json = ADA) -> Call:
        """Press a button; returns how the press itself is answered."""
        id = await self.server.press(self.message, code(self.message, wanted), user)
        return await self.server.until(
            lambda: next((c for c in self.server.of("answerCallbackQuery") if c["callback_query_id"] == id), None)
        )

    def see(self, message: Json) -> None:
        self.message = message
        self.screens.append(message)

    async def steps(self, label: str, most: int = 99) -> None:
        """Go on as long as there is a button with a label, until so many screens were seen."""
        while len(self.screens) < most and label in [button["text"] for button in buttons(self.message)]:
            await self.follow(label)


async def open_prompt(person: Person, texts: Texts) -> Json:
    """Go from the middle of the guide to the question for a person's own words; returns its message."""
    await person.steps(texts.guide.next)
    # The last step says what it does not do, and offers the letter.
    assert texts.headings.limits in person.message["text"]
    await person.follow(Action.LETTER)
    asked = await person.open(Action.WRITE)
    assert asked.value("reply_markup")["force_reply"] is True
    person.screens.append(person.message)
    return person.message


async def check_letter(person: Person, prompt: Json, texts: Texts, own: str) -> None:
    """Write too much, where files may not be sent, and then the letter itself; it stays when one goes on."""
    server = person.server
    await person.write(own * 100, reply_to_message=prompt)
    assert person.message["text"].startswith(texts.letters.too_long.title)
    assert not server.of("sendDocument", "sendMediaGroup")
    server.faults.append(Fault("sendMediaGroup", 403, f"Forbidden: not enough rights {own}"))
    await person.write(f"I am a {own}.", reply_to_message=person.message)
    assert texts.letters.too_long.title not in person.message["text"]
    assert texts.telegram.no_files in person.message["text"]
    assert f"I am a {own}." in person.message["text"]
    typed = await person.write(f"I am a {own}.\n<b>&amp;</b> `*so*`", reply_to_message=prompt)
    answered = typed.value("reply_parameters")["message_id"]
    letter = person.message
    (block,) = [part for part in letter["entities"] if part["type"] == "pre"]
    raw = letter["text"].encode("utf-16-le")[2 * block["offset"] : 2 * (block["offset"] + block["length"])]
    assert f"I am a {own}.\n<b>&amp;</b> `*so*`\n" in raw.decode("utf-16-le")
    assert "LinkedIn Ireland Unlimited Company" in raw.decode("utf-16-le")
    group = server.of("sendMediaGroup")[-1]
    assert group.at < typed.at
    by_kind = {name.rpartition(".")[2]: content for name, content in group.files.values()}
    assert set(by_kind) == {"txt", "ics"}
    assert f"I am a {own}.\r\n<b>&amp;</b> `*so*`\r\n" in by_kind["txt"].decode()
    assert own.encode() not in by_kind["ics"]
    assert by_kind["ics"].startswith(b"BEGIN:VCALENDAR\r\n")
    assert by_kind["ics"].count(b"BEGIN:VEVENT") == by_kind["ics"].count(b"END:VEVENT") == 2
    await person.open(Action.LETTER)
    assert server.shown[letter["message_id"]] == letter
    person.message = letter
    erased = await person.told(Action.ERASE)
    assert erased["text"] == texts.telegram.erased
    assert server.deleted == {answered}
    person.message = server.shown[letter["message_id"]]
    assert (await person.told(Action.ERASE))["text"] == texts.telegram.not_erased


async def test_from_the_question_to_the_letter(
    server: TelegramServer, environment: dict[str, str], texts: Texts, tmp_path: Path, own: str
):
    """A person gets from the question to the switch and a letter of their own, and leaves no word behind."""
    person = Person(server)
    async with BotProcess(environment) as first:
        await person.write(QUESTION)
        assert "Android" in person.message["text"]
        assert "France" in person.message["text"]
        await person.follow(Action.GUIDE)
        await person.steps(texts.guide.next, most=2)
        assert await first.stop() == 0
    async with BotProcess(environment) as bot:
        prompt = await open_prompt(person, texts)
        assert len(person.screens) <= MOST_SCREENS
        assert [screen["text"] for screen in person.screens if words(screen) > MOST_WORDS] == []
        await check_letter(person, prompt, texts, own)
        assert traces(own, [tmp_path], bot.pid) == []
        assert await bot.stop() == 0
    assert traces(own, [tmp_path, ROOT / "tests", ROOT / "var"]) == []
    for secret in (own, "lyon", str(ADA["id"]), TOKEN):
        assert secret not in first.output + bot.output


async def test_a_group_leads_to_the_private_chat(server: TelegramServer, environment: dict[str, str], texts: Texts):
    """In a group the guide goes on in place for its owner; others, and whoever wants a letter, go on in private."""
    person, other = Person(server), Person(server)
    async with BotProcess(environment):
        await person.write(f"@GuideTestBot {QUESTION}", GROUP)
        link = (await person.told(Action.GUIDE, BEN))["url"]
        assert not server.of("editMessageText")
        await other.write(f"/start {link.partition('?start=')[2]}", BENS, BEN)
        await person.follow(Action.GUIDE)
        assert other.message["text"] == person.message["text"]
        await person.steps(texts.guide.next)
        before = len(server.of("editMessageText"))
        link = (await person.told(Action.LETTER))["url"]
        await person.write(f"/start {link.partition('?start=')[2]}")
        assert "Art. 21" in person.message["text"]
        assert code(person.message, Action.WRITE)
        assert len(server.of("editMessageText")) == before


async def test_telling_the_editors_through_restarts(
    server: TelegramServer, environment: dict[str, str], texts: Texts, tmp_path: Path, own: str
):
    """What did not help reaches the editors after a second press only, masked and sealed, and can go again."""
    key = tmp_path / "ledger.key"
    key.write_text(secrets.token_hex(32), encoding="ascii")
    key.chmod(0o600)
    environment = {**environment, "BOT_LEDGER_KEY_FILE": str(key)}
    person = Person(server)
    async with BotProcess(environment) as first:
        await person.write(f"does linkedin read my private messages and dms to train its ai? {own}, ada@example.org")
        await person.follow(texts.editors.didnt)
        assert texts.editors.didnt_note in person.message["text"]
        assert own in person.message["text"]
        assert await first.stop() == 0
    async with BotProcess(environment) as second:
        await person.follow(texts.editors.tell)
        assert person.message["text"].startswith(texts.editors.preview.title)
        assert own in person.message["text"]
        assert "ada@" not in person.message["text"]
        # Only the counts are kept until now.
        assert traces(own, [tmp_path], second.pid) == []
        assert await second.stop() == 0
    async with BotProcess(environment) as third:
        await person.follow(texts.editors.send)
        assert texts.editors.sent.title in person.message["text"]
        await person.follow(texts.editors.delete)
        assert texts.editors.deleted.title in person.message["text"]
        assert traces(own, [tmp_path], third.pid) == []
        assert await third.stop() == 0
    assert traces(own, [tmp_path, ROOT / "tests", ROOT / "var"]) == []
    assert own not in first.output + second.output + third.output
