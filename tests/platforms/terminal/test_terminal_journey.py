"""From a question to the switch off and a letter in hand, in a real terminal."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import in_terminal
from traces import ROOT, traces

from bot.knowledge.loader import load
from bot.knowledge.texts import Texts

_BUTTON = re.compile(r"\[(\d+)\] +(.+?)(?= +\[\d+\] |\r?\n|$)")
_KEPT = ("PATH", "LANG", "BOT_CACHE", "BOT_KNOWLEDGE")


def number(*labels: str) -> Callable[[str], str]:
    """Return what finds the number of the button in sight whose label holds one of some texts."""

    def find(shown: str) -> str:
        buttons: dict[str, str] = {}
        for found in _BUTTON.finditer(shown):
            # A reply numbers its buttons anew.
            buttons = {} if found[1] == "1" else buttons
            buttons[found[2]] = found[1]
        matching = [number for label in labels for shown, number in buttons.items() if label in shown]
        assert matching, (labels, buttons)
        return f"{matching[0]}\n"

    return find


@pytest.fixture
def texts() -> Texts:
    return load(ROOT / "knowledge").texts


def test_from_the_question_to_the_letter(texts: Texts, tmp_path: Path):
    """In a terminal too a person gets to the switch and a letter of their own, saved where they choose to."""
    own = f"nurse{uuid.uuid4().hex}"
    (tmp_path / "tmp").mkdir()
    (tmp_path / "here").mkdir()
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {"TERM": "dumb", "TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path)}
    you, more = texts.terminal.prompt, texts.terminal.write_prompt
    shown, code = in_terminal(
        ["chat"],
        tmp_path / "here",
        environment,
        [
            (you, "i'm in lyon, how do i stop this on my android\n"),
            (you, number(texts.guide.start)),
            *[(you, number(texts.guide.next))] * 5,
            (you, number("GDPR")),
            (you, number(texts.letters.write)),
            (more, f"I am a {own}.\n"),
            (more, "2\n"),
            (more, "\n"),
            (you, number(".txt")),
            (you, number(".txt")),
            (you, number(".ics")),
            (you, "/checkup\n"),
            (you, "\x04"),
        ],
    )
    assert code == 0, shown
    assert texts.headings.limits in shown
    assert f"I am a {own}.\n2\n" in shown
    assert "Article 21(1)" in shown
    files = {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()}
    assert set(files) == {"objection-gdpr.txt", "objection-gdpr-2.txt", "objection-gdpr.ics"}
    assert f"I am a {own}.\r\n2\r\n".encode() in files["objection-gdpr.txt"]
    assert b"BEGIN:VEVENT" in files["objection-gdpr.ics"]
    # What was typed stands in what was saved, and nowhere else.
    left = traces(own, [tmp_path, ROOT / "tests", ROOT / "var"])
    assert {Path(path).name for path in left} == {"objection-gdpr.txt", "objection-gdpr-2.txt"}
