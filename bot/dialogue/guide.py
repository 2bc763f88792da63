"""Lead through the steps of a topic, one a screen, with a way on wherever something is not there."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from bot.dialogue.answer import Row, body, changed_note, menu_row, named, steps_for, to_letters, to_topic
from bot.dialogue.glance import MOST_WORDS, words_in, words_on
from bot.dialogue.model import Button, Kind, LinkButton, Part, Reply, Section
from bot.dialogue.state import Action, State, check_of
from bot.knowledge.checkup import ControlForm
from bot.knowledge.markup import Paragraph, blocks, spans
from bot.knowledge.model import Device, Fit, Knowledge, PlaceId, Topic, TopicId
from bot.knowledge.texts import Help, Missing

_OFFERED = 2
"""Controls that the last screen names; the check-up has them all."""

_FULL_STOP = re.compile(r"(?<=[.!?])\s+")


class Branch(IntEnum):
    """What a guide shows in place of a step; part of the buttons that people hold, so never renumbered."""

    STEP = 0
    MISSING = 1
    LANGUAGE = 2
    APP = 3
    COMPANY = 4
    PLACE = 5
    MOVED = 6
    FAILS = 7
    DEVICE = 8
    WHERE = 9


_TOPICS: Mapping[Branch, tuple[str, ...]] = {
    Branch.LANGUAGE: ("ui-other-languages",),
    Branch.APP: ("setting-not-visible",),
    Branch.COMPANY: ("employees-policy",),
    Branch.PLACE: ("which-countries",),
    Branch.MOVED: ("setting-not-visible",),
    Branch.FAILS: ("setting-not-visible", "contact-linkedin"),
}
"""What helps further in each case; shown as far as the knowledge has it."""

_FORM = TopicId("objection-form")
"""The way that works where the switch does not (F-OPT-23)."""

_HELP = TopicId("contact-linkedin")


@dataclass(frozen=True, slots=True)
class Home:
    """Where a guide was opened from: the way back there, and the button that says it is done."""

    back: Button
    done: Button


def show(knowledge: Knowledge, state: State, today: datetime.date) -> Reply | None:
    """Return the screen of Action.GUIDE, None where its topic is gone or has no steps (any more).

    Without a topic it is the one with the way out: that of the first control of the check-up.
    """
    state = replace(state, place=state.place if state.place in knowledge.places else None)
    topic = knowledge.topics.get(TopicId(state.topic)) if state.topic else _way_out(knowledge, state.place)
    if not topic or not steps_of(knowledge, topic, state.place):
        return None
    asked = bool(state.topic)
    back = _to_answer(knowledge, state) if asked else ()
    return lead(knowledge, topic, replace(state, topic=topic.id), today, back=back)


def lead(
    knowledge: Knowledge,
    topic: Topic,
    state: State,
    today: datetime.date,
    *,
    home: Home | None = None,
    back: Row = (),
    ids: Sequence[str] = (),
) -> Reply:
    """Return the screen of a guide through the steps of `topic`.

    `state` tells device, place, step and branch, and every button is made from it; `home` is the check-up that the
    guide was opened from, `back` the row before the first step, and `ids` what else the state's check stands for.
    The topic has steps in the place of the state. Past its review the first step says that it is due for a check.
    """
    fit = topic.fit(knowledge.chain(PlaceId(state.place) if state.place else None))
    device, steps = steps_for(fit, state.device)
    branch = state.branch
    if not steps or branch == Branch.DEVICE:
        reply = _devices(knowledge, fit, state, back)
    else:
        check = steps_check(fit, ids)
        changed = state.check not in {"", check} and bool(state.step or branch or home)
        if changed:
            state, branch = replace(state, step=0, branch=Branch.STEP), Branch.STEP
        state = replace(state, check=check)
        way = _Way(knowledge, topic, fit, device, steps, state, home, back)
        reply = way.screen(branch)
        if today > topic.form.due and not state.step:
            reply = replace(reply, footer=knowledge.texts.due)
        if changed:
            reply = reply.with_note(changed_note(knowledge))
    rows = (*reply.rows, (home.back,)) if home and home.back not in sum(reply.rows, ()) else reply.rows
    return replace(
        reply,
        rows=(*(row for row in rows if row), menu_row(knowledge)),
        private=True,
        device=state.device,
        place=state.place,
    )


def steps_of(knowledge: Knowledge, topic: Topic, place: str | None) -> Mapping[Device, tuple[str, ...]]:
    """Return the steps of a topic in a place by device, none where it has none."""
    return topic.fit(knowledge.chain(PlaceId(place) if place else None)).steps


def steps_check(fit: Fit, ids: Sequence[str] = ()) -> str:
    """Return two characters that change when any step does, or what `ids` stand for."""
    return check_of([*ids, *(f"{device}:{step}" for device, steps in fit.steps.items() for step in steps)])


def controls_of(knowledge: Knowledge, place: str | None) -> tuple[ControlForm, ...]:
    """Return the controls of the check-up that matter in a place, in order of effect."""
    chain = knowledge.chain(PlaceId(place) if place else None)
    return tuple(
        control
        for control in knowledge.checkup
        if TopicId(control.topic) in knowledge.topics and control.matters(chain)
    )


def _way_out(knowledge: Knowledge, place: str | None) -> Topic | None:
    topics = (knowledge.topics[TopicId(control.topic)] for control in controls_of(knowledge, place))
    return next((topic for topic in topics if steps_of(knowledge, topic, place)), None)


def _to_answer(knowledge: Knowledge, state: State) -> Row:
    code = State(Action.SHOW, state.topic, state.device, state.place).encode()
    return (Button(knowledge.texts.buttons.full_answer, code),)


def _devices(knowledge: Knowledge, fit: Fit, state: State, back: Row) -> Reply:
    """Return the question on which device; `state` may name one for which there are no steps."""
    texts = knowledge.texts.guide
    head = texts.other_device if state.device and state.device not in fit.steps else texts.device
    start = replace(state, step=0, branch=Branch.STEP)
    buttons = tuple(
        Button(knowledge.devices.devices[device].name, replace(start, device=device).encode()) for device in fit.steps
    )
    return Reply(Kind.MENU, head.title, (Section(Part.ANSWER, blocks(head.text)),), (buttons, back))


@dataclass(frozen=True, slots=True)
class _Way:
    """The steps of one topic for one person; `state` is the present screen's, with its check."""

    knowledge: Knowledge
    topic: Topic
    fit: Fit
    device: Device | None
    steps: tuple[str, ...]
    state: State
    home: Home | None
    back: Row

    def screen(self, branch: int) -> Reply:
        if branch == Branch.MISSING and not self._of_the_switch():
            return self._missing(Branch.MISSING, self.knowledge.texts.guide.other)
        if branch == Branch.MISSING:
            return self._choice()
        if branch == Branch.WHERE:
            return self._where()
        told = self._told().get(Branch(branch)) if branch in set(Branch) else None
        return self._missing(Branch(branch), told) if told else self._step()

    def _at(self, step: int, branch: Branch = Branch.STEP) -> str:
        return replace(self.state, step=step, branch=branch).encode()

    def _told(self) -> dict[Branch, Missing]:
        texts = self.knowledge.texts.guide
        told = {Branch.LANGUAGE: texts.language, Branch.COMPANY: texts.company, Branch.PLACE: texts.place}
        told |= {Branch.MOVED: texts.moved, Branch.FAILS: texts.fails}
        return told | ({Branch.APP: texts.app} if self.device in {None, Device.IOS, Device.ANDROID} else {})

    def _of_the_switch(self) -> bool:
        """Tell whether the steps lead to the switch for AI training: the topics beside the way out do."""
        way_out = _way_out(self.knowledge, self.state.place)
        return way_out is not None and way_out.group == self.topic.group

    def _links(self) -> Row:
        return tuple(LinkButton(link.label, link.url) for link in self.fit.links)

    def _step(self) -> Reply:
        """Return the step of the state; the last one with what comes after it, where both fit one screen."""
        texts = self.knowledge.texts
        last = len(self.steps) - 1
        together = self._one_step(last, self._limits())
        joined = words_on(together) <= MOST_WORDS
        step = min(self.state.step, last if joined else last + 1)
        if step > last:
            back = (Button(texts.buttons.back, self._at(last)),)
            reply = Reply(Kind.SCREEN, self.topic.title, self._limits())
            return replace(reply, rows=(back, *self._offers()))
        reply = together if joined and step == last else self._one_step(step)
        turn: list[Button] = [Button(texts.buttons.back, self._at(step - 1))] if step else [*_buttons(self.back)]
        if step < last or not joined:
            turn.append(Button(texts.guide.next if step < last else texts.guide.did_it, self._at(step + 1)))
        tools = [Button(texts.guide.missing, self._at(step, Branch.MISSING))]
        if self._place_matters():
            tools.append(Button(texts.buttons.place, self._at(step, Branch.WHERE)))
        rows: list[Row] = [self._links(), tuple(turn), tuple(tools)]
        if step == last and joined:
            rows += self._offers()
        return replace(reply, rows=tuple(row for row in rows if row))

    def _one_step(self, step: int, after: tuple[Section, ...] = ()) -> Reply:
        heading = self.knowledge.texts.guide.step.format(step=step + 1, steps=len(self.steps))
        section = Section(Part.STEPS, (Paragraph(spans(self.steps[step])),), heading)
        return Reply(Kind.SCREEN, self.topic.title, (section, *after))

    def _limits(self) -> tuple[Section, ...]:
        """Return what the steps do not do: for the switch in short, else the limits as far as they fit a screen."""
        texts = self.knowledge.texts
        heading = texts.headings.limits
        if self._of_the_switch():
            return (Section(Part.LIMITS, blocks(texts.guide.limits.text), heading),)
        room = MOST_WORDS - words_in(self.topic.title) - words_in(heading)
        kept: list[str] = []
        for sentence in _FULL_STOP.split(self.fit.limits or ""):
            room -= words_in(sentence)
            if room < 0:
                break
            kept.append(sentence)
        return (Section(Part.LIMITS, blocks(" ".join(kept)), heading),) if any(kept) else ()

    def _offers(self) -> Iterator[Row]:
        """Yield the rows of the last screen: back to the check-up, or the next controls, and the whole answer."""
        texts, state = self.knowledge.texts.guide, self.state
        if self.home:
            yield (self.home.done, self.home.back)
            return
        yield (*letter_keys(self.knowledge, state.device, state.place), *self._next_controls())
        checkup = Button(texts.checkup, State(Action.CHECKUP, "", state.device, state.place).encode())
        yield (checkup, *_buttons(_to_answer(self.knowledge, state)))

    def _next_controls(self) -> Iterator[Button]:
        controls = controls_of(self.knowledge, self.state.place)
        here = next((index for index, control in enumerate(controls) if control.topic == self.topic.id), None)
        # The topics beside the way out lead to the same switch, which is the first control.
        start = here + 1 if here is not None else int(self._of_the_switch())
        offered: dict[str, Button] = {}
        for control in controls[start:]:
            topic = self.knowledge.topics[TopicId(control.topic)]
            if topic.id != self.topic.id and steps_of(self.knowledge, topic, self.state.place):
                to = State(Action.GUIDE, topic.id, self.state.device, self.state.place)
                offered.setdefault(topic.id, Button(control.title, to.encode()))
        yield from list(offered.values())[:_OFFERED]

    def _choice(self) -> Reply:
        """Return the question what is not there."""
        texts = self.knowledge.texts.guide
        step = self.state.step
        buttons = [Button(told.label, self._at(step, branch)) for branch, told in self._told().items()]
        rows = (tuple(buttons), self._elsewhere(), self._to_step())
        return Reply(Kind.MENU, texts.choice.title, body(texts.choice.text), rows)

    def _missing(self, branch: Branch, told: Help) -> Reply:
        """Return what helps where something is not there; it always ends in something that works."""
        knowledge, state = self.knowledge, self.state
        ids = [id for id in _TOPICS.get(branch, (_HELP,)) if id in knowledge.topics and id != self.topic.id]
        ways: list[Button] = []
        form = knowledge.topics.get(_FORM)
        if branch is not Branch.MISSING and form and not self.home and form is not self.topic:
            to = State(Action.GUIDE, _FORM, state.device, state.place)
            ways.append(Button(form.label, to.encode()))
        ways += [to_topic(knowledge, id, state) for id in ids]
        rows: list[Row] = [self._links(), tuple(ways), self._elsewhere(), self._to_step()]
        return Reply(Kind.SCREEN, told.title, body(told.text), tuple(row for row in rows if row))

    def _elsewhere(self) -> Row:
        """Return the button to the same steps on another device, where there is one."""
        if len(set(self.fit.steps.values())) < 2:
            return ()
        return (Button(self.knowledge.texts.guide.another_device, self._at(self.state.step, Branch.DEVICE)),)

    def _to_step(self) -> Row:
        return (Button(self.knowledge.texts.guide.to_step, self._at(self.state.step)),)

    def _place_matters(self) -> bool:
        # In the check-up the place is known, or it was said to be none of those that matter.
        return not self.home and not self.state.place and bool(self._places())

    def _places(self) -> list[str]:
        fitted = self.topic.form.places
        return [id for id, form in fitted.items() if (form.steps or form.links) and id in self.knowledge.places]

    def _where(self) -> Reply:
        """Return the choice of places in which the steps are others."""
        knowledge, texts = self.knowledge, self.knowledge.texts
        start = replace(self.state, step=0, branch=Branch.STEP, check="")
        buttons = [
            Button(named(knowledge.places[PlaceId(id)].name), replace(start, place=id).encode())
            for id in self._places()
        ]
        elsewhere = (Button(texts.buttons.place_elsewhere, self._at(self.state.step)),)
        head = texts.guide.where
        return Reply(Kind.MENU, head.title, body(head.text), ((*buttons, *elsewhere),))


def letter_keys(knowledge: Knowledge, device: Device | None, place: str | None) -> Iterator[Button]:
    """Yield the button to the letter in the person's own words, as far as the place is known and has one."""
    found = knowledge.letters_in(PlaceId(place)) if place else ()
    own = next((letter for letter in found if letter.form.grounds), None)
    if own:
        yield Button(own.form.label, State(Action.LETTER, own.id, device, place).encode())
    elif every := to_letters(knowledge, device, place):
        yield every


def _buttons(row: Row) -> Iterator[Button]:
    yield from (key for key in row if isinstance(key, Button))
