"""Find the topics and letters that are due for a check, and show what has to be compared with the sources."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bot.knowledge.form import Link
from bot.knowledge.letters import Letter, LetterForm, Recipient
from bot.knowledge.model import FactForm, FactId, FactStatus, Fitted, Knowledge, PlaceId, Topic

_STYLES = {FactStatus.SURE: "green", FactStatus.CONTESTED: "yellow", FactStatus.NOT_FOUND: "red"}


Reviewed = Topic | Letter
"""What has a day of its last review."""


def by_due(knowledge: Knowledge) -> list[Reviewed]:
    """Return all topics and letters, the one whose check falls due first before the others."""
    every: list[Reviewed] = [*knowledge.topics.values(), *knowledge.letters.values()]
    return sorted(every, key=lambda one: (one.form.due, one.id))


def overdue(knowledge: Knowledge, today: datetime.date) -> list[Reviewed]:
    """Return the topics and letters whose check is overdue, the one that waits longest first."""
    return [one for one in by_due(knowledge) if today > one.form.due]


def file_of(one: Reviewed) -> Path:
    """Return the file of a topic or letter below the knowledge folder."""
    return Path("topics", one.group, f"{one.id}.yaml") if isinstance(one, Topic) else Path("letters", f"{one.id}.yaml")


def due_line(one: Reviewed, today: datetime.date) -> str:
    """Return a topic or letter with its dates on one line."""
    days = (today - one.form.due).days
    state = f"overdue by {days} days" if days > 0 else f"due in {-days} days"
    return f"{one.id}: {state} (reviewed {one.form.reviewed}, every {one.form.review_every} days)"


def shown(knowledge: Knowledge, one: Reviewed, today: datetime.date) -> RenderableType:
    """Return everything of a topic or letter that its sources have to bear out, and these sources."""
    parts: list[RenderableType] = [
        Text(one.form.title, style="bold"),
        Text(due_line(one, today), style="dim"),
    ]
    if isinstance(one, Topic):
        parts += _texts(one.form, "")
        for place, fitted in one.form.places.items():
            parts += _texts(fitted, f" ({place})")
    else:
        parts += _letter(knowledge, one.form)
    parts.append(Text("\nIt rests on these facts:", style="bold"))
    parts += [_fact(knowledge, knowledge.facts[FactId(id)]) for id in one.form.facts]
    return Group(*parts)


def _letter(knowledge: Knowledge, form: LetterForm) -> Iterator[RenderableType]:
    yield from _said("places", ", ".join(form.places))
    yield from _said("why", form.why)
    # Which company or authority that is stands in places.yaml, and is compared with its facts like the rest.
    yield from _said("to", "\n".join(dict.fromkeys(_recipients(knowledge, form))))
    yield from _links(form.send, "")
    yield from _said("enclose", form.enclose)
    if form.grounds:
        yield from _said("thoughts", "\n".join(form.grounds.thoughts))
        yield from _said("warning", form.grounds.warning)
    yield from _said("subject", form.subject)
    yield from _said("body", form.body)
    if form.deadline:
        counts = [f"{key}: {count}" for key, count in form.deadline.model_dump().items() if count]
        yield from _said("deadline", ", ".join(counts))


def _recipients(knowledge: Knowledge, form: LetterForm) -> Iterator[str]:
    for place in map(PlaceId, form.places):
        if form.to is Recipient.CONTROLLER:
            yield knowledge.controller_of(place) or ""
        else:
            regulator = knowledge.regulator_of(place)
            yield regulator.name if regulator else f"the authority of the country ({place})"


def _said(key: str, text: str | None) -> Iterator[RenderableType]:
    if text:
        yield Text(f"\n{key}", style="bold cyan")
        yield Padding(Text(text), (0, 0, 0, 2))


def _texts(form: Fitted, where: str) -> Iterator[RenderableType]:
    for key in ("answer", "easy", "more", "limits"):
        yield from _said(f"{key}{where}", getattr(form, key))
    for device, steps in (form.steps or {}).items():
        yield from _said(
            f"steps{where}, {device}", "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
        )
    yield from _links(form.links or (), where)


def _links(links: Iterable[Link], where: str) -> Iterator[RenderableType]:
    for link in links:
        yield Text(f"\nlink{where}: {link.label}: {link.url}")


def _fact(knowledge: Knowledge, fact: FactForm) -> RenderableType:
    sources = [knowledge.sources[id] for id in fact.sources]
    head = Text.assemble(
        (fact.id, "bold"), "  ", (fact.status.value, _STYLES[fact.status]), f"  checked {fact.checked}"
    )
    lines = [f"{source.publisher}: {source.title}" + (f"\n  {source.url}" if source.url else "") for source in sources]
    return Padding(Group(head, Text(fact.statement), Text("\n".join(lines), style="dim")), (1, 0, 0, 2))
