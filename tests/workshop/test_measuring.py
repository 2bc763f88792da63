from __future__ import annotations

import io
from pathlib import Path

import pytest
from conftest import FakeMatcher, sure
from rich.console import Console

from bot.dialogue.dialogue import Dialogue
from bot.knowledge.loader import load_questions
from bot.workshop.figures import FOLLOW, MULTI, OFF_ANSWERED, RIGHT, SLOTS, Set, measure
from bot.workshop.measuring import FileError, ask_all, ask_followups, golden, read_tsv
from bot.workshop.report import report

TOPICS = ("private-messages", "opt-out-phone", "data-used")


def test_golden_questions_of_each_kind_are_asked(dialogue: Dialogue, matcher: FakeMatcher, folder: Path):
    """Every kind of golden question becomes a figure, and answers are judged as the contract says."""
    matcher.says["where is the switch on my handset"] = sure("opt-out-phone")
    matcher.says["phone opt out please"] = sure("private-messages")
    matcher.says["who bought linkedin"] = sure("private-messages")
    matcher.says["are dms read and how do i opt out on my phone"] = sure("private-messages", "opt-out-phone")
    matcher.says["and how do i stop it on my phone"] = sure("opt-out-phone")
    questions = load_questions(folder)
    judged = [*ask_all(dialogue, golden(questions)), *ask_followups(dialogue, questions)]
    figures = measure(judged)
    values = {name: figures[name].value for name in (RIGHT, OFF_ANSWERED, MULTI, FOLLOW, SLOTS)}
    assert values == {RIGHT: 1.0, OFF_ANSWERED: 1.0, MULTI: 1.0, FOLLOW: 1.0, SLOTS: 1.0}
    assert not figures.holds
    assert matcher.asked[-1] == ("and how do i stop it on my phone", "private-messages")


def test_the_report_shows_what_is_under_its_floor(dialogue: Dialogue, folder: Path):
    """The report names each figure with goal and floor, and what broke one."""
    judged = ask_all(dialogue, golden(load_questions(folder)))
    out = io.StringIO()
    Console(file=out, width=120).print(report(measure(judged), judged))
    assert "in-scope, answered rightly" in out.getvalue()
    assert "UNDER ITS FLOOR" in out.getvalue()
    assert "off-topic, answered/offered: near" in out.getvalue()


def test_held_back_questions_are_measured_apart(folder: Path):
    """A file that is held back is in no ordinary measurement, and alone in its own."""
    (folder / "questions" / "held.yaml").write_text(
        "held_back: true\ntopics:\n  private-messages: [do they peek at chats]\n"
    )
    assert "do they peek at chats" not in [question.text for question in golden(load_questions(folder))]
    assert [
        question.text for question in golden(load_questions(folder, held_back=True)) if question.set is Set.IN_SCOPE
    ] == ["do they peek at chats"]


def test_any_tsv_can_be_measured(tmp_path: Path):
    """A file of question, topic and also_ok is read with or without a heading; an empty topic means nothing."""
    file = tmp_path / "q.tsv"
    file.write_text(
        'question\ttopic\talso_ok\nare "dms" read\tprivate-messages\topt-out-phone,data-used\nweather?\t\t\nhello\n',
        encoding="utf-8",
    )
    found = read_tsv(file, TOPICS)
    assert [(one.text, one.set, one.topics, sorted(one.also)) for one in found[:3]] == [
        ('are "dms" read', Set.IN_SCOPE, ("private-messages",), ["data-used", "opt-out-phone"]),
        ("weather?", Set.OFF_TOPIC, (), []),
        ("hello", Set.OFF_TOPIC, (), []),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a\tprivat-messages\n", ':1: the topic "privat-messages" is not known; did you mean "private-messages"?'),
        (b"a\tb\tc\td\n", ":1: there are 4 columns"),
        (b"question\ttopic\n\tb\n", ":2: the question is empty"),
        (b"", "holds no question"),
        (b"caf\xe9\tb\n", "is not UTF-8"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, content: bytes, sentence: str):
    """A file that does not fit is refused with its line."""
    file = tmp_path / "q.tsv"
    file.write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_tsv(file, TOPICS)
    assert sentence in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path):
    """A file that is not there is told."""
    with pytest.raises(FileError, match="cannot be read"):
        read_tsv(tmp_path / "none.tsv", TOPICS)


def test_odd_lines_of_a_tsv_are_read_or_told(tmp_path: Path):
    """Only line feeds end a line; trailing tabs, capitals in the heading and very long lines are no faults."""
    file = tmp_path / "q.tsv"
    file.write_text(f"Question\tTopic\na\x0bb\u2028c\tprivate-messages\t\t\r\n{'a' * 200_000}\n", newline="")
    assert [question.text for question in read_tsv(file, TOPICS)][:2] == ["a\x0bb\u2028c", "a" * 200_000]
    file.write_text("are my dms read  private-messages\n")
    with pytest.raises(FileError, match="there is no tab"):
        read_tsv(file, TOPICS)
