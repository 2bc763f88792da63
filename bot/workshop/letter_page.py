"""Write a letter as HTML: to whom, with what, by when, and its text as a form with blanks."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from bot.dialogue.answer import named
from bot.knowledge.letters import Letter, Recipient
from bot.knowledge.model import Knowledge, PlaceId
from bot.workshop import basis
from bot.workshop.webpage import inline, link, text

_PLACEHOLDER = re.compile(r"\{(\w+)\}")

Recipients = Mapping[str, tuple[str | None, Sequence[PlaceId]]]
"""By the name of who gets a letter: the page of that authority, and the places for which it is the one."""


def ordered(knowledge: Knowledge) -> list[Letter]:
    """Return the letters by place, and there as the bot lists them."""
    return sorted(knowledge.letters.values(), key=lambda one: (_where(knowledge, one), one.form.order, one.form.title))


def shared(knowledge: Knowledge, facts: Sequence[str]) -> bool:
    """Tell whether any letter rests on one of these facts."""
    return any(not set(facts).isdisjoint(letter.form.facts) for letter in knowledge.letters.values())


def parts(
    knowledge: Knowledge, letter: Letter, today: datetime.date, level: int, *, follow_up: str, short: bool = False
) -> Iterator[str]:
    """Yield everything of a letter; `level` is that of the headings inside it, `follow_up` the address of the next.

    A `short` one lists its sources in one paragraph.
    """
    texts, form = knowledge.texts, letter.form
    said = texts.export
    yield f'<p class="soft">{escape(said.letter_places.format(places=_where(knowledge, letter)))}</p>'
    yield text(form.why)
    recipients = _recipients(knowledge, letter)
    yield from _to(knowledge, letter, recipients, level)
    if form.enclose:
        yield f"<h{level}>{escape(said.enclose)}</h{level}>"
        yield text(form.enclose)
    yield from _deadline(knowledge, letter, level)
    if form.grounds:
        yield f"<h{level}>{escape(texts.letters.thoughts)}</h{level}>"
        yield from basis.listed(inline(thought) for thought in form.grounds.thoughts)
        yield text(form.grounds.warning)
    yield f"<h{level}>{escape(said.letter_text)}</h{level}>"
    yield f"<p>{escape(texts.letters.fill)}</p>"
    subject = texts.letters.subject.format(subject=_blank(knowledge, form.subject, recipients))
    body = _blank(knowledge, form.body.strip(), recipients)
    yield f'<pre class="letter">{escape(subject, quote=False)}\n\n{escape(body, quote=False)}</pre>'
    if form.follow_up:
        yield f"<p>{escape(said.follow_up)} {link(knowledge.letters[form.follow_up].form.title, follow_up)}</p>"
    yield from basis.sources(knowledge, letter, today, level, short=short)


def _where(knowledge: Knowledge, letter: Letter) -> str:
    return ", ".join(named(knowledge.places[PlaceId(id)].name) for id in letter.form.places)


def _recipients(knowledge: Knowledge, letter: Letter) -> Recipients:
    """Return who gets a letter, by place: which company or authority that is can differ inside a wide one."""
    found: dict[str, tuple[str | None, list[PlaceId]]] = {}
    for id in sorted(knowledge.places, key=lambda id: len(knowledge.chain(id))):
        chain = knowledge.chain(id)
        if set(letter.form.places).isdisjoint(chain):
            continue
        regulator = knowledge.regulator_of(id)
        if letter.form.to is Recipient.CONTROLLER:
            name, url = knowledge.controller_of(id), None
        else:
            name, url = (regulator.name, regulator.url) if regulator else (None, None)
        # What holds in a wider place need not be said again for each part of it.
        if name and set(found.get(name, (None, []))[1]).isdisjoint(chain):
            found.setdefault(name, (url, []))[1].append(id)
    return found


def _to(knowledge: Knowledge, letter: Letter, recipients: Recipients, level: int) -> Iterator[str]:
    yield f"<h{level}>{escape(knowledge.texts.export.letter_to)}</h{level}>"
    lines: list[str] = []
    for name, (url, places) in recipients.items():
        who = link(name, url) if url else escape(name)
        where = ", ".join(sorted(named(knowledge.places[id].name) for id in places))
        lines.append(who if len(recipients) == 1 else f"{escape(where)}: {who}")
    yield from basis.listed(sorted(lines) if len(lines) > 1 else lines, "links")
    if letter.form.send:
        yield f"<p>{escape(knowledge.texts.letters.pages)}</p>"
        yield from basis.listed((link(page.label, page.url) for page in letter.form.send), "links")


def _deadline(knowledge: Knowledge, letter: Letter, level: int) -> Iterator[str]:
    said, deadline = knowledge.texts.export, letter.form.deadline
    if not deadline:
        return
    yield f"<h{level}>{escape(said.deadline)}</h{level}>"
    told = said.due.format(time=_span(knowledge, deadline.months, deadline.days))
    if deadline.extended_months or deadline.extended_days:
        months, days = deadline.months + deadline.extended_months, deadline.days + deadline.extended_days
        told += " " + said.extended.format(time=_span(knowledge, months, days))
    yield f"<p>{escape(told)}</p>"


def _span(knowledge: Knowledge, months: int, days: int) -> str:
    said = knowledge.texts.export
    found = [said.month if months == 1 else said.months.format(count=months)] if months else []
    found += [said.days.format(count=days)] if days else []
    return " + ".join(found)


def _blank(knowledge: Knowledge, form: str, recipients: Recipients) -> str:
    """Return a text of the letter with a blank for what the bot would fill in, but for what is the same everywhere."""
    texts = knowledge.texts
    authorities = {knowledge.regulator_of(id) for _, places in recipients.values() for id in places}
    controllers = {knowledge.controller_of(id) for _, places in recipients.values() for id in places}
    authority = next(iter(authorities)) if len(authorities) == 1 else None
    controller = next(iter(controllers)) if len(controllers) == 1 else None
    values = {
        "controller": controller or f"[{texts.export.blank_controller}]",
        "authority": (authority.addressed or authority.name) if authority else f"[{texts.export.blank_authority}]",
        "date": f"[{texts.export.blank_date}]",
        "grounds": f"[{texts.letters.blank_grounds}]",
        "deadline": f"[{texts.export.blank_deadline}]",
        "sent": f"[{texts.letters.blank_sent}]",
    }
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), form)
