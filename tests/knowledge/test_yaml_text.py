from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.knowledge.yaml_text import MAX_BYTES, parse_yaml, read_yaml

RETOLD = [
    ("title: **Bold** start\n", "special-start", 1, 8, 'title: "**Bold** start"'),
    ("title: *soft* start\n", "special-start", 1, 8, 'title: "*soft* start"'),
    ("title: @here\n", "special-start", 1, 8, 'title: "@here"'),
    ("title: `code`\n", "special-start", 1, 8, 'title: "`code`"'),
    ("title: %x\n", "special-start", 1, 8, 'title: "%x"'),
    ("title: > quoted\n", "special-start", 1, 8, 'title: "> quoted"'),
    ("title: - item\n", "special-start", 1, 8, 'title: "- item"'),
    ("title: [link](https://x.y) is\n", "special-start", 1, 8, 'title: "[link](https://x.y) is"'),
    ("asks:\n  - good\n  - *bold* ask\n", "special-start", 3, 5, '- "*bold* ask"'),
    ("title: LinkedIn: what it does\nasks: []\n", "colon-inside", 1, 16, 'title: "LinkedIn: what it does"'),
    ('title: "foo" bar\n', "early-quote", 1, 8, """title: '"foo" bar'"""),
    ('title: "foo" and "bar"\n', "early-quote", 1, 8, """title: '"foo" and "bar"'"""),
    ('title: "He said "no" to it"\n', "early-quote", 1, 8, """title: 'He said "no" to it'"""),
    ("title: 'don't do this'\n", "early-quote", 1, 8, 'title: "don\'t do this"'),
    ('title: "open\nasks:\n  - x\n', "open-quote", 1, 8, 'title: "open"'),
    ("asks:\n  - 'tis the season\n  - b\n", "open-quote", 2, 5, """- "'tis the season\""""),
    ("asks:\n\t- foo\n", "tab", 2, 1, "- foo"),
    ("title:Foo\nanswer: x\n", "missing-space", 1, 7, "title: Foo"),
    ("title Foo\nanswer: x\n", "missing-colon", 1, 6, "title: Foo"),
    ("steps:\n  ios:\n    - Tap **x**\n   - Tap y\n", "indent", 4, 4, "- Tap y"),
    ("facts: [a, b\nrelated: [c]\n", "open-bracket", 1, 8, "facts: [a, b]"),
    ('title: "a \\quote"\n', "backslash", 1, 11, "title: 'a \\quote'"),
]


@pytest.mark.parametrize(("text", "code", "line", "column", "right"), RETOLD)
def test_yaml_errors_are_retold(text: str, code: str, line: int, column: int, right: str):
    """YAML's own errors name the place and show the line as it should stand."""
    _, findings = parse_yaml(text, "t.yaml")
    assert [(f.code, f.line, f.column) for f in findings] == [(code, line, column)]
    assert findings[0].remedy.endswith(right)


@pytest.mark.parametrize(("text", "code", "line", "column", "right"), RETOLD)
def test_the_shown_line_mends_the_file(text: str, code: str, line: int, column: int, right: str):
    """Writing the line as the remedy shows it removes the error."""
    lines = text.split("\n")
    old = lines[line - 1]
    indent = old[: len(old) - len(old.lstrip())].replace("\t", "  ")
    if code == "indent":
        indent = "    "
    lines[line - 1] = indent + right
    document, again = parse_yaml("\n".join(lines), "t.yaml")
    assert again == []
    assert document.data


def test_all_errors_of_a_file_are_reported_at_once():
    """One run names every line that YAML stumbles over, not only the first."""
    text = 'title: **Bold**\nanswer: LinkedIn: yes\nlabel: "a" b\nlimits: fine\n'
    _, findings = parse_yaml(text, "t.yaml")
    assert [(f.line, f.code) for f in findings] == [(1, "special-start"), (2, "colon-inside"), (3, "early-quote")]


def test_keys_are_always_text():
    """`no:` is Norway, `on:` is a key, and `1:` is one too."""
    document, findings = parse_yaml("no: a\non: b\n1: c\n2026-01-01: d\n", "t.yaml")
    assert findings == []
    assert list(document.data) == ["no", "on", "1", "2026-01-01"]


def test_duplicate_keys_are_refused_with_both_places():
    """A key that stands twice is named with the line of its first."""
    _, findings = parse_yaml("title: a\nasks: []\ntitle: b\n", "t.yaml")
    assert [(f.code, f.line, f.column) for f in findings] == [("duplicate-key", 3, 1)]
    assert "first in line 1" in findings[0].what


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("a: &x foo\nb: *x\n", ["anchor", "alias"]),
        ("a: !foo bar\n", ["tag"]),
        ("a: !!python/object/apply:os.system [x]\n", ["tag"]),
        ("a: 1\n---\nb: 2\n", ["second-document"]),
        ("", ["empty"]),
        ("# nothing\n", ["empty"]),
        ("[a, b]: c\n", ["key"]),
        ("a: b\u200bc\n", ["invisible"]),
        ("a: b\u202ec\n", ["invisible"]),
        ("a: b\x07c\n", ["invisible"]),
    ],
)
def test_what_is_not_plain_is_refused(text: str, codes: list[str]):
    """Anchors, aliases, tags, second documents, empty files and invisible characters are refused."""
    _, findings = parse_yaml(text, "t.yaml")
    assert [f.code for f in findings] == codes


def test_text_cut_at_a_hash_is_noticed():
    """A plain text followed by ` #` is marked; a hash in quotes, blocks and words is not."""
    document, findings = parse_yaml('a: one # two\nb: "x # y"\nc: |\n  x # y\nd: C#\n', "t.yaml")
    assert findings == []
    assert set(document.cut) == {("a",)}


def test_non_text_scalars_are_noticed():
    """What YAML reads as a number, date, yes or nothing is told from text."""
    document, _ = parse_yaml("a: no\nb: 42\nc: 2026-11-23\nd: ~\ne: text\nf: 1.5\n", "t.yaml")
    assert {key[0]: said.kind for key, said in document.not_text.items()} == {
        "a": "a yes or no", "b": "a number", "c": "a date", "d": "nothing", "f": "a number",
    }  # fmt: skip


def test_invalid_utf8_is_placed(tmp_path: Path):
    """A byte that is no UTF-8 is named with its line and column."""
    (tmp_path / "a.yaml").write_bytes(b"title: ok\nanswer: caf\xe9\n")
    _, findings = read_yaml(tmp_path, "a.yaml")
    assert [(f.code, f.line, f.column) for f in findings] == [("not-utf8", 2, 12)]


def test_a_byte_order_mark_is_no_error(tmp_path: Path):
    """Files saved with a byte order mark and Windows line ends are read."""
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbftitle: ok\r\nanswer: |\r\n  two\r\n  lines\r\n")
    document, findings = read_yaml(tmp_path, "a.yaml")
    assert findings == []
    assert document.data == {"title": "ok", "answer": "two\nlines\n"}


def test_large_files_are_refused(tmp_path: Path):
    """A file over 256 KiB is refused, one of just that size is not."""
    line = "- " + "a" * 61 + "\n"
    (tmp_path / "a.yaml").write_text(line * (MAX_BYTES // len(line)))
    assert read_yaml(tmp_path, "a.yaml")[1] == []
    (tmp_path / "a.yaml").write_text(line * (MAX_BYTES // len(line) + 1))
    assert [f.code for f in read_yaml(tmp_path, "a.yaml")[1]] == ["too-large"]


def test_links_out_of_the_folder_are_refused(tmp_path: Path):
    """A symbolic link may point to a file inside the folder only."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.yaml").write_text("a: b\n")
    (tmp_path / "in" / "real.yaml").write_text("a: b\n")
    (tmp_path / "in" / "out.yaml").symlink_to(tmp_path / "secret.yaml")
    (tmp_path / "in" / "inner.yaml").symlink_to("real.yaml")
    (tmp_path / "in" / "gone.yaml").symlink_to("nowhere.yaml")
    assert [f.code for f in read_yaml(tmp_path / "in", "out.yaml")[1]] == ["symlink"]
    assert read_yaml(tmp_path / "in", "inner.yaml")[1] == []
    assert [f.code for f in read_yaml(tmp_path / "in", "gone.yaml")[1]] == ["unreadable"]


@given(st.text(max_size=200))
def test_any_text_is_read_or_explained(text: str):
    """Whatever a file holds, reading it ends with data or with findings that have a place."""
    document, findings = parse_yaml(text, "t.yaml")
    assert document.data is not None or findings or document.values
    for finding in findings:
        assert finding.line >= 1
        assert finding.column >= 1
        assert "\n" not in str(finding)


@given(
    st.lists(
        st.sampled_from(
            [
                "a: ",
                "- ",
                '"',
                "'",
                "*b*",
                "[",
                "]",
                "{",
                "}",
                "|",
                "\n",
                "  ",
                "\t",
                "#",
                ": ",
                "x",
                "&",
                "!",
                "%",
                "---",
            ]
        ),
        max_size=30,
    )
)
def test_any_heap_of_yaml_signs_is_read_or_explained(parts: list[str]):
    """The same for texts made of YAML's own signs."""
    _, findings = parse_yaml("".join(parts), "t.yaml")
    assert all("\n" not in str(finding) for finding in findings)
