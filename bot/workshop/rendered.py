"""Find answers that do not fit one message of a platform, for any device and place."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping

from bot.dialogue import checkup, guide, letters
from bot.dialogue.answer import answer
from bot.dialogue.glance import MOST_WORDS, words_on
from bot.dialogue.model import Reply
from bot.dialogue.state import Action, State
from bot.knowledge.checkup import MOST_CONTROLS
from bot.knowledge.draft import Draft
from bot.knowledge.finding import Finding, Severity
from bot.knowledge.model import Device, Knowledge
from bot.knowledge.texts import Texts
from bot.knowledge.yaml_text import KeyPath
from bot.platforms.discord.render import pages as discord_pages
from bot.platforms.telegram.render import pages as telegram_pages

Rule = Callable[[Knowledge, Draft], Iterator[Finding]]

_PLATFORMS: Mapping[str, Callable[[Reply, Texts], int]] = {"Discord": discord_pages, "Telegram": telegram_pages}
_ALL_DONE = sum(1 << 2 * index for index in range(MOST_CONTROLS))
"""Marks under which the summary of a check-up is longest: each control done."""

_GROUNDS = ("My posts are about my patients. " * letters.MOST_GROUNDS)[: letters.MOST_GROUNDS - 1] + "."
_LONG_AGO = datetime.date(9999, 1, 1)
"""A day on which every review is overdue, so that the longest footer is measured."""
_WRITTEN_ON = datetime.date(2099, 9, 28)
"""The same for letters, whose deadlines have to be in the calendar; with the longest name of a month."""


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


def letters_fit(knowledge: Knowledge, draft: Draft) -> Iterator[Finding]:
    """Each letter, with as many own words as are taken, fits one message; what does not is only in its file."""
    for letter in knowledge.letters.values():
        for place in letter.form.places:
            prompt = State(Action.WRITE, letter.id, place=place)
            screen = State(Action.LETTER, letter.id, place=place, branch=letters.WRITTEN)
            reply = letters.submitted(knowledge, prompt, _WRITTEN_ON, _GROUNDS)
            reply = reply or letters.show(knowledge, screen, _WRITTEN_ON)
            counts = {name: pages(reply, knowledge.texts) for name, pages in _PLATFORMS.items()} if reply else {}
            if max(counts.values(), default=1) > 1:
                told = ", ".join(f"{name} {count}" for name, count in counts.items())
                yield draft.letters[letter.id].document.finding(
                    ("body",), "long-reply", f"the letter for {place} takes more than one page ({told})",
                    "shorten body or enclose", key=True, severity=Severity.FINDING,
                )  # fmt: skip
                break


def letters_short(knowledge: Knowledge, draft: Draft) -> Iterator[Finding]:
    """Each screen before a letter can be read at a glance."""
    for letter in knowledge.letters.values():
        for place in letter.form.places:
            reply = letters.show(knowledge, State(Action.LETTER, letter.id, place=place), _WRITTEN_ON)
            count = words_on(reply) if reply else 0
            if count > MOST_WORDS:
                yield draft.letters[letter.id].document.finding(
                    ("why",), "long-screen", f"the screen for {place} has {count} words, more than {MOST_WORDS}",
                    "shorten why, thoughts or warning", key=True, severity=Severity.FINDING,
                )  # fmt: skip
                break


def guides_short(knowledge: Knowledge, draft: Draft) -> Iterator[Finding]:
    """Each screen of a guide can be read at a glance."""
    for topic in knowledge.topics.values():
        for place in (None, *topic.form.places):
            for device, steps in guide.steps_of(knowledge, topic, place).items():
                state = State(Action.GUIDE, topic.id, device, place)
                # One more than there are steps: the screen that says what they do not do.
                for step in range(len(steps) + 1):
                    reply = guide.show(knowledge, state.at(step), _LONG_AGO)
                    if reply and (count := words_on(reply)) > MOST_WORDS:
                        own = topic.form.places[place].steps if place else None
                        path: KeyPath = ("places", place or "") if own and device in own else ()
                        yield draft.topics[topic.id].document.finding(
                            (*path, "steps", device), "long-screen",
                            f"screen {step + 1} of the guide has {count} words with its title, more than {MOST_WORDS}",
                            "shorten the step, or make two of it", key=True, severity=Severity.FINDING,
                        )  # fmt: skip


def checkup_short(knowledge: Knowledge, draft: Draft) -> Iterator[Finding]:
    """Each screen of the check-up can be read at a glance, and so can its summary in every place."""
    assert draft.checkup
    told: set[str] = set()
    for place in (None, *knowledge.places):
        controls = guide.controls_of(knowledge, place)
        state = State(Action.CHECKUP, place=place, branch=0 if place else checkup.ELSEWHERE, marks=_ALL_DONE)
        for step in range(len(controls) + 1):
            reply = checkup.show(knowledge, state.at(step), _WRITTEN_ON)
            count = words_on(reply) if reply else 0
            where = controls[step].id if step < len(controls) else ""
            if count > MOST_WORDS and where not in told:
                told.add(where)
                index = knowledge.checkup.index(controls[step]) if where else 0
                what = f'the control "{where}"' if where else "the summary"
                yield draft.checkup.document.finding(
                    ("controls", index, "why") if where else ("controls",), "long-screen",
                    f"{what} has {count} words, more than {MOST_WORDS}", "shorten why and the titles",
                    key=True, severity=Severity.FINDING,
                )  # fmt: skip


RULES: tuple[Rule, ...] = (one_page, letters_fit, letters_short, guides_short, checkup_short)
