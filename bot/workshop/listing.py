"""Lay out findings: a line each for pipes, grouped by file for people, annotations for the forge."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bot.knowledge.finding import Finding, Severity
from bot.workshop.examples import example

_SHOWN = 68
"""Characters of a line that are shown; with its number they fit the narrowest usual terminal."""


def visible(text: str) -> str:
    """Return a text in which nothing moves the cursor or colours the terminal, whatever was pasted into the file."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def grouped(findings: Sequence[Finding], folder: Path, root: Path) -> RenderableType:
    """Return the findings under a heading a file, each with its line, what to do, and an example of the right form.

    `folder` is where the files are read, `root` the same folder as it is named to people.
    """
    parts: list[RenderableType] = []
    seen: set[str] = set()
    for path, found in itertools.groupby(findings, key=lambda finding: finding.path):
        parts.append(Text(str(root) if path == "." else f"{root / path}", style="bold"))
        lines = _lines(folder / path)
        for finding in found:
            shown = example(finding)
            # The same example twice teaches nothing more.
            parts.append(Padding(Group(*_told(finding, lines, "" if shown in seen else shown)), (0, 0, 1, 2)))
            seen.add(shown)
    return Group(*parts)


def _told(finding: Finding, lines: Sequence[str], shown: str) -> Iterator[RenderableType]:
    error = finding.severity is Severity.ERROR
    where = f"line {finding.line}" if lines else ""
    head = Text.assemble(
        ("error" if error else "finding", "bold red" if error else "bold yellow"),
        f"  {where}".rstrip(),
        "\n",
        visible(finding.what),
    )
    yield head
    if lines and finding.line <= len(lines):
        number = f"{finding.line:>5} "
        text, shift = _cut(lines[finding.line - 1], finding.column)
        yield Text(f"{number}| {text}", style="dim")
        yield Text(
            " " * len(number) + "  " + " " * (finding.column - 1 - shift) + "^", style="red" if error else "yellow"
        )
    yield Text.assemble(("do: ", "bold"), visible(finding.remedy))
    if shown:
        yield Text("the right form, for example:", style="bold")
        yield Text("\n".join(f"    {line}" for line in shown.split("\n")), style="green")


def _cut(line: str, column: int) -> tuple[str, int]:
    """Return the part of a line around a column, and how many characters before it are left out."""
    shift = 0 if column <= _SHOWN - 10 else column - _SHOWN // 2
    text = visible(line[shift : shift + _SHOWN].replace("\t", "→"))
    if shift:
        text = "…" + text[1:]
    return text + ("…" if len(line) > shift + _SHOWN else ""), shift


def _lines(path: Path) -> list[str]:
    """Return the lines of a file as far as it can be read; what cannot is what the finding says."""
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace").splitlines() if path.is_file() else []
    except OSError:
        return []


def annotation(finding: Finding, root: Path) -> str:
    """Return the workflow command by which GitHub shows a finding beside its line."""
    kind = "error" if finding.severity is Severity.ERROR else "warning"
    path = root if finding.path == "." else root / finding.path
    title = finding.code.replace("-", " ")
    properties = {"file": path.as_posix(), "line": finding.line, "col": finding.column, "title": title}
    told = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{kind} {told}::{_data(_sentence(finding))}"


def _sentence(finding: Finding) -> str:
    shown = example(finding)
    return f"{finding.what}; {finding.remedy}" + (f"\nThe right form, for example:\n{shown}" if shown else "")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
