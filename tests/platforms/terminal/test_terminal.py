from __future__ import annotations

import io
from collections.abc import Iterator

from conftest import FakeMatcher, sure
from rich.console import Console

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Kind, Part, Reply, Section
from bot.knowledge.markup import Paragraph, Span
from bot.platforms.terminal.adapter import TerminalChat
from bot.platforms.terminal.render import render


def talk(dialogue: Dialogue, *typed: str) -> str:
    out = io.StringIO()
    lines: Iterator[str] = iter(typed)

    def read(_prompt: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    TerminalChat(dialogue, Console(file=out, width=100, highlight=False), read).run()
    return out.getvalue()


def test_a_conversation_with_numbers(dialogue: Dialogue, matcher: FakeMatcher):
    """A question is answered, and the number of a button presses it."""
    matcher.says["stop it"] = sure("opt-out-phone")
    seen = talk(dialogue, "stop it", "2")
    assert "[2] Android" in seen
    assert "1. Open the app on your Android." in seen
    assert "Sources checked on 1 November 2026" in seen


def test_the_first_lines_say_who_the_bot_is_not(dialogue: Dialogue):
    """The chat opens with the start screen and its disclaimer, and ends politely at the end of input."""
    seen = talk(dialogue)
    assert "neither to LinkedIn nor to Microsoft" in seen
    assert seen.rstrip().endswith("Nothing of what you wrote is kept.")


def test_numbers_without_a_button_are_told(dialogue: Dialogue):
    """A number that no button has gets a sentence, however large."""
    assert "There is no button 99 here." in talk(dialogue, "99")
    assert "There is no button" in talk(dialogue, "9" * 500)


def test_commands_work_as_on_the_platforms(dialogue: Dialogue):
    """The commands of the platforms work in the terminal too, with anything behind them."""
    assert "What is kept about you" in talk(dialogue, "/privacy")
    assert "How to ask" in talk(dialogue, "/HELP me")
    assert "What would you like to know?" in talk(dialogue, "/topics")


def test_nothing_steers_the_terminal():
    """Control characters of a text never reach the terminal."""
    reply = Reply(Kind.SCREEN, "a\x1b[2Jb", (Section(Part.ANSWER, (Paragraph((Span("c\x07d\x1b]0;x\x07"),)),)),))
    out = io.StringIO()
    Console(file=out, width=80, force_terminal=False).print(render(reply).printed)
    assert "\x1b" not in out.getvalue()
    assert "\x07" not in out.getvalue()


def test_square_brackets_are_no_markup():
    """Text in square brackets is shown as it is, not read as rich's markup."""
    reply = Reply(Kind.SCREEN, "[red]x[/red]", (Section(Part.ANSWER, (Paragraph((Span("[bold]y"),)),)),))
    out = io.StringIO()
    Console(file=out, width=80).print(render(reply).printed)
    assert "[red]x[/red]" in out.getvalue()
    assert "[bold]y" in out.getvalue()
