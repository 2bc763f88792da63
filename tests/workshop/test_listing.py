from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import pytest
from conftest import ROOT, SMALL, write_knowledge
from rich.console import Console

from bot.knowledge.finding import Finding, Severity
from bot.knowledge.yaml_text import parse_yaml
from bot.workshop import examples
from bot.workshop.check import check_folder
from bot.workshop.examples import example
from bot.workshop.listing import annotation, grouped

PHONE = "topics/opting-out/opt-out-phone.yaml"
DMS = "topics/which-data/private-messages.yaml"
BROKEN = {
    DMS: SMALL[DMS].replace("title:", "ttile:"),
    PHONE: SMALL[PHONE]
    .replace("It does not undo", "It does not analyze **or undo")
    .replace("iphone\n", "iphone" + " x" * 80 + " # y\n"),
}


def drawn(folder: Path, root: Path = Path("knowledge")) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(grouped(check_folder(folder), folder, root))
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def test_findings_are_grouped_by_file(tmp_path: Path):
    """Each file is one heading; below it each finding has its line, a pointer, what to do and the right form."""
    shown = drawn(write_knowledge(tmp_path / "k", BROKEN))
    assert shown.count(f"knowledge/{DMS}\n") == 1
    assert '  error  line 1\n  unknown key "ttile"\n      1 | ttile: Are private messages used?\n          ^\n' in shown
    assert 'do: did you mean "title"?' in shown
    assert "    title: Turn off AI training on your phone" in shown
    assert max(map(len, shown.split("\n"))) <= 100


def test_a_pointer_stands_below_what_is_meant_in_a_long_line(tmp_path: Path):
    """A long line is cut around the place of the finding, and the pointer follows."""
    lines = drawn(write_knowledge(tmp_path / "k", BROKEN)).split("\n")
    at = next(number for number, line in enumerate(lines) if "cut this text" in line)
    source, pointer = lines[at + 1], lines[at + 2]
    assert pointer.strip() == "^"
    assert source[pointer.index("^") :].startswith("turn off ai training")


def test_what_was_pasted_moves_no_cursor(tmp_path: Path):
    """A control character in a file is shown as a dot."""
    folder = write_knowledge(tmp_path / "k", {DMS: SMALL[DMS].replace("title: Are", "title: \x1b[2JAre")})
    assert "\x1b" not in drawn(folder)


def test_annotations_are_escaped_as_the_forge_reads_them():
    """Per cent signs, line ends, colons and commas cannot end a property or the message early."""
    finding = Finding("topics/a,b:c.yaml", 3, 7, "long-label", "50 % of\nit", "shorten it")
    told = annotation(finding, Path("knowledge"))
    assert told.startswith(
        "::error file=knowledge/topics/a%2Cb%3Ac.yaml,line=3,col=7,title=long label::50 %25 of%0Ait; shorten it"
    )
    assert "\n" not in told
    mild = Finding("x.yaml", 1, 1, "american", "a", "b", severity=Severity.FINDING)
    assert annotation(mild, Path()).startswith("::warning file=x.yaml,line=1,")


@pytest.mark.parametrize("shown", [*examples._BY_KEY.values(), *examples._BY_CODE.values(), *examples._LISTED.values()])
def test_every_example_is_itself_in_the_right_form(shown: str):
    """What is shown as the right form can be read without an error."""
    _, findings = parse_yaml(shown + "\n", "example.yaml")
    assert findings == []


def test_the_example_fits_the_finding():
    """The kind of finding decides, then its innermost key, then the key that was probably meant."""
    assert example(Finding("x", 1, 1, "tab", "", "", key="asks")).startswith("steps:")
    assert example(Finding("x", 1, 1, "not-text", "", "", key="places.gb.limits")).startswith("limits: |")
    assert example(Finding("x", 1, 1, "unknown-key", "", 'did you mean "facts"?', key="fcats")).startswith("facts: [")
    assert example(Finding("x", 1, 1, "unheard-of", "", "", key="")) == ""


@pytest.mark.parametrize(
    ("path", "code", "key", "shown"),
    [
        ("letters/a.yaml", "not-list", "places", "places: [eea, gb]"),
        ("letters/a.yaml", "unknown-place", "places.0", "places: [eea, gb]"),
        ("topics/a/b.yaml", "unknown-place", "places.gb", "places:\n  gb:\n"),
        ("topics/a/b.yaml", "unknown-place", "covers.0", "covers: [eu, eea, ch]"),
        ("checkup.yaml", "unknown-topic", "controls.0.topic", "topic: opt-out-overview"),
        ("letters/a.yaml", "long-screen", "why", "why: |"),
        ("topics/a/b.yaml", "long-screen", "steps.ios", "steps:\n  ios:"),
    ],
)
def test_the_example_fits_the_file(path: str, code: str, key: str, shown: str):
    """Where letters and the check-up have another form than topics, theirs is shown."""
    assert example(Finding(path, 1, 1, code, "", "", key=key)).startswith(shown)


OF_FILES = {"missing-file", "no-folder", "unreadable", "not-utf8", "symlink", "too-large"}
"""What is wrong with a file as a whole has a remedy, and no form to show."""
BY_KEY = {
    "unknown-key", "missing-key", "duplicate-key", "duplicate-group", "duplicate-fact", "duplicate-source",
    "not-text", "long-screen", "unknown-place",
}  # fmt: skip
"""The right form is that of the key."""


def codes() -> set[str]:
    """Return every code that a finding of the project can have, read off the source."""
    found: set[str] = set()
    for path in (*(ROOT / "bot" / "knowledge").glob("*.py"), *(ROOT / "bot" / "workshop").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                place = {"Finding": 3, "finding": 1, "_say": 2}.get(name)
                if place is not None and len(node.args) > place:
                    found |= {
                        part.value
                        for part in ast.walk(node.args[place])
                        if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    }
            elif isinstance(node, ast.Tuple) and len(node.elts) == 6 and path.name == "retell.py":
                found |= {part.value for part in [node.elts[2]] if isinstance(part, ast.Constant)}
    return {code for code in found if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)}


def test_every_kind_of_finding_has_an_example():
    """A new rule brings an example of the right form with it, or is about a whole file."""
    found = codes()
    assert len(found) > 50
    missing = {code for code in found - OF_FILES - BY_KEY if not example(Finding("x", 1, 1, code, "", ""))}
    assert missing == set()
    assert found >= OF_FILES | BY_KEY
