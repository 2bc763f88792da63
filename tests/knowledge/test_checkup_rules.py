from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SMALL, write_knowledge

from bot.knowledge.checkup import MOST_CONTROLS
from bot.knowledge.finding import Finding
from bot.knowledge.loader import read

CHECKUP = "checkup.yaml"


def faults(tmp_path: Path, text: str) -> list[Finding]:
    return read(write_knowledge(tmp_path / "knowledge", {CHECKUP: text}))[1]


def control(id: str, more: str = "") -> str:
    own = SMALL[CHECKUP].removeprefix("controls:\n").replace("id: ai-training", f"id: {id}")
    return own + (f"    {more}\n" if more else "")


BROKEN = [
    ("topic: opt-out-phone", "topic: opt-out-fone", "unknown-topic", 'did you mean "opt-out-phone"?'),
    ("facts: [F-OPT-01]", "facts: [F-OPT-1]", "unknown-fact", 'did you mean "F-OPT-01"?'),
    ("facts: [F-OPT-01]", "facts: [F-OPT-01, F-OPT-01]", "duplicate-fact", "delete one"),
    ("facts: [F-OPT-01]", "facts: [F-OPT-01]\n    places: [uk]", "unknown-place", "add it to places.yaml"),
    ("facts: [F-OPT-01]", "facts: [F-OPT-01]\n    not_in: [gb, gb]", "duplicate-place", "delete one"),
    ("title: Switch off AI training", "title: Switch off AI training that creates content", "", "shorten it"),
    ("It stops your posts", "See http://example.org for it. It stops your posts", "link", "copy the address"),
]


@pytest.mark.parametrize(("old", "new", "code", "remedy"), BROKEN)
def test_faults_of_a_control_are_told_with_their_remedy(tmp_path: Path, old: str, new: str, code: str, remedy: str):
    """What a control names must exist and stand once, and its title fits a button."""
    assert old in SMALL[CHECKUP]
    found = faults(tmp_path, SMALL[CHECKUP].replace(old, new))
    assert len(found) == 1
    assert found[0].path == CHECKUP
    assert found[0].code == code or not code
    assert remedy in found[0].remedy


def test_two_controls_of_one_name_are_an_error(tmp_path: Path):
    """Buttons name a control by its id, so each id stands once."""
    found = faults(tmp_path, "controls:\n" + control("one") + control("two") + control("one"))
    assert [(finding.code, finding.line) for finding in found] == [("duplicate-control", 12)]


def test_more_controls_than_marks_are_an_error(tmp_path: Path):
    """Twelve controls fit the marks of a button, thirteen do not; controls of different places do not add up."""
    twelve = "controls:\n" + "".join(control(f"c{index}") for index in range(MOST_CONTROLS))
    assert faults(tmp_path, twelve) == []
    assert [finding.code for finding in faults(tmp_path, twelve + control("more"))] == ["too-many-controls"]
    in_europe = faults(tmp_path, twelve + control("more", "places: [eea]"))
    assert [finding.code for finding in in_europe] == ["too-many-controls"]
    apart = "controls:\n" + "".join(control(f"c{index}", "not_in: [eea, gb]") for index in range(MOST_CONTROLS))
    assert faults(tmp_path, apart + control("uk", "places: [gb]") + control("europe", "places: [eea]")) == []
