"""Every figure of the matching contract, computed in this one place.

A `Question` says what is expected, an `Answer` what came; together they are `Judged`.
`measure` turns judged answers into `Figures`; nothing here knows where they come from.
"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Set(StrEnum):
    """What a question is asked for."""

    IN_SCOPE = "in-scope"
    PUBLIC = "public"
    OFF_TOPIC = "off-topic"
    TYPOS = "typos"
    MULTI = "multi"
    FOLLOW_UP = "follow-up"
    SLOTS = "slots"


@dataclass(frozen=True, slots=True)
class Question:
    """A message for measuring and what may be answered to it.

    `topics` are expected, in order; none of them means that nothing may be answered.
    `also` are accepted in place of the first. `kind` names a kind of off-topic message.
    """

    text: str
    set: Set
    topics: tuple[str, ...] = ()
    also: frozenset[str] = frozenset()
    kind: str = ""
    device: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, as `ask --json` tells it."""

    topics: tuple[tuple[str, float], ...] = ()
    offered: tuple[str, ...] = ()
    device: str | None = None
    place: str | None = None
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A question with its answer."""

    question: Question
    answer: Answer

    @property
    def answered(self) -> bool:
        """Tell whether any topic was answered."""
        return bool(self.answer.topics)

    @property
    def right(self) -> bool:
        """Tell whether the first topic is the expected or an accepted one."""
        return self.answered and self.answer.topics[0][0] in self._accepted

    @property
    def wrong(self) -> bool:
        """Tell whether something else than what is accepted was answered."""
        return self.answered and not self.right

    @property
    def in_reach(self) -> bool:
        """Tell whether the right topic was answered first or is one tap away."""
        return self.right or not self._accepted.isdisjoint(self.answer.offered)

    @property
    def complete(self) -> bool:
        """Tell whether every expected topic was answered."""
        return set(self.question.topics) <= {topic for topic, _ in self.answer.topics}

    @property
    def in_order(self) -> bool:
        """Tell whether the topics were answered in the order of asking and no other."""
        return self.question.topics == tuple(topic for topic, _ in self.answer.topics)

    @property
    def slots_right(self) -> bool:
        """Tell whether device and place are exactly the expected ones."""
        return (self.answer.device, self.answer.place) == (
            self.question.device,
            self.question.place,
        )

    @property
    def _accepted(self) -> frozenset[str]:
        return self.question.also | frozenset(self.question.topics[:1])


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the contract beside its goal and its floor."""

    name: str
    value: float | None
    count: int
    goal: float
    floor: float
    lower_is_better: bool = False

    @property
    def holds(self) -> bool:
        """Tell whether the floor is kept; what was not measured breaks none."""
        return self.value is None or self._reaches(self.floor)

    @property
    def reached(self) -> bool:
        """Tell whether the goal is reached."""
        return self.value is not None and self._reaches(self.goal)

    def _reaches(self, limit: float) -> bool:
        value = self.value or 0.0
        return value <= limit + 1e-9 if self.lower_is_better else value >= limit - 1e-9


@dataclass(frozen=True, slots=True)
class Kind:
    """What became of the off-topic messages of one kind."""

    name: str
    count: int
    answered: float
    offered: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often one topic was answered in place of another."""

    expected: str
    answered: str
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one run."""

    figures: tuple[Figure, ...]
    kinds: tuple[Kind, ...]
    confusions: tuple[Confusion, ...]

    @property
    def holds(self) -> bool:
        """Tell whether no figure is under its floor."""
        return all(figure.holds for figure in self.figures)

    def __getitem__(self, name: str) -> Figure:
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)


RIGHT = "in-scope, answered rightly"
WRONG = "in-scope, answered wrongly"
REACH = "right topic answered or one tap away"
PUBLIC = "public questions, answered rightly"
OFF_ANSWERED = "off-topic, answered"
OFF_KIND = "off-topic, answered, worst kind"
OFF_OFFERED = "off-topic, offered only"
TYPOS = "two typos, share of the clean figure"
MULTI = "several questions, all answered"
FOLLOW = "follow-ups understood"
SLOTS = "device and place right"
ERROR = "calibration error of the score"


def measure(judged: Iterable[Judged]) -> Figures:
    """Compute every figure for which there are answers."""
    sets: dict[Set, list[Judged]] = defaultdict(list)
    for one in judged:
        sets[one.question.set].append(one)
    asked, off = sets[Set.IN_SCOPE], sets[Set.OFF_TOPIC]
    kinds = _kinds(off)
    # A kind of a few messages has no rate worth a floor.
    rated = [kind.answered for kind in kinds if kind.count >= 10]
    scored = _scored((*asked, *sets[Set.PUBLIC], *off))
    clean = _share(one.right for one in asked)
    typed = _share(one.right for one in sets[Set.TYPOS])
    figures = (
        Figure(RIGHT, clean, len(asked), 0.92, 0.80),
        Figure(WRONG, _share(one.wrong for one in asked), len(asked), 0.02, 0.04, True),
        Figure(REACH, _share(one.in_reach for one in asked), len(asked), 0.99, 0.96),
        Figure(
            PUBLIC,
            _share(one.right for one in sets[Set.PUBLIC]),
            len(sets[Set.PUBLIC]),
            0.85,
            0.65,
        ),
        Figure(OFF_ANSWERED, _share(one.answered for one in off), len(off), 0.02, 0.03, True),
        Figure(OFF_KIND, max(rated, default=None), len(off), 0.06, 0.06, True),
        Figure(OFF_OFFERED, _share(_offered_only(one) for one in off), len(off), 0.10, 0.22, True),
        Figure(
            TYPOS,
            typed / clean if typed is not None and clean else None,
            len(sets[Set.TYPOS]),
            0.95,
            0.88,
        ),
        Figure(
            MULTI,
            _share(one.complete for one in sets[Set.MULTI]),
            len(sets[Set.MULTI]),
            0.85,
            0.65,
        ),
        Figure(
            FOLLOW,
            _share(one.right for one in sets[Set.FOLLOW_UP]),
            len(sets[Set.FOLLOW_UP]),
            0.90,
            0.75,
        ),
        Figure(
            SLOTS,
            _share(one.slots_right for one in sets[Set.SLOTS]),
            len(sets[Set.SLOTS]),
            0.95,
            0.90,
        ),
        Figure(
            ERROR,
            calibration_error(scored),
            len(scored),
            0.03,
            0.06,
            True,
        ),
    )
    return Figures(figures, kinds, confusions((*asked, *sets[Set.PUBLIC])))


def calibration_error(scored: Sequence[tuple[float, bool]], bins: int = 10) -> float | None:
    """Return the expected calibration error over bins of equal width."""
    if not scored:
        return None
    found = _binned(scored, bins).values()
    gap = sum(abs(sum(s for s, _ in one) - sum(r for _, r in one)) for one in found)
    return gap / len(scored)


def _binned(scored: Iterable[tuple[float, bool]], bins: int) -> dict[int, list[tuple[float, bool]]]:
    """Return scores, each with whether it was right, by the bin of equal width that they fall into."""
    full: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for score, right in scored:
        full[min(int(score * bins), bins - 1)].append((score, right))
    return full


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about the same score: what the score promised, and what came of it."""

    count: int
    score: float
    right: float


def calibration(judged: Iterable[Judged], bins: int = 10) -> tuple[Bin, ...]:
    """Return score against rightness in bins of equal width; what was not answered takes no part."""
    full = _binned(_scored(_on_their_own(judged)), bins)
    return tuple(
        Bin(len(found), sum(score for score, _ in found) / len(found), sum(right for _, right in found) / len(found))
        for _, found in sorted(full.items())
    )


def pairs(judged: Iterable[Judged]) -> Counter[tuple[str, str]]:
    """Count which topic was expected and which one answered in its place."""
    return Counter(
        (one.question.topics[0], one.answer.topics[0][0]) for one in judged if one.wrong and one.question.topics
    )


def confusions(judged: Iterable[Judged], most: int = 20) -> tuple[Confusion, ...]:
    """Return which topics were answered in place of which, the most frequent first."""
    ranked = sorted(pairs(judged).items(), key=lambda item: (-item[1], item[0]))
    return tuple(Confusion(*pair, count) for pair, count in ranked[:most])


@dataclass(frozen=True, slots=True)
class Point:
    """How many are answered at a limit of the score, and how many of them wrongly."""

    limit: float
    coverage: float
    risk: float


def risk_curve(scored: Sequence[tuple[float, bool]]) -> tuple[Point, ...]:
    """Return risk against coverage: each answer's score and whether it is right.

    Off-topic messages take part with the score of their first topic, and are never right.
    """
    points: list[Point] = []
    wrong = 0
    ranked = sorted(scored, key=lambda pair: -pair[0])
    for count, (score, right) in enumerate(ranked, 1):
        wrong += not right
        if count == len(ranked) or ranked[count][0] != score:
            points.append(Point(score, count / len(ranked), wrong / count))
    return tuple(points)


def risk_coverage(judged: Iterable[Judged]) -> list[tuple[float, float]]:
    """Return (coverage, risk) from the surest answer on: the share of all messages answered so far, and how many of them wrongly.

    It ends at the share that is answered at all. Off-topic messages count among the messages; answering one is wrong.
    """
    asked = _on_their_own(judged)
    scored = _scored(asked)
    return [(point.coverage * len(scored) / len(asked), point.risk) for point in risk_curve(scored)]


def separation(ours: Sequence[float], others: Sequence[float]) -> float | None:
    """Return the chance that one of ours scores above one of the others (AUROC)."""
    if not ours or not others:
        return None
    ranked = sorted([(score, True) for score in ours] + [(score, False) for score in others])
    total, place = 0.0, 0
    while place < len(ranked):
        end = place
        while end < len(ranked) and ranked[end][0] == ranked[place][0]:
            end += 1
        total += (place + end + 1) / 2 * sum(own for _, own in ranked[place:end])
        place = end
    return (total - len(ours) * (len(ours) + 1) / 2) / (len(ours) * len(others))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ranked = sorted(values)
    # Rounded first, so that a hundredth part of a hundred is one and not a little more.
    place = math.ceil(round(share * len(ranked), 9))
    return ranked[max(place, 1) - 1]


_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    near: dict[str, set[str]] = defaultdict(set)
    for row, keys in enumerate(_ROWS):
        for column, key in enumerate(keys):
            if column:
                near[key].add(keys[column - 1])
                near[keys[column - 1]].add(key)
            # Each row sits half a key to the right of the one above it.
            for above in (column, column + 1):
                if row and above < len(_ROWS[row - 1]):
                    near[key].add(_ROWS[row - 1][above])
                    near[_ROWS[row - 1][above]].add(key)
    return {key: "".join(sorted(keys)) for key, keys in near.items()}


_NEAR = _neighbours()


def with_typos(text: str, seed: int, count: int = 2) -> str:
    """Return the text with slips of the keyboard, the same ones for the same seed.

    A slip is a neighbouring key, a letter left out, doubled, or swapped with the next one;
    no word gets two of them while another is left.
    """
    chance = random.Random(f"{seed}:{text}")  # noqa: S311 - typos are no secret
    letters = list(text)
    used: set[int] = set()
    word_of: dict[int, int] = {}
    word = 0
    for place, letter in enumerate(letters):
        word += not letter.isalnum()
        word_of[place] = word
    open_places = [place for place, letter in enumerate(letters) if letter.lower() in _NEAR]
    slips: list[int] = []
    while open_places and len(slips) < count:
        fresh = [place for place in open_places if word_of[place] not in used] or open_places
        place = chance.choice(fresh)
        open_places.remove(place)
        used.add(word_of[place])
        slips.append(place)
    for place in sorted(slips, reverse=True):
        letter = letters[place]
        slip = chance.randrange(4)
        following = letters[place + 1] if place + 1 < len(letters) else ""
        if slip == 0:
            letters[place] = ""
        elif slip == 1:
            letters[place] = letter * 2
        elif slip == 2 and following.isalpha() and following.lower() != letter.lower():
            letters[place : place + 2] = [following, letter]
        else:
            other = chance.choice(_NEAR[letter.lower()])
            letters[place] = other.upper() if letter.isupper() else other
    return "".join(letters)


def typo_questions(questions: Iterable[Question], seed: int = 1) -> list[Question]:
    """Return the in-scope questions once more, each with two slips of the keyboard."""
    return [
        Question(with_typos(one.text, seed), Set.TYPOS, one.topics, one.also)
        for one in questions
        if one.set is Set.IN_SCOPE
    ]


def _scored(judged: Iterable[Judged]) -> list[tuple[float, bool]]:
    """Return the score of each answer, and whether it is right."""
    return [(one.answer.topics[0][1], one.right) for one in judged if one.answered]


def _on_their_own(judged: Iterable[Judged]) -> list[Judged]:
    """Return the messages that stand for what people send: in scope, public and off-topic, each once."""
    return [one for one in judged if one.question.set in {Set.IN_SCOPE, Set.PUBLIC, Set.OFF_TOPIC}]


def _kinds(off: Sequence[Judged]) -> tuple[Kind, ...]:
    by_kind: dict[str, list[Judged]] = defaultdict(list)
    for one in off:
        by_kind[one.question.kind].append(one)
    return tuple(
        Kind(
            name,
            len(found),
            _share(one.answered for one in found) or 0.0,
            _share(_offered_only(one) for one in found) or 0.0,
        )
        for name, found in sorted(by_kind.items())
    )


def _offered_only(one: Judged) -> bool:
    return not one.answered and bool(one.answer.offered)


def _share(flags: Iterable[bool]) -> float | None:
    listed = list(flags)
    return sum(listed) / len(listed) if listed else None
