"""Write as HTML what an entry rests on: its sources, its facts, and the day of its last check."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from html import escape

from bot.dialogue.answer import source_line, spelled
from bot.knowledge.letters import Letter
from bot.knowledge.model import FactId, FactStatus, Knowledge, Topic
from bot.workshop.webpage import line


def sources(
    knowledge: Knowledge, entry: Topic | Letter, today: datetime.date, level: int, *, short: bool
) -> Iterator[str]:
    """Yield the sources of a topic or letter and the day of its check, under a heading of `level`.

    A `short` one lists its sources in one paragraph.
    """
    texts = knowledge.texts
    found = [line(source_line(knowledge, source)) for source in knowledge.sources_of(entry)]
    if short:
        yield f'<p class="sources">{escape(texts.headings.sources)}: {"; ".join(found)}</p>'
    else:
        yield f"<h{level}>{escape(texts.headings.sources)}</h{level}>"
        yield from listed(found)
    checked = texts.checked.format(date=spelled(entry.form.reviewed))
    yield f'<p class="soft">{escape(checked)}</p>'
    if today > entry.form.due:
        yield f'<p class="note">{escape(texts.due)}</p>'


def facts(knowledge: Knowledge, ids: Iterable[str]) -> Iterator[str]:
    """Yield the statements of facts, each with how firmly it is known and since when."""
    said = knowledge.texts.export
    words = {FactStatus.SURE: said.sure, FactStatus.CONTESTED: said.contested, FactStatus.NOT_FOUND: said.not_found}
    yield f"<h2>{escape(said.facts)}</h2>"
    lines: list[str] = []
    for id in ids:
        fact = knowledge.facts[FactId(id)]
        remark = f"{words[fact.status]}, {said.fact_checked.format(date=spelled(fact.checked))}"
        lines.append(f'{escape(fact.statement)} <span class="soft">({escape(remark)})</span>')
    yield from listed(lines)


def listed(lines: Iterable[str], kind: str = "") -> Iterator[str]:
    """Yield a list whose lines are HTML; `kind` is its class."""
    yield f'<ul class="{kind}">' if kind else "<ul>"
    yield from (f"<li>{line}</li>" for line in lines)
    yield "</ul>"
