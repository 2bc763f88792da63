"""Hold the files of a knowledge folder as they were read, while rules look at them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from bot.knowledge.checkup import CheckupForm
from bot.knowledge.finding import Finding, did_you_mean
from bot.knowledge.form import DATE_PATTERN, FACT_PATTERN, ID_PATTERN
from bot.knowledge.letters import LetterForm
from bot.knowledge.model import DevicesForm, FactsForm, GroupsForm, OfftopicForm, PlacesForm, SourcesForm, TopicForm
from bot.knowledge.questions import QuestionsForm
from bot.knowledge.retell import BULLET, quoted
from bot.knowledge.texts import Texts
from bot.knowledge.yaml_text import Document, KeyPath

F = TypeVar("F", bound=BaseModel)


@dataclass(slots=True)
class Filed(Generic[F]):
    """A form together with the document that it was read from."""

    form: F
    document: Document


@dataclass(slots=True)
class Draft:
    """All files of a folder that have the right form; what could not be read is missing here."""

    groups: Filed[GroupsForm] | None = None
    facts: Filed[FactsForm] | None = None
    sources: Filed[SourcesForm] | None = None
    places: Filed[PlacesForm] | None = None
    devices: Filed[DevicesForm] | None = None
    texts: Filed[Texts] | None = None
    checkup: Filed[CheckupForm] | None = None
    topics: dict[str, Filed[TopicForm]] = field(default_factory=dict)
    letters: dict[str, Filed[LetterForm]] = field(default_factory=dict)
    offtopic: list[Filed[OfftopicForm]] = field(default_factory=list)
    questions: list[Filed[QuestionsForm]] = field(default_factory=list)
    topic_paths: frozenset[str] = frozenset()
    """All topic files, also those that could not be read."""
    topic_ids: frozenset[str] = frozenset()
    """Their ids."""
    letter_ids: frozenset[str] = frozenset()
    """The ids of all letters, also of those that could not be read."""

    def group_of(self, id: str) -> str:
        """Return the group (folder) of a topic."""
        return self.topics[id].document.path.split("/")[1]


def fill(form: type[F], document: Document) -> tuple[Filed[F] | None, list[Finding]]:
    """Put a document into its form; returns it (None where it does not fit) and every misfit."""
    findings = list(_cut_texts(document))
    known = {finding.key for finding in findings}
    filled: F | None = None
    try:
        filled = form.model_validate(document.data)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            if _follows(document, problem):
                continue
            finding = _misfit(form, document, problem)
            if finding.key not in known:
                findings.append(finding)
    known |= {finding.key for finding in findings}
    findings += [finding for finding in _empty_values(document) if not _inside(finding.key, known)]
    return (Filed(filled, document) if filled else None), findings


def _follows(document: Document, problem: Any) -> bool:
    """Tell whether a misfit only follows from an error of form that is told already."""
    path = _path(problem)
    if any(path[:end] in document.told for end in range(1, len(path) + 1)):
        return True
    if problem["type"] == "extra_forbidden" or (problem["type"] == "missing" and len(path) == 1):
        return False
    return document.spot(path).line in document.told_lines


def _path(problem: Any) -> KeyPath:
    return tuple(part for part in problem["loc"] if not str(part).startswith("["))


def _inside(key: str, known: set[str]) -> bool:
    parts = key.split(".")
    return any(".".join(parts[:end]) in known for end in range(1, len(parts) + 1))


def _empty_values(document: Document) -> Iterator[Finding]:
    """Report keys without a value: what an editor meant to write there is missing, silently."""
    for path, written in document.not_text.items():
        if path and written.kind == "nothing" and not written.written and not {path} & {*document.cut, *document.told}:
            yield _empty(document, path)


def _empty(document: Document, path: KeyPath) -> Finding:
    entry = "line" if isinstance(path[-1], int) else "key"
    return document.finding(
        path, "not-text", f"{_name(path)} is empty", f"write what belongs there or delete the {entry}"
    )


def _name(path: KeyPath) -> str:
    """Return what an editor calls the value at `path`: its key, or its number in a list."""
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {path[-2]}" if len(path) > 1 else f"item {path[-1] + 1}"
    return path[-1]


def _cut_texts(document: Document) -> Iterator[Finding]:
    """Report texts that YAML read differently from how they are written."""
    for path in document.cut:
        if path not in document.not_text:
            yield _cut_text(document, path)


def _cut_text(document: Document, path: KeyPath) -> Finding:
    line = document.lines[document.spot(path).line - 1].strip()
    return document.finding(
        path, "cut-at-hash", f'YAML would cut this text at " {document.cut[path][:20]}"',
        f"put the whole text in quotes: {_requoted(line)}; or put the comment on a line of its own",
    )  # fmt: skip


def _requoted(line: str) -> str:
    lead = re.match(r"^(?:-\s+)?(?:[\w-]+:\s+)?", line)
    start = lead.end() if lead else 0
    return line[:start] + quoted(line[start:])


def _misfit(form: type[BaseModel], document: Document, problem: Any) -> Finding:
    path = _path(problem)
    kind: str = problem["type"]
    name = _name(path) if path else "the file"
    known = sorted(_keys_at(form, path[:-1]))
    written = document.not_text.get(path)
    if kind == "extra_forbidden":
        return _unknown_key(document, path, known, problem["input"])
    if kind == "missing":
        spot = document.spot(path[:-1], key=True)
        what, remedy = f'the key "{name}" is missing', f"add a line that begins with {name}:"
        return Finding(document.path, spot.line, spot.column, "missing-key", what, remedy, key=".".join(map(str, path)))
    if written and written.kind == "nothing" and not written.written and path not in document.cut:
        return _empty(document, path)
    if kind == "string_type" and path in document.cut:
        return _cut_text(document, path)
    if kind == "string_type" and written:
        what = f"{name} should be text, but YAML reads {written.written} as {written.kind}"
        return document.finding(path, "not-text", what, f"put it in quotes: {quoted(written.written)}")
    if kind == "string_type":
        return _mapping_for_text(document, path, name)
    if kind == "list_type" and written is None and isinstance(problem["input"], str):
        return _text_for_list(document, path, name)
    if kind in _FORMS:
        keys = ", ".join(sorted(_keys_at(form, path)))
        remedy = f"write keys that belong there, each with a colon and a space after it: {keys}"
        return document.finding(path, kind.replace("_", "-"), f"{name} should have keys of its own", remedy)
    what, remedy = _told(kind, problem, name)
    return document.finding(path, kind.replace("_", "-"), what, remedy)


_FORMS = frozenset({"model_type", "model_attributes_type"})


def _unknown_key(document: Document, path: KeyPath, known: list[str], value: Any) -> Finding:
    name = str(path[-1])
    remedy = did_you_mean(name, known, "the keys here are " + ", ".join(known))
    spot = document.spot(path, key=True)
    above = document.lines[spot.line - 2].rstrip() if spot.line > 1 else ""
    if (glued := re.match(r"([\w-]+):(.+)", name)) and glued[1] in known:
        what = f'a space is missing after "{glued[1]}:"'
        return document.finding(path, "missing-space", what, f"write: {glued[1]}: {glued[2]}", key=True)
    if " " in name and above.endswith(("|", ">")):
        remedy = f"if it belongs to the text above, begin it after {spot.column + 1} spaces; the keys here are {', '.join(known)}"
    elif value is None and "{" in document.lines[spot.line - 1][: spot.column]:
        remedy = f'if "{name}" belongs to the text before the comma, put that whole text in quotes'
    return document.finding(path, "unknown-key", f'unknown key "{name}"', remedy, key=True)


def _text_for_list(document: Document, path: KeyPath, name: str) -> Finding:
    line = document.lines[document.spot(path).line - 1].strip()
    if glued := re.match(r"-(\S.*)$", line):
        what = f"{name} should be a list, but a space is missing after a dash"
        return document.finding(path, "missing-space", what, f"write: - {glued[1]}")
    if marked := re.match(rf"{BULLET}(.+)$", line):
        what = f"{name} should be a list, but its entries begin with something else than a dash"
        return document.finding(path, "bullet", what, f"write: - {marked[1].strip()}")
    remedy = "write each entry on a line of its own that begins with a dash and a space"
    if line.startswith(f"{name}: "):
        remedy = f"write: {name}: [{line.split(': ', 1)[1]}]"
    return document.finding(path, "list-type", f"{name} should be a list", remedy)


def _mapping_for_text(document: Document, path: KeyPath, name: str) -> Finding:
    where = name
    spot = document.spot(path)
    whole = document.lines[spot.line - 1]
    line, value = whole.strip(), whole[spot.column - 1 :].strip()
    if value.startswith(("[", "{", "?")):
        sign, read = {"[": ("square bracket", "a list"), "{": ("brace", "keys"), "?": ("question mark", "a key")}[
            value[0]
        ]
        what = f"{where} should be text, but the {sign} makes YAML read {read}"
        right = (
            _requoted(line) if whole[: spot.column - 1].rstrip().endswith((":", "-")) else quoted(value.rstrip(",]}"))
        )
        return document.finding(path, "special-start", what, f"put the text in quotes: {right}")
    if re.search(r"[\[{]", whole[: spot.column - 1]) and ": " in value:
        what = f"{where} should be text, but the colon inside it makes YAML read a key and a value"
        text = re.split(r"[,\]}]", value, maxsplit=1)[0].strip()
        return document.finding(path, "colon-inside", what, f"put the text in quotes: {quoted(text)}")
    if path and spot.line != document.spot(path, key=True).line:
        what = f"{where} should be text, but a list or keys stand below it"
        return document.finding(path, "not-text", what, f"write it as one text on the line of {where}")
    if ": " in line or line.endswith(":"):
        what = f"{where} should be text, but the colon inside it makes YAML read a key and a value"
        return document.finding(path, "colon-inside", what, f"put the text in quotes: {_list_requoted(line)}")
    return document.finding(path, "not-text", f"{where} should be text, not a list or mapping", "write it as one text")


def _list_requoted(line: str) -> str:
    dash = re.match(r"^-\s+", line)
    start = dash.end() if dash else 0
    return line[:start] + quoted(line[start:]) if dash else _requoted(line)


def _told(kind: str, problem: Any, name: str) -> tuple[str, str]:
    context = problem.get("ctx", {})
    if kind == "value_error":
        fault, _, remedy = str(context["error"]).partition("; ")
        return f"{name}: {fault}", remedy or "correct the text"
    if kind == "too_long" and isinstance(problem["input"], str):
        kind = "string_too_long"
    if kind == "string_pattern_mismatch":
        return f"{name} has a form that is not allowed here", _PATTERNS.get(
            context["pattern"], "compare it with its neighbours"
        )
    if kind == "enum":
        known = re.findall(r"'([^']+)'", context["expected"])
        given = str(problem["input"])
        return f"{name} is not one of the known values", did_you_mean(
            given, known, f"write one of: {context['expected']}"
        )
    if kind in {"greater_than_equal", "less_than_equal"} and isinstance(problem["input"], datetime.date):
        return f"{name} lies too far away ({problem['input']})", "write the day on which it was last compared"
    entries = f"add at least {context.get('min_length')} entries"
    told = {
        "string_too_long": (f"{name} is longer than {context.get('max_length')} characters", "shorten it"),
        "too_long": (f"{name} has more than {context.get('max_length')} entries", "remove some"),
        "too_short": (
            (f"{name} has too few entries", entries)
            if problem["input"]
            else (f"{name} is empty", "add at least one entry")
        ),
        "list_type": (
            f"{name} should be a list",
            "write each entry on a line of its own that begins with a dash and a space",
        ),
        "dict_type": (f"{name} should have keys of its own", "write them below it, indented by two spaces"),
        "date_type": (
            f"{name} is not a day of the calendar",
            "write it as year-month-day, such as 2026-11-23, without quotes",
        ),
        "int_type": (f"{name} should be a whole number", "write digits only, without quotes"),
        "bool_type": (f"{name} should be true or false", "write true or false, without quotes"),
        "greater_than_equal": (f"{name} is too small", f"write at least {context.get('ge')}"),
        "less_than_equal": (f"{name} is too large", f"write at most {context.get('le')}"),
    }
    return told.get(kind, (f"{name}: {problem['msg']}", "compare it with the other files of this folder"))


_PATTERNS = {
    ID_PATTERN: "use lower-case letters, digits and single hyphens, such as opting-out",
    FACT_PATTERN: "write it in capitals like F-OPT-04",
    DATE_PATTERN: "write it as 2025-09-18, 2025-09 or 2025, in letters, digits, spaces and hyphens",
}
"""What an editor can do about each pattern of the model."""


def _keys_at(form: type[BaseModel], path: KeyPath) -> set[str]:
    """Return the key names that a form knows at `path`."""
    here: Any = form
    for part in path:
        here = _step(here, part)
        if here is None:
            return set()
    return {field.alias or name for name, field in here.model_fields.items()} if _is_form(here) else set()


def _step(here: Any, part: str | int) -> Any:
    if _is_form(here) and isinstance(part, str):
        for name, info in here.model_fields.items():
            if part in {name, info.alias}:
                return _unwrapped(info.annotation)
        return None
    if get_origin(here) in {list, dict}:
        return _unwrapped(get_args(here)[-1])
    return None


def _unwrapped(annotation: Any) -> Any:
    """Strip Annotated and `| None` from a type."""
    if get_origin(annotation) is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        choices = [_unwrapped(arg) for arg in get_args(annotation) if arg is not NoneType]
        return next((choice for choice in choices if _is_form(choice)), choices[0] if choices else None)
    return annotation


def _is_form(here: Any) -> bool:
    return isinstance(here, type) and issubclass(here, BaseModel)
