"""What the encoder is tuned on: the knowledge, less a part that is kept back, and made-up texts."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import yaml

from bot.matching.encoder import fingerprint
from bot.matching.normalise import clean
from bot.workshop.figures import with_typos

KEPT_BACK = 5
"""One text in so many is never tuned on: `privacy-bot fit` calibrates by those."""


@dataclass(frozen=True)
class Material:
    """Texts with their topic or kind, tuned on and kept back."""

    topics: tuple[str, ...]
    kinds: tuple[str, ...]
    asks: list[tuple[str, str]]
    others: list[tuple[str, str]]
    kept_asks: list[tuple[str, str]]
    kept_others: list[tuple[str, str]]


def material(folder: Path) -> Material:
    """Read asks and off-topic messages and keep a part of both back."""
    asks: list[tuple[str, str]] = []
    for path in sorted(folder.glob("topics/*/*.yaml")):
        topic = yaml.safe_load(path.read_text(encoding="utf-8"))
        asks += [(path.stem, text) for text in (topic["title"], *topic["asks"])]
    others: list[tuple[str, str]] = []
    for path in sorted(folder.glob("offtopic/*.yaml")):
        kind = yaml.safe_load(path.read_text(encoding="utf-8"))
        others += [(kind["kind"], text) for text in kind["messages"]]

    def kept(text: str) -> bool:
        return fingerprint(clean(text)) % KEPT_BACK == 0

    return Material(
        topics=tuple(sorted({topic for topic, _ in asks})),
        kinds=tuple(sorted({kind for kind, _ in others})),
        asks=[one for one in asks if not kept(one[1])],
        others=[one for one in others if not kept(one[1])],
        kept_asks=[one for one in asks if kept(one[1])],
        kept_others=[one for one in others if kept(one[1])],
    )


def slipped(text: str, chance: random.Random) -> str:
    """Return a text, at times with typing errors or some of its words missing."""
    turn = chance.random()
    if turn < 0.2:
        return with_typos(text, chance.randrange(10**9), chance.choice((1, 2, 2, 3)))
    if turn < 0.4:
        return " ".join([word for word in text.split() if chance.random() > 0.12]) or text
    return text


OPENINGS = ("what is", "how do i", "why", "can i", "tell me about", "is it")

EVERYDAY = (
    "how do i {verb} my {noun}",
    "can you {verb} the {noun} for me",
    "what is the {noun} of my {other}",
    "why is my {noun} {adjective}",
    "i want to {verb} a {noun}",
    "when will my {noun} {verb}",
    "is there a {adjective} {noun} in the {other}",
    "tell me the {noun} for {other}",
    "my {noun} has not been {past} yet",
    "i lost my {noun}, what now",
    "how long does it take to {verb} a {noun}",
    "how much does a {noun} cost",
    "please {verb} the {noun} and the {other}",
    "do you have any {adjective} {noun}",
    "where can i {verb} a {noun}",
    "what does {noun} mean",
    "who can {verb} my {noun}",
    "can i {verb} {noun} with my {other}",
    "why did the {noun} {verb} my {other}",
    "set my {noun} to {adjective}",
    "put {noun} on my {other} list",
    "my {noun} shows the wrong {other}",
    "{verb} my {noun}",
    "what time does the {noun} {verb}",
    "show me how to {verb} {noun}",
    "is it {adjective} to {verb} a {noun}",
    "there is a {adjective} {noun} on my {other}",
    "how does a {noun} work",
)
"""Ways of asking for anything at all."""


def everyday(wordnet: Path, count: int, seed: int = 5) -> list[str]:
    """Return texts about anything: requests with common words in them, and explanations.

    They have nothing to do with the knowledge; by them the words that nobody has written
    in it yet keep their meaning.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing here is secret
    common = {part: _common(wordnet, part) for part in ("noun", "verb", "adj")}
    explained = _explanations(wordnet)

    def drawn(part: str) -> str:
        words, weights = common[part]
        return chance.choices(words, cum_weights=weights)[0]

    made: list[str] = []
    for _ in range(count):
        turn = chance.random()
        if turn < 0.55:
            past = drawn("verb")
            text = chance.choice(EVERYDAY).format(
                noun=drawn("noun"),
                other=drawn("noun"),
                verb=drawn("verb"),
                past=f"{past}d" if past.endswith("e") else f"{past}ed",
                adjective=drawn("adj"),
            )
            if chance.random() < 0.3:
                text += "?"
        else:
            text = chance.choice(explained)
            if turn >= 0.9:
                text = f"{chance.choice(OPENINGS)} {text}"
        made.append(text)
    return made


def made_up(found: Material, wordnet: Path, count: int, seed: int = 1) -> list[str]:
    """Return texts that nobody wrote, in the words of the knowledge; their general meaning is to stay.

    Most are asks cut, crossed and with other words in them; some are WordNet's
    explanations and examples, so that general English is not forgotten.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing here is secret
    asks, others = [text for _, text in found.asks], [text for _, text in found.others]
    everything = asks + others
    own = [word for text in everything for word in text.split()]
    explained = _explanations(wordnet)
    foreign = _lemmas(wordnet)
    made: list[str] = []
    while len(made) < count:
        if chance.random() < 0.2:
            text = chance.choice(explained)
            if chance.random() < 0.3:
                text = f"{chance.choice(OPENINGS)} {text}"
        else:
            text = _mixed(chance, asks, others, everything, own, foreign)
        made.append(text)
    return made


def _mixed(
    chance: random.Random,
    asks: list[str],
    others: list[str],
    everything: list[str],
    own: list[str],
    foreign: list[str],
) -> str:
    text = chance.choice(asks if chance.random() < 0.75 else others)
    words = text.split()
    turn = chance.random()
    if turn < 0.35:
        other = chance.choice(everything).split()
        end, start = chance.randint(1, len(words)), chance.randrange(len(other))
        return " ".join(words[:end] + other[start:])
    if turn < 0.60:
        for _ in range(chance.randint(1, max(1, len(words) // 4))):
            words[chance.randrange(len(words))] = chance.choice(own if chance.random() < 0.6 else foreign)
        return " ".join(words)
    if turn < 0.70:
        return f"{text} {chance.choice(everything)}"
    if turn < 0.80:
        start = chance.randint(0, max(0, len(words) - 2))
        return " ".join(words[start : start + chance.randint(2, 12)])
    if turn < 0.90:
        return with_typos(text, chance.randrange(10**9), chance.choice((1, 2, 3)))
    kept = [word for word in words if chance.random() > 0.2] or words
    if chance.random() < 0.3:
        chance.shuffle(kept)
    return " ".join(kept)


def _explanations(wordnet: Path) -> list[str]:
    found: list[str] = []
    for part in ("noun", "verb", "adj", "adv"):
        for line in (wordnet / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):
                continue
            for text in re.split(r";\s+", line.split(" | ", 1)[1].strip()):
                bare = text.strip().strip('"')
                if 3 <= len(bare.split()) <= 30:
                    found.append(bare)
    return found


def _lemmas(wordnet: Path) -> list[str]:
    found: set[str] = set()
    for part in ("noun", "verb"):
        for line in (wordnet / f"index.{part}").read_text(encoding="utf-8").splitlines():
            fields = line.split(" ", 3)
            if not line.startswith(" ") and int(fields[2]) >= 2 and fields[0].isalpha():
                found.add(fields[0])
    return sorted(found)


def _common(wordnet: Path, part: str) -> tuple[list[str], list[float]]:
    """Return the words of a part of speech and their summed weights: common ones weigh more."""
    kinds = {"noun": "1", "verb": "2", "adj": "35"}[part]
    counted: dict[str, int] = {}
    for line in (wordnet / f"index.{part}").read_text(encoding="utf-8").splitlines():
        fields = line.split(" ", 3)
        if fields[0].isalpha() and 2 < len(fields[0]) < 14 and int(fields[2]) >= 2:
            counted[fields[0]] = 0
    for line in (wordnet / "cntlist.rev").read_text(encoding="utf-8").splitlines():
        sense, _, count = line.split()
        word, _, rest = sense.partition("%")
        if rest[0] in kinds and word.isalpha() and 2 < len(word) < 14:
            counted[word] = counted.get(word, 0) + int(count)
    words = sorted(counted)
    return words, list(accumulate((counted[word] + 0.01) ** 0.7 for word in words))
