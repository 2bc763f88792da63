"""Lead to a letter under a person's rights: where they live, which letter, their own words, and the letter itself."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace

from bot.dialogue.answer import body, named
from bot.dialogue.letter_list import back, choose, usable
from bot.dialogue.model import Button, Kind, Part, Prompt, Reply, Section
from bot.dialogue.state import Action, State
from bot.dialogue.typed import cleaned, length
from bot.dialogue.written import recipient, written
from bot.knowledge.letters import Letter
from bot.knowledge.markup import Items, Paragraph, blocks, spans
from bot.knowledge.model import Knowledge, PlaceId
from bot.knowledge.texts import Screen

MOST_GROUNDS = 1_000
"""UTF-16 units of a person's own words; with a letter and what stands around it they fit one message."""

WRITTEN = 1
"""The branch of Action.LETTER that shows the letter itself, with a gap where the person's words belong."""


def show(knowledge: Knowledge, state: State, today: datetime.date) -> Reply | None:
    """Return the screen of Action.LETTER or Action.WRITE, None where the letter is gone or not for the place.

    `state.topic` is the id of the letter, empty for the list. `state.marks` are the day of the letter that this
    one follows up, as `sent_on` packs it.
    """
    state = replace(state, place=state.place if state.place in knowledge.places else None)
    if not state.topic:
        reply = None if state.action is Action.WRITE else choose(knowledge, state)
    elif not (letter := usable(knowledge, state)) or not state.place:
        reply = None
    elif state.action is Action.WRITE:
        reply = _asking(knowledge, letter, state) if letter.form.grounds else None
    elif state.branch == WRITTEN:
        reply = written(knowledge, letter, state, today, None)
    else:
        reply = _screen(knowledge, letter, state)
    return replace(reply, private=True, device=state.device, place=state.place) if reply else None


def submitted(knowledge: Knowledge, state: State, today: datetime.date, text: str) -> Reply | None:
    """Return the letter with a person's own words in it, or kindly what is wrong with them.

    `state` is that of the prompt (Action.WRITE); None where its letter is gone. The words go into this reply and its
    files, and nowhere else.
    """
    letter = usable(knowledge, state)
    asked = show(knowledge, state, today) if state.action is Action.WRITE else None
    if not letter or not asked:
        return None
    texts = knowledge.texts.letters
    words = cleaned(text)
    if not words:
        return _again(asked, texts.empty)
    if length(words) > MOST_GROUNDS:
        told = texts.too_long.text.format(count=length(words), most=MOST_GROUNDS)
        reply = _again(asked, Screen(title=texts.too_long.title, text=told))
    else:
        reply = written(knowledge, letter, state, today, words)
    return replace(reply, private=True, device=state.device, place=state.place, erase=State(Action.ERASE).encode())


def prompted(knowledge: Knowledge, line: str) -> State | None:
    """Return the state of the prompt whose visible line is `line`, None where no letter has that line (any more)."""
    said = _said(line)
    for letter in knowledge.letters.values():
        if not letter.form.grounds or _said(letter.form.title) not in said:
            continue
        for place in knowledge.places:
            state = State(Action.WRITE, letter.id, place=place)
            if _said(_line(knowledge, letter, place)) == said and usable(knowledge, state):
                return state
    return None


def _screen(knowledge: Knowledge, letter: Letter, state: State) -> Reply:
    """Return what a letter does and to whom it goes, with the way to write it."""
    texts, form = knowledge.texts.letters, letter.form
    assert state.place
    sections = [
        Section(Part.ANSWER, blocks(form.why)),
        Section(Part.NOTE, (Paragraph(spans(texts.to.format(to=recipient(knowledge, letter, state.place)))),)),
    ]
    if form.grounds:
        thoughts = Items(tuple(spans(thought) for thought in form.grounds.thoughts))
        sections.append(Section(Part.NOTE, (thoughts,), texts.thoughts))
        sections.append(Section(Part.NOTE, blocks(form.grounds.warning)))
    label = texts.write_blank if form.grounds else texts.write_plain
    rows = ((Button(label, replace(state, branch=WRITTEN, step=0).encode()),), *back(knowledge, state))
    return Reply(
        Kind.SCREEN, form.title, tuple(sections), rows, state=state, prompt=_prompt(knowledge, letter, state)
    )  # fmt: skip


def _asking(knowledge: Knowledge, letter: Letter, state: State) -> Reply:
    """Return the message that asks for a person's own words."""
    texts = knowledge.texts.letters
    blank = replace(state, action=Action.LETTER, branch=WRITTEN, step=0)
    rows = ((Button(texts.write_blank, blank.encode()),), *back(knowledge, state))
    asked = body(texts.ask.format(most=MOST_GROUNDS))
    return Reply(Kind.SCREEN, letter.form.title, asked, rows, prompt=_prompt(knowledge, letter, state))


def _again(asked: Reply, head: Screen) -> Reply:
    return replace(asked, kind=Kind.FAULT, title=head.title, sections=body(head.text))


def _prompt(knowledge: Knowledge, letter: Letter, state: State) -> Prompt | None:
    grounds = letter.form.grounds
    if not grounds or not state.place:
        return None
    return Prompt(
        code=State(Action.WRITE, letter.id, state.device, state.place).encode(),
        button=knowledge.texts.letters.write,
        title=letter.form.label,
        label=grounds.ask,
        hint=grounds.hint,
        line=_line(knowledge, letter, state.place),
        most=MOST_GROUNDS,
    )


def _line(knowledge: Knowledge, letter: Letter, place: str) -> str:
    name = named(knowledge.places[PlaceId(place)].name)
    return knowledge.texts.letters.line.format(letter=letter.form.title, place=name)


def _said(line: str) -> str:
    """Return a line's letters and digits: what a platform puts between them to make it safe does not matter."""
    return "".join(re.findall(r"\w+", line.casefold()))
