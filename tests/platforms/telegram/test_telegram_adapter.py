from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog
from telegram_server import ADA, BEN, GROUP, ME, PRIVATE, TOKEN, Fault, TelegramServer

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Button, Kind, Part, Reply, Section
from bot.dialogue.state import Action, State
from bot.knowledge.markup import Paragraph, Span
from bot.platforms.platform import PermanentFault
from bot.platforms.telegram import adapter, commands, limiter
from bot.platforms.telegram.adapter import TelegramPlatform
from bot.platforms.telegram.webhook import Listen
from bot.service.log import logger, setup_logs

QUESTION = "are my dms read"
REFERENCE = "ref123"


class Running:
    """A platform under test: its task, and what it logged."""

    def __init__(self, server: TelegramServer, log: io.StringIO) -> None:
        self.server = server
        self.log = log
        self.platform: TelegramPlatform
        self.task: asyncio.Task[None]

    def start(self, dialogue: Any, **options: Any) -> TelegramPlatform:
        self.platform = TelegramPlatform(
            dialogue,
            base_url=self.server.base_url,
            clock=time.monotonic,
            log=logger("bot.telegram"),
            reference=lambda: REFERENCE,
            **{"token": self.server.token, "conflict_wait": 0.05, **options},
        )
        self.again()
        return self.platform

    def again(self) -> None:
        self.task = asyncio.create_task(self.platform.run())

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    async def ended(self) -> BaseException:
        """Wait until the platform ends by itself; returns why."""
        async with asyncio.timeout(20):
            with pytest.raises(Exception) as raised:
                await asyncio.shield(self.task)
        return raised.value


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch):
    """Let messages follow each other at once; how they are held back is measured with a clock of its own."""
    monkeypatch.setattr(limiter, "CHAT_EVERY", 0.0)


@pytest.fixture(params=["console"])
def form(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def logs(form: Any) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    setup_logs(form, stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest.fixture
async def running(server: TelegramServer, logs: io.StringIO) -> AsyncIterator[Running]:
    running = Running(server, logs)
    yield running
    if hasattr(running, "task") and not running.task.done():
        await running.stop()


def broken(dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let methods of the dialogue raise with what was typed in the message of the exception."""

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError(f"cannot {args} {kwargs}")

    for name in names:
        monkeypatch.setattr(dialogue, name, fail)


# Beginning and ending.


async def test_a_bad_token_ends_the_platform_with_one_sentence(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """A token that Telegram refuses is told in one sentence that does not hold it."""
    platform = running.start(dialogue, token="4711:something-else")
    fault = await running.ended()
    assert isinstance(fault, PermanentFault)
    assert "does not accept the token" in str(fault)
    assert "something-else" not in str(fault) + running.log.getvalue()
    assert not platform.can_answer()


@pytest.mark.parametrize(("status", "description"), [(401, "Unauthorized"), (404, "Not Found")])
@pytest.mark.parametrize("method", ["getUpdates", "sendMessage", "answerCallbackQuery", "editMessageText"])
async def test_a_token_that_is_revoked_later_ends_it_too(
    running: Running, server: TelegramServer, dialogue: Dialogue, method: str, status: int, description: str
):
    """Whichever call is refused first, the platform ends with the same sentence."""
    running.start(dialogue)
    await server.write("/topics")
    [menu] = await server.until(server.said)
    server.faults.append(Fault(method, status, description, times=99))
    await server.press(server.message_of(menu), menu.codes[0])
    await server.write(QUESTION)
    fault = await running.ended()
    assert isinstance(fault, PermanentFault)
    assert "does not accept the token" in str(fault)
    assert TOKEN not in running.log.getvalue()


async def test_a_page_of_something_in_between_says_nothing_about_the_token(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """A 404 that is a web page is waited out like any outage, at the start and later."""
    server.faults.append(Fault("getMe", 404, page="<html>nothing here</html>"))
    server.faults.append(Fault("getUpdates", 404, page="<html>nothing here</html>"))
    running.start(dialogue)
    await server.write(QUESTION)
    await server.until(server.said)


async def test_a_webhook_of_somebody_is_left_alone(running: Running, server: TelegramServer, dialogue: Dialogue):
    """Where a webhook is set, the platform ends before it polls, and deletes nothing."""
    server.webhook = "https://elsewhere.example/secret-path"
    running.start(dialogue)
    fault = await running.ended()
    assert isinstance(fault, PermanentFault)
    assert "webhook" in str(fault)
    assert "secret-path" not in str(fault) + running.log.getvalue()
    assert {call.method for call in server.calls} == {"getMe", "getWebhookInfo"}


async def test_a_webhook_that_is_set_later_is_left_alone_too(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """A webhook that appears while polling ends the platform with the sentence about webhooks."""
    server.faults.append(Fault("getUpdates", 502))
    running.start(dialogue)
    await server.until(lambda: server.of("getUpdates"))
    server.webhook = "https://elsewhere.example/"
    fault = await running.ended()
    assert "webhook" in str(fault)
    assert not server.of("deleteWebhook", "setWebhook")


async def test_a_second_poller_ends_it(running: Running, server: TelegramServer, dialogue: Dialogue):
    """Two conflicts with the wait between them are a second poller."""
    server.faults.append(Fault("getUpdates", 409, "Conflict: terminated by other getUpdates request", times=2))
    running.start(dialogue)
    fault = await running.ended()
    assert isinstance(fault, PermanentFault)
    assert "Another process" in str(fault)
    assert len(server.of("getUpdates")) == 2


async def test_one_conflict_may_be_a_restart(running: Running, server: TelegramServer, dialogue: Dialogue):
    """After a single conflict polling goes on."""
    server.faults.append(Fault("getUpdates", 409, "Conflict: terminated by other getUpdates request"))
    running.start(dialogue)
    await server.write(QUESTION)
    await server.until(server.said)
    assert not running.task.done()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("getUpdates", 500, times=2),
        Fault("getUpdates", 502, page="<html>Bad Gateway</html>"),
        Fault("getUpdates", 200, page="<html>Welcome to our proxy</html>"),
        Fault("getUpdates", 403, "Forbidden"),
        Fault("getUpdates", 429, "Too Many Requests", {"retry_after": 1}),
        Fault("getUpdates", drop=True),
        Fault("getMe", 500, times=2),
        Fault("getMe", drop=True),
        Fault("getWebhookInfo", 503, page="<html></html>"),
    ],
    ids=lambda fault: f"{fault.method}-{fault.status}{'-page' if fault.page else ''}{'-drop' if fault.drop else ''}",
)
async def test_polling_outlives_what_passes(running: Running, server: TelegramServer, dialogue: Dialogue, fault: Fault):
    """Outages, pages in place of answers and floods are waited out; the question is answered once."""
    server.faults.append(fault)
    running.start(dialogue)
    await server.write(QUESTION)
    await server.until(lambda: server.said() and not server.unconfirmed)
    assert fault.times == 0
    assert len(server.said()) == 1
    assert running.platform.can_answer()


async def test_an_unreachable_server_is_waited_for(running: Running, server: TelegramServer, dialogue: Dialogue):
    """While nothing listens, the platform cannot answer, does not end, and says so once."""
    port = server.port
    await server.stop()
    running.start(dialogue)
    await asyncio.sleep(1.5)
    assert not running.task.done()
    assert not running.platform.can_answer()
    assert running.log.getvalue().count("cannot be reached") == 1
    assert str(port) not in running.log.getvalue()
    await server.__aenter__()


async def test_a_failure_of_one_run_does_not_reach_the_next(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """The platform runs again after it was stopped, and does not answer twice."""
    running.start(dialogue)
    await server.write(QUESTION)
    await server.until(server.said)
    await running.stop()
    running.again()
    await server.write("/help")
    await server.until(lambda: len(server.said()) == 2)
    assert len(server.of("getMe")) == 2


# What is confirmed when.


async def test_stopping_finishes_and_confirms_what_is_being_answered(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """On the way out, an answer under way is sent and its question confirmed."""
    hold = asyncio.Event()
    server.faults.append(Fault("sendMessage", hold=hold))
    running.start(dialogue)
    await server.write(QUESTION)
    await server.until(server.said)
    asyncio.get_running_loop().call_later(0.2, hold.set)
    await running.stop()
    assert len(server.said()) == 1
    assert not server.unconfirmed


async def test_stopping_finishes_a_press_under_somebody_elses_answer(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """A press that opens a copy is acknowledged on the way out as well."""
    server.faults.append(Fault("answerCallbackQuery", 500))
    running.start(dialogue)
    message = {"message_id": 7, "date": 1, "chat": GROUP, "from": ME, "text": "x"}
    await server.press(message, "v1:menu::", BEN)
    await server.until(lambda: server.of("answerCallbackQuery"))
    await running.stop()
    assert len(server.of("answerCallbackQuery")) == 2


async def test_what_is_not_answered_stays_with_telegram(running: Running, server: TelegramServer, dialogue: Dialogue):
    """A question whose answer hangs is neither confirmed nor lost when the bot is stopped; the next run answers it."""
    hold = asyncio.Event()
    server.faults.append(Fault("sendMessage", chat=PRIVATE["id"], hold=hold))
    running.start(dialogue)
    stuck = await server.write(QUESTION)
    other = await server.write(QUESTION, {"id": 5550010020, "type": "private"}, BEN)
    await server.until(lambda: server.said(5550010020))
    began = time.monotonic()
    await running.stop()
    assert time.monotonic() - began < 3
    assert server.unconfirmed == [stuck, other]
    running.again()
    await server.until(lambda: len(server.said(5550010010)) == 2 and not server.unconfirmed)
    assert len(server.said(5550010020)) == 1
    hold.set()


async def test_one_slow_chat_stops_no_other(running: Running, server: TelegramServer, dialogue: Dialogue):
    """While one chat is told to wait, others are answered, and what waits is answered once in the end."""
    server.faults.append(Fault("sendMessage", 429, "Too Many Requests", {"retry_after": 2}, chat=PRIVATE["id"]))
    running.start(dialogue)
    await server.write(QUESTION)
    for number in range(2, 62):
        await server.write(QUESTION, {"id": 1000 + number, "type": "private"}, {**BEN, "id": 1000 + number})
    await server.until(lambda: len({call.chat for call in server.said()}) == 61)
    assert len(server.said(5550010010)) == 1
    await server.until(lambda: len(server.said(5550010010)) == 2 and not server.unconfirmed)
    first, second = server.said(5550010010)
    assert second.at - first.at >= 2
    assert len(server.said()) == 62


async def test_a_chat_keeps_its_order(
    running: Running, server: TelegramServer, dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
):
    """Many messages of one chat are answered in the order in which they came."""
    monkeypatch.setattr(
        dialogue, "ask", lambda question: Reply(Kind.ANSWER, question.text, (Section(Part.ANSWER, ()),))
    )
    texts = [f"number {n}" for n in range(40)]
    for text in texts:
        await server.write(text)
    server.faults.append(Fault("sendMessage", 500))
    running.start(dialogue)
    await server.until(lambda: len(server.said()) == 41)
    assert [call.text for call in server.said()][1:] == texts


async def test_two_hundred_at_once_are_answered_once_each(running: Running, server: TelegramServer, dialogue: Dialogue):
    """A crowd is fetched in several calls; everybody gets one message."""
    for number in range(200):
        await server.write(QUESTION, {"id": 2000 + number, "type": "private"}, {**BEN, "id": 2000 + number})
    running.start(dialogue)
    await server.until(lambda: len(server.said()) == 200 and not server.unconfirmed)
    assert len({call.chat for call in server.said()}) == 200


async def test_a_flooded_group_is_told_once_for_all(
    running: Running, server: TelegramServer, dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
):
    """What would wait too long in a group is covered by one sentence; afterwards the group is answered again."""
    monkeypatch.setattr(limiter, "GROUP_WITHIN", 6.0)
    monkeypatch.setattr(adapter, "LONGEST_GROUP_WAIT", 1.0)

    def told() -> int:
        return sum("So many questions" in call.text for call in server.said())

    for _ in range(40):
        await server.write(f"/ask@{ME['username']} {QUESTION}", GROUP)
    running.start(dialogue)
    await server.until(lambda: told() and not server.unconfirmed)
    assert told() == 1
    answered = len(server.said())
    assert answered < 40
    # It does not come behind everything that waited already.
    assert "So many questions" not in server.said()[-1].text
    await asyncio.sleep(6.1)
    await server.write(f"/ask@{ME['username']} {QUESTION}", GROUP)
    await server.until(lambda: len(server.said()) == answered + 1)
    assert told() == 1


async def test_updates_come_by_webhook_where_one_is_set(running: Running, server: TelegramServer, dialogue: Dialogue):
    """With a webhook nothing is polled: what Telegram delivers is answered, presses included."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    platform = running.start(dialogue, listen=Listen("https://bot.example.org/telegram", "s3cret", "127.0.0.1", port))
    await server.until(lambda: server.webhook)
    server.deliver_to = [f"http://127.0.0.1:{port}"]
    await server.write("/start")
    (said,) = await server.until(server.said)
    await server.press(server.message_of(said), State(Action.MENU).encode())
    await server.until(lambda: server.of("editMessageText"))
    assert server.of("getUpdates") == []
    assert platform.can_answer()
    await running.stop()
    assert server.webhook, "other processes still need it"


async def test_an_update_that_cannot_be_read_is_passed_by(running: Running, server: TelegramServer, dialogue: Dialogue):
    """What the library does not understand stops neither what stands beside it nor what follows."""
    await server.push("message", {"nonsense": True})
    await server.push("callback_query", {"id": 5})
    await server.push("message", server.body(text=QUESTION, entities=[{"type": "mention"}]))
    await server.write("/help")
    running.start(dialogue)
    await server.until(lambda: server.said() and not server.unconfirmed)


async def test_what_cannot_be_read_of_a_message_takes_nothing_else_with_it(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """A picture or poll in a form that the library does not know is answered kindly; words beside one are answered."""
    photo = [{"file_id": "f"}]
    poll = {"id": "1", "question": "x"}
    ours = {"message_id": 7, "date": 1, "chat": GROUP, "from": ME, "photo": photo}
    running.start(dialogue)
    await server.push("message", server.body(poll=poll))
    await server.push("message", server.body(photo=photo, caption=QUESTION))
    await server.push("message", server.body(GROUP, BEN, text=QUESTION, reply_to_message=ours))
    await server.press({**server.body(), "from": ME, "text": "x", "photo": photo}, "v1:menu::")
    await server.until(lambda: len(server.said()) == 3 and server.of("editMessageText") and not server.unconfirmed)
    private = [call.text.splitlines()[0] for call in server.said(PRIVATE["id"])]
    assert private == ["I can only read text", "Are private messages used?"]
    assert server.said(GROUP["id"])[0].text.startswith("Are private messages used?")


async def test_only_what_is_handled_is_asked_for(running: Running, server: TelegramServer, dialogue: Dialogue):
    """Edited messages, channel posts and the rest are not even sent to us; nothing is dropped at the start."""
    await server.write(QUESTION)
    running.start(dialogue)
    await server.until(server.said)
    for call in server.of("getUpdates"):
        assert call.value("allowed_updates") == ["message", "callback_query", "inline_query"]
        assert int(call["timeout"]) > 0


# Sending.


@pytest.mark.parametrize(
    "fault",
    [
        Fault("sendMessage", 500, times=2),
        Fault("sendMessage", 502, page="<html>Bad Gateway</html>"),
        Fault("sendMessage", 404, page="<html>nothing here</html>"),
        Fault("sendMessage", 403, page="<html>Access denied</html>"),
        Fault("sendMessage", 200, page="<html>Welcome to our proxy</html>"),
        Fault("sendMessage", drop=True),
        Fault("sendMessage", 429, "Too Many Requests: retry after 1", {"retry_after": 1}),
    ],
    ids=["500", "page", "404-page", "403-page", "200-page", "drop", "429"],
)
async def test_a_message_is_sent_again_after_what_passes(
    running: Running, server: TelegramServer, dialogue: Dialogue, fault: Fault
):
    """Outages, lost connections and floods delay an answer; people get it once."""
    server.faults.append(fault)
    times = fault.times
    running.start(dialogue)
    await server.write(QUESTION)
    await server.until(lambda: len(server.said()) == times + 1 and not server.unconfirmed)


async def test_refused_markup_is_sent_as_plain_text_once(running: Running, server: TelegramServer, dialogue: Dialogue):
    """Where Telegram cannot parse our HTML, the same answer goes out without it."""
    server.faults.append(Fault("sendMessage", 400, "Bad Request: can't parse entities: unsupported start tag", times=1))
    running.start(dialogue)
    await server.write(QUESTION)
    first, second = await server.until(lambda: len(server.said()) == 2 and server.said())
    assert first["parse_mode"] == "HTML"
    assert second.get("parse_mode") is None
    assert "<b>" not in second["text"]
    assert "(https://www.linkedin.com/help/" in second["text"]
    assert second.codes == first.codes


@pytest.mark.parametrize(
    ("status", "description"),
    [
        (403, "Forbidden: bot was blocked by the user"),
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: not enough rights to send text messages to the chat"),
        (400, "Bad Request: message thread not found"),
    ],
)
async def test_who_cannot_be_written_to_is_forgotten(
    running: Running, server: TelegramServer, dialogue: Dialogue, status: int, description: str
):
    """A blocked bot, a closed chat: one attempt, one line that names nobody, and the next one is answered."""
    server.faults.append(Fault("sendMessage", status, description))
    running.start(dialogue)
    await server.write(QUESTION)
    await server.write("/help", {"id": 5550010020, "type": "private"}, BEN)
    await server.until(lambda: server.said(5550010020) and not server.unconfirmed)
    assert len(server.said(5550010010)) == 1
    assert "5550010010" not in running.log.getvalue()


async def test_a_group_that_moved_is_followed_once(running: Running, server: TelegramServer, dialogue: Dialogue):
    """An upgraded group is answered under its new id."""
    server.faults.append(
        Fault(
            "sendMessage",
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            {"migrate_to_chat_id": -100999},
        )
    )
    running.start(dialogue)
    await server.write("/help", {"id": -55, "type": "group", "title": "Old"})
    await server.until(lambda: server.said(-100999))
    assert len(server.said()) == 2


# Presses.


async def test_a_press_in_a_private_chat_edits_its_message(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """A button puts its reply into the message under which it stands, and is acknowledged first."""
    running.start(dialogue)
    await server.write("/topics")
    [menu] = await server.until(server.said)
    id = await server.press(server.message_of(menu), menu.codes[0])
    [edit] = await server.until(lambda: server.of("editMessageText"))
    [ack] = server.of("answerCallbackQuery")
    assert ack["callback_query_id"] == id
    assert server.calls.index(ack) < server.calls.index(edit)
    assert int(edit["message_id"]) == server.message_of(menu)["message_id"]
    assert edit.text.startswith("Opting out")
    assert edit.value("link_preview_options") == {"is_disabled": True}
    assert len(server.said()) == 1


async def test_a_press_is_acknowledged_although_its_chat_has_to_wait(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """A flood in a chat holds up its messages, not the spinner of its buttons."""
    running.start(dialogue)
    await server.write("/topics")
    [menu] = await server.until(server.said)
    server.faults.append(Fault("sendMessage", 429, "Too Many Requests", {"retry_after": 3}, chat=PRIVATE["id"]))
    await server.write(QUESTION)
    await server.until(lambda: len(server.said()) == 2)
    pressed = time.monotonic()
    await server.press(server.message_of(menu), menu.codes[0])
    [ack] = await server.until(lambda: server.of("answerCallbackQuery"))
    assert ack.at - pressed < 2
    assert not server.of("editMessageText")


async def test_somebody_elses_button_opens_a_copy(running: Running, server: TelegramServer, dialogue: Dialogue):
    """In a group, who presses under another's answer is led to our private chat; the answer stays."""
    running.start(dialogue)
    await server.write("/help@GuideTestBot", GROUP, ADA)
    [answer] = await server.until(server.said)
    message = {**server.message_of(answer), "reply_to_message": server.body(GROUP, ADA, text="/help")}
    codes = ["v1:show:opt-out-phone:", "v1:srcs:opt-out-phone:", "v1:menu::", "v1:grp:which-data:", "v0:gone"]
    for number, code in enumerate(codes, 1):
        await server.press(message, code, BEN)
        await server.until(lambda number=number: len(server.of("answerCallbackQuery")) == number)
    urls = [call["url"] for call in server.of("answerCallbackQuery")]
    assert urls == [
        f"https://t.me/GuideTestBot?start={payload}"
        for payload in ("opt-out-phone", "opt-out-phone", "menu", "menu_which-data", "menu")
    ]
    await server.press(message, codes[0], ADA)
    await server.until(lambda: server.of("editMessageText"))
    assert server.of("answerCallbackQuery")[-1].get("url") is None
    assert len(server.of("editMessageText")) == 1


async def test_a_press_on_a_message_without_owner_opens_a_copy(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """Where the question is deleted, an answer in a group belongs to nobody and is not changed."""
    running.start(dialogue)
    message = {"message_id": 7, "date": 1, "chat": GROUP, "from": ME, "text": "x"}
    await server.press(message, "v1:show:private-messages:", BEN)
    [ack] = await server.until(lambda: server.of("answerCallbackQuery"))
    assert ack["url"].endswith("?start=private-messages")


@pytest.mark.parametrize("code", ["v0:old", "", "v1:show:no-such-topic:", "💥" * 16])
async def test_a_button_that_nobody_knows_gets_a_kind_answer(
    running: Running, server: TelegramServer, dialogue: Dialogue, code: str
):
    """An unknown button is acknowledged, and its message says so and offers the menu."""
    running.start(dialogue)
    message = {"message_id": 7, "date": 1, "chat": PRIVATE, "from": ME, "text": "x"}
    await server.press(message, code)
    [edit] = await server.until(lambda: server.of("editMessageText"))
    assert edit.text.startswith("This button is too old")
    assert edit.codes
    assert server.of("answerCallbackQuery")


async def test_a_press_that_is_too_old_is_ignored_quietly(running: Running, server: TelegramServer, dialogue: Dialogue):
    """A press from long ago is acknowledged in vain, changes nothing and is no warning."""
    server.faults.append(
        Fault(
            "answerCallbackQuery",
            400,
            "Bad Request: query is too old and response timeout expired or query ID is invalid",
        )
    )
    running.start(dialogue)
    message = {"message_id": 7, "date": 1, "chat": PRIVATE, "from": ME, "text": "x"}
    await server.press(message, "v1:menu::")
    await server.until(lambda: server.of("answerCallbackQuery") and not server.unconfirmed)
    assert not server.of("editMessageText", "sendMessage")
    assert "warning" not in running.log.getvalue()
    assert "error" not in running.log.getvalue()


async def test_an_edit_that_changes_nothing_is_no_fault(running: Running, server: TelegramServer, dialogue: Dialogue):
    """Pressing the same button twice is taken calmly."""
    server.faults.append(
        Fault("editMessageText", 400, "Bad Request: message is not modified: specified new message content …")
    )
    running.start(dialogue)
    message = {"message_id": 7, "date": 1, "chat": PRIVATE, "from": ME, "text": "x"}
    await server.press(message, "v1:menu::")
    await server.until(lambda: server.of("editMessageText") and not server.unconfirmed)
    assert not server.said()
    assert "warning" not in running.log.getvalue()


async def test_a_message_that_is_gone_is_sent_anew(running: Running, server: TelegramServer, dialogue: Dialogue):
    """Where the message of a button cannot be edited any more, the reply is a new one; also for one we cannot see."""
    server.faults.append(Fault("editMessageText", 400, "Bad Request: message to edit not found"))
    running.start(dialogue)
    await server.press({"message_id": 7, "date": 0, "chat": PRIVATE}, "v1:menu::")
    await server.until(server.said)


async def test_a_group_that_moved_gets_the_reply_to_a_press_there(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """Where a group was upgraded meanwhile, a press brings a new message in the new one."""
    server.faults.append(Fault("editMessageText", 400, "Bad Request: upgraded", {"migrate_to_chat_id": -100999}))
    running.start(dialogue)
    message = {"message_id": 7, "date": 1, "chat": GROUP, "from": ME, "text": "x"}
    await server.press({**message, "reply_to_message": server.body(GROUP, ADA, text="x")}, "v1:menu::")
    await server.until(lambda: server.said(-100999))


async def test_an_edit_does_not_wait_for_an_outage_of_acknowledgements(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """Where a press cannot be acknowledged for long, its message is edited all the same, and both are done once."""
    hold = asyncio.Event()
    server.faults.append(Fault("answerCallbackQuery", hold=hold))
    running.start(dialogue)
    message = {"message_id": 7, "date": 1, "chat": PRIVATE, "from": ME, "text": "x"}
    await server.press(message, "v1:menu::")
    await server.until(lambda: server.of("editMessageText"))
    hold.set()
    await server.until(lambda: not server.unconfirmed)
    assert len(server.of("answerCallbackQuery")) == 1


async def test_an_album_is_answered_once(running: Running, server: TelegramServer, dialogue: Dialogue):
    """Several pictures that are sent together without words get one answer; with words, the words are answered."""
    photo = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]
    running.start(dialogue)
    for _ in range(3):
        await server.push("message", server.body(photo=photo, media_group_id="77"))
    await server.push("message", server.body(photo=photo))
    await server.push("message", server.body(photo=photo, caption=QUESTION))
    await server.until(lambda: len(server.said()) == 3 and not server.unconfirmed)
    assert [call.text.splitlines()[0] for call in server.said()] == [
        "I can only read text",
        "I can only read text",
        "Are private messages used?",
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_an_album_with_words_is_answered_by_its_words(
    running: Running, server: TelegramServer, dialogue: Dialogue, place: int
):
    """Whichever part of an album holds the words, they get the only answer."""
    photo = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]
    for part in range(3):
        words = {"caption": QUESTION} if part == place else {}
        await server.push("message", server.body(photo=photo, media_group_id="77", **words))
    running.start(dialogue)
    await server.until(lambda: server.said() and not server.unconfirmed)
    assert [call.text.splitlines()[0] for call in server.said()] == ["Are private messages used?"]


async def test_a_press_under_a_result_of_inline_mode_opens_our_chat(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """In a chat that we do not see, a button leads to our private chat."""
    running.start(dialogue)
    await server.push(
        "callback_query",
        {
            "id": "q1",
            "from": ADA,
            "inline_message_id": "abc",
            "chat_instance": "1",
            "data": "v1:show:private-messages:",
        },
    )
    [ack] = await server.until(lambda: server.of("answerCallbackQuery"))
    assert ack["url"].endswith("?start=private-messages")


# Inline mode.


async def test_typing_our_name_offers_answers(running: Running, server: TelegramServer, dialogue: Dialogue):
    """What is typed brings whole answers; nothing typed brings the main topics; all are links, none a press."""
    running.start(dialogue)
    await server.type("")
    await server.type("private mess")
    await server.until(lambda: len(server.of("answerInlineQuery")) == 2)
    empty, typed = sorted(server.of("answerInlineQuery"), key=lambda call: call["inline_query_id"])
    assert {result["id"] for result in empty.value("results")} == {"opt-out-phone", "private-messages"}
    [result] = typed.value("results")
    assert result["title"] == "Are private messages used?"
    assert result["description"] == "LinkedIn says no."
    assert result["input_message_content"]["parse_mode"] == "HTML"
    assert result["input_message_content"]["link_preview_options"] == {"is_disabled": True}
    assert result["reply_markup"]["inline_keyboard"][-1][0]["url"] == (
        "https://t.me/GuideTestBot?start=private-messages"
    )
    assert 0 < int(typed["cache_time"]) <= 60
    assert typed["is_personal"] == "true"


async def test_results_whose_markup_is_refused_are_offered_as_plain_text(
    running: Running, server: TelegramServer, dialogue: Dialogue
):
    """Inline results go out once more without HTML where Telegram cannot parse it."""
    server.faults.append(Fault("answerInlineQuery", 400, "Bad Request: can't parse entities in message text"))
    running.start(dialogue)
    await server.type("")
    first, second = await server.until(
        lambda: len(server.calls) and len(server.of("answerInlineQuery")) == 2 and server.of("answerInlineQuery")
    )
    assert "parse_mode" in first.value("results")[0]["input_message_content"]
    plain = second.value("results")[0]["input_message_content"]
    assert "parse_mode" not in plain
    assert "<b>" not in plain["message_text"]


async def test_results_fit_what_was_typed(running: Running, server: TelegramServer, dialogue: Dialogue):
    """Device and place that are named in an inline query are kept in its results and their links."""
    running.start(dialogue)
    await server.type("android opt out linkedin ai")
    [call] = await server.until(lambda: server.of("answerInlineQuery"))
    first = call.value("results")[0]
    assert "Open the app on your Android." in first["input_message_content"]["message_text"]
    assert first["id"].startswith("opt-out-phone_")


# Whatever raises.


@pytest.mark.parametrize("form", ["console", "json"], indirect=True)
async def test_whatever_raises_is_told_kindly_and_safely(
    running: Running, server: TelegramServer, dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
):
    """A handler that raises still answers, with a reference; no log holds a word, id, name or token."""
    broken(dialogue, monkeypatch, "ask", "press", "no_text", "suggest")
    running.start(dialogue)
    await server.write("my SECRET question")
    await server.write("/ask another SECRET")
    await server.write("/help SECRET")
    await server.push(
        "message", server.body(photo=[{"file_id": "SECRETfile", "file_unique_id": "u", "width": 1, "height": 1}])
    )
    await server.press({"message_id": 7, "date": 1, "chat": PRIVATE, "from": ME, "text": "x"}, "v1:menu::")
    await server.type("SECRET typed")
    await server.until(lambda: len(server.said()) == 5 and server.of("answerInlineQuery") and not server.unconfirmed)
    assert all("ref123" in call.text for call in server.said())
    assert server.of("answerCallbackQuery")
    assert server.of("answerInlineQuery")[0].value("results") == []
    server.faults.append(Fault("sendMessage", 429, f"Too Many Requests SECRET {TOKEN}", {"retry_after": 1}))
    server.faults.append(Fault("sendMessage", 400, "Bad Request: SECRET is wrong"))
    await server.write("SECRET once more")
    await server.until(lambda: len(server.said()) == 7 and not server.unconfirmed)
    text = running.log.getvalue()
    assert text.count("a handler failed") == 7
    assert text.count("ref123") == 7
    for secret in ("SECRET", TOKEN, TOKEN.partition(":")[2], "Adalinde", "ada_of_test", "5550010010"):
        assert secret not in text


async def test_commands_are_set_where_they_differ(running: Running, server: TelegramServer, dialogue: Dialogue):
    """Commands are compared by scope; descriptions are set where empty, the name never; a second start sets nothing."""
    server.description = "The operator's own words."
    running.start(dialogue)
    await server.until(lambda: server.of("getMyDescription"))
    await running.stop()
    assert {call.value("scope")["type"] for call in server.of("setMyCommands")} == {
        "default",
        "all_private_chats",
        "all_group_chats",
    }
    assert server.short_description
    assert server.description == "The operator's own words."
    assert not server.of("setMyName", "setMyDescription")
    server.calls.clear()
    running.again()
    await server.until(lambda: server.of("getMyDescription"))
    assert not server.of("setMyCommands", "setMyShortDescription", "setMyDescription")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("getMyCommands", 400, "Bad Request: SECRET"),
        Fault("setMyCommands", 429, "Too Many Requests", {"retry_after": 0}, times=3),
        Fault("getMyDescription", 500, times=2),
    ],
    ids=lambda fault: fault.method,
)
async def test_commands_that_cannot_be_set_stop_nothing(
    running: Running, server: TelegramServer, dialogue: Dialogue, fault: Fault, monkeypatch: pytest.MonkeyPatch
):
    """That they are not set is told once, questions are answered, and they are set when Telegram takes them."""
    monkeypatch.setattr(commands, "FIRST_WAIT", 0.05)
    server.faults.append(fault)
    running.start(dialogue)
    await server.write(QUESTION)
    await server.until(lambda: server.said() and server.description)
    assert len(server.commands) == 3
    assert running.log.getvalue().count("does not take the commands yet") == 1


async def test_a_start_tells_what_arrives(running: Running, server: TelegramServer, dialogue: Dialogue):
    """Sentences say whether all messages of groups arrive and whether inline mode is on."""
    server.me |= {"can_read_all_group_messages": True, "supports_inline_queries": False}
    running.start(dialogue)
    await server.until(lambda: "Telegram is connected" in running.log.getvalue())
    await server.until(lambda: "Inline mode is off" in running.log.getvalue())
    assert "Privacy mode is off" in running.log.getvalue()


async def test_pages_are_turned_in_place(
    running: Running, server: TelegramServer, dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch
):
    """A long answer is one message whose pages are turned by its own buttons."""
    long = Section(Part.ANSWER, tuple(Paragraph((Span(f"Paragraph {n}. " * 30),)) for n in range(20)))
    inner = dialogue.show

    def show(state: State) -> Reply | None:
        reply = inner(state)
        return reply and Reply(reply.kind, reply.title, (long,), reply.rows, reply.footer, reply.state)

    monkeypatch.setattr(dialogue, "show", show)
    running.start(dialogue)
    await server.write("/start private-messages")
    [first] = await server.until(server.said)
    assert "Page 1 of" in first.text
    more = next(button for button in first.buttons if button["text"] == "More")
    await server.press(server.message_of(first), more["callback_data"])
    [second] = await server.until(lambda: server.of("editMessageText"))
    assert "Page 2 of" in second.text
    assert [button["text"] for button in second.buttons][:2] == ["Back", "More"]
    assert isinstance(Button("x", more["callback_data"]), Button)
