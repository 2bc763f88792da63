from __future__ import annotations

import datetime
import re

import pytest
from conftest import ROOT

from bot.knowledge.letters import Letter, Recipient
from bot.knowledge.loader import load
from bot.knowledge.model import Knowledge, PlaceId

TIMED = {
    "F-LAW-07": (1, 0),  # Art. 12(3) GDPR: an objection is answered within one month
    "F-LAW-08": (1, 0),  # Art. 12(3) GDPR: so is a request for access
    "F-LAW-12": (0, 30),  # section 103, Data (Use and Access) Act 2025: a complaint is acknowledged within 30 days
}
"""The facts that name a time for an answer: calendar months and days."""


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load(ROOT / "knowledge")


@pytest.fixture(scope="module")
def letters(knowledge: Knowledge) -> dict[str, Letter]:
    return dict(knowledge.letters)


def test_there_is_a_letter_wherever_the_facts_support_one(knowledge: Knowledge):
    """People in each of these places find one to the company and one to the authority."""
    for place in ("fr", "is", "gb", "ch", "us-ca", "br", "ca", "hk"):
        chain = set(knowledge.chain(PlaceId(place)))
        to = {letter.form.to for letter in knowledge.letters.values() if not chain.isdisjoint(letter.form.places)}
        assert to == {Recipient.CONTROLLER, Recipient.AUTHORITY}, place


def test_labels_tell_letters_apart(letters: dict[str, Letter]):
    """No two buttons of any list read the same."""
    labels = [letter.form.label for letter in letters.values()]
    assert len(labels) == len(set(labels))


def test_a_deadline_rests_on_a_fact_that_names_it(letters: dict[str, Letter]):
    """A letter promises a day only where a fact behind it gives the time, and gives that time."""
    timed = {id: letter.form for id, letter in letters.items() if letter.form.deadline}
    assert timed
    for id, form in timed.items():
        assert form.deadline
        assert (form.deadline.months, form.deadline.days) in {TIMED[fact] for fact in form.facts if fact in TIMED}, id
        assert form.deadline.extended_months == (2 if "F-LAW-08" in form.facts else 0), id
        assert form.follow_up, id


@pytest.mark.parametrize(
    ("sent", "due", "extended"),
    [("2026-11-28", "2026-12-28", "2027-02-28"), ("2027-01-31", "2027-02-28", "2027-04-30")],
)
def test_an_objection_is_due_in_a_month(letters: dict[str, Letter], sent: str, due: str, extended: str):
    """One month, and two more, each ending on the last day of a shorter month."""
    day = datetime.date.fromisoformat
    deadline = letters["objection-gdpr"].form.deadline
    assert deadline
    assert (deadline.due(day(sent)), deadline.extended(day(sent))) == (day(due), day(extended))


def test_only_letters_of_a_law_name_its_articles(letters: dict[str, Letter]):
    """Articles of the GDPR stand in no letter for a place in which it is not the law."""
    for id, letter in letters.items():
        text = letter.form.subject + letter.form.body + letter.form.why
        if not {"eea", "gb"} & set(letter.form.places):
            assert not re.search(r"GDPR|Art(?:icle|\.) \d", text), id
        if letter.form.places == ["gb"]:
            assert not re.search(r"(?<!UK )GDPR", text), id


def test_nobody_is_told_to_send_an_id(letters: dict[str, Letter]):
    """Each letter says that a copy of an ID is sent only when it is asked for."""
    for id, letter in letters.items():
        assert letter.form.enclose, id
        assert re.search(r"copy of your ID (?:only if|unless)", letter.form.enclose), id
