"""How letters, check-ups and guides go over the wire: prompts, files, what stays, and who may press."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from conftest import FakeMatcher, write_knowledge
from sample_letters import LETTERS
from telegram_server import ADA, BEN, GROUP, ME, PRIVATE, Call, Fault, Json, TelegramServer

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.letters import WRITTEN
from bot.dialogue.state import Action, State, decode
from bot.knowledge.loader import load
from bot.knowledge.model import Device
from bot.knowledge.texts import Texts
from bot.platforms.telegram import connection, limiter, outbox
from bot.platforms.telegram.adapter import TelegramPlatform
from bot.service.log import logger, setup_logs

SCREEN = State(Action.LETTER, "objection", place="fr")
WRITE = State(Action.WRITE, "objection", place="fr")
OWN = "I am a SECRET nurse."
PHOTO = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch):
    """Let nothing wait: how messages are held back is measured elsewhere."""
    monkeypatch.setattr(limiter, "CHAT_EVERY", 0.0)
    monkeypatch.setattr(outbox, "NETWORK_WAITS", (0.01,))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch):
    """Wait for no answer of Telegram for as long as it may take."""
    monkeypatch.setattr(connection, "READ", 0.5)


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    setup_logs("console", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def talk(tmp_path: Path, make_dialogue: Callable[..., Dialogue]) -> Dialogue:
    return make_dialogue(load(write_knowledge(tmp_path / "letters", LETTERS)))


@pytest.fixture
def texts(talk: Dialogue) -> Texts:
    return talk.knowledge.texts


@pytest.fixture
async def server(talk: Dialogue, logs: io.StringIO) -> AsyncIterator[TelegramServer]:
    """Return the server of a platform that runs."""
    async with TelegramServer() as server:
        platform = TelegramPlatform(
            talk,
            token=server.token,
            base_url=server.base_url,
            clock=time.monotonic,
            log=logger("bot.telegram"),
            reference=lambda: "ref123",
        )
        task = asyncio.create_task(platform.run())
        yield server
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert "SECRET" not in logs.getvalue()


def ours(chat: Json = PRIVATE, **rest: Any) -> Json:
    return {"message_id": 7, "date": 1, "chat": chat, "from": ME, "text": "x", **rest}


def typed(chat: Json = PRIVATE, user: Json = ADA) -> Json:
    return {"message_id": 3, "date": 1, "chat": chat, "from": user, "text": OWN}


async def after(server: TelegramServer, count: int) -> Call:
    """Return the last of so many messages."""
    await server.until(lambda: len(server.said()) == count and not server.unconfirmed)
    return server.said()[-1]


async def prompted(server: TelegramServer) -> Json:
    """Press the button that asks for words; returns the message that asks."""
    await server.press(ours(), WRITE.encode())
    return server.message_of(await after(server, 1))


async def told(server: TelegramServer, message: Json, code: str, user: Json = ADA) -> Call:
    """Press a button; returns how the press itself is answered."""
    id = await server.press(message, code, user)
    found = await server.until(
        lambda: [call for call in server.of("answerCallbackQuery") if call["callback_query_id"] == id]
    )
    await server.until(lambda: not server.unconfirmed)
    return found[0]


# Words of one's own.


async def test_a_letter_is_chosen_in_place_and_asks_for_words_in_a_message_of_its_own(
    server: TelegramServer, texts: Texts
):
    """The screen of a letter keeps its other buttons; the question for words opens the reply field and names its line."""
    await server.press(ours(), SCREEN.encode())
    [edit] = await server.until(lambda: server.of("editMessageText"))
    labels = [button["text"] for button in edit.buttons]
    assert labels[:2] == [texts.letters.write, texts.letters.write_blank]
    assert decode(edit.codes[0]) == WRITE
    asked = await prompted(server)
    assert server.said()[0].value("reply_markup")["force_reply"] is True
    assert texts.telegram.answer in asked["text"]
    assert asked["text"].endswith("\nLetter: Objection (Article 21) · Place: France")
    assert len(server.of("editMessageText")) == 1


async def test_the_reply_to_a_prompt_becomes_the_letter(server: TelegramServer, matcher: FakeMatcher, texts: Texts):
    """The files come first, then the letter, in reply to what was typed; it is no question."""
    asked = await prompted(server)
    await server.write(OWN, reply_to_message=asked)
    letter = await after(server, 2)
    [group] = server.of("sendMediaGroup")
    assert server.calls.index(group) < server.calls.index(letter)
    assert [name for name, _ in group.files.values()] == ["objection.txt", "objection.ics"]
    assert OWN in letter.text
    assert group.value("reply_parameters") == letter.value("reply_parameters")
    assert State(Action.ERASE).encode() in letter.codes
    assert any("copy_text" in button for button in letter.buttons)
    assert texts.telegram.no_files not in letter.text
    assert not matcher.asked


async def test_what_is_too_long_is_asked_for_again(server: TelegramServer, texts: Texts):
    """Too many words are told kindly, in a message that can be replied to as well."""
    await server.write(f"{OWN} " * 100, reply_to_message=await prompted(server))
    again = await after(server, 2)
    assert again.text.startswith(texts.letters.too_long.title)
    assert again.value("reply_markup")["force_reply"] is True
    assert not server.of("sendMediaGroup", "sendDocument")
    await server.write(OWN, reply_to_message=server.message_of(again))
    assert OWN in (await after(server, 3)).text


async def test_a_picture_is_no_answer_to_a_prompt(server: TelegramServer, texts: Texts):
    """A picture in reply to a prompt is told so, and the words are asked for again."""
    asked = await prompted(server)
    await server.push("message", server.body(photo=PHOTO, reply_to_message=asked))
    again = await after(server, 2)
    assert texts.no_text.text.split(". ")[0] in again.text
    assert again.value("reply_markup")["force_reply"] is True
    assert again.text.splitlines()[-1] == asked["text"].splitlines()[-1]


async def test_a_command_leaves_a_flow(server: TelegramServer, texts: Texts):
    """A command in reply to a prompt is carried out, and makes no letter."""
    await server.write("/topics", reply_to_message=await prompted(server))
    menu = await after(server, 2)
    assert menu.codes
    assert not server.of("sendMediaGroup", "sendDocument")


@pytest.mark.parametrize(
    "line",
    ["Letter: Gone · Place: France", "Letter: Objection (Article 21) · Place: Atlantis"],
)
async def test_words_for_a_letter_that_is_gone_are_no_question(
    server: TelegramServer, matcher: FakeMatcher, texts: Texts, line: str
):
    """What answers a prompt that nobody knows any more is told so, and never looked through for a subject."""
    for content in ({"text": OWN}, {"photo": PHOTO}):
        await server.push("message", server.body(reply_to_message=ours(text=f"Old\n\n{line}"), **content))
    await after(server, 2)
    assert [call.text.partition("\n")[0] for call in server.said()] == [texts.too_old.title] * 2
    assert not matcher.asked


async def test_a_reply_to_another_message_without_buttons_is_a_question(server: TelegramServer, matcher: FakeMatcher):
    """Only what ends in the line of a prompt is one."""
    await server.write("are dms read?", reply_to_message=ours(text="Something went wrong.\nReference: abc"))
    await after(server, 1)
    assert [text for text, _ in matcher.asked] == ["are dms read?"]


async def test_a_letter_that_cannot_be_written_is_told_safely(
    server: TelegramServer, talk: Dialogue, monkeypatch: pytest.MonkeyPatch
):
    """Where the words meet a fault people get a reference; the words are in no log."""

    def fail(code: str, text: str) -> None:
        raise RuntimeError(f"cannot {code} {text}")

    asked = await prompted(server)
    monkeypatch.setattr(talk, "submit", fail)
    await server.write(OWN, reply_to_message=asked)
    assert "ref123" in (await after(server, 2)).text


# Files.


@pytest.mark.parametrize(
    "fault",
    [
        Fault("sendMediaGroup", 400, "Bad Request: SECRET"),
        Fault("sendMediaGroup", 403, "Forbidden: SECRET"),
        Fault("sendMediaGroup", 413, "Request Entity Too Large", times=9),
        Fault("sendMediaGroup", 500, times=9),
        Fault("sendMediaGroup", drop=True, times=9),
        Fault("sendMediaGroup", 429, "Too Many Requests: SECRET", {"retry_after": 3600}),
        Fault("sendMediaGroup", 502, page="<html>Bad Gateway</html>", times=9),
    ],
    ids=["400", "403", "413", "500", "drop", "429", "page"],
)
async def test_where_files_cannot_be_sent_the_letter_stands_in_the_message(
    server: TelegramServer, texts: Texts, fault: Fault
):
    """Whatever Telegram has against the files, the text comes and says that they are missing."""
    asked = await prompted(server)
    server.faults.append(fault)
    await server.write(OWN, reply_to_message=asked)
    letter = await after(server, 2)
    assert letter.text.split("\n\n")[1] == texts.telegram.no_files
    assert OWN in letter.text
    assert letter.codes


async def test_files_whose_answer_never_comes_are_not_sent_twice(impatient: None, server: TelegramServer, texts: Texts):
    """Files of which nobody knows whether they arrived are sent once, and the letter follows."""
    asked = await prompted(server)
    hold = asyncio.Event()
    server.faults.append(Fault("sendMediaGroup", hold=hold))
    await server.write(OWN, reply_to_message=asked)
    await server.until(lambda: server.of("sendMediaGroup"))
    letter = await after(server, 2)
    assert texts.telegram.no_files in letter.text
    assert len(server.of("sendMediaGroup")) == 1
    hold.set()


async def test_files_are_sent_again_when_telegram_says_so(server: TelegramServer, texts: Texts):
    """A flood delays files, and what is sent again is whole."""
    asked = await prompted(server)
    server.faults.append(Fault("sendMediaGroup", 429, "Too Many Requests", {"retry_after": 1}))
    await server.write(OWN, reply_to_message=asked)
    letter = await after(server, 2)
    first, second = server.of("sendMediaGroup")
    assert second.at - first.at >= 1
    assert list(first.files.values()) == list(second.files.values())
    assert texts.telegram.no_files not in letter.text


async def test_a_press_that_makes_files_sends_them_anew(server: TelegramServer, talk: Dialogue):
    """The files of a check-up and of a letter with a gap come below; the message that was pressed stays."""
    kept = State(Action.CHECKUP, "", Device.IOS, "de", step=2, marks=1)
    await server.press(ours(), kept.encode())
    await after(server, 1)
    await server.press(ours(), State(Action.LETTER, "know", place="us-ca", branch=WRITTEN).encode())
    await after(server, 2)
    names = [name for call in server.of("sendMediaGroup", "sendDocument") for name, _ in call.files.values()]
    checkup = talk.show(kept)
    assert checkup
    assert names == [*(file.name for file in checkup.files), "know.txt", "know.ics"]
    assert not server.of("editMessageText")
    assert "Tell me what you hold about me." in server.said()[-1].text


async def test_a_single_file_is_a_document(server: TelegramServer):
    """A letter without a deadline has one file, which is no group."""
    await server.press(ours(), State(Action.LETTER, "complaint", place="fr", branch=WRITTEN).encode())
    await after(server, 1)
    [document] = server.of("sendDocument")
    assert [name for name, _ in document.files.values()] == ["complaint.txt"]
    assert not server.of("sendMediaGroup")


async def test_a_letter_is_never_edited_away(server: TelegramServer):
    """What is pressed under a letter is answered in a new message, since nobody could make the letter again."""
    await server.write(OWN, reply_to_message=await prompted(server))
    letter = await after(server, 2)
    flows = [code for code in letter.codes if decode(code) != State(Action.ERASE)]
    assert len(flows) >= 3
    for number, code in enumerate(flows, 3):
        await server.press(server.message_of(letter), code)
        await after(server, number)
    assert not server.of("editMessageText")


async def test_a_press_is_acknowledged_at_once_while_its_edit_waits(
    server: TelegramServer, monkeypatch: pytest.MonkeyPatch
):
    """A press right after a message waits for its chat's turn, about a second; the press itself does not."""
    monkeypatch.setattr(limiter, "CHAT_EVERY", 1.0)
    await server.write("/topics")
    menu = await after(server, 1)
    await server.press(server.message_of(menu), State(Action.GUIDE, "opt-out-phone", Device.IOS).encode())
    await server.until(lambda: len(server.of("editMessageText")) == 1)
    [ack], [edit] = server.of("answerCallbackQuery"), server.of("editMessageText")
    # When the bot sent the message, and when this server got it, is not quite the same moment.
    assert edit.at - menu.at > 0.7
    assert ack.at - menu.at < (edit.at - menu.at) / 2
    await server.press(server.message_of(menu), State(Action.GUIDE, "opt-out-phone", Device.IOS, step=1).encode())
    await server.until(lambda: len(server.of("editMessageText")) == 2)
    assert server.of("editMessageText")[1].at - edit.at < 2


# Deleting what was typed.


async def test_what_was_typed_is_deleted_once(server: TelegramServer, texts: Texts):
    """The person's own message goes, nothing else; a second press says that it is gone."""
    await server.write(OWN, reply_to_message=await prompted(server))
    letter = server.message_of(await after(server, 2))
    written = letter["reply_to_message"]["message_id"]
    # Two presses at once look alike, and what is gone is gone.
    for _ in range(2):
        assert (await told(server, dict(letter), State(Action.ERASE).encode()))["text"] == texts.telegram.erased
        assert server.deleted == {written}
        letter["reply_to_message"] = {"message_id": written, "date": 1, "chat": PRIVATE, "from": ADA, "text": OWN}
    del letter["reply_to_message"]
    assert (await told(server, letter, State(Action.ERASE).encode()))["text"] == texts.telegram.not_erased
    assert len(server.said()) == 2
    assert not server.of("editMessageText")


@pytest.mark.parametrize(
    ("status", "description"),
    [(400, "Bad Request: message can't be deleted for everyone"), (403, "Forbidden: SECRET"), (500, "SECRET")],
)
async def test_what_cannot_be_deleted_any_more_is_told(
    server: TelegramServer, texts: Texts, status: int, description: str
):
    """After 48 hours, or in an outage, people are told how to delete it themselves."""
    server.faults.append(Fault("deleteMessage", status, description, times=9))
    message = ours(reply_to_message=typed())
    ack = await told(server, message, State(Action.ERASE).encode())
    assert ack["text"] == texts.telegram.not_erased
    assert ack["show_alert"] == "true"


async def test_nobody_deletes_what_another_typed(server: TelegramServer, texts: Texts):
    """Who presses under somebody else's message deletes nothing."""
    message = ours(GROUP, reply_to_message=typed(GROUP))
    ack = await told(server, message, State(Action.ERASE).encode(), BEN)
    assert ack["text"] == texts.telegram.not_erased
    assert not server.of("deleteMessage")


# Groups.

FLOWS = [
    State(Action.GUIDE, "opt-out-phone", Device.IOS, "de", 1),
    State(Action.CHECKUP, "", None, "de"),
    State(Action.CHECKUP_GUIDE, "ai-training", Device.IOS, "de"),
    SCREEN,
    WRITE,
    State(Action.HELPED, "opt-out-phone", Device.IOS, "de"),
    State(Action.DIDNT, "opt-out-phone"),
    State(Action.EDITORS),
    State(Action.SEND, "k3v9"),
    State(Action.WITHDRAW, "k3v9"),
]


@pytest.mark.parametrize("state", FLOWS, ids=lambda state: state.action)
async def test_somebody_elses_flow_is_not_changed(server: TelegramServer, state: State):
    """In a group, who presses in another's flow is led to a copy of their own; the message stays."""
    ack = await told(server, ours(GROUP, reply_to_message=typed(GROUP)), state.encode(), BEN)
    head, _, payload = ack["url"].partition("?start=")
    assert head == "https://t.me/GuideTestBot"
    assert "k3v9" not in payload
    assert not server.of("editMessageText", "sendMessage")
    await server.write(f"/start {payload}", {"id": BEN["id"], "type": "private"}, BEN)
    copy = await after(server, 1)
    assert copy.chat == BEN["id"]
    assert copy.codes or copy.value("reply_markup")["force_reply"] is True


@pytest.mark.parametrize(
    "state",
    [
        SCREEN,
        WRITE,
        State(Action.LETTER, "know", place="us-ca", branch=WRITTEN),
        State(Action.CHECKUP, "", None, "de", step=2, marks=1),
    ],
)
async def test_letters_and_files_are_for_the_private_chat(server: TelegramServer, state: State):
    """In a group one's own button to a letter, or to files, leads to where nobody reads along."""
    ack = await told(server, ours(GROUP, reply_to_message=typed(GROUP)), state.encode())
    assert ack["url"].startswith(f"https://t.me/GuideTestBot?start={state.action}_")
    assert not server.of("editMessageText", "sendMessage", "sendMediaGroup", "sendDocument")


@pytest.mark.parametrize("state", [FLOWS[0], FLOWS[1], FLOWS[2]], ids=lambda state: state.action)
async def test_a_guide_goes_on_in_place_in_a_group(server: TelegramServer, state: State):
    """One's own guide and check-up are edited where they stand."""
    ack = await told(server, ours(GROUP, reply_to_message=typed(GROUP)), state.encode())
    assert ack.get("url") is None
    [edit] = await server.until(lambda: server.of("editMessageText"))
    assert edit.chat == GROUP["id"]


@pytest.mark.parametrize(
    "state",
    [State(Action.GUIDE, "no-such-topic"), State(Action.LETTER, "gone", place="fr"), State(Action.WRITE, "gone"),
     State(Action.CHECKUP_GUIDE, "gone")],
    ids=lambda state: state.action,
)  # fmt: skip
async def test_a_flow_that_is_gone_is_told_kindly(server: TelegramServer, texts: Texts, state: State):
    """A button into a flow that the knowledge no longer has says so and offers the menu."""
    await server.press(ours(), state.encode())
    [edit] = await server.until(lambda: server.of("editMessageText"))
    assert edit.text.startswith(texts.too_old.title)
    assert edit.codes


@pytest.mark.parametrize("command", ["optout", "checkup", "letter"])
async def test_every_flow_has_its_command(server: TelegramServer, command: str):
    """The commands of the flows answer in private and in groups."""
    await server.write(f"/{command}")
    first = await after(server, 1)
    await server.write(f"/{command}@GuideTestBot", GROUP)
    second = await after(server, 2)
    assert first.codes == second.codes != []
