"""Fit a topic to a person's device and place, and lay it out as a reply."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from bot.dialogue.model import Button, Key, Kind, LinkButton, Part, Reply, Section
from bot.dialogue.state import Action, State, check_of
from bot.knowledge.markup import Block, Items, Line, Paragraph, Span, Style, blocks, spans
from bot.knowledge.model import Device, Fit, Knowledge, PlaceId, SourceForm, Topic, TopicId
from bot.matching.model import Band, Ranked

SOURCES_SHOWN = 3
"""Sources named below an answer; the rest is one press away."""

EASY = 1
"""The mark of a state that asks for the plain-language text."""

_SHORT = 700

Row = tuple[Key, ...]


def spelled(day: datetime.date) -> str:
    """Write a day as people do: 23 November 2026."""
    return f"{day.day} {day:%B} {day.year}"


def named(name: str) -> str:
    """Return a place's name as it stands alone: without "the", capitalised."""
    bare = name.removeprefix("the ")
    return bare[:1].upper() + bare[1:]


def answer(
    knowledge: Knowledge,
    state: State,
    today: datetime.date,
    *,
    ranked: Sequence[Ranked] = (),
    offered: Sequence[str] = (),
) -> Reply:
    """Return the reply that answers with the topic of `state`, fitted to its device and place.

    `ranked` and `offered` are what the matcher said, where a question led here. Raises KeyError for a
    topic that is not known.
    """
    topic = knowledge.topics[TopicId(state.topic)]
    texts = knowledge.texts
    fit = topic.fit(knowledge.chain(PlaceId(state.place) if state.place else None))
    easy = bool(state.marks & EASY) and fit.easy is not None
    device, steps = steps_for(fit, state.device)
    sections: list[Section] = []
    if fitted := _fitted(knowledge, fit, state):
        sections.append(
            Section(Part.NOTE, (Paragraph((Span(texts.headings.fitted.format(to=fitted), Style.ITALIC),)),))
        )
    sections.append(Section(Part.ANSWER, blocks(fit.easy if easy and fit.easy else fit.answer)))
    if steps:
        name = knowledge.devices.devices[device].name if device else ""
        heading = texts.headings.steps_on.format(device=name) if device else texts.headings.steps
        sections.append(Section(Part.STEPS, (Items(tuple(spans(step) for step in steps), start=1),), heading))
    elif fit.steps:
        sections.append(Section(Part.NOTE, (Paragraph(spans(texts.headings.which_device)),)))
    if fit.limits:
        sections.append(Section(Part.LIMITS, blocks(fit.limits), texts.headings.limits))
    if fit.more and not easy:
        sections.append(Section(Part.MORE, blocks(fit.more), texts.headings.more))
    sources = knowledge.sources_of(topic)
    sections.append(Section(Part.SOURCES, _sources(knowledge, sources), texts.headings.sources))
    if offered:
        sections.append(Section(Part.NOTE, (Paragraph(spans(texts.headings.near)),)))
    now = State(Action.SHOW, topic.id, state.device, state.place, state.step, state.marks, _check(fit))
    return Reply(
        kind=Kind.ANSWER,
        title=topic.title,
        sections=tuple(sections),
        rows=_rows(knowledge, topic, fit, now, sources, offered),
        footer=_checked(knowledge, topic, today),
        state=now,
        share=State(Action.SHARE, topic.id, state.device, state.place, 0, state.marks, now.check).encode(),
        band=Band.NEAR if offered else Band.SURE,
        topics=tuple(ranked) or (Ranked(topic.id, 1.0),),
        offered=tuple(offered),
        device=state.device,
        place=state.place,
    )


def several(knowledge: Knowledge, state: State, today: datetime.date, ranked: Sequence[Ranked]) -> Reply:
    """Return one reply with the short answers of several topics, each with a button to the whole.

    `state` gives device and place. The date shown is that of the topic that was checked longest ago.
    """
    texts = knowledge.texts
    topics = [knowledge.topics[TopicId(item.topic)] for item in ranked]
    chain = knowledge.chain(PlaceId(state.place) if state.place else None)
    sections = [Section(Part.NOTE, blocks(texts.several.text))]
    sections += [Section(Part.ANSWER, _shortened(topic.fit(chain).answer), topic.title) for topic in topics]
    oldest = min(topics, key=lambda topic: topic.form.reviewed)
    return Reply(
        kind=Kind.ANSWER,
        title=texts.several.title,
        sections=tuple(sections),
        rows=(tuple(to_topic(knowledge, topic.id, state) for topic in topics), menu_row(knowledge)),
        footer=_checked(knowledge, oldest, today),
        band=Band.SURE,
        topics=tuple(ranked),
        device=state.device,
        place=state.place,
    )


def all_sources(knowledge: Knowledge, state: State, today: datetime.date) -> Reply:
    """Return the reply that lists every source of a topic. Raises KeyError for an unknown topic."""
    topic = knowledge.topics[TopicId(state.topic)]
    sources = knowledge.sources_of(topic)
    listed = Items(tuple(source_line(knowledge, source) for source in sources))
    now = State(
        Action.SOURCES,
        topic.id,
        state.device,
        state.place,
        state.step,
        state.marks,
        check_of(source.id for source in sources),
    )
    back = State(Action.SHOW, topic.id, state.device, state.place, 0, state.marks)
    return Reply(
        kind=Kind.SCREEN,
        title=topic.title,
        sections=(Section(Part.SOURCES, (listed,), knowledge.texts.headings.sources),),
        rows=((Button(knowledge.texts.buttons.full_answer, back.encode()),),),
        footer=_checked(knowledge, topic, today),
        state=now,
        device=state.device,
        place=state.place,
    )


def source_line(knowledge: Knowledge, source: SourceForm) -> Line:
    """Return a source as people see it: who says it, under which title, when, and whether it is a copy."""
    remarks = [source.date] if source.date else []
    if source.copied:
        remarks.append(knowledge.texts.copy_of_source)
    after = (Span(f" ({', '.join(remarks)})"),) if remarks else ()
    return (Span(f"{source.publisher}: "), Span(source.title, url=source.url), *after)


def to_topic(knowledge: Knowledge, id: str, state: State | None = None) -> Button:
    """Return a button to a topic that keeps the device and place of `state`."""
    device, place = (state.device, state.place) if state else (None, None)
    return Button(knowledge.topics[TopicId(id)].label, State(Action.SHOW, id, device, place).encode())


def to_letters(knowledge: Knowledge, device: Device | None, place: str | None) -> Button | None:
    """Return a button to the letters for a place, or to the question where the person lives; None where there are none."""
    listed = {id for letter in knowledge.letters.values() if letter.form.listed for id in letter.form.places}
    if place and not knowledge.letters_in(PlaceId(place)):
        # Whoever named a country may live in the part of it that has letters, and is asked for it.
        listed = {id for id in listed if id.startswith(f"{place}-")}
        place = None
    if not listed:
        return None
    return Button(knowledge.texts.guide.letter, State(Action.LETTER, "", device, place).encode())


def body(text: str) -> tuple[Section, ...]:
    """Return the one section of a screen that says only `text`, in small Markdown."""
    return (Section(Part.ANSWER, blocks(text)),)


def changed_note(knowledge: Knowledge) -> Section:
    """Return the note that something changed since a button was made, so that it starts again."""
    return Section(Part.NOTE, (Paragraph((Span(knowledge.texts.changed, Style.ITALIC),)),))


def menu_row(knowledge: Knowledge) -> Row:
    """Return the row that leads to the menu."""
    return (Button(knowledge.texts.buttons.menu, State(Action.MENU).encode()),)


def steps_for(fit: Fit, device: Device | None) -> tuple[Device | None, tuple[str, ...]]:
    """Return the steps to show and whose they are: none where the person has to say which device first."""
    if device and device in fit.steps:
        return device, fit.steps[device]
    if len(fit.steps) == 1:
        return next(iter(fit.steps.items()))
    if len(set(fit.steps.values())) == 1:
        return None, next(iter(fit.steps.values()))
    return None, ()


def _fitted(knowledge: Knowledge, fit: Fit, state: State) -> str:
    to = [knowledge.devices.devices[state.device].name] if state.device and fit.steps else []
    if state.place and state.place in knowledge.places:
        to.append(named(knowledge.places[PlaceId(state.place)].name))
    return ", ".join(to)


def _check(fit: Fit) -> str:
    steps = [f"{device}:{step}" for device, steps in fit.steps.items() for step in steps]
    return check_of([fit.answer, fit.easy or "", fit.more or "", fit.limits or "", *steps])


def _sources(knowledge: Knowledge, sources: Sequence[SourceForm]) -> tuple[Block, ...]:
    shown = [source_line(knowledge, source) for source in sources[:SOURCES_SHOWN]]
    if len(sources) > SOURCES_SHOWN:
        shown.append(spans(knowledge.texts.all_sources.format(count=len(sources) - SOURCES_SHOWN)))
    return (Items(tuple(shown)),)


def _checked(knowledge: Knowledge, topic: Topic, today: datetime.date) -> str:
    text = knowledge.texts.checked.format(date=spelled(topic.form.reviewed))
    return f"{text}. {knowledge.texts.due}" if today > topic.form.due else text


def _rows(
    knowledge: Knowledge, topic: Topic, fit: Fit, state: State, sources: Sequence[SourceForm], offered: Iterable[str]
) -> tuple[Row, ...]:
    buttons = knowledge.texts.buttons
    shown, _ = steps_for(fit, state.device)
    rows: list[Row] = [tuple(LinkButton(link.label, link.url) for link in fit.links)]
    if fit.steps:
        to_guide = State(Action.GUIDE, topic.id, state.device, state.place)
        rows.append((Button(knowledge.texts.guide.start, to_guide.encode()),))
    if len(set(fit.steps.values())) > 1:
        rows.append(
            tuple(
                Button(
                    knowledge.devices.devices[device].short,
                    State(Action.SHOW, topic.id, device, state.place, 0, state.marks).encode(),
                )
                for device in fit.steps
                if device != shown
            )
        )
    rows.append(tuple(to_topic(knowledge, id, state) for id in offered))
    tools: list[Button] = []
    if topic.form.places:
        tools.append(
            Button(
                buttons.other_place if state.place else buttons.place,
                State(Action.PLACE, topic.id, state.device, state.place, 0, state.marks).encode(),
            )
        )
    if fit.easy:
        label = buttons.standard if state.marks & EASY else buttons.easy
        tools.append(
            Button(label, State(Action.SHOW, topic.id, state.device, state.place, 0, state.marks ^ EASY).encode())
        )
    if len(sources) > SOURCES_SHOWN:
        tools.append(
            Button(buttons.sources, State(Action.SOURCES, topic.id, state.device, state.place, 0, state.marks).encode())
        )
    if topic.form.letter and (to_letter := to_letters(knowledge, state.device, state.place)):
        tools.append(to_letter)
    rows.append(tuple(tools))
    rows.append(tuple(to_topic(knowledge, id, state) for id in topic.form.related if id not in set(offered)))
    rows.append(menu_row(knowledge))
    return tuple(row for row in rows if row)


def _shortened(text: str) -> tuple[Block, ...]:
    """Return a text's paragraphs as far as they stay short; the rest is one press away."""
    kept: list[Block] = []
    room = _SHORT
    for block in blocks(text):
        lines = (block.line,) if isinstance(block, Paragraph) else block.lines
        length = sum(len(span.text) for line in lines for span in line)
        if kept and length > room:
            break
        kept.append(block)
        room -= length
    return tuple(kept)
