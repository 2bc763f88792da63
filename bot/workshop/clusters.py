"""Group what people asked and could not get, and say where each group belongs or that a topic is missing.

People's words are shown and go nowhere else: nothing here writes a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from bot.matching.encoder import Encoder
from bot.matching.model import Band, Explanation, Matcher
from bot.matching.normalise import clean, words
from bot.workshop.listing import visible

ALIKE = 0.45
"""Mean likeness (cosine of sentence vectors) from which two groups are one. At this limit 86 % of the golden questions
lie in a group that is mostly of their own topic, and every second pair that asks for one topic is together."""

MOST = 1_000
"""So many different messages are grouped at once; the time grows with their cube."""

_SHOWN = 5

NOTICE = (
    "Nothing of this is written anywhere. Telegram's terms forbid making data sets of what people write, so their words "
    "never go into asks, offtopic or questions: write asks in words of your own."
)


class MessagesError(Exception):
    """Refuse a file of messages, in one sentence for each line that does not fit."""


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody wrote, and how often that came."""

    text: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Cluster:
    """Messages that mean much the same, and what the matcher makes of them."""

    messages: tuple[Message, ...]
    topic: str
    chance: float
    ours: float
    answered: int
    answer: float

    @property
    def count(self) -> int:
        """Return how many times people asked this."""
        return sum(message.count for message in self.messages)


def read_messages(text: str, name: str) -> list[Message]:
    """Return the messages of a file: one a line, or JSON lines `{"text": …, "count": n}` as the ledger exports them.

    The same words count together. Raises MessagesError with every line that does not fit.
    """
    counts: dict[str, int] = {}
    faults: list[str] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = raw.strip()
        if not line:
            continue
        try:
            message = _from_json(line) if line.startswith("{") else Message(line)
        except ValueError as error:
            faults.append(f"{name}:{number}: {error}")
            continue
        if words(clean(message.text)):
            counts[message.text] = counts.get(message.text, 0) + message.count
    if faults:
        raise MessagesError(
            "\n".join([*faults[:20], *([f"… and {len(faults) - 20} more"] if len(faults) > 20 else [])])
        )
    if not counts:
        raise MessagesError(f"{name} holds no message with words; write one a line.")
    return [Message(said, count) for said, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _from_json(line: str) -> Message:
    try:
        found: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f'this is no JSON ({error.msg}); write {{"text": "…", "count": 1}}.') from error
    text, count = found.get("text"), found.get("count", 1)
    if not isinstance(text, str) or not text.strip():
        raise ValueError('"text" is missing; write {"text": "…", "count": 1}.')
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError('"count" is no whole number from 1 on; write {"text": "…", "count": 1}.')
    return Message(" ".join(text.split()), count)


def clusters(
    messages: Sequence[Message], matcher: Matcher, encoder: Encoder, tell: Callable[[int, int], None] | None = None
) -> list[Cluster]:
    """Return the groups of the messages, the most asked first; of very many messages only the most frequent.

    `tell` hears after each group how many of all are done.
    """
    chosen = list(messages[:MOST])
    grouped = group(np.asarray(encoder.encode([clean(message.text) for message in chosen])), ALIKE)
    found: list[Cluster] = []
    for places in grouped:
        found.append(_cluster([chosen[place] for place in places], matcher))
        if tell:
            tell(len(found), len(grouped))
    return sorted(found, key=lambda cluster: (-cluster.count, cluster.messages[0].text))


def group(vectors: Any, alike: float) -> list[list[int]]:
    """Join the two groups of the highest mean likeness, over and over, while it is at least `alike`.

    `vectors` has a row a message; returns the places of the rows by group.
    """
    count = len(vectors)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    likeness = (unit @ unit.T).astype(np.float64)
    np.fill_diagonal(likeness, -np.inf)
    groups: dict[int, list[int]] = {place: [place] for place in range(count)}
    while len(groups) > 1:
        first, second = divmod(int(likeness.argmax()), count)
        if likeness[first, second] < alike:
            break
        ours, theirs = len(groups[first]), len(groups[second])
        # The mean likeness to the joined group follows from those to its two parts.
        joined = (likeness[first] * ours + likeness[second] * theirs) / (ours + theirs)
        joined[first] = -np.inf
        likeness[first, :] = likeness[:, first] = joined
        likeness[second, :] = likeness[:, second] = -np.inf
        groups[first] += groups.pop(second)
    return [sorted(places) for places in groups.values()]


def _cluster(messages: Sequence[Message], matcher: Matcher) -> Cluster:
    """Ask the matcher about each message; the topic with the highest chance over all of them is the nearest."""
    told = [(matcher.explain(message.text), message.count) for message in messages]
    total = sum(count for _, count in told)
    chances: dict[str, float] = {}
    for why, count in told:
        for ranked in why.ranked:
            chances[ranked.topic] = chances.get(ranked.topic, 0.0) + ranked.score * count / total
    topic = max(chances, key=lambda id: chances[id])
    ours = sum(why.gate * count for why, count in told) / total
    answered = sum(count for why, count in told if _gets(why))
    return Cluster(tuple(messages), topic, chances[topic], ours, answered, told[0][0].thresholds.answer)


def _gets(why: Explanation) -> bool:
    return why.match.band in {Band.SURE, Band.NEAR}


def listed(found: Sequence[Cluster], titles: dict[str, str]) -> RenderableType:
    """Return the clusters as an editor reads them, with what to do about each."""
    parts: list[RenderableType] = []
    for number, cluster in enumerate(found, 1):
        noun = "once" if cluster.count == 1 else f"{cluster.count} times"
        parts.append(Text(f"{number}. asked {noun}", style="bold"))
        for message in cluster.messages[:_SHOWN]:
            often = f" ({message.count}×)" if message.count > 1 else ""
            parts.append(Text(f"   “{_shown(message.text)}”{often}"))
        if len(cluster.messages) > _SHOWN:
            parts.append(Text(f"   … and {len(cluster.messages) - _SHOWN} more like these"))
        parts.append(Text(f"   {_proposal(cluster, titles)}\n", style="cyan"))
    return Group(*parts, Text(NOTICE, style="dim"))


def _proposal(cluster: Cluster, titles: dict[str, str]) -> str:
    named = f'{cluster.topic}, "{titles.get(cluster.topic, cluster.topic)}" (chance {cluster.chance:.2f})'
    if cluster.answered == cluster.count:
        return f"Answered today: {named}. If that is the wrong answer, give the right topic asks like these."
    if cluster.chance >= cluster.answer / 2:
        return f"Nearest topic: {named}. If it answers them, add asks of your own words to it."
    if cluster.ours >= 0.5:  # more likely about LinkedIn and AI than not
        return f"A topic may be missing: about LinkedIn and AI, but even {named} is far off. See privacy-bot new."
    return f"No topic, and hardly ours; the nearest is {named}. Write a new topic only if people should get an answer here."


def _shown(text: str) -> str:
    said = visible(text)
    return said if len(said) <= 160 else said[:159] + "…"
