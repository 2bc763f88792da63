from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import FakeMatcher, sure
from rich.console import Console

from bot.dialogue.dialogue import Dialogue
from bot.dialogue.model import Button, CopyButton, File, Kind, LinkButton, Part, Prompt, Reply, Section
from bot.dialogue.state import Action, State
from bot.knowledge.markup import Paragraph, Span
from bot.platforms.terminal.adapter import TerminalChat
from bot.platforms.terminal.render import render

WRITE = State(Action.WRITE, "objection", place="de").encode()
PROMPT = Prompt(WRITE, "Write my reasons", "Objection", "Your reasons", "for example", "Letter: objection", 1000)


def talk(dialogue: Dialogue, *typed: str, folder: Path = Path()) -> str:
    out = io.StringIO()
    lines: Iterator[str] = iter(typed)

    def read(_prompt: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    TerminalChat(dialogue, Console(file=out, width=100, highlight=False), read, folder).run()
    return out.getvalue()


def printed(reply: Reply, *, width: int = 80, **options: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(render(reply, **options).printed, crop=False)
    return out.getvalue()


def said(text: str, **changes: Any) -> Reply:
    return Reply(Kind.SCREEN, text, (Section(Part.ANSWER, (Paragraph((Span("text"),)),)),), **changes)


@pytest.fixture
def writing(dialogue: Dialogue, matcher: FakeMatcher, monkeypatch: pytest.MonkeyPatch) -> Dialogue:
    """A dialogue that asks for words of one's own wherever it is asked, and writes a letter with them."""
    monkeypatch.setattr(dialogue, "ask", lambda _: said("A letter", prompt=PROMPT))
    shown = dialogue.press

    def press(code: str, conversation: object = None, quoted: str = "") -> Reply:
        return said("Your turn", prompt=PROMPT) if code == WRITE else shown(code, conversation, quoted)

    def submit(code: str, text: str) -> Reply:
        assert code == WRITE
        letter = Section(Part.LETTER, (Paragraph((Span(f"Dear all,\n{text}"),)),))
        files = (File("objection.txt", text.encode()), File("objection.ics", b"BEGIN"))
        return Reply(Kind.SCREEN, "The letter", (letter,), ((Button("All", "v1:menu::"),),), files=files)

    monkeypatch.setattr(dialogue, "press", press)
    monkeypatch.setattr(dialogue, "submit", submit)
    return dialogue


def test_a_conversation_with_numbers(dialogue: Dialogue, matcher: FakeMatcher):
    """A question is answered, and the number of a button presses it."""
    matcher.says["stop it"] = sure("opt-out-phone")
    seen = talk(dialogue, "stop it", "3")
    assert "[3] Android" in seen
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


def test_flows_begin_with_the_commands_of_the_platforms(dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch):
    """The commands of the flows open their first screens; one that this knowledge does not have is told as such."""
    flows = {Action.GUIDE: said("The way out"), Action.CHECKUP: said("The check-up"), Action.START: said("Hello")}
    monkeypatch.setattr(dialogue, "show", lambda state: flows.get(state.action))
    seen = talk(dialogue, "/optout", "/CHECKUP now", "/letter")
    assert "The way out" in seen
    assert "The check-up" in seen
    assert "This button is too old" in seen


def test_own_words_are_the_lines_up_to_an_empty_one(writing: Dialogue):
    """Behind the button of a prompt the next lines are the text, numbers and questions among them, to an empty line."""
    seen = talk(writing, "letter", "1", "I teach.", "2", "are my dms read?", "", "99")
    assert "[1] Write my reasons" in seen
    assert "Your reasons (for example)" in seen
    assert "An empty line ends it." in seen
    assert "Dear all,\nI teach.\n2\nare my dms read?\n" in seen
    assert "There is no button 99 here." in seen


def test_a_command_leaves_a_text(writing: Dialogue):
    """A command leaves what is being written, which is then nowhere; an empty text is handed on as one."""
    seen = talk(writing, "letter", "1", "half a senten", "/help", "1")
    assert "How to ask" in seen
    assert "half a senten" not in seen
    assert "Dear all,\n\n" in talk(writing, "letter", "1", "")


def test_files_are_saved_only_when_chosen(writing: Dialogue, tmp_path: Path):
    """Files are numbered after the buttons, written when chosen, never over another one, and their place is told."""
    typed = ("letter", "1", "I teach.", "")
    out = tmp_path / "out"
    out.mkdir()
    seen = talk(writing, *typed, folder=out)
    assert "[1] All\n[2] Save as objection.txt here\n[3] Save as objection.ics here\n" in seen
    assert list(out.iterdir()) == []
    seen = talk(writing, *typed, "2", "2", "3", "4", folder=out)
    assert f"Saved as {out / 'objection.txt'}\n" in seen
    assert f"Saved as {out / 'objection-2.txt'}\n" in seen
    assert "There is no button 4 here." in seen
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        "objection.txt": b"I teach.",
        "objection-2.txt": b"I teach.",
        "objection.ics": b"BEGIN",
    }


def test_a_folder_that_takes_no_file_is_told(writing: Dialogue, tmp_path: Path):
    """Where a file cannot be written the chat says so and goes on; a name with a path stays in the folder."""
    seen = talk(writing, "letter", "1", "I teach.", "", "2", "/help", folder=tmp_path / "gone")
    assert "objection.txt could not be saved in this folder." in seen
    assert "How to ask" in seen


def test_own_words_go_with_the_next_press(dialogue: Dialogue, monkeypatch: pytest.MonkeyPatch):
    """A reply quotes what was asked under its title, and the press below it hands that on."""
    heard: list[str] = []

    def press(_code: str, _conversation: object, quoted: str = "") -> Reply:
        heard.append(quoted)
        return said("Again")

    menu = (Button("All", "v1:menu::"),)
    monkeypatch.setattr(dialogue, "ask", lambda _: said("First", quote="why?\nand \x1b[2Jhow?", rows=(menu,)))
    monkeypatch.setattr(dialogue, "press", press)
    seen = talk(dialogue, "why?", "1")
    assert "First\n> why?\n> and [2Jhow?\n" in seen
    assert heard == ["why?\nand \x1b[2Jhow?"]


def test_a_letter_and_addresses_are_copied_whole():
    """No line end of ours is put into a letter or an address, and nothing in a letter is markup."""
    line = "word " * 40 + "[bold]*end*\nnext"
    letter = Section(Part.LETTER, (Paragraph((Span(line),)), Paragraph((Span("Bye"),))), "Subject: x")
    url = "https://example.org/" + "x" * 60
    seen = printed(Reply(Kind.SCREEN, "L", (letter,), ((LinkButton("Open", url),),)), width=40)
    assert f"Subject: x\n{line}\n\nBye\n" in seen
    assert f"\n{url}\n" in seen


def test_buttons_that_only_copy_are_left_out():
    """A terminal copies by itself; the button of a prompt comes first and only once."""
    rows: tuple[Any, ...] = ((CopyButton("Copy", "x"),), (Button("Same", WRITE), Button("All", "v1:menu::")))
    reply = said("L", prompt=PROMPT, rows=rows)
    assert "Copy" not in printed(reply)
    assert render(reply).codes == (WRITE, "v1:menu::")
    assert "Write my reasons\nAll" in printed(reply, numbered=False)


def test_square_brackets_are_no_markup():
    """Text in square brackets is shown as it is, not read as rich's markup."""
    reply = Reply(Kind.SCREEN, "[red]x[/red]", (Section(Part.ANSWER, (Paragraph((Span("[bold]y"),)),)),))
    out = io.StringIO()
    Console(file=out, width=80).print(render(reply).printed)
    assert "[red]x[/red]" in out.getvalue()
    assert "[bold]y" in out.getvalue()
