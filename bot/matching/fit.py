"""Learn the heads and the thresholds from the knowledge; never imported while serving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from bot.matching.encoder import Encoder, fingerprint
from bot.matching.features import Vocabulary
from bot.matching.heads import Heads
from bot.matching.kernel import SENTENCE, near, shares, turned
from bot.matching.model import Thresholds, Training
from bot.matching.normalise import clean, words
from bot.matching.packed import Packed
from bot.matching.scoring import Doubles, evidence, reach, right, sigmoid, softmax

Progress = Callable[[str, float], None]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

STIFFNESS = 2.0
FOLDS = 10

MOST_ASKS, MOST_OFFTOPIC = 10_600, 4_500
"""A larger knowledge is learned from evenly drawn messages: the sums grow with the third power."""

COMMON = 512
"""So many features are multiplied as a whole matrix; nine tenths of what two messages have in common are theirs."""

THREADS = 4
"""So many sentences are read at once; each needs memory of its own."""

FEWEST_ASKS, FEWEST_OTHERS = 200, 60
"""Fewer fresh messages than this do not suffice to calibrate by."""

ALIKE = 0.8
"""Messages at least as alike as this never stand on both sides of a fold."""

OFFTOPIC_SHARE = 0.4
"""The share of off-topic messages that the thresholds reckon with."""

ANSWERED_OFFTOPIC, ANSWERED_KIND, OFFERED_OFFTOPIC = 0.025, 0.05, 0.15
"""What the thresholds allow: off-topic answered, of one kind, and offered only."""

LIKELY, SURE = 0.6, 0.9
"""Nothing is answered that is hardly likelier to be right than wrong, however few off-topic messages come near it."""


def fit(training: Training, progress: Progress | None = None, encoder: Encoder | None = None) -> Heads:
    """Fit everything for one knowledge and return it."""
    tell = progress or _silent
    encoder = encoder or Encoder.load()
    topics = tuple(training.topics)
    kinds = tuple(training.offtopic)
    asks = [(place, ask) for place, topic in enumerate(topics) for ask in training.topics[topic]]
    others = [(place, text) for place, kind in enumerate(kinds) for text in training.offtopic[kind]]
    if not asks:
        raise ValueError("there is no ask to learn from")
    asks, others = _bounded(asks, MOST_ASKS), _bounded(others, MOST_OFFTOPIC)

    tell("reading", 0.0)
    cleaned = [clean(text) for _, text in asks + others]
    messages = [words(text) for text in cleaned]
    vocabulary = Vocabulary.of(messages, rarest=1 if len(messages) < 1000 else 2)
    matrix = _matrix(vocabulary, messages)
    vectors = _encode(encoder, cleaned, tell)
    # What the encoder was tuned on looks easier to it than what people will write.
    fresh = np.array([fingerprint(text) not in encoder.seen for text in cleaned])
    blocks = encoder.blocks
    del encoder  # its memory is needed for what follows

    tell("comparing", 0.4)
    count = len(asks)
    label = np.array([place for place, _ in asks])
    kind = np.array([place for place, _ in others], dtype=np.int64)
    target = np.zeros((len(messages), len(topics) + 1), dtype=np.float32)
    target[np.arange(count), label] = 1
    target[:, -1] = np.where(np.arange(len(messages)) < count, 1, -1)
    counted = shares(blocks, count / len(topics))
    alike = _gram(matrix, vectors, blocks, counted)
    used = _judges(fresh, count)
    folds = _folds(alike, used)
    alike.add(1)
    tell("topics and gate", 0.5)
    mix, unseen = _ridge(alike, target, _balance(count, kind), folds)
    del alike

    tell("thresholds", 0.9)
    line = _lines(unseen[used].astype(np.float64), label, kind, used, count)

    seen = Counter(word for message in messages for word in message)
    places = {topic: place for place, topic in enumerate(topics)}
    tell("done", 1.0)
    return Heads(
        digest=training.digest(),
        topics=topics,
        names=vocabulary.names,
        idf=vocabulary.idf,
        weights=np.asarray(matrix.T @ mix).astype(np.float16),
        bias=mix.sum(axis=0).astype(np.float32),
        vectors=np.round(vectors * 127).astype(np.int8),
        shares=counted,
        mix=mix.astype(np.float16),
        sharpness=line.sharpness,
        gate_line=line.gate,
        right_line=line.right,
        thresholds=line.thresholds,
        words=tuple(seen),
        counts=np.array(list(seen.values()), dtype=np.int32),
        asks=tuple(text for _, text in asks),
        ask_topics=label.astype(np.int32),
        related=tuple(
            tuple(places[other] for other in training.related.get(topic, ()) if other in places) for topic in topics
        ),
    )


def _silent(step: str, share: float) -> None:
    """Tell nobody how far it is."""
    del step, share


@dataclass(frozen=True, slots=True)
class _Lines:
    sharpness: float
    gate: tuple[float, float]
    right: tuple[float, ...]
    thresholds: Thresholds


def _lines(scores: Doubles, label: Ints, kind: Ints, used: Ints, count: int) -> _Lines:
    """Find how to read the scores from messages that were left out of learning."""
    asked = used < count
    label, kind = label[used[asked]], kind[used[~asked] - count]
    many = int(asked.sum())
    share = _shares(many, kind)
    sharpness = _sharpness(scores[:many, :-1], label)
    gate_line = _gate_line(scores[:, -1], many, share)
    gate = np.asarray(sigmoid(gate_line[0] * scores[:, -1] + gate_line[1]))
    chances = softmax(scores[:, :-1], sharpness)
    good = np.zeros(len(scores))
    good[:many] = chances[:many].argmax(axis=1) == label
    line = [float(number) for number in _logistic(evidence(gate, chances), good, share)]
    score = right(line, gate, chances)
    return _Lines(
        sharpness=sharpness,
        gate=gate_line,
        right=tuple(line),
        thresholds=_thresholds(score, reach(gate, chances), many, kind),
    )


def _judges(fresh: npt.NDArray[np.bool_], count: int) -> Ints:
    """Return the messages to calibrate by: unseen ones, or all where those are too few."""
    used = np.flatnonzero(fresh)
    enough = (used < count).sum() >= FEWEST_ASKS and (used >= count).sum() >= FEWEST_OTHERS
    return used if enough else np.arange(len(fresh))


def _bounded(listed: list[tuple[int, str]], most: int) -> list[tuple[int, str]]:
    """Take so many of a huge knowledge that time and memory stay bounded, evenly by topic."""
    if len(listed) <= most:
        return listed
    order = np.random.default_rng(3).permutation(len(listed))
    taken: Counter[int] = Counter()
    turn: list[tuple[int, int]] = []
    for place in order:
        topic = listed[place][0]
        turn.append((taken[topic], int(place)))
        taken[topic] += 1
    kept = sorted(place for _, place in sorted(turn)[:most])
    return [listed[place] for place in kept]


def _encode(encoder: Encoder, cleaned: list[str], tell: Progress) -> Floats:
    """Return the sentence vectors, telling how far it is."""
    order = sorted(range(len(cleaned)), key=lambda place: len(cleaned[place]))
    vectors = np.zeros((len(cleaned), sum(encoder.blocks)), dtype=np.float32)
    chunks = [order[start : start + 128] for start in range(0, len(order), 128)]
    # The runtime lets other threads work while it computes.
    with ThreadPoolExecutor(THREADS) as pool:
        made = pool.map(lambda chunk: encoder.encode([cleaned[place] for place in chunk]), chunks)
        for turn, (chunk, rows) in enumerate(zip(chunks, made, strict=True)):
            vectors[chunk] = rows
            tell("sentences", 0.05 + 0.35 * turn / len(chunks))
    return vectors


def _gram(matrix: Any, vectors: Floats, blocks: Sequence[int], shares: Sequence[float], step: int = 512) -> Packed:
    """Return the likeness of all messages with one another; built by so many rows at once to save memory."""
    full = Packed(len(vectors))
    messages = turned(vectors, blocks)
    common, rare = _parted(matrix)
    for start in range(0, full.size, step):
        rows = slice(start, start + step)
        part = near(vectors[rows], [block[:, start:] for block in messages], shares)
        part += common[rows] @ common[start:].T
        part += (rare[start:] @ rare[rows].T.tocsr()).toarray().T
        full.put(start, part)
    return full


def _parted(matrix: Any) -> tuple[Floats, Any]:
    """Return the commonest features as a whole matrix and the others as a sparse one: together they multiply faster."""
    order = np.argsort(-np.bincount(matrix.indices, minlength=matrix.shape[1]), kind="stable")
    common = np.asarray(matrix[:, order[:COMMON]].toarray(), dtype=np.float32)
    return common, matrix[:, np.sort(order[COMMON:])].tocsr()


def _folds(alike: Packed, used: Ints) -> Ints:
    """Deal the messages to calibrate by into folds, with all that are nearly the same; others have fold -1."""
    leader = np.arange(alike.size)

    def find(place: int) -> int:
        while leader[place] != place:
            leader[place] = leader[leader[place]]
            place = int(leader[place])
        return place

    limit = ALIKE * (2 + SENTENCE)
    for one in range(alike.size):
        for two in np.flatnonzero(alike.below(one) >= limit):
            leader[find(one + 1 + int(two))] = find(one)
    group = np.array([find(place) for place in range(alike.size)])
    folds = np.full(alike.size, -1)
    groups = np.unique(group[used])
    turns = np.random.default_rng(7).permutation(len(groups)) % FOLDS
    for turn, leading in zip(turns, groups, strict=True):
        folds[group == leading] = turn
    return folds


def _ridge(kernel: Packed, target: Floats, weight: Floats, folds: Ints) -> tuple[Floats, Floats]:
    """Solve weighted least squares, in place of the kernel.

    Returns the mix of messages, and what each message of a fold would have been given had that fold
    been left out: exact, and without fitting again. Raises ValueError where messages are too alike.
    """
    kernel.add_diagonal(STIFFNESS / weight)
    kernel.factor()
    mix = kernel.solve(target)
    unseen = np.empty_like(target)
    for fold in range(FOLDS):
        out = np.flatnonzero(folds == fold)
        unseen[out] = target[out] - np.linalg.solve(kernel.inverse(out), mix[out])
    return mix, unseen


def _balance(count: int, kind: Ints) -> Floats:
    """Weigh off-topic messages as much as asks, and each kind like the others."""
    weight = np.ones(count + len(kind))
    if not len(kind):
        return weight.astype(np.float32)
    sizes = np.bincount(kind)
    used = sizes > 0
    weight[count:] = np.sqrt((count / used.sum()) / sizes[kind])
    return np.clip(weight, 0.3, 3.0).astype(np.float32)


def _shares(count: int, kind: Ints) -> Doubles:
    """Weigh the messages as they are expected to come."""
    share = np.full(count + len(kind), 1 / count)
    if len(kind):
        share[:count] *= 1 - OFFTOPIC_SHARE
        share[count:] = OFFTOPIC_SHARE / len(kind)
    return np.asarray(share * (count + len(kind)))


def _sharpness(scores: Doubles, label: Ints) -> float:
    """Find the softmax under which the left-out asks are likeliest."""

    def loss(sharpness: float) -> float:
        chance = softmax(scores, sharpness)[np.arange(len(label)), label]
        return float(-np.log(np.clip(chance, 1e-9, 1)).mean())

    return min((float(s) for s in np.geomspace(1, 40, 40)), key=loss)


def _gate_line(scores: Doubles, count: int, share: Doubles) -> tuple[float, float]:
    if count == len(scores):
        return 0.0, 4.0
    ours = np.zeros(len(scores))
    ours[:count] = 1
    shift, slope = _logistic(np.stack((np.ones(len(scores)), scores), axis=1), ours, share)
    return float(slope), float(shift)


def _logistic(evidence: Doubles, target: Doubles, share: Doubles) -> Doubles:
    """Fit a small logistic line by Newton's method."""
    line = np.zeros(evidence.shape[1])
    calm = np.full(len(line), 0.1)
    calm[0] = 0.01
    # Few messages must not make the line certain of itself.
    target = (target * len(target) + 0.5) / (len(target) + 1)
    for _ in range(50):
        chance = np.asarray(sigmoid(evidence @ line))
        slope = evidence.T @ (share * (chance - target)) + calm * line
        bend = (evidence * (share * chance * (1 - chance))[:, None]).T @ evidence + np.diag(calm)
        step = np.linalg.solve(bend, slope)
        line = line - step
        if float(np.abs(step).max()) < 1e-8:
            break
    return np.asarray(line)


def _thresholds(score: Doubles, reached: Doubles, count: int, kind: Ints) -> Thresholds:
    """Find the lowest limits that keep the off-topic messages out."""
    answer = _lowest(score, count, kind, ANSWERED_OFFTOPIC, ANSWERED_KIND, LIKELY, 0.95)
    offered = np.where(score < answer, reached, 0.0)
    offer = _lowest(offered, count, kind, OFFERED_OFFTOPIC, 1.0, 0.1, 0.95)
    return Thresholds(answer=answer, sure=max(answer, SURE), offer=offer)


def _lowest(
    score: Doubles,
    count: int,
    kind: Ints,
    most: float,
    most_kind: float,
    low: float,
    high: float,
) -> float:
    others = score[count:]
    if not len(others):
        return (low + high) / 2
    limits = [float(np.quantile(others, 1 - most))]
    limits += [
        float(np.quantile(others[kind == place], 1 - most_kind))
        for place in np.unique(kind)
        if (kind == place).sum() >= 20
    ]
    return float(np.clip(max(limits), low, high))


def _matrix(vocabulary: Vocabulary, messages: Sequence[Sequence[str]]) -> Any:
    """Return the messages as rows of a sparse matrix."""
    rows = [vocabulary.vector(words) for words in messages]
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    starts[1:] = np.cumsum([len(places) for places, _ in rows])
    empty_i, empty_f = np.zeros(0, np.int32), np.zeros(0, np.float32)
    return csr_matrix(
        (
            np.concatenate([values for _, values in rows] or [empty_f]),
            np.concatenate([places for places, _ in rows] or [empty_i]),
            starts,
        ),
        shape=(len(rows), len(vocabulary)),
    )
