"""Mend in the files of the knowledge what can be mended without changing what they mean.

Each step is a function from a text to a text. What it returns is kept only where the values, their order and
the comments are those of before; a step that would change one of them is left out for that file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.knowledge.checkup import ControlForm
from bot.knowledge.finding import Finding
from bot.knowledge.letters import Grounds, LetterForm
from bot.knowledge.loader import read
from bot.knowledge.model import Device
from bot.knowledge.retell import quoted
from bot.knowledge.yaml_text import parse_yaml
from bot.workshop.writing import write_whole

TOPIC_KEYS = (
    "title", "label", "answer", "easy", "more", "limits", "steps", "places", "links", "covers", "apart", "letter",
    "related", "facts", "reviewed", "review_every", "asks",
)  # fmt: skip
"""The keys of a topic in the order in which knowledge/README.md explains them."""

LETTER_KEYS, GROUNDS_KEYS = tuple(LetterForm.model_fields), tuple(Grounds.model_fields)
"""The same for a letter and for what it asks for; their forms name them in that order."""

_ENTRY_KEYS: Mapping[str, tuple[str, ...]] = {
    "facts": ("id", "statement", "status", "confidence", "held", "where", "sources", "checked", "unused"),
    "sources": ("id", "publisher", "title", "date", "url", "kind", "copy"),
    "groups": ("id", "title"),
    "controls": tuple(ControlForm.model_fields),
}
_DEVICES = tuple(device.value for device in Device)

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Step = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was done to one file, in words; nothing where it was left alone because of an error."""

    path: str
    done: tuple[str, ...]
    error: str = ""


def fix_folder(folder: Path) -> list[Fixed]:
    """Mend the files of a folder in place; returns those that were changed or had to be left alone.

    A file with an error is not touched: nobody knows yet what it means. Raises OSError for a file that cannot
    be written; it is then as it was.
    """
    _, errors = read(folder)
    first: dict[str, Finding] = {}
    for finding in errors:
        first.setdefault(finding.path, finding)
    found: list[Fixed] = []
    for path in sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.yaml")):
        if any(part.startswith(".") for part in path.split("/")) or not (folder / path).is_file():
            continue
        if path in first:
            found.append(Fixed(path, (), f"line {first[path].line}: {first[path].what}"))
            continue
        if (folder / path).resolve().is_relative_to(folder.resolve()):
            before = (folder / path).read_bytes()
            after, done = fix_text(before.decode("utf-8"), path)
            if done:
                write_whole(folder / path, after.encode("utf-8"))
                found.append(Fixed(path, done))
    return found


def fix_text(text: str, path: str) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file as it should stand, and what was done to it in words."""
    done: list[str] = []
    for step, words in _STEPS:
        after = step(text, path)
        if after != text and same_meaning(text, after, path):
            text = after
            done.append(words)
    return text, tuple(done)


def same_meaning(before: str, after: str, path: str) -> bool:
    """Tell whether two texts hold the same values, in lists in the same order, and the same comments."""
    (old, faults), (new, others) = (parse_yaml(text.removeprefix("\ufeff"), path) for text in (before, after))
    return not faults and not others and old.data == new.data and _comments(before) == _comments(after)


def _comments(text: str) -> Counter[str]:
    """Return the comments of a text that can be parsed."""
    masked = list(text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff"))
    for token in yaml.scan("".join(masked), Loader=_LOADER):
        if isinstance(token, yaml.ScalarToken):
            for index in range(token.start_mark.index, token.end_mark.index):
                if masked[index] != "\n":
                    masked[index] = "x"
    found = re.findall(r"(?:^|(?<=\s))#[^\n]*", "".join(masked), re.MULTILINE)
    return Counter(comment.rstrip() for comment in found)


def _ends_of_lines(text: str, _path: str) -> str:
    """A byte order mark, and the ends of lines of other systems."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _white_space(text: str, path: str) -> str:
    """White space at the end of lines, empty lines in excess, and the end of the file."""
    stripped = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    # At the end of a line inside a text, white space can belong to it; then only the other lines are trimmed.
    if same_meaning(text, stripped, path):
        text = stripped
    else:
        inside = _lines_of_texts(text)
        text = "\n".join(line if i in inside else line.rstrip(" \t") for i, line in enumerate(text.split("\n")))
    inside = _lines_of_texts(text)
    kept: list[str] = []
    for index, line in enumerate(text.split("\n")):
        if line or index in inside or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip("\n") + "\n"


def _lines_of_texts(text: str) -> set[int]:
    """Return the lines on which a text of several lines stands, counted from 0, its first and last left out."""
    found: set[int] = set()
    for token in yaml.scan(text, Loader=_LOADER):
        if isinstance(token, yaml.ScalarToken):
            found |= set(range(token.start_mark.line, token.end_mark.line))
    return found


def _quotes(text: str, _path: str) -> str:
    """Single quotes where double ones do, as the remedies of `check` write them."""
    pieces: list[str] = []
    at = 0
    for token in yaml.scan(text, Loader=_LOADER):
        if not isinstance(token, yaml.ScalarToken) or token.style != "'":
            continue
        start, end = token.start_mark, token.end_mark
        if start.line == end.line and (written := quoted(token.value)).startswith('"'):
            pieces += [text[at : start.index], written]
            at = end.index
    return "".join([*pieces, text[at:]])


def _order_of_keys(text: str, path: str) -> str:
    """Keys in the order of the whole entry in knowledge/README.md."""
    root = yaml.compose(text, Loader=_LOADER)
    if not isinstance(root, yaml.MappingNode):
        return text
    lines = text.split("\n")
    if path.startswith("topics/"):
        return "\n".join(_sorted_topic(lines, root))
    if path.startswith("letters/"):
        return "\n".join(_sorted_letter(lines, root))
    for key, value in root.value:
        if order := _ENTRY_KEYS.get(key.value):
            # From the last entry to the first, so that the lines of those before stay where they are.
            for entry in reversed(value.value):
                if isinstance(entry, yaml.MappingNode):
                    lines = _reordered(lines, entry, order)
    return "\n".join(lines)


def _sorted_topic(lines: list[str], root: yaml.MappingNode) -> list[str]:
    # The inner mappings come first, for moving the outer ones moves their lines.
    for key, value in reversed(root.value):
        if key.value == "steps" and isinstance(value, yaml.MappingNode):
            lines = _reordered(lines, value, _DEVICES)
        if key.value == "places" and isinstance(value, yaml.MappingNode):
            for _, fitted in reversed(value.value):
                if isinstance(fitted, yaml.MappingNode):
                    for inner, steps in fitted.value:
                        if inner.value == "steps" and isinstance(steps, yaml.MappingNode):
                            lines = _reordered(lines, steps, _DEVICES)
                    lines = _reordered(lines, fitted, TOPIC_KEYS)
    return _reordered(lines, root, TOPIC_KEYS)


def _sorted_letter(lines: list[str], root: yaml.MappingNode) -> list[str]:
    for key, value in root.value:
        if key.value == "grounds" and isinstance(value, yaml.MappingNode):
            lines = _reordered(lines, value, GROUNDS_KEYS)
    return _reordered(lines, root, LETTER_KEYS)


def _reordered(lines: list[str], node: yaml.MappingNode, order: Sequence[str]) -> list[str]:
    """Return the lines with the keys of one mapping in order, each with the comments right above it."""
    if node.flow_style or len(node.value) < 2:
        return lines
    keys = [key for key, _ in node.value]
    names = [key.value for key in keys]
    wanted = sorted(range(len(names)), key=lambda i: order.index(names[i]) if names[i] in order else len(order))
    starts = [key.start_mark.line for key in keys]
    if wanted == list(range(len(names))) or len(set(starts)) < len(starts):
        return lines
    column = keys[0].start_mark.column
    dash = lines[starts[0]][:column]
    end = _end(lines, node)
    begins = [starts[0], *(_with_comments(lines, start, column, starts[0]) for start in starts[1:])]
    if not dash.strip():
        begins[0] = _with_comments(lines, starts[0], column, 0)
        # Comments at the very top speak about the file.
        begins[0] = starts[0] if begins[0] == 0 and column == 0 else begins[0]
    blocks = [lines[begin:stop] for begin, stop in zip(begins, [*begins[1:], end], strict=True)]
    if dash.strip():
        blocks[0] = [" " * column + blocks[0][0][column:], *blocks[0][1:]]
    moved = [line for place in wanted for line in blocks[place]]
    if dash.strip():
        if moved[0].lstrip().startswith("#"):
            return lines
        moved[0] = dash + moved[0][column:]
    return [*lines[: begins[0]], *moved, *lines[end:]]


def _with_comments(lines: list[str], start: int, column: int, first: int) -> int:
    """Return the line from which the comments right above a key belong to it."""
    while start - 1 > first - 1 and re.match(rf" {{{column}}}#", lines[start - 1]):
        start -= 1
    return start


def _end(lines: list[str], node: yaml.MappingNode) -> int:
    """Return the line after the last one of a mapping; empty lines and comments after it are not its own."""
    mark: Any = node.end_mark
    end: int = mark.line if mark.column == 0 or not lines[mark.line][: mark.column].strip(" -") else mark.line + 1
    while end > node.start_mark.line + 1 and (
        not lines[end - 1].strip() or (lines[end - 1].lstrip().startswith("#") and not _in_text(lines, node, end - 1))
    ):
        end -= 1
    return end


def _in_text(lines: list[str], node: yaml.MappingNode, index: int) -> bool:
    """Tell whether a line is part of the last text of a mapping rather than a comment after it."""
    return any(start <= index < end for start, end in _texts(node)) and bool(lines[index].strip())


def _texts(node: yaml.Node) -> Iterator[tuple[int, int]]:
    if isinstance(node, yaml.ScalarNode):
        yield node.start_mark.line, node.end_mark.line
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _texts(child)
    elif isinstance(node, yaml.MappingNode):
        for _, child in node.value:
            yield from _texts(child)


_STEPS: tuple[tuple[Step, str], ...] = (
    (_ends_of_lines, "made the ends of its lines those of the other files"),
    (_quotes, "made single quotes double"),
    (_order_of_keys, "put its keys in order"),
    # Last, because moving keys moves the empty lines after them.
    (_white_space, "took away white space that means nothing"),
)
