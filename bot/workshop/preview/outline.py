"""List what there is to look at: the topics by group, the bot's own screens, and what each topic rests on."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bot.dialogue.state import Action, State, decode
from bot.knowledge.model import Device, FactId, Knowledge, Topic
from bot.workshop.reviewing import due_line

_CHECKUP = "checkup.yaml"
_SCREENS = (
    (Action.START, "Start", "texts.yaml"),
    (Action.MENU, "Menu", "groups.yaml"),
    (Action.GUIDE, "Guide", "texts.yaml"),
    (Action.CHECKUP, "Check-up", _CHECKUP),
    (Action.LETTER, "Letters", "texts.yaml"),
    (Action.HELP, "Help", "texts.yaml"),
    (Action.ABOUT, "About", "texts.yaml"),
    (Action.PRIVACY, "Privacy", "texts.yaml"),
)
"""What people reach by a command, and the file in which most of its words stand."""


def outline(knowledge: Knowledge | None, folder: Path, today: datetime.date, counts: Mapping[str, int]) -> list[Any]:
    """Return the groups with their entries; `counts` are the errors and findings by file.

    A topic whose file cannot be loaded is there, too, without a code: it has no answer yet.
    """
    groups: list[dict[str, Any]] = []
    known: set[str] = set()
    if knowledge:
        for group in knowledge.groups:
            topics = [knowledge.topics[id] for id in group.topics]
            known |= {path_of(topic) for topic in topics}
            groups.append({"title": group.title, "entries": [_entry(topic, today, counts) for topic in topics]})
    fresh = sorted(
        path for found in folder.glob("topics/*/*.yaml") if (path := found.relative_to(folder).as_posix()) not in known
    )
    if fresh:
        entries = [_bare(Path(path).stem, Path(path).stem, path, "", counts) for path in fresh]
        groups.insert(0, {"title": "Not loaded", "entries": entries})
    if knowledge:
        screens = [_bare(f"/{title.lower()}", title, path, State(at).encode(), counts) for at, title, path in _SCREENS]
        for id, letter in knowledge.letters.items():
            code = State(Action.LETTER, id, place=letter.form.places[0]).encode()
            screens.append(_bare(f"/{id}", letter.form.title, f"letters/{id}.yaml", code, counts))
        groups.append({"title": "Screens and letters", "entries": screens})
    return groups


def path_of(topic: Topic) -> str:
    """Return the path of a topic's file in the knowledge folder."""
    return f"topics/{topic.group}/{topic.id}.yaml"


def _entry(topic: Topic, today: datetime.date, counts: Mapping[str, int]) -> dict[str, Any]:
    path = path_of(topic)
    code = State(Action.SHOW, topic.id).encode()
    return {**_bare(topic.id, topic.title, path, code, counts), "due": today > topic.form.due}


def _bare(id: str, title: str, path: str, code: str, counts: Mapping[str, int]) -> dict[str, Any]:
    return {"id": id, "title": title, "path": path, "code": code, "findings": counts.get(path, 0), "due": False}


def choices(knowledge: Knowledge) -> dict[str, Any]:
    """Return the devices and places that answers are fitted to, with their names."""
    places = sorted((form.name.removeprefix("the "), id) for id, form in knowledge.places.items())
    return {
        "bot": knowledge.texts.bot_name,
        "devices": [{"id": id, "name": form.name} for id, form in knowledge.devices.devices.items()],
        "places": [{"id": id, "name": f"{name[:1].upper()}{name[1:]} ({id})"} for name, id in places],
    }


def about(knowledge: Knowledge, path: str, today: datetime.date) -> dict[str, Any] | None:
    """Return what a topic, a letter or the check-up rests on and when it is due, None for any other file."""
    topic = next((topic for topic in knowledge.topics.values() if path_of(topic) == path), None)
    letter = knowledge.letters.get(Path(path).stem) if path.startswith("letters/") else None
    if topic:
        facts, review, due = topic.form.facts, due_line(topic, today), topic.form.due
    elif letter:
        facts, due = letter.form.facts, letter.form.due
        review = f"reviewed {letter.form.reviewed}, due after {due}"
    elif path == _CHECKUP:
        facts = list(dict.fromkeys(fact for control in knowledge.checkup for fact in control.facts))
        review, due = "reviewed with the topics that its controls lead to", today
    else:
        return None
    return {
        "review": review,
        "due": today > due,
        "differs": {
            "devices": [device.value for device in topic.default.steps] if topic else [],
            "places": list(topic.form.places) if topic else [],
        },
        "asks": len(topic.form.asks) if topic else 0,
        "facts": list(_facts(knowledge, facts)),
    }


def _facts(knowledge: Knowledge, ids: Iterable[str]) -> Iterable[dict[str, Any]]:
    for id in ids:
        fact = knowledge.facts[FactId(id)]
        sources = [knowledge.sources[source] for source in fact.sources]
        yield {
            "id": fact.id,
            "statement": fact.statement,
            "status": fact.status,
            "checked": f"{fact.checked}",
            "sources": [{"name": f"{one.publisher}: {one.title}", "url": one.url or ""} for one in sources],
        }


def fitted(code: str, device: str | None, place: str | None) -> str:
    """Return the code of a screen for a device and a place; raises ValueError where they are none."""
    state = decode(code)
    if not state:
        raise ValueError("this button is not known; choose a topic again")
    kept = place or (state.place if state.action is Action.LETTER else None)
    return State(state.action, state.topic, Device(device) if device else None, kept, state.step).encode()
