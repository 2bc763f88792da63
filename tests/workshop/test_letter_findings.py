from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from conftest import write_knowledge
from sample_letters import LETTERS

from bot.knowledge.finding import Finding, Severity
from bot.workshop.check import check_folder

OBJECTION = "letters/objection.yaml"


def found(tmp_path: Path, old: str = "", new: str = "", today: datetime.date | None = None) -> list[Finding]:
    text = LETTERS[OBJECTION]
    assert text
    assert old in text
    folder = write_knowledge(tmp_path / "knowledge", {**LETTERS, OBJECTION: text.replace(old, new, 1)})
    return [finding for finding in check_folder(folder, today) if finding.path == OBJECTION]


def test_letters_without_fault_are_passed_over(tmp_path: Path):
    """The letters that the tests use have nothing to mend."""
    assert found(tmp_path) == []


UNTIDY = [
    ("I object", "I **object", "markup", "stars stand in the letter"),
    ("It tells LinkedIn", "It **tells LinkedIn", "markup", "bold is opened"),
    ("Who could be harmed?", "Who behaves badly, in what color?", "american", '"color"'),
    ("I object", "I organize and object", "american", '"organize"'),
    ("It tells LinkedIn to stop.", "It obliges the organisation responsible for determining the purposes of processing to discontinue its utilisation of personal information.", "hard-to-read", "why reads at grade"),
    ("What do you post about?", "What do you post about? " + "And what else is there? " * 8, "long-screen", "more than 60"),
    ("I object", "I object for a long list of reasons. " * 80, "long-reply", "takes more than one page"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "what"), UNTIDY)
def test_what_is_untidy_in_a_letter_is_found(tmp_path: Path, old: str, new: str, code: str, what: str):
    """Each fault is a finding at its file, and hinders nobody from loading it."""
    findings = [finding for finding in found(tmp_path, old, new) if finding.code == code]
    assert findings
    assert what in findings[0].what
    assert findings[0].severity is Severity.FINDING


def test_a_letter_falls_due_like_a_topic(tmp_path: Path):
    """Past its days the letter is due for a check, and only a check that asks for dates says so."""
    assert found(tmp_path, today=datetime.date(2026, 12, 31)) == []
    (overdue,) = found(tmp_path, today=datetime.date(2027, 1, 1))
    assert (overdue.code, overdue.dated) == ("overdue", True)
    assert "the letter" in overdue.remedy
    (early,) = found(tmp_path, today=datetime.date(2026, 10, 1))
    assert early.code == "future-review"


def test_a_fact_behind_a_letter_is_used(tmp_path: Path):
    """A fact that only a letter rests on is no loose end."""
    changes = {**LETTERS, "topics/which-data/private-messages.yaml": None}
    folder = write_knowledge(tmp_path / "knowledge", changes)
    assert "unused-fact" not in {finding.code for finding in check_folder(folder)}
    for id in ("complaint", "know"):
        (folder / "letters" / f"{id}.yaml").unlink()
    assert [finding.what for finding in check_folder(folder) if finding.code == "unused-fact"] == [
        "no topic rests on F-DATA-01"
    ]
