"""Write a letter out: what to do with it, its text to copy, and its files."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.dialogue.answer import Row, spelled
from bot.dialogue.calendar_file import Entry, calendar_file
from bot.dialogue.letter_list import back
from bot.dialogue.model import Button, CopyButton, File, Kind, LinkButton, Part, Reply, Section
from bot.dialogue.state import Action, State
from bot.dialogue.typed import length
from bot.knowledge.letters import Letter, Recipient
from bot.knowledge.markup import Paragraph, Span, blocks, spans
from bot.knowledge.model import Knowledge, PlaceId

_FIRST_DAY = datetime.date(2020, 1, 1)
_LAST_DAY = datetime.date(2099, 12, 31)
_MOST_COPIED = 256
"""Characters that a button copies (Telegram's CopyTextButton)."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_BLANK = re.compile(r"\[[^\[\]\n]+\]")


@dataclass(frozen=True, slots=True)
class _Filled:
    """A letter with everything filled in that the bot can; `gaps` tells that something is left to the person."""

    subject: str
    body: str
    gaps: bool
    due: datetime.date | None
    extended: datetime.date | None


def written(knowledge: Knowledge, letter: Letter, state: State, today: datetime.date, grounds: str | None) -> Reply:
    """Return the letter itself: what to do with it, its text to copy, and its files.

    `state` gives the place, and in its marks the day that `sent_on` packed. `grounds` are the person's own words, None
    where a gap is left for them.
    """
    texts = knowledge.texts.letters
    filled = _filled(knowledge, letter, state, today, grounds)
    subject = texts.subject.format(subject=filled.subject)
    text = tuple(Paragraph((Span(part),)) for part in re.split(r"\n(?:[ \t]*\n)+", filled.body) if part.strip())
    sections = (*_head(knowledge, letter, state, filled), Section(Part.LETTER, text, subject))
    return Reply(
        kind=Kind.SCREEN,
        title=letter.form.title,
        sections=sections,
        rows=tuple(row for row in _after(knowledge, letter, state, today, filled) if row),
        footer=_footer(knowledge, letter, today),
        files=tuple(_files(knowledge, letter, state, today, filled)),
    )


def _head(knowledge: Knowledge, letter: Letter, state: State, filled: _Filled) -> Iterator[Section]:
    texts, form = knowledge.texts.letters, letter.form
    place = state.place or ""
    to = [texts.to.format(to=recipient(knowledge, letter, place))]
    if _pages(knowledge, letter, place):
        to.append(texts.pages)
    yield Section(Part.NOTE, (Paragraph(spans(" ".join(to))),))
    if form.enclose:
        yield Section(Part.NOTE, blocks(form.enclose))
    if filled.due and filled.extended:
        told = texts.extended.format(date=spelled(filled.due), extended=spelled(filled.extended))
        yield Section(Part.NOTE, (Paragraph(spans(told)),))
    elif filled.due:
        yield Section(Part.NOTE, (Paragraph(spans(texts.deadline.format(date=spelled(filled.due)))),))
    hints = [texts.fill] if filled.gaps else []
    hints.append(texts.files if filled.due else texts.file)
    # Not read as markup: its square brackets are those of the letter.
    yield Section(Part.NOTE, (Paragraph((Span(" ".join(hints)),)),))


def _pages(knowledge: Knowledge, letter: Letter, place: str) -> tuple[LinkButton, ...]:
    """Return the pages on which a letter can be sent."""
    pages = [LinkButton(link.label, link.url) for link in letter.form.send]
    regulator = knowledge.regulator_of(PlaceId(place))
    url = regulator.url if regulator and letter.form.to is Recipient.AUTHORITY else None
    if url and url not in {page.url for page in pages}:
        pages.append(LinkButton(knowledge.texts.letters.authority_page, url))
    return tuple(pages)


def _after(knowledge: Knowledge, letter: Letter, state: State, today: datetime.date, filled: _Filled) -> Iterator[Row]:
    """Yield the rows below a letter: where to send it, its subject, and what comes when nobody answers."""
    texts, form = knowledge.texts.letters, letter.form
    yield _pages(knowledge, letter, state.place or "")
    if length(filled.subject) <= _MOST_COPIED:
        yield (CopyButton(texts.copy_subject, filled.subject),)
    if form.follow_up:
        then = State(Action.LETTER, form.follow_up, state.device, state.place, marks=sent_on(today))
        yield (Button(texts.no_answer, then.encode()),)
    yield from back(knowledge, state)


def _footer(knowledge: Knowledge, letter: Letter, today: datetime.date) -> str:
    texts = knowledge.texts
    checked = texts.checked.format(date=spelled(letter.form.reviewed))
    told = f"{texts.letters.disclaimer} {checked}."
    return f"{told} {texts.due}" if today > letter.form.due else told


def _files(knowledge: Knowledge, letter: Letter, state: State, today: datetime.date, filled: _Filled) -> Iterator[File]:
    """Yield the letter as plain text, and its deadlines for a calendar."""
    texts = knowledge.texts.letters
    whole = f"{texts.subject.format(subject=filled.subject)}\n\n{filled.body}\n"
    # Every editor shows these line ends, the simplest ones included.
    yield File(f"{letter.id}.txt", "\r\n".join(whole.split("\n")).encode("utf-8", "replace"))
    if not filled.due:
        return
    title = letter.form.title
    entries = [Entry(filled.due, texts.event.format(letter=title), texts.event_text)]
    if filled.extended:
        entries.append(Entry(filled.extended, texts.event_extended.format(letter=title), texts.event_extended_text))
    content = calendar_file(entries, about=f"{letter.id}:{state.place}", today=today)
    yield File(f"{letter.id}.ics", content, "text/calendar; charset=utf-8")


def recipient(knowledge: Knowledge, letter: Letter, place: str) -> str:
    """Return to whom a letter goes, as people are told."""
    if letter.form.to is Recipient.CONTROLLER:
        return knowledge.controller_of(PlaceId(place)) or ""
    regulator = knowledge.regulator_of(PlaceId(place))
    return regulator.name if regulator else ""


def sent_on(day: datetime.date) -> int:
    """Pack the day of a letter into the marks of a state: days since the first of 2020, 0 being no day."""
    return max(0, (day - _FIRST_DAY).days)


def _sent(state: State) -> datetime.date | None:
    # Marks hold more days than the calendar has.
    known = 0 < state.marks <= (_LAST_DAY - _FIRST_DAY).days
    return _FIRST_DAY + datetime.timedelta(days=state.marks) if known else None


def _filled(knowledge: Knowledge, letter: Letter, state: State, today: datetime.date, grounds: str | None) -> _Filled:
    texts, form = knowledge.texts.letters, letter.form
    place = PlaceId(state.place or "")
    regulator, sent = knowledge.regulator_of(place), _sent(state)
    due = form.deadline.due(today) if form.deadline else None
    values = {
        "controller": knowledge.controller_of(place) or "",
        "authority": (regulator.addressed or regulator.name) if regulator else "",
        "date": spelled(today),
        "grounds": f"[{texts.blank_grounds}]" if grounds is None else grounds,
        "deadline": spelled(due) if due else "",
        "sent": spelled(sent) if sent else f"[{texts.blank_sent}]",
    }

    def fill(text: str) -> str:
        # Once over the letter's own text: what a person typed is never looked through for placeholders.
        return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)

    extended = form.deadline.extended(today) if form.deadline else None
    subject, body = fill(form.subject), fill(form.body)
    # Brackets that a person typed are no gaps.
    values["grounds"] = "" if grounds else values["grounds"]
    return _Filled(subject, body, bool(_BLANK.search(fill(form.body) + subject)), due, extended)
