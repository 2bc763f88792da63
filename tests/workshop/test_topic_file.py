from __future__ import annotations

import datetime
import io
from pathlib import Path

import pytest
from conftest import ROOT, SMALL, TODAY, write_knowledge
from rich.console import Console
from sample_letters import LETTERS

from bot.knowledge.loader import load
from bot.knowledge.model import Knowledge, PlaceId
from bot.knowledge.yaml_text import parse_yaml
from bot.workshop.check import check_folder
from bot.workshop.reviewing import due_line, file_of, overdue, shown
from bot.workshop.topic_file import (
    TopicFileError,
    checked_facts,
    checked_group,
    checked_id,
    checked_title,
    new_topic,
    set_reviewed,
    write_topic,
)

PHONE = "topics/opting-out/opt-out-phone.yaml"
LATE = datetime.date(2027, 3, 1)


def test_a_new_topic_lacks_only_its_words(folder: Path):
    """`check` finds nothing in a new topic's file but what is left to write, by name."""
    path = write_topic(folder, "which-data", "voice-notes", new_topic("Voice: what of it?", ["F-DATA-01"], TODAY))
    found = check_folder(folder)
    assert [(finding.key, finding.what) for finding in found] == [
        ("answer", "answer is empty"),
        ("asks", "asks is empty"),
    ]
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("answer:\n", "answer: |\n  No.\n").replace("asks:\n", "asks:\n  - voice notes\n"), encoding="utf-8"
    )
    assert check_folder(folder) == []
    topic = next(topic for id, topic in load(folder).topics.items() if id == "voice-notes")
    assert (topic.title, topic.form.facts, topic.form.reviewed) == ("Voice: what of it?", ["F-DATA-01"], TODAY)


@pytest.mark.parametrize(
    "title", ["plain", "with: colon", "# hash", 'a "quote"', "it's 'so'", "no", "- dash", "off # x", "*x*"]
)
def test_any_title_is_written_so_that_it_reads_back(title: str):
    """Titles that YAML would take for something else are quoted."""
    document, findings = parse_yaml(new_topic(title, ["F-A-1"], TODAY), "x")
    assert findings == []
    assert document.data["title"] == title


def test_a_topic_is_never_overwritten(folder: Path):
    """A file that is there stays as it is, and that is said."""
    with pytest.raises(TopicFileError, match="was left as it is"):
        write_topic(folder, "opting-out", "opt-out-phone", "x")
    assert (folder / PHONE).read_text(encoding="utf-8") == SMALL[PHONE]


@pytest.mark.parametrize("id", ["Voice_Notes", "", "a--b", "-a", "a/b", "../x", "ä", "a" * 41, "x\n"])
def test_an_ill_formed_id_is_refused(id: str):
    """An id that no button could carry is refused with a sentence."""
    with pytest.raises(TopicFileError, match="cannot be a topic id"):
        checked_id(id, [])


def test_what_is_asked_for_is_checked_at_once():
    """A taken id, an unknown group or fact, an empty title and no fact at all are each one sentence."""
    with pytest.raises(TopicFileError, match='"chatgpt" already'):
        checked_id("chatgpt", ["chatgpt"])
    with pytest.raises(TopicFileError, match='did you mean "which-data"'):
        checked_group("which-dta", ["which-data", "work"])
    with pytest.raises(TopicFileError, match='"F-A-3" is not known'):
        checked_facts(["F-A-1", "F-A-3"], ["F-A-1"])
    with pytest.raises(TopicFileError, match="at least one fact"):
        checked_facts([], ["F-A-1"])
    with pytest.raises(TopicFileError, match="between 1 and 120"):
        checked_title("  ")
    assert checked_facts(["F-A-1", "F-A-1"], ["F-A-1"]) == ["F-A-1"]
    assert checked_title(" a\n b ") == "a b"


@pytest.mark.parametrize(
    ("old", "new"), [("", ""), ("\n", "\r\n"), ("title: ", "# reviewed: 2020-01-01\n# 'odd'   \ntitle: ")]
)
def test_a_review_changes_its_line_and_nothing_else(folder: Path, old: str, new: str):
    """Comments, white space, quotes and line ends stay, byte for byte."""
    before = (SMALL[PHONE].replace(old, new, -1 if old == "\n" else 1) if old else SMALL[PHONE]).encode()
    (folder / PHONE).write_bytes(before)
    set_reviewed(folder / PHONE, LATE)
    assert (folder / PHONE).read_bytes() == before.replace(b"reviewed: 2026-11-01", b"reviewed: 2027-03-01")


def test_a_file_that_changed_meanwhile_is_left_alone(folder: Path):
    """Where the line is not found, nothing is written and the editor is told to do it by hand."""
    (folder / PHONE).write_text("title: a\n", encoding="utf-8")
    with pytest.raises(TopicFileError, match="by hand"):
        set_reviewed(folder / PHONE, LATE)
    assert (folder / PHONE).read_text(encoding="utf-8") == "title: a\n"
    (folder / PHONE).unlink()
    with pytest.raises(TopicFileError, match="cannot be read"):
        set_reviewed(folder / PHONE, LATE)


def test_what_waits_longest_comes_first(tmp_path: Path):
    """Overdue topics are sorted by the day on which they fell due; others are left out."""
    small = load(write_knowledge(tmp_path / "k"))
    assert overdue(small, TODAY) == []
    assert [topic.id for topic in overdue(small, datetime.date(2027, 1, 5))] == ["opt-out-phone"]
    late = overdue(small, LATE + datetime.timedelta(days=30))
    assert [topic.id for topic in late] == ["opt-out-phone", "private-messages"]
    assert late[0].form.due == datetime.date(2026, 12, 31)
    assert "overdue by 90 days" in due_line(late[0], datetime.date(2027, 3, 31))
    assert "due in 0 days" in due_line(late[0], datetime.date(2026, 12, 31))


def test_a_review_shows_everything_that_sources_must_bear_out(small: Knowledge):
    """Answer, steps by device, what differs by place, facts with their status, and sources with addresses."""
    out = io.StringIO()
    topics = {str(id): topic for id, topic in small.topics.items()}
    Console(file=out, width=120).print(shown(small, topics["opt-out-phone"], TODAY))
    Console(file=out, width=120).print(shown(small, topics["private-messages"], TODAY))
    for told in (
        "You can switch it off in the app.", "steps, ios", "1. Open the app on your iPhone.", "answer (gb)", "steps (eea), ios",
        "F-OPT-01  sure", "F-DATA-01  contested", "checked 2026-11-23", "https://news.example.org/off", "LinkedIn Help: Control your data",
    ):  # fmt: skip
        assert told in out.getvalue(), told


def test_letters_are_reviewed_like_topics(tmp_path: Path):
    """An overdue letter stands among the topics, shows what its sources must bear out, and gets its day set."""
    folder = write_knowledge(tmp_path / "k", LETTERS)
    known = load(folder)
    objection = known.letters["objection"]
    late = overdue(known, objection.form.due + datetime.timedelta(days=1))
    assert "objection" in [one.id for one in late]
    out = io.StringIO()
    Console(file=out, width=120).print(shown(known, objection, TODAY))
    for told in (
        objection.form.title, objection.form.why.strip(), "I object", "thoughts", known.controller_of(PlaceId("de")) or "?",
        "F-OPT-01  sure", "LinkedIn Help: Control your data",
    ):  # fmt: skip
        assert told in out.getvalue(), told
    path = folder / file_of(objection)
    set_reviewed(path, LATE)
    assert load(folder).letters["objection"].form == objection.form.model_copy(update={"reviewed": LATE})


def test_a_complaint_is_reviewed_with_its_authority(tmp_path: Path):
    """A letter to an authority shows which one it means where it can be sent."""
    out = io.StringIO()
    known = load(ROOT / "knowledge")
    Console(file=out, width=120).print(shown(known, known.letters["complaint-uk-ico"], TODAY))
    regulator = known.regulator_of(PlaceId("gb"))
    assert regulator
    assert regulator.name in out.getvalue()
