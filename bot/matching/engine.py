"""Decide a message: which topics answer it, which may be offered, or an honest no."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from bot.matching.encoder import Encoder
from bot.matching.features import Ints, Vocabulary
from bot.matching.heads import Heads
from bot.matching.kernel import near, product, turned
from bot.matching.language import firmly, has_accents, identify, wholly
from bot.matching.model import (
    Band,
    Explanation,
    Match,
    NearestAsk,
    Part,
    Ranked,
    Word,
)
from bot.matching.normalise import clean, replaced, says_something, words
from bot.matching.scoring import TOP, Doubles, reach, right, sigmoid, softmax
from bot.matching.segments import asks, split, split_list
from bot.matching.spelling import Spelling

MOST_TOPICS = 4
"""No message is answered with more topics than this."""

ENGLISH = 0.8
"""From this share of known words on a message is English, whatever its small words say."""

FEW_WORDS, KNOWN = 3, 0.5
"""Of so many words this share must be known, repaired ones not counted."""

PART_SELF, PART_OTHER, PART_WHOLE = 0.6, 0.3, 0.2
PART_RANK, PART_LAST, PART_QUESTIONS = 0.35, 5, 1.5
PART_LIMIT, PART_LEAST = 1.0, 0.3
"""What makes a part a question of its own, as log odds; measured on joined and on single asks."""

FOLLOW_WORDS = 14
"""A longer message stands alone; it is no follow-up."""

FOLLOW_OWN, FOLLOW_TOGETHER = 0.9, 0.4
"""How much a follow-up counts as it stands, and how much read after the last topic."""

FOLLOW_RELATED, FOLLOW_SAME = 0.2, -0.1
"""What speaks for neighbours of the last topic, and against asking the same again.

Nothing speaks against it where a word points back ("and how do i stop that")."""

LEANING = frozenset(["it", "its", "that", "this", "them", "they", "those", "these", "there", "then", "one", "same"])
"""A part or a message with one of these words may mean what was named before it."""

POINTING, POINTING_WORDS = frozenset(["it", "that", "this", "them", "there", "those", "these"]), 7
"""A message of so few words with one of these asks about the last topic, where that one is apart from all others."""

FOLLOW_APART = 1.0
"""What speaks for the last topic then: "how do i stop it" after a question about Slack is about Slack."""

OURS = frozenset(["linkedin", "linkedins"])
"""Whoever names it after a topic apart from all others leaves that topic."""

FOLLOW_ENOUGH = 0.7
"""A conversation that is ours already needs this much less to go on."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A text as the engine read it, and what the heads said."""

    words: tuple[str, ...]
    repaired: tuple[tuple[str, str], ...]
    places: Ints
    values: Any
    raw: Doubles
    gate: float
    chances: Doubles
    score: float
    reach: float
    known: int

    @property
    def order(self) -> Sequence[int]:
        """The topics, the likeliest first."""
        return [int(place) for place in np.argsort(-self.chances, kind="stable")]


class Engine:
    """The matcher over fitted heads."""

    def __init__(self, heads: Heads, encoder: Encoder | None = None) -> None:
        self.heads = heads
        self._encoder = encoder or _encoder()
        self._messages = turned(heads.vectors.astype(np.float32) * np.float32(1 / 127), self._encoder.blocks)
        self._mix = heads.mix.astype(np.float32)
        self._vocabulary = Vocabulary(heads.names, heads.idf)
        self._spelling = Spelling(dict(zip(heads.words, heads.counts.tolist(), strict=True)), self._encoder.words)
        self._known = frozenset(heads.words)
        self._topic_place = {topic: place for place, topic in enumerate(heads.topics)}
        self._titles: dict[int, str] = {}
        for ask, place in zip(heads.asks, heads.ask_topics.tolist(), strict=True):
            # The title comes first among the asks of a topic.
            self._titles.setdefault(place, clean(ask))

    def match(self, text: str, *, after: str | None = None, apart: bool = False) -> Match:
        """Decide a message; `after` is the last topic of the conversation, and `apart` whether it is from all others."""
        match, _, _ = self._decide(text, after, apart=apart)
        return match

    def explain(self, text: str, *, after: str | None = None, apart: bool = False) -> Explanation:
        """Tell why a message is decided as it is."""
        match, whole, parts = self._decide(text, after, apart=apart)
        order = whole.order
        ranked = tuple(self._ranked(whole, place) for place in order[:5])
        return Explanation(
            match=match,
            read_as=" ".join(whole.words),
            repaired=whole.repaired,
            gate=whole.gate,
            ranked=ranked,
            second=ranked[1] if len(ranked) > 1 else None,
            words=self._spoke(whole, order[0]),
            nearest=self._nearest(whole),
            parts=tuple(
                Part(
                    " ".join(part.words),
                    part.gate,
                    tuple(self._ranked(part, place) for place in part.order[:3]),
                )
                for part in parts
            ),
            thresholds=self.heads.thresholds,
        )

    def _decide(self, text: str, after: str | None, *, apart: bool) -> tuple[Match, _Reading, list[_Reading]]:
        cleaned = clean(text)
        found = words(cleaned)
        texts = split(cleaned)
        questions = sum(map(asks, texts))
        last = after if after in self._topic_place and self._follows(found) else None
        if apart and not OURS.isdisjoint(found):
            last = None
        whole, *parts = self._read([cleaned, *(texts if questions > 1 else ())])
        limits = self.heads.thresholds
        enough = limits.answer
        points = apart and len(found) <= POINTING_WORDS and not POINTING.isdisjoint(found)
        if last and (points or whole.score < limits.sure):
            (together,) = self._read([self._after(last, cleaned)])
            whole = self._followed(whole, together, last, apart=points)
            enough *= FOLLOW_ENOUGH
        parts = self._leaning(parts, texts)
        language = self._language(text, found)
        if not whole.known or language not in ("en", "und") or self._foreign(language, found):
            return Match(Band.NONE, language=language), whole, []
        several = self._several(whole, parts, questions=questions > 1)
        if not several and whole.score < limits.sure and whole.reach >= limits.offer:
            several, parts = self._searched(whole, texts if questions == 1 else [], split_list(cleaned))
        if several:
            band = Band.SURE if all(r.score >= limits.sure for r in several) else Band.NEAR
            return Match(band, several, (), language), whole, parts
        order = whole.order
        if whole.score >= enough:
            first = self._ranked(whole, order[0])
            if whole.score >= limits.sure or len(order) < 2:
                return Match(Band.SURE, (first,), (), language), whole, parts
            return (
                Match(Band.NEAR, (first,), self._names(order[1:TOP]), language),
                whole,
                parts,
            )
        if whole.reach >= limits.offer and len(order) > 1:
            return (
                Match(Band.CHOICES, (), self._names(order[:TOP]), language),
                whole,
                parts,
            )
        return Match(Band.NONE, language=language), whole, parts

    def _read(self, cleaned: Sequence[str]) -> list[_Reading]:
        """Return what the heads say about each of some texts."""
        repairs = [self._spelling.repair(words(text)) for text in cleaned]
        meant = [replaced(text, changes) for text, (_, changes) in zip(cleaned, repairs, strict=True)]
        likeness = near(self._encoder.encode(meant), self._messages, self.heads.shares)
        spoken = product(likeness, self._mix)
        readings: list[_Reading] = []
        for (found, changes), said in zip(repairs, spoken, strict=True):
            places, values = self._vocabulary.vector(found)
            weights = self.heads.weights[places].astype(np.float32)
            raw = (values @ weights + said + self.heads.bias).astype(np.float64)
            readings.append(self._reading(tuple(found), changes, places, values, raw))
        return readings

    def _reading(
        self,
        found: tuple[str, ...],
        changes: tuple[tuple[str, str], ...],
        places: Ints,
        values: Any,
        raw: Doubles,
    ) -> _Reading:
        heads = self.heads
        slope, shift = heads.gate_line
        gate = np.asarray(sigmoid(slope * raw[-1] + shift))
        chances = softmax(raw[:-1], heads.sharpness)
        return _Reading(
            words=found,
            repaired=changes,
            places=places,
            values=values,
            raw=raw,
            gate=float(gate),
            chances=chances,
            score=float(right(heads.right_line, gate, chances)),
            reach=float(reach(gate, chances)),
            known=sum(word in self._known and says_something(word) for word in found),
        )

    def _after(self, after: str, cleaned: str) -> str:
        """Return a follow-up as it reads after the title of the last topic."""
        return f"{self._titles[self._topic_place[after]]} {cleaned}"

    def _followed(self, alone: _Reading, together: _Reading, after: str, *, apart: bool = False) -> _Reading:
        """Weigh a follow-up as it stands and as it reads after the last topic."""
        place = self._topic_place[after]
        raw = FOLLOW_OWN * alone.raw + FOLLOW_TOGETHER * together.raw
        raw[list(self.heads.related[place])] += FOLLOW_RELATED
        if apart:
            raw[place] += FOLLOW_APART
        elif LEANING.isdisjoint(alone.words):
            raw[place] += FOLLOW_SAME
        return self._reading(alone.words, alone.repaired, alone.places, alone.values, raw)

    def _language(self, text: str, found: Sequence[str]) -> str:
        language = identify(found, accents=has_accents(text))
        if language in ("en", "und") or not found:
            return language
        # Names and loan words fool the small words: what is ours in English stays English.
        doubtful = not (wholly(found, language) or firmly(found, language))
        english = doubtful and self._known_share(found) >= ENGLISH
        return "en" if english else language

    def _foreign(self, language: str, found: Sequence[str]) -> bool:
        """Tell whether a message of no known language is mostly words that nobody here knows."""
        return language == "und" and len(found) >= FEW_WORDS and self._known_share(found) < KNOWN

    def _known_share(self, found: Sequence[str]) -> float:
        return sum(word in self._known or word in self._encoder.words for word in found) / len(found)

    def _follows(self, found: Sequence[str]) -> bool:
        """Tell whether a message can lean on the one before it."""
        return 0 < len(found) <= FOLLOW_WORDS

    def _leaning(self, parts: list[_Reading], texts: Sequence[str]) -> list[_Reading]:
        """Read the parts that lean on the one before them ("and how do i undo that") after its topic."""
        limits = self.heads.thresholds
        leaning = {
            place: self.heads.topics[parts[place - 1].order[0]]
            for place in range(1, len(parts))
            if parts[place].score < limits.sure
            and parts[place - 1].score >= limits.answer
            and not LEANING.isdisjoint(parts[place].words)
            and self._follows(parts[place].words)
        }
        together = self._read([self._after(last, texts[place]) for place, last in leaning.items()]) if leaning else []
        found = list(parts)
        for (place, last), reading in zip(leaning.items(), together, strict=True):
            found[place] = self._followed(parts[place], reading, last)
        return found

    def _searched(
        self, whole: _Reading, sentences: list[str], listed: list[str]
    ) -> tuple[tuple[Ranked, ...], list[_Reading]]:
        """Look for several topics in a message that is not surely about one thing."""
        texts = list(dict.fromkeys((*sentences, *listed)))
        read = dict(zip(texts, self._read(texts), strict=True)) if texts else {}
        parts: list[_Reading] = []
        for cut in (sentences, listed):
            parts = [read[text] for text in cut] or parts
            several = self._several(whole, [read[text] for text in cut], questions=sum(map(asks, cut)) > 1)
            if several:
                return several, parts
        return (), parts

    def _several(self, whole: _Reading, parts: Sequence[_Reading], *, questions: bool) -> tuple[Ranked, ...]:
        """Return the topics of a message that asks several things, else none."""
        found: dict[str, Ranked] = {}
        for part in parts:
            place = part.order[0]
            other = max((p.score for p in parts if p.order[0] != place), default=0.0)
            if self._convinces(part, other, whole, questions=questions):
                first = self._ranked(part, place)
                found.setdefault(first.topic, first)
        # What the whole message is surely about cannot be missing among what it asks.
        missed = whole.score >= self.heads.thresholds.answer and self.heads.topics[whole.order[0]] not in found
        return () if missed or len(found) < 2 else tuple(found.values())[:MOST_TOPICS]

    def _convinces(self, part: _Reading, other: float, whole: _Reading, *, questions: bool) -> bool:
        """Tell whether a part is a question of its own.

        It has to be sure of itself, beside another sure part; the whole message should not
        be surer of something else, and should have thought of the part's topic too.
        """
        rank = min(whole.order.index(part.order[0]), PART_LAST)
        told = (
            PART_SELF * _odds(part.score)
            + PART_OTHER * _odds(other)
            - PART_WHOLE * _odds(whole.score)
            - PART_RANK * rank
            + PART_QUESTIONS * questions
        )
        return told > PART_LIMIT and part.score >= PART_LEAST

    def _ranked(self, reading: _Reading, place: int) -> Ranked:
        """Return a topic with its chance: the first has the score, others their part of it."""
        best = float(reading.chances.max())
        share = float(reading.chances[place]) / best if best > 0 else 0.0
        return Ranked(self.heads.topics[place], round(reading.score * share, 4))

    def _names(self, places: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.heads.topics[place] for place in places)

    def _spoke(self, reading: _Reading, place: int) -> tuple[Word, ...]:
        """Return the words that spoke for a topic, with their pieces counted in."""
        total: dict[str, float] = {}
        for word in dict.fromkeys(reading.words):
            places, values = self._vocabulary.vector([word])
            column = self.heads.weights[places, place].astype(np.float32)
            mean = self.heads.weights[places, :-1].astype(np.float32).mean(axis=1)
            total[word] = float(values @ (column - mean))
        best = sorted(total.items(), key=lambda item: -item[1])[:8]
        return tuple(Word(word, round(weight, 3)) for word, weight in best if weight > 0)

    @cached_property
    def _asks(self) -> Any:
        """The vectors of all asks; only explanations need them."""
        return [self._vocabulary.vector(words(clean(ask))) for ask in self.heads.asks]

    def _nearest(self, reading: _Reading) -> tuple[NearestAsk, ...]:
        dense = np.zeros(len(self._vocabulary), dtype=np.float32)
        np.add.at(dense, reading.places, reading.values)
        likeness = np.array([float(dense[places] @ values) / 2 for places, values in self._asks])
        best = np.argsort(-likeness, kind="stable")[:3]
        return tuple(
            NearestAsk(
                self.heads.topics[int(self.heads.ask_topics[place])],
                self.heads.asks[int(place)],
                round(float(likeness[place]), 3),
            )
            for place in best
            if likeness[place] > 0
        )


@cache
def _encoder() -> Encoder:
    """Return the one encoder of this process, which outlives the knowledge: it is the same for all, and large."""
    return Encoder.load()


def _odds(chance: float) -> float:
    """Return log odds, bounded."""
    chance = min(max(chance, 1e-4), 1 - 1e-4)
    return math.log(chance / (1 - chance))
