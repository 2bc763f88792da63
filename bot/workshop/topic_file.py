"""Write the file of a new topic, and change single lines of one that is there."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from bot.knowledge.finding import did_you_mean
from bot.knowledge.form import ID_PATTERN, MAX_TOPIC_ID
from bot.knowledge.retell import quoted
from bot.knowledge.yaml_text import parse_yaml
from bot.workshop.writing import write_new, write_whole


class TopicFileError(Exception):
    """Say in one sentence why a topic's file is not written."""


def checked_id(id: str, known: Collection[str]) -> str:
    """Return the id of a new topic; raises TopicFileError for one that is ill-formed or taken."""
    if not re.fullmatch(ID_PATTERN, id) or len(id) > MAX_TOPIC_ID:
        proper = re.sub(r"[^a-z0-9]+", "-", id.lower()).strip("-")[:MAX_TOPIC_ID].strip("-")
        hint = f", such as {proper}" if proper else ""
        raise TopicFileError(
            f'"{id}" cannot be a topic id; use lower-case letters, digits and single hyphens, at most {MAX_TOPIC_ID} '
            f"characters{hint}."
        )
    if id in known:
        raise TopicFileError(f'There is a topic "{id}" already; choose another id, or edit that one.')
    return id


def checked_group(group: str, known: Collection[str]) -> str:
    """Return the id of a group; raises TopicFileError for one that is not known."""
    if group not in known:
        remedy = did_you_mean(group, known, "the groups are " + ", ".join(known))
        raise TopicFileError(f'The group "{group}" is not known; {remedy}')
    return group


def checked_title(title: str) -> str:
    """Return a title; raises TopicFileError for one that no topic can have."""
    title = " ".join(title.split())
    if not title or len(title) > 120:
        raise TopicFileError("A title has between 1 and 120 characters; write what people would call the topic.")
    return title


def checked_facts(facts: Sequence[str], known: Collection[str]) -> list[str]:
    """Return ids of facts without repetition; raises TopicFileError for one that is not known, or where there is none."""
    found = list(dict.fromkeys(facts))
    if not found:
        raise TopicFileError("A topic rests on at least one fact; name its id as facts.yaml has it, such as F-OPT-04.")
    for fact in found:
        if fact not in known:
            remedy = did_you_mean(fact, known, "add it to facts.yaml first")
            raise TopicFileError(f'The fact "{fact}" is not known; {remedy}')
    return found


def new_topic(title: str, facts: Sequence[str], today: datetime.date) -> str:
    """Return the text of a new topic's file: everything that is known so far, and a note for each thing to write.

    What is to be written stands empty, so that `check` asks for it by name and the topic cannot go live without.
    """
    return f"""\
title: {_scalar(title)}
# Two or three plain sentences that stand alone, the most important thing first. **Bold** for names on the screen.
answer:
# Where people have to do something, add steps by device, limits (what the steps do not do) and links. For example:
# limits: |
#   This does not undo training that has already happened.
# steps:
#   desktop:
#     - Click **Me** (top right), then **Settings & Privacy**.
# links:
#   - {{label: Open the setting, url: "https://www.linkedin.com/mypreferences/d/settings/data-for-ai-improvement"}}
# Ids of topics that people ask about next: related: [past-training, objection-form]
facts: [{", ".join(facts)}]
reviewed: {today.isoformat()}
# At least twenty questions, better sixty, in different words and from different situations; yours, never a user's.
asks:
"""


def write_topic(folder: Path, group: str, id: str, text: str) -> Path:
    """Write a new topic's file and return its path; raises TopicFileError where a file is there already."""
    path = folder / "topics" / group / f"{id}.yaml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, text.encode("utf-8"))
    except FileExistsError:
        raise TopicFileError(f"{path} is there already and was left as it is; choose another id.") from None
    except OSError as error:
        raise TopicFileError(
            f"{path} cannot be written ({error.strerror}); check the permissions of its folder."
        ) from error
    return path


def set_reviewed(path: Path, day: datetime.date) -> None:
    """Set the day of the last review in a topic's file; every other byte stays.

    Raises TopicFileError where the file has changed so that its line cannot be found, or cannot be written.
    """
    try:
        before = path.read_bytes()
        text = before.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TopicFileError(f"{path} cannot be read any more; run privacy-bot check.") from error
    after = re.sub(
        r"^(reviewed:[ \t]+)\d{4}-\d\d-\d\d(?=[ \t]*\r?$)",
        rf"\g<1>{day.isoformat()}",
        text,
        count=1,
        flags=re.MULTILINE,
    )
    old, _ = parse_yaml(text.removeprefix("\ufeff"), path.name)
    new, _ = parse_yaml(after.removeprefix("\ufeff"), path.name)
    if not isinstance(old.data, dict) or new.data != {**old.data, "reviewed": day}:
        raise TopicFileError(f"{path}: its line reviewed: is not where it should be; set it to {day} by hand.")
    if after == text:
        return
    try:
        write_whole(path, after.encode("utf-8"))
    except OSError as error:
        raise TopicFileError(f"{path} cannot be written ({error.strerror}); check its permissions.") from error


def _scalar(text: str) -> str:
    """Return a text as YAML reads it back, in quotes where it needs them."""
    document, findings = parse_yaml(f"title: {text}", "title")
    plain = not findings and not document.cut and document.data == {"title": text}
    return text if plain else quoted(text)
