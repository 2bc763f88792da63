"""Weigh the device and the place that a message names against the topic that its words were nearest to."""

from __future__ import annotations

from dataclasses import replace

from bot.dialogue.state import State
from bot.dialogue.suggest import words
from bot.knowledge.model import Device, Knowledge, PlaceId, TopicId
from bot.matching.model import Band, Match, Ranked

_FILLERS = frozenset(
    [
        "a",
        "about",
        "also",
        "am",
        "an",
        "and",
        "app",
        "at",
        "based",
        "device",
        "do",
        "does",
        "for",
        "from",
        "has",
        "have",
        "here",
        "hey",
        "hi",
        "how",
        "i",
        "if",
        "im",
        "in",
        "is",
        "it",
        "its",
        "live",
        "living",
        "me",
        "my",
        "no",
        "now",
        "of",
        "ok",
        "okay",
        "on",
        "one",
        "or",
        "our",
        "phone",
        "please",
        "pls",
        "same",
        "so",
        "step",
        "steps",
        "thanks",
        "the",
        "then",
        "to",
        "too",
        "use",
        "using",
        "we",
        "what",
        "whats",
        "with",
        "yes",
    ]
)
"""Words that ask for nothing by themselves."""


LIKELY = 0.6
"""The chance that is given to the topic of a place where the matcher was unsure between topics of places."""


def bare(rest: str) -> bool:
    """Tell whether nothing is asked in what is left of a message without the device and place that it names."""
    return not set(words(rest)) - _FILLERS


def refits(knowledge: Knowledge, last: str, device: Device | None, place: str | None) -> bool:
    """Tell whether the last topic is one to which a device or place makes a difference.

    "And Canada?" after the answer about the United Kingdom is a question of its own.
    """
    topic = knowledge.topics[TopicId(last)]
    places = knowledge.chain(PlaceId(place)) if place else ()
    differs = bool(place and topic.form.places) and not topic.form.covers
    return differs or device in topic.fit(places).steps or bool(set(places) & set(topic.form.places))


def stands_for(knowledge: Knowledge, device: Device | None, place: str | None) -> TopicId | None:
    """Return the topic that is meant where a message is nothing but a device or a place, None where none is.

    A place stands for the topic that covers it, a device for the way to the switch.
    """
    if place:
        return knowledge.covering(PlaceId(place))
    if device and knowledge.checkup:
        return TopicId(knowledge.checkup[0].topic)
    return None


def for_place(knowledge: Knowledge, match: Match, state: State) -> Match:
    """Return the match with the topic that covers the place the message names.

    "I moved from London to Hong Kong" is near to the words of two topics, and only one of them is about the person.
    """
    if len(match.topics) > 1 or state.place is None:
        return match
    meant = knowledge.covering(PlaceId(state.place))
    likeliest = (*(ranked.topic for ranked in match.topics), *match.offered)
    found = likeliest[0] if likeliest else None
    if not meant or not found or not knowledge.topics[TopicId(found)].form.covers:
        return match
    if not match.topics:
        others = tuple(other for other in match.offered if other != meant)
        return replace(match, band=Band.NEAR, topics=(Ranked(meant, LIKELY),), offered=others)
    if found == meant:
        return match
    offered = tuple(found if other == meant else other for other in match.offered)
    return replace(match, topics=(replace(match.topics[0], topic=str(meant)),), offered=offered)


def for_device(knowledge: Knowledge, match: Match, state: State) -> Match:
    """Return the match with the topic that leads to the same pages on the person's device.

    "In a browser on my phone" is nearer to the words of the way on a computer than to those of the way on a phone.
    """
    if len(match.topics) != 1 or state.device is None:
        return match
    places = knowledge.chain(PlaceId(state.place) if state.place else None)
    topic = knowledge.topics[TopicId(match.topics[0].topic)]
    fit = topic.fit(places)
    if not fit.steps or state.device in fit.steps:
        return match
    pages = [link.url for link in fit.links]
    for id in topic.form.related:
        other = knowledge.topics[TopicId(id)].fit(places)
        if pages and state.device in other.steps and [link.url for link in other.links] == pages:
            return replace(match, topics=(replace(match.topics[0], topic=id),))
    return match
