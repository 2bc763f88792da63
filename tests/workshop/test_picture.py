from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from conftest import TODAY

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
