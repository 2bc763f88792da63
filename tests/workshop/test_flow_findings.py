from __future__ import annotations

from pathlib import Path

from conftest import SMALL, write_knowledge

from bot.knowledge.finding import Finding
from bot.workshop.check import check_folder

PHONE = "topics/opting-out/opt-out-phone.yaml"
DMS = "topics/which-data/private-messages.yaml"
LONG = "It is a long story, and nobody reads it to its end while they hold a phone. " * 4


def found(tmp_path: Path, path: str, old: str, new: str) -> list[Finding]:
    assert old in SMALL[path]
    folder = write_knowledge(tmp_path / "knowledge", {path: SMALL[path].replace(old, new)})
    return [finding for finding in check_folder(folder) if finding.code == "long-screen"]


def test_a_long_step_is_found_where_it_stands(tmp_path: Path):
    """A screen of the guide with more than sixty words is found at the steps of its device and place."""
    (one,) = found(tmp_path, PHONE, "Open the app in the EEA.", f"Open the app. {LONG}")
    assert (one.path, one.key) == (PHONE, "places.eea.steps.ios")
    assert "screen 1 of the guide" in one.what
    assert "more than 60" in one.what


def test_a_long_reason_is_found_where_it_stands(tmp_path: Path):
    """A control whose reason takes more than sixty words is found once, at its reason."""
    (one,) = found(tmp_path, "checkup.yaml", "It stops your posts", f"{LONG}It stops your posts")
    assert (one.path, one.key) == ("checkup.yaml", "controls.0.why")
    assert 'the control "ai-training"' in one.what


def test_short_screens_are_passed_over(tmp_path: Path):
    """The small knowledge of the tests has no long screen."""
    assert found(tmp_path, PHONE, "Open the app in the EEA.", "Open the app in the EU.") == []


def test_a_fact_of_the_check_up_is_used(tmp_path: Path):
    """A fact that only a control rests on is no unused one; without the control it is."""
    without = {DMS: SMALL[DMS].replace("[F-DATA-01]", "[F-OPT-01]")}
    with_control = {**without, "checkup.yaml": SMALL["checkup.yaml"].replace("[F-OPT-01]", "[F-DATA-01]")}
    for name, changes, expected in (("without", without, ["unused-fact"]), ("with", with_control, [])):
        folder = write_knowledge(tmp_path / name, dict(changes))
        assert [one.code for one in check_folder(folder) if one.path == "facts.yaml"] == expected
