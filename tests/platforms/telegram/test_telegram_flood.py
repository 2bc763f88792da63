from __future__ import annotations

from typing import Any

from telegram_server import ADA, BEN, GROUP, ME, Fault, TelegramServer
from test_telegram_adapter import QUESTION, Running, form, hasty, logs, running, server  # noqa: F401 - fixtures
from watcher import Watcher

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.state import Action, State
from bot.platforms.gate import Act, Verdict


class Doorkeeper:
    """A gate that lets a few acts through, tells once, and is silent from then on."""

    def __init__(self, lets: int) -> None:
        self.lets = lets
        self.counted: list[tuple[Act, Any, Any]] = []

    async def verdict(self, act: Act, person: Any, chat: Any) -> Verdict:
        self.counted.append((act, person, chat))
        if len(self.counted) <= self.lets:
            return Verdict.ANSWER
        return Verdict.TELL if len(self.counted) == self.lets + 1 else Verdict.SILENCE


async def test_too_much_is_told_once_and_then_silence(running: Running, server: TelegramServer, dialogue: Dialogue):  # noqa: F811
    """Whoever asks too much gets one kind sentence; what is not answered is confirmed all the same."""
    gate = Doorkeeper(2)
    for _ in range(6):
        await server.write(QUESTION)
    running.start(dialogue, gate=gate)
    await server.until(lambda: len(server.said()) == 3 and not server.unconfirmed)
    assert "a lot in a short time" in server.said()[-1].text
    assert gate.counted == [(Act.QUESTION, ADA["id"], None)] * 6


async def test_a_press_beyond_the_limit_is_acknowledged(running: Running, server: TelegramServer, dialogue: Dialogue):  # noqa: F811
    """The spinner ends, the message stays as it is, and the first such press is told why."""
    gate = Doorkeeper(1)
    running.start(dialogue, gate=gate)
    await server.write("/topics")
    (said,) = await server.until(server.said)
    for _ in range(3):
        await server.press(server.message_of(said), State(Action.HELP).encode())
    await server.until(lambda: len(server.of("answerCallbackQuery")) == 3 and not server.unconfirmed)
    assert server.of("editMessageText") == []
    assert len(server.said()) == 2
    assert not any(call.get("show_alert") == "true" for call in server.of("answerCallbackQuery"))
    assert [act for act, _, _ in gate.counted] == [Act.QUESTION, *[Act.PRESS] * 3]


async def test_a_group_counts_for_itself_and_an_album_once(
    running: Running,  # noqa: F811
    server: TelegramServer,  # noqa: F811
    dialogue: Dialogue,
):
    """In a group each person and the group are counted; what is not for us, and the other parts of an album, are not."""
    gate = Doorkeeper(50)
    await server.write("hello everybody", GROUP)
    await server.write(f"@{ME['username']} {QUESTION}", GROUP, BEN)
    for _ in range(4):
        await server.push("message", server.body(photo=[], media_group_id="7", caption=QUESTION))
    running.start(dialogue, gate=gate)
    await server.until(lambda: not server.unconfirmed)
    assert gate.counted.count((Act.QUESTION, BEN["id"], GROUP["id"])) == 1
    assert (Act.QUESTION, ADA["id"], GROUP["id"]) not in gate.counted


async def test_what_telegram_refuses_is_reported(running: Running, server: TelegramServer, dialogue: Dialogue):  # noqa: F811
    """Errors are counted by status, replies by their time, and the queue is empty in the end."""
    watcher = Watcher()
    server.faults.append(Fault("sendMessage", 502, "Bad Gateway"))
    server.faults.append(Fault("sendMessage", drop=True))
    platform = running.start(dialogue, observer=watcher)
    await server.write(QUESTION)
    await server.until(lambda: server.said() and not server.unconfirmed)
    assert watcher.statuses == [502, None]
    assert len(watcher.replies) == 1
    assert len(watcher.seconds) == 1
    assert watcher.waits
    assert platform.waiting() == 0
