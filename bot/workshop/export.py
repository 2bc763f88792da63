"""Write the whole knowledge as web pages: an index, a page a topic, and everything on one sheet for printing."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from html import escape

from bot.dialogue.answer import named, source_line, spelled
from bot.knowledge.model import Device, FactId, FactStatus, Fitted, Knowledge, PlaceId, Topic, TopicId
from bot.workshop.webpage import inline, line, link, page, text

INDEX, SHEET = "index.html", "sheet.html"

_SHEET_STYLE = """
.topic { border-top: 1px solid var(--line); } .sources { font-size: .85rem; }
@media print { @page { size: A4; margin: 14mm 12mm; } html { line-height: 1.35; } body { font-size: 8.5pt; }
  h1 { font-size: 18pt; } h2 { font-size: 13pt; column-span: all; } h3 { font-size: 10.5pt; margin-top: .6rem; } h4, h5 { font-size: 8.5pt; margin: .4rem 0 0; }
  p, ul, ol { margin: .2rem 0; } ul, ol { padding-left: 1.2rem; } li { margin: 0; } .sources, .topic .soft { font-size: 7pt; }
  nav.contents { display: block; } nav.contents, .group { columns: 2; column-gap: 8mm; } .group { break-before: page; }
  .links a::after { content: " " attr(href); font-size: 7pt; color: var(--soft); } a { text-decoration: none; } }
"""
"""On paper two columns of small print, and the addresses of links beside their names."""


def pages(knowledge: Knowledge, today: datetime.date) -> Mapping[str, str]:
    """Return every page as HTML by its path in the export; `today` is named on each."""
    found = {INDEX: _index(knowledge, today), SHEET: _sheet(knowledge, today)}
    for topic in knowledge.topics.values():
        found[f"topics/{topic.id}.html"] = _topic_page(knowledge, topic, today)
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
    return page(texts.start.title, "\n".join(parts), footer=_footer(knowledge, today), skip=texts.export.skip)


def _topic_page(knowledge: Knowledge, topic: Topic, today: datetime.date) -> str:
    said = knowledge.texts.export
    header = f'<nav aria-label="{escape(said.all_topics)}">{link(said.all_topics, f"../{INDEX}")}</nav>'
    parts = [f"<h1>{escape(topic.title)}</h1>", *_answer(knowledge, topic, today, 2), *_facts(knowledge, topic)]
    if topic.form.related:
        parts += [f"<h2>{escape(said.related)}</h2>", "<ul>"]
        parts += [f"<li>{link(knowledge.topics[TopicId(id)].title, f'{id}.html')}</li>" for id in topic.form.related]
        parts.append("</ul>")
    return page(topic.title, "\n".join(parts), header=header, footer=_footer(knowledge, today), skip=said.skip)


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
    parts.append("</nav>")
    for group in knowledge.groups:
        parts += [f'<section class="group" aria-labelledby="group-{group.id}">']
        parts.append(f'<h2 id="group-{group.id}">{escape(group.title)}</h2>')
        for id in group.topics:
            topic = knowledge.topics[id]
            parts += [f'<article class="topic" id="{id}">', f"<h3>{escape(topic.title)}</h3>"]
            parts += [*_answer(knowledge, topic, today, 4, short=True), "</article>"]
        parts.append("</section>")
    header = f'<nav aria-label="{escape(said.all_topics)}">{link(said.all_topics, INDEX)}</nav>'
    return page(
        said.sheet,
        "\n".join(parts),
        header=header,
        footer=_footer(knowledge, today),
        style=_SHEET_STYLE,
        skip=said.skip,
    )


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
    sources = [line(source_line(knowledge, source)) for source in knowledge.sources_of(topic)]
    if short:
        yield f'<p class="sources">{escape(texts.headings.sources)}: {"; ".join(sources)}</p>'
    else:
        yield f"<h{level}>{escape(texts.headings.sources)}</h{level}>"
        yield "<ul>"
        for source in sources:
            yield f"<li>{source}</li>"
        yield "</ul>"
    checked = texts.checked.format(date=spelled(topic.form.reviewed))
    yield f'<p class="soft">{escape(checked)}</p>'
    if today > topic.form.due:
        yield f'<p class="note">{escape(texts.due)}</p>'


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


def _facts(knowledge: Knowledge, topic: Topic) -> Iterator[str]:
    said = knowledge.texts.export
    words = {FactStatus.SURE: said.sure, FactStatus.CONTESTED: said.contested, FactStatus.NOT_FOUND: said.not_found}
    yield f"<h2>{escape(said.facts)}</h2>"
    yield "<ul>"
    for id in topic.form.facts:
        fact = knowledge.facts[FactId(id)]
        remark = f"{words[fact.status]}, {said.fact_checked.format(date=spelled(fact.checked))}"
        yield f'<li>{escape(fact.statement)} <span class="soft">({escape(remark)})</span></li>'
    yield "</ul>"


def _footer(knowledge: Knowledge, today: datetime.date) -> str:
    texts = knowledge.texts
    return f"<p>{escape(texts.disclaimer)}</p>\n<p>{escape(texts.export.made.format(date=spelled(today)))}</p>"
