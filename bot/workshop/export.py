"""Write the whole knowledge as web pages: an index, a page each, and everything on one sheet for printing."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from html import escape

from bot.dialogue.answer import named, spelled
from bot.knowledge.letters import Letter
from bot.knowledge.model import Device, Fitted, Knowledge, PlaceId, Topic, TopicId
from bot.workshop import basis, checkup_page, letter_page
from bot.workshop.webpage import inline, link, page, text

INDEX, SHEET = "index.html", "sheet.html"

_CHECKUPS, _LETTERS = "check_ups", "letters_"
"""Where the check-ups and the letters stand on the index and the sheet; no id of a group or topic has a low line."""

_STYLE = """
.letter { white-space: pre-wrap; font: inherit; background: var(--tint); border-left: .3rem solid var(--line); padding: .75rem 1rem; }
"""

_SHEET_STYLE = """
.topic { border-top: 1px solid var(--line); } .sources { font-size: .85rem; }
@media print { @page { size: A4; margin: 14mm 12mm; } html { line-height: 1.35; } body { font-size: 8.5pt; }
  h1 { font-size: 18pt; } h2 { font-size: 13pt; column-span: all; } h3 { font-size: 10.5pt; margin-top: .6rem; } h4, h5 { font-size: 8.5pt; margin: .4rem 0 0; }
  p, ul, ol { margin: .2rem 0; } ul, ol { padding-left: 1.2rem; } li { margin: 0; } .sources, .topic .soft { font-size: 7pt; }
  nav.contents { display: block; } nav.contents, .group { columns: 2; column-gap: 8mm; } .group { break-before: page; }
  .links a[href^="https"]::after { content: " " attr(href); font-size: 7pt; color: var(--soft); } a { text-decoration: none; } }
"""
"""On paper two columns of small print, and the addresses of links beside their names."""


def pages(knowledge: Knowledge, today: datetime.date) -> Mapping[str, str]:
    """Return every page as HTML by its path in the export; `today` is named on each."""
    found = {INDEX: _index(knowledge, today), SHEET: _sheet(knowledge, today)}
    for topic in knowledge.topics.values():
        found[f"topics/{topic.id}.html"] = _topic_page(knowledge, topic, today)
    for region, name in checkup_page.regions(knowledge).items():
        found[f"check-up/{region}.html"] = _checkup_page(knowledge, region, name, today)
    for letter in knowledge.letters.values():
        found[f"letters/{letter.id}.html"] = _letter_page(knowledge, letter, today)
    return found


def _index(knowledge: Knowledge, today: datetime.date) -> str:
    texts = knowledge.texts
    parts = [
        f"<h1>{escape(texts.start.title)}</h1>",
        text(texts.description),
        f"<p>{link(texts.export.sheet, SHEET)}</p>",
    ]
    for group in knowledge.groups:
        parts += [f'<section aria-labelledby="{group.id}">', f'<h2 id="{group.id}">{escape(group.title)}</h2>', "<ul>"]
        parts += [f"<li>{link(knowledge.topics[id].title, f'topics/{id}.html')}</li>" for id in group.topics]
        parts += ["</ul>", "</section>"]
    parts.append(f'<h2 id="{_CHECKUPS}">{escape(texts.export.checkups)}</h2>')
    parts += basis.listed(link(name, address) for name, address in _checkups(knowledge, "check-up/{}.html"))
    if knowledge.letters:
        parts.append(f'<h2 id="{_LETTERS}">{escape(texts.guide.letter)}</h2>')
        parts += basis.listed(link(title, address) for title, address in _letters(knowledge, "letters/{}.html"))
    return page(texts.start.title, "\n".join(parts), footer=_footer(knowledge, today), skip=texts.export.skip)


def _topic_page(knowledge: Knowledge, topic: Topic, today: datetime.date) -> str:
    said = knowledge.texts.export
    parts = [*_answer(knowledge, topic, today, 2), *basis.facts(knowledge, topic.form.facts)]
    if topic.form.related:
        parts += [f"<h2>{escape(said.related)}</h2>", "<ul>"]
        parts += [f"<li>{link(knowledge.topics[TopicId(id)].title, f'{id}.html')}</li>" for id in topic.form.related]
        parts.append("</ul>")
    if links := tuple(_acts(knowledge, topic)):
        parts += [f"<h2>{escape(said.act)}</h2>", *basis.listed(links)]
    return _below(knowledge, topic.title, parts, today)


def _acts(knowledge: Knowledge, topic: Topic) -> Iterator[str]:
    """Yield links to where a topic leads: the check-up that has it, and the letters that share a fact with it."""
    if any(control.topic == topic.id for control in knowledge.checkup):
        yield link(knowledge.texts.export.checkups, f"../{INDEX}#{_CHECKUPS}")
    if letter_page.shared(knowledge, topic.form.facts):
        yield link(knowledge.texts.guide.letter, f"../{INDEX}#{_LETTERS}")


def _checkups(knowledge: Knowledge, address: str) -> Iterator[tuple[str, str]]:
    """Yield the title of each check-up, and its address with its region in it."""
    for region, name in checkup_page.regions(knowledge).items():
        yield knowledge.texts.export.checkup.format(place=name), address.format(region)


def _letters(knowledge: Knowledge, address: str) -> Iterator[tuple[str, str]]:
    """Yield the title of each letter, and its address with its id in it."""
    for letter in letter_page.ordered(knowledge):
        yield letter.form.title, address.format(letter.id)


def _checkup_page(knowledge: Knowledge, region: str, name: str, today: datetime.date) -> str:
    title = knowledge.texts.export.checkup.format(place=name)
    parts = checkup_page.parts(knowledge, region, 2, lambda id: f"../topics/{id}.html")
    return _below(knowledge, title, parts, today)


def _letter_page(knowledge: Knowledge, letter: Letter, today: datetime.date) -> str:
    parts = letter_page.parts(knowledge, letter, today, 2, follow_up=f"{letter.form.follow_up}.html")
    return _below(knowledge, letter.form.title, (*parts, *basis.facts(knowledge, letter.form.facts)), today)


def _below(knowledge: Knowledge, title: str, parts: Iterable[str], today: datetime.date) -> str:
    """Return a page in a folder of the export, with the way to the index."""
    said = knowledge.texts.export
    header = f'<nav aria-label="{escape(said.all_topics)}">{link(said.all_topics, f"../{INDEX}")}</nav>'
    main = "\n".join((f"<h1>{escape(title)}</h1>", *parts))
    return page(title, main, header=header, footer=_footer(knowledge, today), style=_STYLE, skip=said.skip)


def _sheet(knowledge: Knowledge, today: datetime.date) -> str:
    texts = knowledge.texts
    said = texts.export
    parts = [
        f"<h1>{escape(texts.start.title)}</h1>",
        text(texts.description),
        f'<nav class="contents" aria-label="{escape(said.all_topics)}">',
    ]
    for group in knowledge.groups:
        parts += [f"<h2>{escape(group.title)}</h2>", "<ul>"]
        parts += [f"<li>{link(knowledge.topics[id].title, f'#{id}')}</li>" for id in group.topics]
        parts.append("</ul>")
    parts.append(f"<h2>{escape(texts.export.checkups)}</h2>")
    parts += basis.listed(link(title, address) for title, address in _checkups(knowledge, "#check_up_{}"))
    if knowledge.letters:
        parts.append(f"<h2>{escape(texts.guide.letter)}</h2>")
        parts += basis.listed(link(title, address) for title, address in _letters(knowledge, "#letter_{}"))
    parts.append("</nav>")
    for group in knowledge.groups:
        parts += [f'<section class="group" aria-labelledby="group-{group.id}">']
        parts.append(f'<h2 id="group-{group.id}">{escape(group.title)}</h2>')
        for id in group.topics:
            topic = knowledge.topics[id]
            parts += [f'<article class="topic" id="{id}">', f"<h3>{escape(topic.title)}</h3>"]
            parts += [*_answer(knowledge, topic, today, 4, short=True), "</article>"]
        parts.append("</section>")
    parts += _acts_on_sheet(knowledge, today)
    header = f'<nav aria-label="{escape(said.all_topics)}">{link(said.all_topics, INDEX)}</nav>'
    return page(
        said.sheet,
        "\n".join(parts),
        header=header,
        footer=_footer(knowledge, today),
        style=_STYLE + _SHEET_STYLE,
        skip=said.skip,
    )


def _acts_on_sheet(knowledge: Knowledge, today: datetime.date) -> Iterator[str]:
    """Yield the check-ups and the letters as the sheet has them."""
    texts = knowledge.texts
    yield f'<section class="group" aria-labelledby="{_CHECKUPS}">'
    yield f'<h2 id="{_CHECKUPS}">{escape(texts.export.checkups)}</h2>'
    for region, name in checkup_page.regions(knowledge).items():
        title = texts.export.checkup.format(place=name)
        yield f'<article class="topic" id="check_up_{region}"><h3>{escape(title)}</h3>'
        yield from checkup_page.parts(knowledge, region, 4, lambda id: f"#{id}")
        yield "</article>"
    yield "</section>"
    if knowledge.letters:
        yield f'<section class="group" aria-labelledby="{_LETTERS}">'
        yield f'<h2 id="{_LETTERS}">{escape(texts.guide.letter)}</h2>'
        for letter in letter_page.ordered(knowledge):
            yield f'<article class="topic" id="letter_{letter.id}"><h3>{escape(letter.form.title)}</h3>'
            follow_up = f"#letter_{letter.form.follow_up}"
            yield from letter_page.parts(knowledge, letter, today, 4, follow_up=follow_up, short=True)
            yield "</article>"
        yield "</section>"


def _answer(
    knowledge: Knowledge, topic: Topic, today: datetime.date, level: int, *, short: bool = False
) -> Iterator[str]:
    """Yield an answer with everything that belongs to it; `level` is that of the headings inside it.

    A `short` one does without the plain words, which say the same, and lists its sources in one paragraph.
    """
    texts = knowledge.texts
    yield from _parts(knowledge, topic.form, level, short=short)
    for place in sorted(topic.form.places, key=lambda id: named(knowledge.places[PlaceId(id)].name)):
        name = knowledge.places[PlaceId(place)].name
        yield f"<h{level}>{escape(texts.export.in_place.format(place=name))}</h{level}>"
        yield from _parts(knowledge, topic.form.places[place], level + 1, short=short)
    yield from basis.sources(knowledge, topic, today, level, short=short)


def _parts(knowledge: Knowledge, form: Fitted, level: int, *, short: bool) -> Iterator[str]:
    heads = knowledge.texts.headings
    if form.answer:
        yield text(form.answer)
    if form.easy and not short:
        yield f"<h{level}>{escape(knowledge.texts.export.easy)}</h{level}>"
        yield text(form.easy)
    yield from _steps(knowledge, form, level)
    for key, head in (("limits", heads.limits), ("more", heads.more)):
        if said := getattr(form, key):
            yield f"<h{level}>{escape(head)}</h{level}>"
            yield text(said)
    if form.links:
        yield f"<h{level}>{escape(heads.links)}</h{level}>"
        yield '<ul class="links">'
        for item in form.links:
            yield f"<li>{link(item.label, item.url)}</li>"
        yield "</ul>"


def _steps(knowledge: Knowledge, form: Fitted, level: int) -> Iterator[str]:
    """Yield the steps, once for devices on which they are the same."""
    devices: dict[tuple[str, ...], list[str]] = {}
    for device in Device:
        if form.steps and device in form.steps:
            devices.setdefault(tuple(form.steps[device]), []).append(knowledge.devices.devices[device].name)
    for steps, names in devices.items():
        yield f"<h{level}>{escape(knowledge.texts.headings.steps_on.format(device=', '.join(names)))}</h{level}>"
        yield "<ol>"
        for step in steps:
            yield f"<li>{inline(step)}</li>"
        yield "</ol>"


def _footer(knowledge: Knowledge, today: datetime.date) -> str:
    texts = knowledge.texts
    return f"<p>{escape(texts.disclaimer)}</p>\n<p>{escape(texts.export.made.format(date=spelled(today)))}</p>"
