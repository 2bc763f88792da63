"""Find the topics that are due for a check, and show what has to be compared with the sources."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bot.knowledge.model import FactForm, FactId, FactStatus, Fitted, Knowledge, Topic

_STYLES = {FactStatus.SURE: "green", FactStatus.CONTESTED: "yellow", FactStatus.NOT_FOUND: "red"}


def by_due(knowledge: Knowledge) -> list[Topic]:
    """Return all topics, the one whose check falls due first before the others."""
    return sorted(knowledge.topics.values(), key=lambda topic: (topic.form.due, topic.id))


def overdue(knowledge: Knowledge, today: datetime.date) -> list[Topic]:
    """Return the topics whose check is overdue, the one that waits longest first."""
    return [topic for topic in by_due(knowledge) if today > topic.form.due]


def due_line(topic: Topic, today: datetime.date) -> str:
    """Return a topic with its dates on one line."""
    days = (today - topic.form.due).days
    state = f"overdue by {days} days" if days > 0 else f"due in {-days} days"
    return f"{topic.id}: {state} (reviewed {topic.form.reviewed}, every {topic.form.review_every} days)"


def shown(knowledge: Knowledge, topic: Topic, today: datetime.date) -> RenderableType:
    """Return everything of a topic that its sources have to bear out, and these sources."""
    parts: list[RenderableType] = [
        Text(topic.title, style="bold"),
        Text(due_line(topic, today), style="dim"),
        *_texts(topic.form, ""),
    ]
    for place, fitted in topic.form.places.items():
        parts += _texts(fitted, f" ({place})")
    parts.append(Text("\nIt rests on these facts:", style="bold"))
    parts += [_fact(knowledge, knowledge.facts[FactId(id)]) for id in topic.form.facts]
    return Group(*parts)


def _texts(form: Fitted, where: str) -> Iterator[RenderableType]:
    for key in ("answer", "easy", "more", "limits"):
        if said := getattr(form, key):
            yield Text(f"\n{key}{where}", style="bold cyan")
            yield Padding(Text(said), (0, 0, 0, 2))
    for device, steps in (form.steps or {}).items():
        yield Text(f"\nsteps{where}, {device}", style="bold cyan")
        yield Padding(Text("\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))), (0, 0, 0, 2))
    for link in form.links or ():
        yield Text(f"\nlink{where}: {link.label}: {link.url}")


def _fact(knowledge: Knowledge, fact: FactForm) -> RenderableType:
    sources = [knowledge.sources[id] for id in fact.sources]
    head = Text.assemble(
        (fact.id, "bold"), "  ", (fact.status.value, _STYLES[fact.status]), f"  checked {fact.checked}"
    )
    lines = [f"{source.publisher}: {source.title}" + (f"\n  {source.url}" if source.url else "") for source in sources]
    return Padding(Group(head, Text(fact.statement), Text("\n".join(lines), style="dim")), (1, 0, 0, 2))
