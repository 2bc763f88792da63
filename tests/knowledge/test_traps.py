"""The traps that editors fall into: each message names the place and a remedy that mends the file."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

import pytest
from conftest import ROOT, SMALL, write_knowledge

from bot.knowledge.finding import Finding
from bot.knowledge.loader import read

PHONE = "topics/opting-out/opt-out-phone.yaml"
TITLE = "title: Turn off AI training on your phone\n"
ANSWER = "answer: |\n  You can switch it off in the app.\n"
ASKS = SMALL[PHONE][SMALL[PHONE].index("asks:") :]
LINKS = SMALL[PHONE][SMALL[PHONE].index("links:") : SMALL[PHONE].index("related:")]


def errors(tmp_path: Path, path: str, text: str) -> list[Finding]:
    folder = tmp_path / "k"
    shutil.rmtree(folder, ignore_errors=True)
    return read(write_knowledge(folder, {path: text}))[1]


def phone(tmp_path: Path, old: str, new: str) -> list[Finding]:
    assert old in SMALL[PHONE]
    return errors(tmp_path, PHONE, SMALL[PHONE].replace(old, new, 1))


MENDED = [
    (TITLE, "title: -\n", "special-start"),
    (TITLE, "title: ?\n", "special-start"),
    (TITLE, "title: [a]\n", "special-start"),
    (TITLE, "title: [a\n", "open-bracket"),
    (TITLE, "title: {a: b}\n", "special-start"),
    (TITLE, "title; Off now\n", "missing-colon"),
    (TITLE, "title = Off now\n", "missing-colon"),
    (TITLE, "title :Off now\n", "missing-colon"),
    (TITLE, "title: !important\n", "tag"),
    (TITLE, "title: !!str 5\n", "tag"),
    (TITLE, 'title: "a\n', "open-quote"),
    (TITLE, "--- title: x\n", "document-mark"),
    (ANSWER, "answer: ||\n  Text\n", "block-head"),
    (ANSWER, "answer: |9\n  Text\n", "block-head"),
    (ANSWER, "answer:\N{NO-BREAK SPACE}Text\n", "odd-space"),
    (ANSWER, "answer: []\n", "special-start"),
    (ASKS, "asks:\n  • a b\n", "bullet"),
    (ASKS, "asks:\n  * a b\n", "bullet"),
    (ASKS, "asks:\n  1. a b\n", "bullet"),
    (ASKS, "asks:\n  - a b\n  c d\n", "missing-dash"),
    (ASKS, "asks:\n  - a b\n  c d\n  - e\n", "missing-dash"),
    (ASKS, "asks: - a b\n", "list-start"),
    (ASKS, "asks:\n  - ? what\n", "special-start"),
    (ASKS, "asks:\n  - 3.14\n", "not-text"),
    (ASKS, "asks:\n  - 12:30\n", "not-text"),
    (ASKS, "asks:\n  - 0x1F\n", "not-text"),
    (ASKS, "asks:\n  - 2026-02-30\n", "not-text"),
    ("facts: [F-OPT-01]\n", "facts: [F-OPT-01}\n", "open-bracket"),
    ("related: [private-messages]\n", "related: private-messages\n", "list-type"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code"), MENDED)
def test_the_remedy_of_a_trap_mends_it(tmp_path: Path, old: str, new: str, code: str):
    """Writing the line (or the value) as the remedy shows it removes the one error."""
    broken = SMALL[PHONE].replace(old, new, 1)
    found = errors(tmp_path, PHONE, broken)
    assert [finding.code for finding in found] == [code], [str(finding) for finding in found]
    shown = re.search(r"(?:write|in quotes|quote it|spaces): (.*)$", found[0].remedy)
    assert shown, found[0].remedy
    lines = broken.split("\n")
    line = lines[found[0].line - 1]
    indent = line[: len(line) - len(line.lstrip())]
    whole = shown[1].startswith(("- ", "title:", "answer:", "asks:", "facts:", "related:"))
    start = indent if whole else line[: found[0].column - 1]
    lines[found[0].line - 1] = start + shown[1]
    assert errors(tmp_path, PHONE, "\n".join(lines)) == []


PLACED = [
    (ANSWER, "answer: |\nText at the margin.\n", "indent", 4, "after 2 spaces"),
    (ANSWER, "answer: |\n    Text one.\n  Text two.\n", "indent", 5, "after 4 spaces"),
    (ANSWER, "answer:\n  Text one\n  Text: two\n", "running-text", 5, '"answer: |" in line 3'),
    (ANSWER, "answer:\n  Text one # two\n  three\n", "running-text", 5, '"answer: |" in line 3'),
    (ANSWER, "answer: Text\n  going on: here\n", "running-text", 4, '"answer: |" in line 3'),
    (ANSWER, 'answer: "Text\n  with "quotes" in it\n  and more"\n', "early-quote", 3, "answer: |"),
    (ASKS, "asks:\n  - a b\n    - c d\n", "indent", 39, "begin it after 2 spaces"),
    (ASKS, "asks:\n    - a b\n  - c d\n", "indent", 39, "begin it after 4 spaces"),
    (ASKS, "asks:\n  - a b\n  -\n  - c\n", "not-text", 39, "delete the line"),
    (ASKS, "asks: [a b, what: x]\n", "colon-inside", 37, '"what: x"'),
    ("  ios:\n    - Open the app on your iPhone.\n", "  - ios:\n    - Open the app on your iPhone.\n", "dash", 18, "take the dash away"),
    (LINKS, "links:\n  - {label: a: b, url: https://example.org/}\n", "brackets", 32, "quotes"),
    (LINKS, "links:\n  - {label: a, url:https://example.org/}\n", "missing-space", 32, "url: https://example.org/"),
    (LINKS, "links:\n  - {label: a, b, url: https://example.org/}\n", "unknown-key", 32, "in quotes"),
    (LINKS, "links:\n  - https://example.org/\n", "model-type", 32, "label, url"),
    (LINKS, "links:\n", "not-text", 31, "delete the key"),
    (TITLE, 'title: "a\\nb"\n', "value-error", 1, "write it on one"),
    (TITLE, 'title: "a\\u202eb"\n', "invisible", 1, "delete the escape"),
    (TITLE, 'title: "a\\x07b"\n', "invisible", 1, "delete the escape"),
    (TITLE, 'title: "\\ud83d"\n', "backslash", 1, "type the character itself"),
    (TITLE, "title: a\ufffeb\n", "invisible", 1, "delete it"),
    (TITLE, "title: a\u200eb\n", "invisible", 1, "delete it"),
    (TITLE, "title: a\u2060b\n", "invisible", 1, "delete it"),
    (TITLE, "%YAML 1.1\n---\n" + TITLE, "directive", 1, "delete the lines"),
    (TITLE, "title: " + "[" * 20000 + "\n", "too-deep", 1, "close"),
    (TITLE, TITLE + "x: " + "- " * 300 + "\n", "special-start", 2, "quotes"),
    (TITLE, "TITLE: Off\n", "unknown-key", 1, 'did you mean "title"?'),
    (TITLE, "t\u0456tle: Off\n", "unknown-key", 1, "U+0456"),
    ("facts: [F-OPT-01]", "facts: [f-opt-01]", "unknown-fact", 34, 'did you mean "F-OPT-01"?'),
    ("  ios:", "  iOS:", "unknown-device", 18, 'did you mean "ios"?'),
    ("reviewed: 2026-11-01", "reviewed: 9999-12-31", "less-than-equal", 38, "the day"),
    ("reviewed: 2026-11-01", "reviewed: 0001-01-01", "greater-than-equal", 38, "the day"),
    ("    - Tap **Settings**.\n", '    - "Tap [x](javascript:alert)"\n', "link", 20, "[label](https://…)"),
    ("  You can switch", "  See https://me:pw@example.org/ and switch", "link", 4, "delete"),
    ("  You can switch", "  See http://example.org/ and switch", "link", 4, "copy the address"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "line", "remedy"), PLACED)
def test_a_trap_is_told_where_it_is(tmp_path: Path, old: str, new: str, code: str, line: int, remedy: str):
    """The line that a person has to change is named, in words that are not YAML's."""
    found = phone(tmp_path, old, new)
    told = [finding for finding in found if finding.code == code]
    assert told, [str(finding) for finding in found]
    shift = SMALL[PHONE][: SMALL[PHONE].index(old)].count("\n")
    assert told[0].line == (line if old in {TITLE, ANSWER, ASKS, LINKS} else told[0].line)
    assert told[0].line >= shift
    assert remedy in told[0].remedy
    assert not any(word in str(finding) for finding in found for word in ("<block", "<scalar>", "function-after"))


@pytest.mark.parametrize(
    "url",
    [
        "https://@example.org/", "https://example.org:x/", "https://example.org:99999/", "https://127.0.0.1/", "https://a..org/",
        "https://.example.org", "https://[::1", "https://xn--lnkedin-q4a.com/", "https://example.org/\\x00", "https://ex_ample.org/",
        "https://example.org\\\\@evil.org/", "JavaScript:alert(1)", "data:text/html,x", "",
    ],
)  # fmt: skip
def test_an_unsafe_link_is_refused(tmp_path: Path, url: str):
    """No button leads to a bare number, a hidden name, a port that is none, or through a user name."""
    found = phone(tmp_path, LINKS, f'links:\n  - {{label: Open, url: "{url}"}}\n')
    assert {finding.key for finding in found} == {"links.0.url"}


def test_an_empty_key_inside_a_wrong_form_is_told_once(tmp_path: Path):
    """What only follows from another error is not told beside it."""
    assert len(phone(tmp_path, TITLE, "title: {a}\n")) == 1
    assert len(phone(tmp_path, TITLE, "title: *a\n")) == 1


def test_questions_are_judged_as_what_they_look_like(tmp_path: Path):
    """A question with keys is told about its keys, one without about its text; no name of our code is shown."""
    golden = SMALL["questions/golden.yaml"]
    found = errors(tmp_path, "questions/golden.yaml", golden.replace("{text: phone", "{txt: phone"))
    assert {finding.code for finding in found} == {"missing-key", "unknown-key"}
    assert any('did you mean "text"?' in finding.remedy for finding in found)
    found = errors(tmp_path, "questions/golden.yaml", golden.replace("- where is", "- no\n    - where is"))
    assert [(finding.code, finding.key) for finding in found] == [("not-text", "topics.opt-out-phone.0")]


@pytest.mark.parametrize(
    ("path", "old", "new", "key"),
    [
        ("places.yaml", "  de:\n    name: Germany\n    in: [eu, eea]", "  de:\n    name: Germany\n    in: [eea, eu]", "places.de.in.1"),
        ("places.yaml", "  de:\n    name: Germany\n    in: [eu, eea]", "  de:\n    name: Germany\n    in: [fr]", "places.de.in.0"),
        ("places.yaml", "  de:\n    name: Germany\n    in: [eu, eea]", "  de:\n    name: Germany\n    in: [de]", "places.de.in.0"),
        ("places.yaml", "  de:\n    name: Germany\n    in: [eu, eea]", "  de:\n    name: Germany\n    in: [eu, eu]", "places.de.in.1"),
        ("sources.yaml", "date: 2025-10-01", "date: 2025-13", "sources.0.date"),
        ("sources.yaml", "date: 2025-10-01", "date: 2025.5", "sources.0.date"),
        ("sources.yaml", "url: https://news.example.org/off", "url:", "sources.0.url"),
        ("facts.yaml", "[help-page, press-report]", "[help-page, help-page]", "facts.0.sources.1"),
        ("groups.yaml", "title: Opting out", 'title: "Opting\\nout"', "groups.0.title"),
        ("texts.yaml", "other_language:\n", "other_language:\n  Deutsch: Hallo\n", "other_language.Deutsch"),
    ],
)  # fmt: skip
def test_each_kind_of_file_is_held_to_what_it_is_for(tmp_path: Path, path: str, old: str, new: str, key: str):
    """Places lie in larger ones, narrowest first; dates are in the calendar; buttons stand on one line."""
    text = SMALL.get(path) or (ROOT / "knowledge" / path).read_text(encoding="utf-8")
    assert old in text
    assert [finding.key for finding in errors(tmp_path, path, text.replace(old, new, 1))] == [key]


def test_a_circle_of_places_is_refused(tmp_path: Path):
    """The EU does not lie in one of its countries."""
    text = (ROOT / "knowledge" / "places.yaml").read_text(encoding="utf-8")
    circle = re.sub(r"(\n  eu:\n(?:    .*\n)*?    in: )\[[^\]]*\]", r"\1[de]", text)
    assert circle != text
    assert "wider-place" in {finding.code for finding in errors(tmp_path, "places.yaml", circle)}


def test_links_in_the_bots_own_sentences_are_held_too(tmp_path: Path):
    """texts.yaml shows links as well."""
    text = (ROOT / "knowledge" / "texts.yaml").read_text(encoding="utf-8")
    broken = re.sub(r"\nnot_yours: .*", '\nnot_yours: "[x](javascript:1)"', text)
    assert [finding.code for finding in errors(tmp_path, "texts.yaml", broken)] == ["link"]


def test_a_message_is_one_line_whatever_stands_in_the_file(tmp_path: Path):
    """Keys and names of files move no cursor, break no line and fill no screen."""
    text = '"a\\nb\\e[31m": x\n' + "k" * 5000 + ": y\n" + SMALL[PHONE]
    for finding in errors(tmp_path, PHONE, text):
        assert str(finding).isprintable()
        assert len(str(finding)) < 1500


def test_brackets_without_end_are_told_at_once(tmp_path: Path):
    """A file made to keep the reader busy is refused within seconds."""
    begin = time.monotonic()
    for text in ("title: " + "[" * 200_000, "{" * 200_000, "x: " + "{a: " * 5000, "a: &a [*a]\n", '"' + "a" * 200_000):
        assert errors(tmp_path, PHONE, text)
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("topics/opting-out/new.YAML", "new.yaml"),
        ("topics/opting-out/new.yaml.txt", "new.yaml"),
        ("topics/opting-out/new.txt", "new.yaml"),
        ("offtopic/new.yml", "offtopic/new.yaml"),
    ],
)
def test_no_file_is_passed_over_in_silence(folder: Path, name: str, right: str):
    """A topic saved under another ending would be missed; it is told with its right name."""
    (folder / name).write_text("title: x\n")
    found = read(folder)[1]
    assert [(finding.path, finding.code) for finding in found] == [(name, "stray-file")]
    assert right in found[0].remedy


def test_copies_that_editors_leave_are_nobodys(folder: Path):
    """Hidden files and the backups of editing programs are no part of the knowledge."""
    for name in (".new.yaml.swp", "new.yaml~", "new.yaml.bak", "#new.yaml#", "README.md"):
        (folder / "topics" / "opting-out" / name).write_text("title: x\n")
    assert read(folder)[1] == []


def test_another_folder_is_one_sentence(folder: Path, tmp_path: Path):
    """A folder of something else is told as such, with the one that was probably meant."""
    assert [finding.code for finding in read(tmp_path)[1]] == ["no-folder"]
    assert str(folder) in read(tmp_path)[1][0].remedy
    assert str(folder) in read(folder / "topics")[1][0].remedy
    assert "a file, not a folder" in read(folder / "groups.yaml")[1][0].what


def test_links_in_a_circle_and_folders_named_like_files_are_told(folder: Path):
    """What cannot be read is told in words."""
    (folder / PHONE).unlink()
    (folder / PHONE).symlink_to("opt-out-phone.yaml")
    assert "unreadable" in {finding.code for finding in read(folder)[1] if finding.path == PHONE}
    assert "RuntimeError" not in "".join(map(str, read(folder)[1]))
    (folder / PHONE).unlink()
    (folder / PHONE).mkdir()
    assert "a folder" in "".join(finding.what for finding in read(folder)[1] if finding.path == PHONE)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to this user")
def test_a_closed_folder_is_told(folder: Path):
    """A folder without permission is not an empty one."""
    (folder / "topics" / "which-data").chmod(0)
    try:
        assert "unreadable" in {finding.code for finding in read(folder)[1]}
    finally:
        (folder / "topics" / "which-data").chmod(0o755)


def test_the_column_of_a_bad_byte_counts_characters(tmp_path: Path):
    """Letters of several bytes before it move no column."""
    folder = write_knowledge(tmp_path / "k")
    (folder / PHONE).write_bytes("title: süß".encode() + b"\xff\n")
    assert [finding.column for finding in read(folder)[1] if finding.code == "not-utf8"] == [11]
