from __future__ import annotations

import io
from pathlib import Path

import pytest
from conftest import FakeMatcher, sure
from rich.console import Console

from bot.dialogue.dialogue import Dialogue
from bot.knowledge.loader import load_questions
from bot.workshop.figures import FOLLOW, MULTI, OFF_ANSWERED, RIGHT, SLOTS, Set, measure
from bot.workshop.measuring import FileError, ask_all, ask_followups, golden, read_tsv, unknown_kinds
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


def test_every_bad_line_is_named(tmp_path: Path):
    """A file with several faults is refused with a sentence for each, up to a bound."""
    file = tmp_path / "q.tsv"
    file.write_text("a\tprivat-messages\nok\tdata-used\n\tb\nweather\tchit-chat\nx\ty\tz\tq\n" + "a\tb\n" * 60)
    with pytest.raises(FileError) as caught:
        read_tsv(file, TOPICS, ["chit-chat"])
    lines = str(caught.value).split("\n")
    assert [line.split(" ")[0].removeprefix(str(file)) for line in lines[:4]] == [":1:", ":3:", ":4:", ":5:"]
    assert '"chit-chat" is a kind of off-topic message; leave the topic empty' in lines[2]
    assert lines[-1] == "… and 24 more lines that do not fit."


def test_a_file_may_tell_the_kinds_of_what_is_off_topic(tmp_path: Path):
    """After a heading of message and kind the second column is the kind; one that the knowledge lacks is told."""
    file = tmp_path / "q.tsv"
    file.write_text("message\tkind\nweather\tchit-chat\npotato\tnoisy\nhm\n")
    found = read_tsv(file, TOPICS, ["chit-chat", "noise"])
    assert [(one.text, one.set, one.kind) for one in found] == [
        ("weather", Set.OFF_TOPIC, "chit-chat"), ("potato", Set.OFF_TOPIC, "noisy"), ("hm", Set.OFF_TOPIC, ""),
    ]  # fmt: skip
    assert unknown_kinds(found, ["chit-chat", "noise"]) == [
        'The kind "noisy" (1×) is not known; did you mean "noise"? It is measured as one of its own.'
    ]
    file.write_text("message\tkind\na\tb\tc\n\tnoise\n")
    with pytest.raises(FileError, match=r":2: there are 3 columns[^\n]*\n.*:3: the message is empty"):
        read_tsv(file, TOPICS)


def test_a_confused_pair_is_shown_with_its_questions(dialogue: Dialogue, matcher: FakeMatcher, folder: Path):
    """The report names the pair, how often, and what was asked."""
    matcher.says["where is the switch on my handset"] = sure("private-messages")
    judged = ask_all(dialogue, golden(load_questions(folder)))
    out = io.StringIO()
    Console(file=out, width=120).print(report(measure(judged), judged))
    assert "1  private-messages for opt-out-phone" in out.getvalue()
    assert "“where is the switch on my handset”" in out.getvalue()
    assert "0.90  0.00  of 1" in out.getvalue()
