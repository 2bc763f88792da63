"""Write the check-up of a region as HTML: its controls in order of effect, each with the way to its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape

from bot.dialogue.answer import named
from bot.dialogue.checkup import REGIONS
from bot.dialogue.guide import controls_of
from bot.knowledge.model import Knowledge, PlaceId, TopicId
from bot.workshop import basis
from bot.workshop.webpage import link, text

ELSEWHERE = "elsewhere"


def regions(knowledge: Knowledge) -> Mapping[str, str]:
    """Return the names of the regions that the bot asks for, by id, and that of everywhere else; none without controls."""
    found = {id: named(knowledge.places[PlaceId(id)].name) for id in REGIONS if id in knowledge.places}
    found[ELSEWHERE] = knowledge.texts.export.elsewhere
    return {id: name for id, name in found.items() if controls_of(knowledge, _place(id))}


def parts(knowledge: Knowledge, region: str, level: int, address: Callable[[str], str]) -> Iterator[str]:
    """Yield the controls of a region under headings of `level`; `address` tells where a topic stands."""
    said = knowledge.texts.export
    yield f"<p>{escape(said.checkup_intro)}</p>"
    place = _place(region)
    for number, control in enumerate(controls_of(knowledge, place), 1):
        topic = knowledge.topics[TopicId(control.topic)]
        fit = topic.fit(knowledge.chain(place))
        yield f"<h{level}>{number}. {escape(control.title)}</h{level}>"
        yield text(control.why)
        lines = [link(topic.title, address(topic.id)), *(link(item.label, item.url) for item in fit.links)]
        yield from basis.listed(lines, "links")


def _place(region: str) -> PlaceId | None:
    return None if region == ELSEWHERE else PlaceId(region)
