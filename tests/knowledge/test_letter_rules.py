from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from conftest import ROOT, write_knowledge
from sample_letters import LETTERS

from bot.knowledge.finding import Finding
from bot.knowledge.letters import Deadline
from bot.knowledge.loader import load, read
from bot.knowledge.model import PlaceId

OBJECTION, REMINDER, COMPLAINT = (f"letters/{id}.yaml" for id in ("objection", "reminder", "complaint"))


def faults(tmp_path: Path, path: str, old: str, new: str) -> list[Finding]:
    text = LETTERS[path]
    assert text
    assert old in text
    return read(write_knowledge(tmp_path / "knowledge", {**LETTERS, path: text.replace(old, new, 1)}))[1]


def test_letters_are_loaded_under_the_names_of_their_files(tmp_path: Path):
    """A letter's id is its file name; who answers for data follows from the place."""
    knowledge = load(write_knowledge(tmp_path / "knowledge", LETTERS))
    assert set(knowledge.letters) == {"objection", "reminder", "complaint", "know"}
    assert "Ireland" in (knowledge.controller_of(PlaceId("fr")) or "")
    assert "Ireland" in (knowledge.controller_of(PlaceId("ch")) or "")
    assert "Corporation" in (knowledge.controller_of(PlaceId("gb")) or "")
    assert "Corporation" in (knowledge.controller_of(PlaceId("us-ca")) or "")
    ireland = knowledge.regulator_of(PlaceId("ie"))
    assert ireland
    assert ireland.name == "Data Protection Commission (DPC)"
    assert knowledge.regulator_of(PlaceId("us-tx")) is None


BROKEN = [
    (OBJECTION, "{controller}", "{controler}", "placeholder", "{controler}", 'did you mean "controller"?'),
    (OBJECTION, "{controller}", "{nobody at all}", "placeholder", "{nobody at all}", "{authority}"),
    (OBJECTION, "Objection of {date}", "Objection of {dat}", "placeholder", "subject", 'did you mean "date"?'),
    (OBJECTION, "I object", "I {object", "placeholder", "a brace stands alone", "delete it"),
    (OBJECTION, "It tells LinkedIn", "It tells {controller}", "placeholder", "not filled in here", "words themselves"),
    (OBJECTION, "Who could be harmed?", "Who by {date}?", "placeholder", "not filled in here", "words themselves"),
    (OBJECTION, "[your name]", "[your names]", "blank", "[your names]", 'did you mean "your name"?'),
    (OBJECTION, "[your name]", "[x]", "blank", "[x]", "[your e-mail address]"),
    (OBJECTION, "[your name]", "[your name", "blank", "stands alone", "delete it"),
    (OBJECTION, "  {grounds}\n", "", "grounds", "no place for them", "write {grounds}"),
    (OBJECTION, "My grounds are:", "My grounds are {grounds}:", "grounds", "more than once", "one place"),
    (COMPLAINT, "I complain", "{grounds} I complain", "grounds", "nothing asks for them", "add grounds:"),
    (OBJECTION, "Objection of {date}", "Objection: {grounds}", "grounds", "subject", "delete {grounds}"),
    (COMPLAINT, "I complain", "By {deadline} I complain", "deadline", "no deadline", "add deadline:"),
    (REMINDER, "{days: 14}", "{extended_days: 14}", "deadline", "neither months nor days", "write months:"),
    (OBJECTION, "I object", "After {sent} I object", "sent", "follow_up of none", "follow_up: objection"),
    (OBJECTION, "follow_up: reminder", "follow_up: remindr", "follow-up", '"remindr"', 'did you mean "reminder"?'),
    (OBJECTION, "follow_up: reminder", "follow_up: objection", "follow-up", "follows up itself", "another letter"),
    (OBJECTION, "[eea, ch]", "[eea, gb]", "follow-up", '"reminder" cannot be sent from "gb"', "add gb"),
    (OBJECTION, "[eea, ch]", "[eea, chh]", "unknown-place", '"chh"', 'did you mean "ch"?'),
    (OBJECTION, "[eea, ch]", "[eea, eea]", "duplicate-place", '"eea" stands twice', "delete one"),
    (OBJECTION, "[F-OPT-01]", "[F-OPT-02]", "unknown-fact", '"F-OPT-02"', 'did you mean "F-OPT-01"?'),
    (COMPLAINT, "[eea, ch]", "[eea, ch, us]", "recipient", 'no authority is named for "us"', "add regulator:"),
    (COMPLAINT, "Complaint to the authority (Article 77)", "Objection (article 21)", "same-title", "letters/complaint.yaml", "different"),
    (OBJECTION, "It tells LinkedIn to stop.", "See [here](http://example.org).", "link", "https://", "[label](https://…)"),
    (OBJECTION, "to: controller", "to: boss", "enum", "to is not one of the known values", "controller"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "old", "new", "code", "what", "remedy"), BROKEN)
def test_what_a_letter_cannot_hold_is_told(
    tmp_path: Path, path: str, old: str, new: str, code: str, what: str, remedy: str
):
    """Each fault of a letter is one finding with its file, what is wrong and what to do."""
    found = [finding for finding in faults(tmp_path, path, old, new) if finding.code == code]
    assert found
    assert what in str(found[0])
    assert remedy in found[0].remedy


def test_a_placeholder_is_told_where_it_stands(tmp_path: Path):
    """Line and column point at the placeholder inside the body."""
    (found,) = faults(tmp_path, OBJECTION, "answer by {deadline}", "answer by {dedline}")
    text = (tmp_path / "knowledge" / OBJECTION).read_text(encoding="utf-8")
    line = text.splitlines()[found.line - 1]
    assert line[found.column - 1 :].startswith("{dedline}")


def test_a_day_that_a_prompt_would_lose_is_refused(tmp_path: Path):
    """A letter that asks for grounds cannot name the day of the letter before it."""
    changed = {**LETTERS, REMINDER: (LETTERS[OBJECTION] or "").replace("I object", "After {sent} I object")}
    changed[REMINDER] = (changed[REMINDER] or "").replace("follow_up: reminder\n", "").replace("Objection", "Second")
    found = read(write_knowledge(tmp_path / "knowledge", changed))[1]
    assert [finding.code for finding in found] == ["sent"]
    assert "would be lost" in found[0].what


def test_a_file_name_that_is_no_id_is_refused(tmp_path: Path):
    """Ids of letters go into buttons, so they have the form of a topic's."""
    name = f"letters/{'very-' * 9}long.yaml"
    found = read(write_knowledge(tmp_path / "knowledge", {**LETTERS, name: LETTERS["letters/know.yaml"]}))[1]
    assert "letter-id" in {finding.code for finding in found}


def test_a_place_without_a_company_is_told(tmp_path: Path):
    """Where places.yaml names no company, a letter to it cannot be sent."""
    places = (ROOT / "knowledge" / "places.yaml").read_text(encoding="utf-8")
    changes = {
        **LETTERS,
        "places.yaml": places.replace("controller: LinkedIn Corporation, Sunnyvale, California\n", ""),
    }
    found = read(write_knowledge(tmp_path / "knowledge", changes))[1]
    assert [(finding.path, finding.code) for finding in found] == [("letters/know.yaml", "recipient")]


@pytest.mark.parametrize(
    ("sent", "due", "extended"),
    [
        ("2026-11-28", "2026-12-28", "2027-02-28"),
        ("2027-01-31", "2027-02-28", "2027-04-30"),
        ("2028-01-31", "2028-02-29", "2028-04-30"),
        ("2026-12-31", "2027-01-31", "2027-03-31"),
        ("2027-03-31", "2027-04-30", "2027-06-30"),
    ],
)
def test_a_month_is_counted_by_the_calendar(sent: str, due: str, extended: str):
    """A day that a shorter month lacks becomes its last day; the extension counts from the day of sending."""
    deadline = Deadline(months=1, extended_months=2)
    day = datetime.date.fromisoformat(sent)
    assert deadline.due(day) == datetime.date.fromisoformat(due)
    assert deadline.extended(day) == datetime.date.fromisoformat(extended)


def test_days_are_counted_as_they_are():
    """Forty-five days after 28 November are 12 January, and nothing more where there is no extension."""
    day = datetime.date(2026, 11, 28)
    assert Deadline(days=45).due(day) == datetime.date(2027, 1, 12)
    assert Deadline(days=45).extended(day) is None
    assert Deadline(days=45, extended_days=45).extended(day) == datetime.date(2027, 2, 26)
