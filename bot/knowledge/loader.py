"""Load a knowledge folder, all or nothing."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel

from bot.knowledge import checkup_rules, letter_rules, rules
from bot.knowledge.checkup import CheckupForm
from bot.knowledge.draft import Draft, Filed, fill
from bot.knowledge.finding import Finding, KnowledgeError, did_you_mean
from bot.knowledge.letters import Letter, LetterForm
from bot.knowledge.model import (
    DevicesForm,
    FactId,
    FactsForm,
    Group,
    GroupsForm,
    Knowledge,
    OfftopicForm,
    PlaceId,
    PlacesForm,
    SourcesForm,
    Topic,
    TopicForm,
    TopicId,
)
from bot.knowledge.questions import Questions, QuestionsForm, joined
from bot.knowledge.texts import Texts
from bot.knowledge.yaml_text import read_yaml

F = TypeVar("F", bound=BaseModel)

_SINGLE: Mapping[str, type[BaseModel]] = {
    "groups.yaml": GroupsForm,
    "facts.yaml": FactsForm,
    "sources.yaml": SourcesForm,
    "places.yaml": PlacesForm,
    "devices.yaml": DevicesForm,
    "texts.yaml": Texts,
    "checkup.yaml": CheckupForm,
}

_LISTS: Mapping[str, type[BaseModel]] = {"offtopic": OfftopicForm, "questions": QuestionsForm}
"""Folders of which it does not matter what stands in which file."""


def load(folder: Path) -> Knowledge:
    """Return the knowledge in `folder`; raises KnowledgeError with every error in it."""
    draft, findings = read(folder)
    if findings:
        raise KnowledgeError(findings)
    try:
        return build(draft, version(folder))
    except OSError as error:
        what = f"a file went away while it was read ({error.strerror})"
        raise KnowledgeError(
            [Finding(".", 1, 1, "unreadable", what, "try again when nothing changes there")]
        ) from error


def load_questions(folder: Path, *, held_back: bool = False) -> Questions:
    """Return the golden questions in `folder`, or those held back; raises KnowledgeError with every error in the folder."""
    draft, findings = read(folder)
    if findings:
        raise KnowledgeError(findings)
    return joined((filed.form for filed in draft.questions), held_back=held_back)


def version(folder: Path) -> str:
    """Return a short name for the content of all YAML files in `folder`."""
    digest = hashlib.sha256()
    for path in _yaml_files(folder):
        digest.update(path.encode() + b"\0" + (folder / path).read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def read(folder: Path) -> tuple[Draft, list[Finding]]:
    """Read every file of `folder`; returns what has the right form, and all errors, sorted."""
    draft = Draft()
    if problem := _no_knowledge(folder):
        return draft, [problem]
    findings: list[Finding] = []
    files = list(_yaml_files(folder))
    draft.topic_paths = frozenset(path for path in files if _is_topic(path))
    draft.topic_ids = frozenset(map(_id, draft.topic_paths))
    draft.letter_ids = frozenset(_id(path) for path in files if _is_in("letters", path))
    findings += [
        Finding(name, 1, 1, "missing-file", f"the file {name} is missing", "restore it (git checkout) or write it anew")
        for name in sorted(set(_SINGLE) - set(files))
    ]
    if not draft.topic_paths:
        findings.append(Finding("topics", 1, 1, "missing-file", "there is no topic", "write topics/<group>/<id>.yaml"))
    for path in files:
        findings += _read_file(folder, path, draft)
    findings += _stray(folder)
    for path in _linked_folders(folder):
        findings.append(
            Finding(path, 1, 1, "symlink", "this is a link to another folder", "put the folder itself here")
        )
    for rule in (*rules.RULES, *checkup_rules.RULES, *letter_rules.RULES):
        findings += rule(draft)
    return draft, sorted(set(findings))


def _no_knowledge(folder: Path) -> Finding | None:
    """Return what is wrong with a folder that is none, or that is another one altogether."""
    remedy = "name the folder that holds groups.yaml and topics/ (BOT_KNOWLEDGE)"
    try:
        if not folder.is_dir():
            what = "this is a file, not a folder" if folder.exists() else "this knowledge folder does not exist"
            return Finding(".", 1, 1, "no-folder", what, remedy)
        names = {path.name for path in folder.iterdir()}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        return Finding(".", 1, 1, "no-folder", f"this folder cannot be read ({reason})", "check its permissions")
    if names & {*_SINGLE, "topics"}:
        return None
    inner = next((name for name in ("knowledge", "..") if (folder / name / "groups.yaml").is_file()), None)
    near = f'; did you mean "{(folder / inner) if inner != ".." else folder.parent}"?' if inner else f"; {remedy}"
    return Finding(".", 1, 1, "no-folder", "this is no knowledge folder", near[2:])


def _read_file(folder: Path, path: str, draft: Draft) -> list[Finding]:
    if path in _SINGLE:
        filed, findings = _fill(folder, path, _SINGLE[path])
        if filed:
            setattr(draft, path.removesuffix(".yaml"), filed)
        return findings
    if _is_topic(path):
        topic, findings = _fill(folder, path, TopicForm)
        if topic:
            draft.topics.setdefault(_id(path), topic)
        return findings
    if _is_in("letters", path):
        letter, findings = _fill(folder, path, LetterForm)
        if letter:
            draft.letters[_id(path)] = letter
        return findings
    for name, form in _LISTS.items():
        if _is_in(name, path):
            listed, findings = _fill(folder, path, form)
            if listed:
                getattr(draft, name).append(listed)
            return findings
    return [_misplaced(path, path.split("/"))]


def _misplaced(path: str, parts: list[str]) -> Finding:
    if path.endswith(".yml"):
        remedy = f"rename it to {path[:-4]}.yaml"
        return Finding(path, 1, 1, "stray-file", "files of the knowledge end in .yaml", remedy)
    remedy = "move it to topics/<group>/<id>.yaml, letters/<id>.yaml, offtopic/<kind>.yaml or questions/<name>.yaml, or delete it"
    if len(parts) == 1:
        remedy = did_you_mean(path, _SINGLE, remedy)
    return Finding(path, 1, 1, "stray-file", "nothing reads a file of this name here", remedy)


def _stray(folder: Path) -> Iterator[Finding]:
    """Report what looks like a file of the knowledge and would be passed over in silence."""
    closed: list[OSError] = []
    for here, folders, names in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(here).relative_to(folder)
        for name in folders:
            if name.endswith((".yaml", ".yml")):
                what = "this is a folder, but its name is that of a file"
                yield Finding(
                    (below / name).as_posix(), 1, 1, "unreadable", what, "rename it or put a file in its place"
                )
        for name in names:
            inside = below.parts[:1] in {("topics",), ("letters",), ("offtopic",), ("questions",)}
            looks = re.search(r"\.ya?ml($|\.txt$)", name, re.IGNORECASE) or (inside and not name.startswith("README"))
            # Emacs keeps what is not saved yet as #name#, beside the file.
            passed = name.startswith((".", "#")) or name.endswith(
                (".yaml", ".yml", "~", ".bak", ".orig", ".rej", ".tmp", ".swp")
            )
            if looks and not passed:
                right = re.sub(r"(\.ya?ml)?(\.\w+)?$", "", name, flags=re.IGNORECASE) + ".yaml"
                what = "files of the knowledge end in .yaml, in lower-case letters"
                yield Finding((below / name).as_posix(), 1, 1, "stray-file", what, f"rename it to {right} or delete it")
    for error in closed:
        path = Path(error.filename).relative_to(folder).as_posix()
        yield Finding(
            path, 1, 1, "unreadable", f"this folder cannot be read ({error.strerror})", "check its permissions"
        )


def _fill(folder: Path, path: str, form: type[F]) -> tuple[Filed[F] | None, list[Finding]]:
    document, findings = read_yaml(folder, path)
    if document.data is None:
        if not findings:
            findings.append(Finding(path, 1, 1, "empty", "the file is empty", "write its content or delete it"))
        return None, findings
    filed, misfits = fill(form, document)
    return filed, findings + misfits


def _id(path: str) -> str:
    return path.rsplit("/", 1)[-1].removesuffix(".yaml")


def _is_in(folder: str, path: str) -> bool:
    return path.startswith(f"{folder}/") and path.count("/") == 1 and path.endswith(".yaml")


def _is_topic(path: str) -> bool:
    parts = path.split("/")
    return len(parts) == 3 and parts[0] == "topics" and path.endswith(".yaml")


def _yaml_files(folder: Path) -> Iterator[str]:
    """Yield the YAML files below `folder` as sorted relative paths; hidden ones are nobody's."""
    found: list[str] = []
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(here).relative_to(folder)
        found += [
            (below / name).as_posix() for name in names if name.endswith((".yaml", ".yml")) and not name.startswith(".")
        ]
    yield from sorted(found)


def _linked_folders(folder: Path) -> Iterator[str]:
    for here, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            if (Path(here) / name).is_symlink():
                yield (Path(here) / name).relative_to(folder).as_posix()


def build(draft: Draft, name: str) -> Knowledge:
    """Return the knowledge of a draft without errors; `name` is its version."""
    assert draft.groups
    assert draft.facts
    assert draft.sources
    assert draft.places
    assert draft.devices
    assert draft.texts
    assert draft.checkup
    topics = {
        TopicId(id): Topic(TopicId(id), draft.group_of(id), filed.form) for id, filed in sorted(draft.topics.items())
    }
    groups = tuple(
        Group(group.id, group.title, tuple(id for id, topic in topics.items() if topic.group == group.id))
        for group in draft.groups.form.groups
    )
    offtopic: dict[str, tuple[str, ...]] = {}
    for filed in draft.offtopic:
        offtopic[filed.form.kind] = offtopic.get(filed.form.kind, ()) + tuple(filed.form.messages)
    return Knowledge(
        version=name,
        groups=tuple(group for group in groups if group.topics),
        topics=MappingProxyType(topics),
        facts=MappingProxyType({FactId(fact.id): fact for fact in draft.facts.form.facts}),
        sources=MappingProxyType({source.id: source for source in draft.sources.form.sources}),
        places=MappingProxyType({PlaceId(id): place for id, place in draft.places.form.places.items()}),
        place_traps=tuple(draft.places.form.traps),
        devices=draft.devices.form,
        texts=draft.texts.form,
        checkup=tuple(draft.checkup.form.controls),
        letters=MappingProxyType({id: Letter(id, filed.form) for id, filed in sorted(draft.letters.items())}),
        offtopic=MappingProxyType(offtopic),
        controller=draft.places.form.controller,
    )
