"""Read the golden questions: measured with, never learned from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from bot.knowledge.form import Form, Text


class Golden(Form):
    """A question for one topic; answers in `also` are right as well."""

    text: Text
    also: list[str] = []


def _kind(item: Any) -> str:
    return "[golden]" if isinstance(item, dict | Golden) else "[text]"


Item = Annotated[Annotated[Text, Tag("[text]")] | Annotated[Golden, Tag("[golden]")], Discriminator(_kind)]
"""A question, with or without keys of its own; judged only as what it looks like. Brackets mark what is no key."""


class Double(Form):
    """A message that asks several things, with their topics in order."""

    text: Text
    topics: list[str] = Field(min_length=2)


class FollowUp(Form):
    """A second message that is only understood after the first."""

    first: Text
    first_topic: str
    second: Text
    topic: str


class SlotQuestion(Form):
    """A message that names a device, a place, both or (as a trap) neither."""

    text: Text
    topic: str | None = None
    device: str | None = None
    place: str | None = None


class QuestionsForm(Form):
    """questions/*.yaml; each file may hold any of the kinds."""

    held_back: bool = Field(False, description="Looked at only for reports, never while improving anything.")
    topics: dict[str, list[Item]] = {}
    short: dict[str, list[Item]] = Field({}, description="Short generic questions, as in headlines and FAQ pages.")
    offtopic: dict[str, list[Text]] = {}
    double: list[Double] = []
    followups: list[FollowUp] = []
    slots: list[SlotQuestion] = []


class Questions(Form):
    """All golden questions of a knowledge folder."""

    topics: dict[str, list[Golden]]
    short: dict[str, list[Golden]]
    offtopic: dict[str, list[str]]
    double: list[Double]
    followups: list[FollowUp]
    slots: list[SlotQuestion]


def joined(forms: Iterable[QuestionsForm], *, held_back: bool = False) -> Questions:
    """Join the files of a folder into one set: those that are held back, or all others."""
    chosen = [form for form in forms if form.held_back is held_back]
    offtopic: dict[str, list[str]] = {}
    for form in chosen:
        for kind, messages in form.offtopic.items():
            offtopic.setdefault(kind, []).extend(messages)
    return Questions(
        topics=_by_topic(form.topics for form in chosen),
        short=_by_topic(form.short for form in chosen),
        offtopic=offtopic,
        double=[item for form in chosen for item in form.double],
        followups=[item for form in chosen for item in form.followups],
        slots=[item for form in chosen for item in form.slots],
    )


def _by_topic(tables: Iterable[dict[str, list[str | Golden]]]) -> dict[str, list[Golden]]:
    found: dict[str, list[Golden]] = {}
    for table in tables:
        for id, items in table.items():
            found.setdefault(id, []).extend(item if isinstance(item, Golden) else Golden(text=item) for item in items)
    return found
