from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from conftest import TODAY, write_knowledge
from sample_letters import LETTERS

from bot.knowledge.loader import load
from bot.knowledge.model import Knowledge
from bot.workshop.picture import pictures


def test_each_form_of_an_answer_is_drawn(small: Knowledge):
    """There is a picture for each device and each place, well-formed, with the words of that form in the text beside it."""
    found = {name: (svg, text) for name, svg, text in pictures(small, "opt-out-phone", TODAY)}
    assert list(found) == [
        "opt-out-phone-ios",
        "opt-out-phone-android",
        "opt-out-phone-ios-eea",
        "opt-out-phone-ios-gb",
    ]
    for name, (svg, text) in found.items():
        root = ET.fromstring(svg)
        assert root.find("{http://www.w3.org/2000/svg}title").text == f"The answer {name}"  # type: ignore[union-attr]
        assert svg.count("http") == svg.count("http://www.w3.org/2000/svg") + text.count("https://")
    assert "Open the app on your Android." in found["opt-out-phone-android"][1]
    assert "In the UK you can switch it off as well." in found["opt-out-phone-ios-gb"][1]


def test_an_answer_without_steps_is_one_picture(small: Knowledge):
    """A topic that is the same for everybody is drawn once; an unknown one is an error."""
    assert [name for name, _, _ in pictures(small, "private-messages", TODAY)] == ["private-messages"]
    with pytest.raises(KeyError):
        list(pictures(small, "nope", TODAY))


def test_a_letter_is_drawn_in_each_of_its_places(tmp_path: Path):
    """The screen before a letter and the letter with a gap are drawn for every place that it names."""
    known = load(write_knowledge(tmp_path / "k", LETTERS))
    found = {name: text for name, _, text in pictures(known, "objection", TODAY)}
    assert list(found) == [
        "letter-objection-eea",
        "letter-objection-eea-text",
        "letter-objection-ch",
        "letter-objection-ch-text",
    ]
    assert "It tells LinkedIn to stop." in found["letter-objection-eea"]
    assert "I object to the use of my data" in found["letter-objection-eea-text"]


def test_no_line_of_a_letter_is_cut(tmp_path: Path):
    """Long paragraphs are broken into lines, to the last word."""
    long = (LETTERS["letters/objection.yaml"] or "").replace("I object", "I object, " + "for one reason more, " * 20)
    known = load(write_knowledge(tmp_path / "k", {**LETTERS, "letters/objection.yaml": long}))
    text = {name: text for name, _, text in pictures(known, "objection", TODAY)}["letter-objection-eea-text"]
    assert text.count("reason") == 20
    assert "My grounds are:" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 92
