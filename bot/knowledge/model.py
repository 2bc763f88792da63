"""Name the parts of the knowledge and the form that each must have."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, NewType

from pydantic import AfterValidator, Field, StringConstraints

from bot.knowledge.checkup import ControlForm
from bot.knowledge.form import (
    DEFAULT_REVIEW_EVERY,
    FACT_PATTERN,
    ID_PATTERN,
    MAX_TOPIC_ID,
    Day,
    Form,
    Link,
    PartialDate,
    Slug,
    Text,
    Title,
    Url,
    one_line,
)
from bot.knowledge.letters import Letter
from bot.knowledge.texts import Texts

TopicId = NewType("TopicId", str)
FactId = NewType("FactId", str)
PlaceId = NewType("PlaceId", str)


class Device(StrEnum):
    """Where a person uses LinkedIn."""

    IOS = "ios"
    ANDROID = "android"
    MOBILE_WEB = "mobile-web"
    DESKTOP = "desktop"


class Fitted(Form):
    """The parts of a topic that can differ from place to place."""

    answer: Text | None = Field(None, description="Two or three plain sentences that stand alone.")
    easy: Text | None = Field(None, description="The same in very plain language.")
    more: Text | None = Field(None, description="Further detail in small Markdown: bold, italics, lists, links.")
    limits: Text | None = Field(None, description="What doing this does not do. Obligatory where there are steps.")
    steps: dict[str, Annotated[list[Text], Field(min_length=1, max_length=15)]] | None = Field(
        None, description="The way out by device: desktop, ios, android, mobile-web."
    )
    links: Annotated[list[Link], Field(max_length=5)] | None = Field(
        None, description="Pages to open, official ones first."
    )


ELSEWHERE = "elsewhere"
"""Stands among the places that a topic covers for all that no topic covers."""


class TopicForm(Fitted):
    """A topic as its file holds it."""

    title: Title = Field(description="As people would recognise it.")
    label: Annotated[str, StringConstraints(max_length=34), AfterValidator(one_line)] | None = Field(
        None, description="A shorter title for buttons."
    )
    answer: Text = Field(description="Two or three plain sentences that stand alone.")
    places: dict[str, Fitted] = Field({}, description="What differs by place: whole keys, steps device by device.")
    covers: list[str] = Field(
        [],
        description="Places that this topic is all about, or elsewhere: all that no other topic covers. Whoever names "
        "another place gets the topic that covers it.",
    )
    apart: bool = Field(
        False,
        description='Whether it is about something else than LinkedIn\'s AI setting, so that "how do i stop it" after it '
        "means that.",
    )
    letter: bool = Field(False, description="Whether a letter helps, so that the answer leads to those for the place.")
    related: list[str] = Field([], max_length=8, description="Ids of topics that people ask about next.")
    facts: Annotated[list[str], Field(min_length=1)] = Field(description="Ids of the facts that this topic rests on.")
    reviewed: Day = Field(description="The day on which the topic was last compared with its sources.")
    review_every: Annotated[int, Field(ge=1, le=1000)] = Field(
        DEFAULT_REVIEW_EVERY, description="Days until the next check."
    )
    asks: Annotated[list[Text], Field(min_length=1)] = Field(
        description="Phrasings under which people look for this topic."
    )

    @property
    def due(self) -> datetime.date:
        """Return the last day on which the topic counts as checked."""
        return self.reviewed + datetime.timedelta(days=self.review_every)


class GroupForm(Form):
    """A group of the menu; its id is the folder of its topics."""

    id: Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=MAX_TOPIC_ID)]
    title: Annotated[str, StringConstraints(max_length=34), AfterValidator(one_line)]


class GroupsForm(Form):
    """groups.yaml: the groups in the order of the menu."""

    groups: Annotated[list[GroupForm], Field(min_length=1, max_length=25)]


class FactStatus(StrEnum):
    """How firmly a fact is known."""

    SURE = "sure"
    CONTESTED = "contested"
    NOT_FOUND = "not-found"


class FactForm(Form):
    """One claim, with where it is from and when it was last compared."""

    id: Annotated[str, StringConstraints(pattern=FACT_PATTERN)]
    statement: Text
    status: Annotated[FactStatus, Field(strict=False)]
    confidence: Text | None = None
    held: Text | None = None
    where: Text | None = None
    sources: Annotated[list[str], Field(min_length=1)]
    checked: Day
    unused: Text | None = Field(None, description="Why no topic rests on this fact.")


class FactsForm(Form):
    """facts.yaml."""

    facts: list[FactForm]


class SourceKind(StrEnum):
    """Who speaks in a source; official ones are shown before press."""

    OFFICIAL = "official"
    REGULATOR = "regulator"
    COURT = "court"
    LAW = "law"
    ARCHIVE = "archive"
    ORGANISATION = "organisation"
    PRESS = "press"
    OTHER = "other"


class SourceForm(Form):
    """A document that facts rest on."""

    id: Slug
    publisher: Text
    title: Text
    date: PartialDate | None = None
    url: Url | None = None
    kind: Annotated[SourceKind, Field(strict=False)]
    copied: bool = Field(False, alias="copy", description="A mirror or copy, named only where nothing better is known.")


class SourcesForm(Form):
    """sources.yaml."""

    sources: list[SourceForm]


class Regulator(Form):
    """The authority that takes complaints in a place."""

    name: Text
    url: Url | None = None
    addressed: Text | None = Field(None, description="How a letter names it, where that is not its name.")


class PlaceForm(Form):
    """A place, the wider places whose rules apply there, and people's words for it."""

    name: Text
    wider: list[str] = Field([], alias="in", description="Wider places whose rules apply, narrowest first.")
    people: list[Text] = []
    cities: list[Text] = []
    also: list[Text] = []
    codes: list[Text] = Field([], description="Short forms that name the place only in capitals, such as US.")
    careful: list[Text] = Field([], description="Words that name the place only beside others that say so.")
    regulator: Regulator | None = None
    controller: Text | None = Field(None, description="The company that answers for people's data there.")


class PlacesForm(Form):
    """places.yaml."""

    controller: Text | None = Field(None, description="The company that answers for people's data everywhere else.")
    places: dict[str, PlaceForm]
    traps: list[Text] = []


class DeviceForm(Form):
    """A device, and people's words for it."""

    name: Text
    short: Text
    words: list[Text]


class DevicesForm(Form):
    """devices.yaml."""

    devices: dict[str, DeviceForm]
    browsers: list[Text] = []
    phones: list[Text] = []
    makers: list[Text] = Field([], description="Makers of devices that people also work for.")
    trades: list[Text] = Field([], description="Words after which a device's name is a trade (android developer).")
    traps: list[Text] = []


class OfftopicForm(Form):
    """offtopic/<kind>.yaml: messages that no topic answers."""

    kind: Slug
    messages: list[Text]


def chain_of(places: Mapping[Any, PlaceForm], place: str | None) -> tuple[str, ...]:
    """Return a place and the wider places whose rules apply there, most specific first; unknown ones are left out."""
    found: list[str] = []
    queue = [place] if place else []
    while queue:
        here = queue.pop(0)
        if here in places and here not in found:
            found.append(here)
            queue += places[here].wider
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Fit:
    """A topic's texts as they hold for one place."""

    answer: str
    easy: str | None
    more: str | None
    limits: str | None
    steps: Mapping[Device, tuple[str, ...]]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Topic:
    """One entry of the knowledge."""

    id: TopicId
    group: str
    form: TopicForm

    @property
    def title(self) -> str:
        """Return the title."""
        return self.form.title

    @property
    def label(self) -> str:
        """Return what a button to this topic says."""
        return self.form.label or self.form.title

    @cached_property
    def default(self) -> Fit:
        """Return the texts that hold where no place is known."""
        return self.fit(())

    def fit(self, places: tuple[PlaceId, ...]) -> Fit:
        """Return the texts for a chain of places, most specific first (`us-ca`, `us`)."""
        layers: list[Fitted] = [self.form.places[place] for place in places if place in self.form.places]
        layers.append(self.form)

        def first(key: str) -> Any:
            return next((value for layer in layers if (value := getattr(layer, key)) is not None), None)

        steps: dict[Device, tuple[str, ...]] = {}
        for device in Device:
            found = next((layer.steps[device] for layer in layers if layer.steps and device in layer.steps), None)
            if found:
                steps[device] = tuple(found)
        answer_layer = next(layer for layer in layers if layer.answer is not None)
        # A plain-language text belongs to the answer it retells; an overridden answer silences the general one.
        easy = answer_layer.easy
        return Fit(first("answer"), easy, first("more"), first("limits"), steps, tuple(first("links") or ()))


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the menu with its topics in order."""

    id: str
    title: str
    topics: tuple[TopicId, ...]


@dataclass(frozen=True)
class Knowledge:
    """Everything that the bot knows; never changed, only replaced whole."""

    version: str
    groups: tuple[Group, ...]
    topics: Mapping[TopicId, Topic]
    facts: Mapping[FactId, FactForm]
    sources: Mapping[str, SourceForm]
    places: Mapping[PlaceId, PlaceForm]
    place_traps: tuple[str, ...]
    devices: DevicesForm
    texts: Texts
    checkup: tuple[ControlForm, ...]
    letters: Mapping[str, Letter]
    offtopic: Mapping[str, tuple[str, ...]]
    controller: str | None = None
    """The company that answers for people's data where a place names no other."""

    def chain(self, place: PlaceId | None) -> tuple[PlaceId, ...]:
        """Return a place and the wider places whose rules apply there, most specific first."""
        return tuple(map(PlaceId, chain_of(self.places, place)))

    def settled(self, place: PlaceId) -> PlaceId:
        """Return the place, or its country for a subdivision in which nothing differs.

        A subdivision matters where a topic says something else for it or an authority of its own takes complaints.
        """
        if place in self._subdivisions or "-" not in place or place not in self.places:
            return place
        return PlaceId(self.places[place].wider[0]) if self.places[place].wider else place

    @cached_property
    def _subdivisions(self) -> frozenset[PlaceId]:
        named = {PlaceId(place) for topic in self.topics.values() for place in topic.form.places}
        named |= {PlaceId(place) for letter in self.letters.values() for place in letter.form.places}
        named |= {PlaceId(place) for control in self.checkup for place in (*control.places, *control.not_in)}
        return frozenset(named | {id for id, place in self.places.items() if place.regulator})

    def covering(self, place: PlaceId) -> TopicId | None:
        """Return the topic that is all about a place, None where none is."""
        around = (*self.chain(place), ELSEWHERE)
        return next((self._covering[id] for id in around if id in self._covering), None)

    @cached_property
    def _covering(self) -> Mapping[str, TopicId]:
        return {place: topic.id for topic in self.topics.values() for place in topic.form.covers}

    def letters_in(self, place: PlaceId) -> tuple[Letter, ...]:
        """Return the letters that the list shows for a place, in their order."""
        around = set(self.chain(place))
        found = [letter for letter in self.letters.values() if letter.form.listed and around & set(letter.form.places)]
        return tuple(sorted(found, key=lambda letter: (letter.form.order, letter.form.label)))

    def regulator_of(self, place: PlaceId) -> Regulator | None:
        """Return the authority that takes complaints in a place, None where none is known."""
        return next((found for id in self.chain(place) if (found := self.places[id].regulator)), None)

    def controller_of(self, place: PlaceId) -> str | None:
        """Return the company that answers for the data of people in a place, None where none is known."""
        return next((found for id in self.chain(place) if (found := self.places[id].controller)), self.controller)

    def sources_of(self, entry: Topic | Letter) -> tuple[SourceForm, ...]:
        """Return the sources that the facts of a topic or letter rest on: official first, then as the facts name them."""
        ids = dict.fromkeys(source for fact in entry.form.facts for source in self.facts[FactId(fact)].sources)
        order = list(SourceKind)
        return tuple(
            sorted((self.sources[id] for id in ids), key=lambda source: (source.copied, order.index(source.kind)))
        )
