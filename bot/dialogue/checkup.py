"""Go through the controls that matter in a place, one a screen, and hand over what came of it."""

from __future__ import annotations

import datetime
from dataclasses import replace
from enum import IntEnum

from bot.dialogue.answer import Row, answer, changed_note, menu_row, named
from bot.dialogue.checkup_files import checkup_files
from bot.dialogue.guide import Home, controls_of, lead, letter_keys, steps_check, steps_of
from bot.dialogue.model import Button, Kind, Part, Reply, Section
from bot.dialogue.state import Action, State, check_of
from bot.knowledge.checkup import ControlForm
from bot.knowledge.markup import Items, Paragraph, Span, Style, blocks, spans
from bot.knowledge.model import Knowledge, PlaceId, TopicId

REGIONS = ("eea", "gb", "ch", "us", "ca", "hk", "br")
"""Places that the check-up asks for, as far as the knowledge has them: those whose rules differ (F-LAW-01 and on)."""

ELSEWHERE = 1
"""The branch of a check-up without a place: it was asked for, and is none of those that matter."""

_EUROPE = "eea"
_BITS = 2


class Mark(IntEnum):
    """What a person said of a control, two bits of a button's marks."""

    OPEN = 0
    DONE = 1
    NOT_FOR_ME = 2
    LATER = 3


def mark_of(marks: int, index: int) -> Mark:
    """Return what the marks say of the control `index`."""
    return Mark(marks >> _BITS * index & 3)


def with_mark(marks: int, index: int, mark: Mark) -> int:
    """Return the marks with that of the control `index` set; the others stay."""
    return marks & ~(3 << _BITS * index) | mark << _BITS * index


def show(knowledge: Knowledge, state: State, today: datetime.date) -> Reply | None:
    """Return the screen of Action.CHECKUP, None where there is nothing to check.

    `state.step` is the control, counted in the place's own list; the number of controls is the summary, and one more
    the summary with its files. `state.marks` hold two bits a control.
    """
    state = replace(state, topic="", place=state.place if state.place in knowledge.places else None)
    controls = controls_of(knowledge, state.place)
    if not controls:
        return None
    check = check_of(control.id for control in controls)
    changed = state.check not in {"", check}
    if changed:
        state = replace(state, step=0, marks=0)
    state = replace(state, check=check)
    if not state.place and state.branch != ELSEWHERE:
        reply = _where(knowledge, state)
    elif state.step < len(controls):
        reply = _control(knowledge, controls, state)
    elif state.step == len(controls) + 1:
        reply = _kept(knowledge, controls, state, today)
    else:
        reply = _summary(knowledge, controls, state)
    if changed:
        reply = reply.with_note(changed_note(knowledge))
    return replace(reply, private=True, device=state.device, place=state.place)


def show_guide(knowledge: Knowledge, state: State, today: datetime.date) -> Reply | None:
    """Return the screen of Action.CHECKUP_GUIDE, None where its control is gone or not for the place.

    `state.topic` is the control's id, `state.marks` are the check-up's. A control whose topic has no steps shows the
    topic's answer.
    """
    state = replace(state, place=state.place if state.place in knowledge.places else None)
    controls = controls_of(knowledge, state.place)
    index = next((index for index, control in enumerate(controls) if control.id == state.topic), None)
    if index is None:
        return None
    ids = [control.id for control in controls]
    texts = knowledge.texts.checkup
    topic = knowledge.topics[TopicId(controls[index].topic)]
    check = _guide_check(knowledge, controls, controls[index], state.place)
    if state.check not in {"", check}:
        # The list may be another one, in which the marks would stand for other controls.
        state = replace(state, marks=0)
    home = Home(
        Button(texts.back, _at(state, index, state.marks, controls)),
        Button(texts.did_it, _at(state, index + 1, with_mark(state.marks, index, Mark.DONE), controls)),
    )
    if steps_of(knowledge, topic, state.place):
        return lead(knowledge, topic, state, today, home=home, ids=ids)
    shown = answer(knowledge, replace(state, action=Action.SHOW, topic=topic.id, marks=0), today)
    # A page of it turned in the check-up stays in the check-up.
    here = (
        replace(shown.state, action=Action.CHECKUP_GUIDE, topic=state.topic, marks=state.marks) if shown.state else None
    )
    return replace(shown, rows=((home.done, home.back), *shown.rows), state=here, share=None, private=True)


def _at(state: State, step: int, marks: int, controls: tuple[ControlForm, ...]) -> str:
    """Return the code of a screen of the check-up."""
    return State(
        Action.CHECKUP,
        device=state.device,
        place=state.place,
        step=step,
        marks=marks,
        check=check_of(control.id for control in controls),
        branch=0 if state.place else ELSEWHERE,
    ).encode()


def _guide_check(
    knowledge: Knowledge, controls: tuple[ControlForm, ...], control: ControlForm, place: str | None
) -> str:
    fit = knowledge.topics[TopicId(control.topic)].fit(knowledge.chain(PlaceId(place) if place else None))
    return steps_check(fit, [control.id for control in controls])


def _where(knowledge: Knowledge, state: State) -> Reply:
    texts = knowledge.texts

    def to(place: str | None) -> str:
        return State(Action.CHECKUP, "", state.device, place, branch=0 if place else ELSEWHERE).encode()

    buttons = [
        Button(texts.checkup.europe if id == _EUROPE else named(knowledge.places[PlaceId(id)].name), to(id))
        for id in REGIONS
        if id in knowledge.places
    ]
    buttons.append(Button(texts.buttons.place_elsewhere, to(None)))
    head = texts.checkup.where
    sections = (Section(Part.ANSWER, blocks(head.text)),)
    return Reply(Kind.MENU, head.title, sections, (tuple(buttons), menu_row(knowledge)))


def _control(knowledge: Knowledge, controls: tuple[ControlForm, ...], state: State) -> Reply:
    """Return one control: why it matters, and what a person can say of it."""
    texts = knowledge.texts.checkup
    index, control = state.step, controls[state.step]
    done = sum(mark_of(state.marks, place) is Mark.DONE for place in range(len(controls)))
    progress = texts.progress.format(number=index + 1, count=len(controls), done=done)

    def said(mark: Mark) -> str:
        return _at(state, index + 1, with_mark(state.marks, index, mark), controls)

    check = _guide_check(knowledge, controls, control, state.place)
    guide = replace(state, action=Action.CHECKUP_GUIDE, topic=control.id, step=0, branch=0, check=check)
    back = _at(state, index - 1, state.marks, controls) if index else State(Action.CHECKUP, "", state.device).encode()
    label = knowledge.texts.buttons.back if index else texts.another_place
    rows: tuple[Row, ...] = (
        (Button(texts.guide, guide.encode()),),
        (
            Button(texts.done, said(Mark.DONE)),
            Button(texts.not_for_me, said(Mark.NOT_FOR_ME)),
            Button(texts.later, said(Mark.LATER)),
        ),
        (Button(label, back), Button(texts.finish, _at(state, len(controls), state.marks, controls))),
        menu_row(knowledge),
    )
    sections = (
        Section(Part.NOTE, (Paragraph((Span(progress, Style.ITALIC),)),)),
        Section(Part.ANSWER, blocks(control.why)),
    )
    return Reply(Kind.SCREEN, control.title, sections, rows)


def _summary(knowledge: Knowledge, controls: tuple[ControlForm, ...], state: State) -> Reply:
    """Return what is done, and a button to each control that is not."""
    texts = knowledge.texts.checkup
    sections = []
    for mark, heading in ((Mark.DONE, texts.heading_done), (Mark.NOT_FOR_ME, texts.heading_not_for_me)):
        titles = [control.title for index, control in enumerate(controls) if mark_of(state.marks, index) is mark]
        if titles:
            sections.append(Section(Part.ANSWER, (Items(tuple(spans(title) for title in titles)),), heading))
    left = tuple(
        Button(control.title, _at(state, index, state.marks, controls))
        for index, control in enumerate(controls)
        if mark_of(state.marks, index) in {Mark.OPEN, Mark.LATER}
    )
    told = texts.some_left if left else texts.none_left
    sections.append(Section(Part.NOTE, (Paragraph(spans(told)),)))
    keep = Button(texts.keep, _at(state, len(controls) + 1, state.marks, controls))
    back = Button(knowledge.texts.buttons.back, _at(state, len(controls) - 1, state.marks, controls))
    letter = tuple(letter_keys(knowledge, state.device, state.place))
    rows = tuple(row for row in (left, (keep, back), letter, menu_row(knowledge)) if row)
    return Reply(Kind.SCREEN, texts.summary, tuple(sections), rows)


def _kept(knowledge: Knowledge, controls: tuple[ControlForm, ...], state: State, today: datetime.date) -> Reply:
    """Return the check-up as files to keep."""
    texts = knowledge.texts.checkup
    back = Button(texts.to_summary, _at(state, len(controls), state.marks, controls))
    marked = tuple((control, mark_of(state.marks, index).name.lower()) for index, control in enumerate(controls))
    return Reply(
        Kind.SCREEN,
        texts.kept.title,
        (Section(Part.ANSWER, blocks(texts.kept.text)),),
        ((back,), menu_row(knowledge)),
        files=checkup_files(knowledge, marked, state.device, state.place, today),
    )
