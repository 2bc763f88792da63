"""Read one YAML file strictly, and remember where each value stands."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.knowledge.finding import Finding
from bot.knowledge.retell import quoted, retell

MAX_BYTES = 256 * 1024
"""A file beyond this is refused (design, section 4); it is split by topic long before."""

_MOST_REPAIRS = 50
_SLOW_TEXT = 2_000_000
"""Characters that are parsed over and over for repairs before the rest of a file waits for the next run."""

_MOST_OPEN = 100
"""Brackets that may stand open at once; beyond this the parsers take minutes to say no."""

_DEEPEST = 12
"""Levels of lists and mappings; the deepest form needs six."""

KeyPath = tuple[str | int, ...]

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_resolver: Any = yaml.SafeLoader("")
INVISIBLE = re.compile(
    r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
"""Characters that nobody sees and that change what others see; joiners stay, some scripts need them."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something begins, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class NotText:
    """A scalar that YAML read as something else than the text that stands there."""

    written: str
    kind: str


@dataclass(frozen=True, slots=True)
class Odd:
    """A value that no key of any form takes (3.14, 0x1F, 12:30); unlike its text, it never passes for one."""

    written: str


@dataclass(slots=True)
class Document:
    """The data of one file, with the place of every key and value by its path."""

    path: str
    data: Any = None
    keys: dict[KeyPath, Spot] = field(default_factory=dict)
    values: dict[KeyPath, Spot] = field(default_factory=dict)
    not_text: dict[KeyPath, NotText] = field(default_factory=dict)
    cut: dict[KeyPath, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    told: set[KeyPath] = field(default_factory=set)
    """Where the form is refused already; what follows from it is not told again."""
    told_lines: set[int] = field(default_factory=set)
    """Lines that were repaired to read on."""

    def spot(self, path: KeyPath, *, key: bool = False) -> Spot:
        """Return where `path` stands, or the nearest thing around it that has a place."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        for end in range(len(path), -1, -1):
            for table in (first, second):
                if found := table.get(path[:end]):
                    return found
        return Spot(1, 1)

    def inside(self, path: KeyPath, text: str, at: int) -> Spot:
        """Return where character `at` of the text at `path` stands, in a block scalar or on one line."""
        spot = self.spot(path)
        if "|" not in self.lines[spot.line - 1][spot.column - 1 :][:3]:
            return spot
        begins = text.rfind("\n", 0, at) + 1
        line = spot.line + text[:at].count("\n") + 1
        indent = max(self.lines[line - 1].find(text[begins:].split("\n", 1)[0]), 0)
        return Spot(line, indent + at - begins + 1)

    def finding(self, path: KeyPath, code: str, what: str, remedy: str, *, key: bool = False, **more: Any) -> Finding:
        """Return a finding at `path` (at its key rather than its value with `key`)."""
        spot = self.spot(path, key=key)
        dotted = ".".join(map(str, path))
        return Finding(self.path, spot.line, spot.column, code, what, remedy, key=dotted, **more)


class _RefusedError(Exception):
    """Stop building a document whose form makes the rest meaningless."""


def read_yaml(root: Path, path: str) -> tuple[Document, list[Finding]]:
    """Read the file `path` below `root`.

    Returns the document (its data None where it cannot be read) and all errors of its form.
    """
    document = Document(path)
    problem = _unreadable(root, path)
    if problem:
        return document, [problem]
    try:
        raw = (root / path).read_bytes()
    except OSError as error:
        what = f"the file cannot be read ({_reason(error)})"
        return document, [Finding(path, 1, 1, "unreadable", what, "check that it is there and readable")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        return document, [
            Finding(
                path, line, column, "not-utf8", f"byte {raw[error.start]:#04x} is not UTF-8 text",
                "save the file as UTF-8 (in most editors: Save with Encoding)",
            )
        ]  # fmt: skip
    return parse_yaml(text, path)


def _unreadable(root: Path, path: str) -> Finding | None:
    file = root / path
    try:
        real = file.resolve(strict=True)
        size = real.stat().st_size
    except (OSError, RuntimeError) as error:
        return Finding(
            path,
            1,
            1,
            "unreadable",
            f"the file cannot be read ({_reason(error)})",
            "check that it is there and readable",
        )
    if not real.is_relative_to(root.resolve()):
        return Finding(
            path, 1, 1, "symlink", "this is a link to a file outside the knowledge folder", "put the file itself here"
        )
    if not real.is_file():
        return Finding(path, 1, 1, "unreadable", "this is not a file", "remove it or put a file in its place")
    if size > MAX_BYTES:
        return Finding(
            path,
            1,
            1,
            "too-large",
            f"the file has {size // 1024} KiB, more than {MAX_BYTES // 1024}",
            "split it into smaller files",
        )
    try:
        with file.open("rb"):
            return None
    except OSError as error:
        return Finding(path, 1, 1, "unreadable", f"the file cannot be read ({_reason(error)})", "check its permissions")


def _reason(error: Exception) -> str:
    # Until Python 3.13, a link that leads to itself is a RuntimeError.
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else "it is a link to itself"


def parse_yaml(text: str, path: str) -> tuple[Document, list[Finding]]:
    """Parse `text`; the errors of form are all reported, each repaired in memory to find the next."""
    findings: list[Finding] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, 1):
        if match := INVISIBLE.search(line):
            findings.append(
                Finding(
                    path, number, match.start() + 1, "invisible",
                    f"an invisible character (U+{ord(match[0]):04X}) stands here", "delete it and type the text anew",
                )
            )  # fmt: skip
    lines = [INVISIBLE.sub("", line) for line in lines]
    if deep := _too_many_open(path, lines):
        return Document(path, lines=lines), [*findings, deep]
    repaired: set[int] = set()
    for _ in range(min(_MOST_REPAIRS, max(_SLOW_TEXT // (len(text) + 1), 3))):
        document = Document(path, lines=lines)
        builder = _Builder(document)
        try:
            builder.run("\n".join(lines))
        except yaml.YAMLError:
            # The two parsers word and place errors differently; the pure one is the same everywhere.
            finding, mended = retell(path, lines, _pure_error("\n".join(lines)))
            if finding.line in repaired:
                # The guess of what was meant did not help; what follows from it is not the editor's fault.
                return Document(path, lines=lines), findings
            findings.append(finding)
            repaired.add(finding.line)
            if mended is None:
                return Document(path, lines=lines), findings
            lines = mended
        except _RefusedError:
            return Document(path, lines=lines), [*findings, *builder.findings]
        else:
            document.told_lines = {finding.line for finding in findings}
            return document, [*findings, *builder.findings]
    return Document(path, lines=lines), findings


def _too_many_open(path: str, lines: list[str]) -> Finding | None:
    depth = 0
    for number, line in enumerate(lines, 1):
        for match in re.finditer(r"[\[\]{}]", line):
            depth = max(depth + (1 if match[0] in "[{" else -1), 0)
            if depth > _MOST_OPEN:
                what = f"more than {_MOST_OPEN} brackets stand open here"
                remedy = "close those that belong here and delete the others"
                return Finding(path, number, match.start() + 1, "too-deep", what, remedy)
    return None


def _pure_error(text: str) -> yaml.MarkedYAMLError | None:
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        return error
    except yaml.YAMLError:
        return None
    return None


class _Builder:
    """Build plain data from parser events, noting places and refusing what is not plain."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings: list[Finding] = []

    def run(self, text: str) -> None:
        events: Iterator[Any] = iter(yaml.parse(text, Loader=_Parser))
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if event.version or event.tags:
                    what = "a line of instructions to YAML begins here with %"
                    self._say(event, (), "directive", what, "delete the lines that begin with % and the --- below them")
                if documents > 1:
                    self._say(
                        event, (), "second-document", "a second document begins here with ---", "delete the --- line"
                    )
                    raise _RefusedError
            elif not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                self.document.data = self._node(event, events, ())
        if documents == 0:
            self.findings.append(
                Finding(self.document.path, 1, 1, "empty", "the file is empty", "write its content or delete it")
            )

    def _say(self, event: Any, path: KeyPath, code: str, what: str, remedy: str) -> None:
        self.document.told.add(path)
        mark = event.start_mark
        dotted = ".".join(map(str, path))
        self.findings.append(
            Finding(self.document.path, mark.line + 1, mark.column + 1, code, what, remedy, key=dotted)
        )

    def _node(self, event: Any, events: Iterator[Any], path: KeyPath) -> Any:
        self.document.values[path] = _mark(event)
        if len(path) > _DEEPEST:
            what = f"lists and keys lie more than {_DEEPEST} deep in each other here"
            self._say(event, path[:3], "too-deep", what, "take away brackets or indentation that do not belong here")
            raise _RefusedError
        if isinstance(event, yaml.AliasEvent):
            self._say(
                event,
                path,
                "alias",
                f"*{event.anchor} is a YAML alias, which is not used here",
                self._quote_remedy(event),
            )
            return ""
        if event.anchor:
            self._say(
                event,
                path,
                "anchor",
                f"&{event.anchor} is a YAML anchor, which is not used here",
                self._quote_remedy(event),
            )
        if event.tag:
            written = self.document.lines[event.start_mark.line][event.start_mark.column :].split(" ")[0]
            self._say(event, path, "tag", f"{written} is a YAML tag, which is not used here", self._quote_remedy(event))
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(child := next(events), yaml.SequenceEndEvent):
                items.append(self._node(child, events, (*path, len(items))))
            return items
        return self._mapping(events, path)

    def _quote_remedy(self, event: Any) -> str:
        line = self.document.lines[event.start_mark.line]
        start = event.start_mark.column
        return f"if it is text, quote it: {line[:start].strip()} {quoted(line[start:].strip())}".replace(":  ", ": ")

    def _mapping(self, events: Iterator[Any], path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._say(
                    event,
                    path,
                    "key",
                    "a list or mapping stands where a key is expected",
                    "begin the line with a key and a colon",
                )
                self._node(event, events, (*path, "?"))
                self._node(next(events), events, (*path, "?"))
                continue
            key, mark = event.value, _mark(event)
            if "\n" in key or INVISIBLE.search(key):
                self._say(
                    event,
                    (*path, key),
                    "key",
                    "this key holds more than a plain word",
                    "write it as one word without quotes, with a colon after it",
                )
            value_event = next(events)
            below = (*path, key)
            if key in data:
                first = self.document.keys[below]
                self._say(
                    event, below, "duplicate-key", f'the key "{key}" stands twice (first in line {first.line})',
                    "delete one of the two or join them",
                )  # fmt: skip
                scratch = _Builder(Document(self.document.path, lines=self.document.lines))
                scratch._node(value_event, events, below)
                self.findings += scratch.findings
                continue
            self.document.keys[below] = mark
            data[key] = self._node(value_event, events, below)
        return data

    def _scalar(self, event: Any, path: KeyPath) -> Any:
        value: str = event.value
        if event.style == '"' and (hidden := INVISIBLE.search(value)):
            # Typed ones are found in the lines; this one was written as an escape such as \u202e.
            what = f"an escape in this text stands for an invisible character (U+{ord(hidden[0]):04X})"
            self._say(event, path, "invisible", what, "delete the escape, which begins with a backslash")
        if event.style in {"'", '"', "|", ">"}:
            return value
        end: Any = event.end_mark
        for number in range(event.start_mark.line + 1, min(end.line + 1, len(self.document.lines))):
            line = self.document.lines[number]
            if line.lstrip().startswith("- ") and (end.line, end.column) > (number, len(line) - len(line.lstrip())):
                indent = event.start_mark.column - 2
                self.document.told.add(path)
                self.findings.append(
                    Finding(
                        self.document.path, number + 1, len(line) - len(line.lstrip()) + 1, "indent",
                        "YAML reads this line as part of the text above it, because it is indented further",
                        f"begin it after {indent} spaces, like the lines around it: {line.strip()}", key=".".join(map(str, path)),
                    )
                )  # fmt: skip
        rest = self.document.lines[end.line][end.column :] if end.line < len(self.document.lines) else ""
        if re.match(r"\s*#", rest):
            self.document.cut[path] = rest.strip()
        tag = _resolver.resolve(yaml.ScalarNode, value, (True, False))
        kind = tag.rsplit(":", 1)[-1]
        if kind == "str":
            return value
        self.document.not_text[path] = NotText(value, _KINDS.get(kind, kind))
        return _construct(kind, value)


def _mark(event: Any) -> Spot:
    return Spot(event.start_mark.line + 1, event.start_mark.column + 1)


_KINDS = {
    "bool": "a yes or no", "int": "a number", "float": "a number", "null": "nothing", "timestamp": "a date",
    "merge": "a merge key", "value": "a default value",
}  # fmt: skip


def _construct(kind: str, value: str) -> Any:
    if kind == "null":
        return None
    if kind == "bool":
        return value.lower() in {"yes", "true", "on"}
    if kind == "int" and re.fullmatch(r"[-+]?\d{1,9}", value):
        return int(value)
    if kind == "timestamp" and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            return Odd(value)
    return Odd(value)


def strings(data: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yield every text inside a value, with the keys and places that lead to it."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from strings(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from strings(value, (*path, index))
