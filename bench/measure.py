"""Measure one method in a process of its own: `python -m bench.measure METHOD < request`, a JSON line out."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import sets
from bench.methods import METHODS, NOTHING, First, Method, Ours
from bot.matching.model import Training
from bot.workshop.figures import (
    OFF_ANSWERED,
    RIGHT,
    TYPOS,
    WRONG,
    Answer,
    Judged,
    Question,
    Set,
    measure,
    quantile,
    risk_coverage,
    separation,
    with_typos,
)

PERMITTED = 0.02
"""The share of left-out off-topic messages that the limit of every other method lets through."""

SMALL, LARGE = 3_000, 100_000
TIMED = 150
GROWTH_TIMED = 40


def main() -> None:
    """Read the request, measure, write the result."""
    name, request = sys.argv[1], json.load(sys.stdin)
    knowledge = Path(request["knowledge"])
    data = sets.ours(knowledge)
    if request["what"] == "golden":
        result = golden(METHODS[name], data)
    elif request["what"] == "growth":
        result = growth(METHODS[name], data)
    else:
        result = public(METHODS[name], Path(request["data"]), request["seeds"])
    json.dump(result, sys.stdout)


def golden(make: Callable[[], Method], data: sets.Sets) -> dict[str, Any]:
    """Return the figures of the golden questions, with time and memory."""
    before = _resident()
    method = make()
    start = time.perf_counter()
    limit = 0.0 if isinstance(method, Ours) else _limit(make, data.learned)
    method.learn(data.learned)
    fitted = time.perf_counter() - start
    judged: list[Judged] = []
    firsts: list[tuple[Question, First]] = []
    for question in data.asked:
        found = method.first(question.text)
        firsts.append((question, found))
        judged.append(Judged(question, _decided(method, question.text, found, limit)))
    figures = measure(judged)
    times = _times(method, [question.text for question in data.asked if question.set is Set.IN_SCOPE][:TIMED])
    return {
        "top1": _top1(firsts),
        "right": figures[RIGHT].value,
        "wrong": figures[WRONG].value,
        "off": figures[OFF_ANSWERED].value,
        "typos": figures[TYPOS].value,
        "p50": quantile(times, 0.5),
        "p99": quantile(times, 0.99),
        "memory": _resident() - before,
        "fit": fitted,
        "curve": risk_coverage(judged),
    }


def public(make: Callable[[], Method], folder: Path, seeds: int) -> dict[str, Any]:
    """Return the median accuracy over the seeds, with two typos too, and how well off-topic messages stand apart."""
    found: dict[str, dict[str, list[float]]] = {}
    for seed in range(seeds):
        for one in sets.public(folder, seed):
            method = make()
            method.learn(one.learned)
            firsts = [(question, method.first(question.text)) for question in one.asked]
            row = found.setdefault(one.name, {})
            row.setdefault("top1", []).append(_top1(firsts))
            inside = [score for question, (_, score) in firsts if question.topics]
            outside = [score for question, (_, score) in firsts if not question.topics]
            if apart := separation(inside, outside):
                row.setdefault("separation", []).append(apart)
            some = [question for question in one.asked if question.topics][::5]
            typed = [(question, method.first(with_typos(question.text, 1))) for question in some]
            row.setdefault("typos", []).append(_top1(typed))
    return {name: {key: quantile(values, 0.5) for key, values in row.items()} for name, row in found.items()}


def growth(make: Callable[[], Method], data: sets.Sets) -> dict[str, Any]:
    """Return the time of a question over many phrasings as a multiple of that over few."""
    asked = [question.text for question in data.asked if question.set is Set.IN_SCOPE][:GROWTH_TIMED]
    middle = []
    for count in (SMALL, LARGE):
        method = make()
        method.learn(sets.grown(data.learned, count))
        middle.append(quantile(_times(method, asked), 0.5))
    return {"growth": middle[1] / middle[0]}


def _limit(make: Callable[[], Method], learned: Training) -> float:
    """Return the score over which at most the permitted share of left-out off-topic messages comes."""
    chance = random.Random(1)
    kept: dict[str, tuple[str, ...]] = {}
    left: list[str] = []
    for kind, texts in learned.offtopic.items():
        mixed = chance.sample(texts, len(texts))
        left += mixed[::5]
        kept[kind] = tuple(text for at, text in enumerate(mixed) if at % 5)
    method = make()
    method.learn(Training(learned.topics, kept))
    scores = [score if topic != NOTHING else float("-inf") for topic, score in map(method.first, left)]
    return quantile(scores, 1 - PERMITTED)


def _decided(method: Method, text: str, found: First, limit: float) -> Answer:
    if isinstance(method, Ours):
        match = method.engine.match(text)
        return Answer(tuple((item.topic, item.score) for item in match.topics), match.offered)
    topic, score = found
    return Answer(((topic, score),)) if topic != NOTHING and score > limit else Answer()


def _top1(firsts: Sequence[tuple[Question, First]]) -> float:
    asked = [(question, topic) for question, (topic, _) in firsts if question.set is Set.IN_SCOPE]
    return sum(topic in {*question.topics[:1], *question.also} for question, topic in asked) / len(asked)


def _times(method: Method, texts: Sequence[str]) -> list[float]:
    ask: Callable[[str], object] = method.engine.match if isinstance(method, Ours) else method.first
    for text in texts[:5]:
        ask(text)
    found = []
    for text in texts:
        start = time.perf_counter()
        ask(text)
        found.append(1000 * (time.perf_counter() - start))
    return found


def _resident() -> float:
    """Return the resident memory of this process in megabytes, 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


if __name__ == "__main__":
    main()
