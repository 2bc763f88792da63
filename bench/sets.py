"""Bring the questions of a run into one form: what is learned from, and what is asked."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.app import training
from bot.knowledge.loader import load, load_questions
from bot.matching.model import Training
from bot.workshop.figures import Question, Set
from bot.workshop.measuring import golden

PHRASINGS = 10
"""Phrasings an intent on the public sets, as in the published figures."""


@dataclass(frozen=True, slots=True)
class Sets:
    """A name, what is learned from, and the questions to it."""

    name: str
    learned: Training
    asked: tuple[Question, ...]


def ours(knowledge: Path) -> Sets:
    """Return the knowledge with its golden questions."""
    alone = {Set.IN_SCOPE, Set.PUBLIC, Set.OFF_TOPIC, Set.TYPOS}
    asked = (question for question in golden(load_questions(knowledge)) if question.set in alone)
    return Sets("golden", training(load(knowledge)), tuple(asked))


def public(folder: Path, seed: int) -> list[Sets]:
    """Return Banking77 and CLINC150 as far as `folder` holds them, with ten phrasings an intent."""
    found: list[Sets] = []
    banking, clinc = folder / "banking77", folder / "clinc150" / "data_full.json"
    if banking.is_dir():
        rows = {part: _csv(banking / f"{part}.csv") for part in ("train", "test")}
        found.append(Sets("banking77", _drawn(rows["train"], seed), _questions(rows["test"])))
    if clinc.is_file():
        data = json.loads(clinc.read_text(encoding="utf-8"))
        outside = tuple(Question(text, Set.OFF_TOPIC) for text, _ in data["oos_test"])
        found.append(Sets("clinc150", _drawn(data["train"], seed), _questions(data["test"]) + outside))
    return found


def grown(learned: Training, count: int) -> Training:
    """Return the training with `count` phrasings: cut evenly, or with others of the same words added."""
    chance = random.Random(1)
    each = count // len(learned.topics)
    words = [word for asks in learned.topics.values() for ask in asks for word in ask.split()]
    topics: dict[str, tuple[str, ...]] = {}
    for id, asks in learned.topics.items():
        more = [f"{chance.choice(words)} {chance.choice(asks)} {chance.choice(words)}" for _ in range(each - len(asks))]
        topics[id] = (*asks[:each], *more)
    return Training(topics, learned.offtopic, learned.related)


def _csv(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def _drawn(rows: Sequence[Sequence[str]], seed: int) -> Training:
    by_intent: dict[str, list[str]] = {}
    for text, intent in rows:
        by_intent.setdefault(intent, []).append(text)
    chance = random.Random(seed)
    drawn: Mapping[str, tuple[str, ...]] = {
        intent: tuple(chance.sample(texts, PHRASINGS)) for intent, texts in sorted(by_intent.items())
    }
    return Training(drawn)


def _questions(rows: Sequence[Sequence[str]]) -> tuple[Question, ...]:
    return tuple(Question(text, Set.IN_SCOPE, (intent,)) for text, intent in rows)
