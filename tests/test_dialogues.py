from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import unescape

import pytest
from conftest import TODAY, Clock
from dialogues import DIALOGUES, Turn
from rich.console import Console

from bot.app import build_mind
from bot.dialogue.dialogue import Dialogue, Mind
from bot.dialogue.model import Button, Question, Reply
from bot.platforms.discord.render import render as render_discord
from bot.platforms.telegram.render import render as render_telegram
from bot.platforms.terminal.render import render as render_terminal
from bot.settings import Settings

Draw = Callable[[Reply, Dialogue], str]


def core(reply: Reply, _dialogue: Dialogue) -> str:
    return str(reply)


def terminal(reply: Reply, _dialogue: Dialogue) -> str:
    out = io.StringIO()
    Console(file=out, width=10_000).print(render_terminal(reply).printed)
    return out.getvalue()


def telegram(reply: Reply, dialogue: Dialogue) -> str:
    return unescape(re.sub(r"<[^>]+>", "", render_telegram(reply, dialogue.knowledge.texts).html))


def discord(reply: Reply, dialogue: Dialogue) -> str:
    embed = render_discord(reply, dialogue.knowledge.texts).payload()["embeds"][0]
    parts = [embed.get("title", ""), embed.get("description", ""), embed.get("footer", {}).get("text", "")]
    return re.sub(r"\\(?=\W)|[*\u200b]", "", "\n".join(parts))


@pytest.fixture(scope="session")
def mind() -> Mind:
    """The project's own knowledge and matcher."""
    return build_mind(Settings())


@pytest.mark.parametrize("draw", [core, terminal, telegram, discord])
@pytest.mark.parametrize("turns", DIALOGUES.values(), ids=DIALOGUES.keys())
def test_dialogues_hold_on_every_platform(mind: Mind, turns: list[Turn], draw: Draw):
    """Each dialogue of the table gets the right replies, and each renderer shows what matters of them."""
    dialogue = Dialogue(mind, clock=Clock(), today=lambda: TODAY)
    reply: Reply | None = None
    for turn in turns:
        reply = press(dialogue, reply, turn.presses) if turn.presses else dialogue.ask(Question(turn.says, "chat"))
        assert reply.kind is turn.kind, (turn, reply.title)
        if turn.topic:
            assert reply.topics
            assert reply.topics[0].topic in turn.topic
        if turn.says:
            assert (reply.device, reply.place) == (turn.device, turn.place)
        drawn = draw(reply, dialogue)
        if draw is not core:
            assert [text for text in turn.shows if text not in drawn] == []
            assert [text for text in turn.hides if text in drawn] == []


def press(dialogue: Dialogue, reply: Reply | None, label: str) -> Reply:
    assert reply
    codes = [
        button.code for row in reply.rows for button in row if isinstance(button, Button) and button.label == label
    ]
    assert codes, f"no button {label!r}"
    return dialogue.press(codes[0], "chat")


def test_every_topic_answers_in_its_own_title(mind: Mind):
    """Whatever autocomplete or the menu names, asking for it word for word leads there."""
    dialogue = Dialogue(mind, clock=Clock(), today=lambda: TODAY)
    lost = [
        id for id, topic in mind.knowledge.topics.items() if dialogue.ask(Question(topic.title)).topics[0].topic != id
    ]
    assert lost == []
