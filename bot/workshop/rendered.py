"""Find answers that do not fit one message of a platform, for any device and place."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping

from bot.dialogue.answer import answer
from bot.dialogue.model import Reply
from bot.dialogue.state import Action, State
from bot.knowledge.draft import Draft
from bot.knowledge.finding import Finding, Severity
from bot.knowledge.model import Device, Knowledge
from bot.knowledge.texts import Texts
from bot.platforms.discord.render import pages as discord_pages
from bot.platforms.telegram.render import pages as telegram_pages

Rule = Callable[[Knowledge, Draft], Iterator[Finding]]

_PLATFORMS: Mapping[str, Callable[[Reply, Texts], int]] = {"Discord": discord_pages, "Telegram": telegram_pages}
_LONG_AGO = datetime.date(9999, 1, 1)
"""A day on which every review is overdue, so that the longest footer is measured."""


def one_page(knowledge: Knowledge, draft: Draft) -> Iterator[Finding]:
    """Each answer fits one message; a second page is read by few."""
    for topic in knowledge.topics.values():
        for place in (None, *topic.form.places):
            for device in (None, *Device):
                reply = answer(knowledge, State(Action.SHOW, topic.id, device, place), _LONG_AGO)
                counts = {name: pages(reply, knowledge.texts) for name, pages in _PLATFORMS.items()}
                if max(counts.values()) > 1:
                    fitted = ", ".join(filter(None, (device, place))) or "everybody"
                    told = ", ".join(f"{name} {count}" for name, count in counts.items())
                    yield draft.topics[topic.id].document.finding(
                        ("places", place) if place else (), "long-reply",
                        f"the reply for {fitted} takes more than one page ({told})",
                        "shorten more, limits or the steps", key=bool(place), severity=Severity.FINDING,
                    )  # fmt: skip
                    break


RULES: tuple[Rule, ...] = (one_page,)
