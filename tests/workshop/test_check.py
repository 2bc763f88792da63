from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from conftest import SMALL, TODAY, write_knowledge

from bot.knowledge.finding import Severity
from bot.workshop.check import check_folder
from bot.workshop.reading import american, grade

PHONE = "topics/opting-out/opt-out-phone.yaml"
DMS = "topics/which-data/private-messages.yaml"


def changed(path: str, old: str, new: str) -> dict[str, str | None]:
    assert old in SMALL[path]
    return {path: SMALL[path].replace(old, new)}


FINDINGS = [
    (changed(DMS, "facts: [F-DATA-01]", "facts: [F-OPT-01]"), "unused-fact", "F-DATA-01"),
    (changed("facts.yaml", "[help-page, press-report]", "[help-page]"), "unused-source", "press-report"),
    (changed(PHONE, "You can switch", "You can " + "really " * 80 + "switch"), "long-text", "answer has"),
    (changed(PHONE, "title: Turn", "title: " + "Turn " * 12 + "Turn"), "long-text", "title has"),
    (changed(DMS, "title: Are private messages used?", "title: Are the private messages of mine used?"), "long-label", "34 of"),
    (changed(DMS, "title: Are private messages used?", "title: Turn off AI training on your phones\nlabel: Other"), "like-title", "opt-out-phone"),
    (changed(PHONE, "  - another", "  - another\n\n" + "  Word by word it goes on and on.\n" * 150), "long-reply", "everybody"),
    (changed(DMS, "title: Are private messages used?", "title: turn it off on a phone"), "same-label", "opt-out-phone"),
    (changed(PHONE, 'links:\n  - {label: Open the setting, url: "https://www.linkedin.com/mypreferences/d/settings/data-for-ai-improvement"}\n', ""), "no-link", "no link"),
    (changed(PHONE, "See **the setting** and", "See **the setting and"), "markup", "bold"),
    (changed(PHONE, "  See **the setting**", "  # Heading\n  See **the setting**"), "markup", "not shown"),
    ({"questions/golden.yaml": "topics:\n  private-messages: [Are my DMs read?]\n"}, "golden-learned", "Are my DMs read?"),
    (changed(PHONE, "It does not undo", "It does not analyze or undo"), "american", ""),
    (changed(PHONE, "  It does not undo earlier training.", "  " + "Notwithstanding contractual particularities, organisational responsibility "
             "regarding interdepartmental documentation necessitates considerable administrative deliberation."), "hard-to-read", "grade"),
    (changed(DMS, "  - inmail used for ai", "  - the iphone: ai training turn off?".replace(":", "")), "like-ask", "turn off ai training iphone"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "what"), FINDINGS)
def test_untidy_knowledge_is_found(tmp_path: Path, changes: dict[str, str | None], code: str, what: str):
    """Each editorial rule finds its fault, as a finding with a place, and the knowledge still loads."""
    found = [finding for finding in check_folder(write_knowledge(tmp_path / "k", changes)) if finding.code == code]
    assert found
    assert what in found[0].what
    assert found[0].severity is Severity.FINDING
    assert found[0].remedy


def test_a_tidy_folder_has_no_findings(folder: Path):
    """The small knowledge is clean."""
    assert check_folder(folder) == []


def test_a_fact_may_say_why_it_is_unused(tmp_path: Path):
    """A fact with a reason is not reported as unused."""
    changes = changed(DMS, "facts: [F-DATA-01]", "facts: [F-OPT-01]")
    changes["facts.yaml"] = SMALL["facts.yaml"].replace(
        "    status: contested\n", "    status: contested\n    unused: told by another fact\n"
    )
    assert check_folder(write_knowledge(tmp_path / "k", changes)) == []


def test_overdue_reviews_are_found_only_with_a_date(folder: Path):
    """Without a date nothing depends on today; with one, what is overdue or lies in the future is found."""
    late = datetime.date(2027, 1, 5)
    assert check_folder(folder, TODAY) == []
    found = check_folder(folder, late)
    assert [(finding.path, finding.code, finding.dated) for finding in found] == [(PHONE, "overdue", True)]
    early = datetime.date(2026, 10, 1)
    assert {finding.code for finding in check_folder(folder, early)} == {"future-review"}


def test_broken_and_untidy_files_are_reported_together(tmp_path: Path):
    """An error in one file does not hide the findings of another."""
    changes = changed(PHONE, "You can switch", "You can " + "really " * 80 + "switch") | {
        DMS: SMALL[DMS].replace("title:", "ttile:")
    }
    assert {"unknown-key", "long-text"} <= {
        finding.code for finding in check_folder(write_knowledge(tmp_path / "k", changes))
    }


def test_reading_grades_follow_the_length_of_words_and_sentences():
    """Short words in short sentences read easily; names in bold do not count."""
    assert grade("The cat sat. The dog ran.") < 1
    assert grade("Open **Data for Generative AI Improvement** now.") < 4
    assert grade("Institutional responsibility necessitates comprehensive documentation.") > 20
    assert grade("") == 0


def test_american_spelling_is_found_outside_of_names():
    """Names on the screen, quotations and addresses may be spelt as they are."""
    assert american("the color of it") == [(4, "color")]
    assert american('**Color** and "color" and [x](https://a.b/color)') == []
    assert american("colour, centre, licence, organise") == []
