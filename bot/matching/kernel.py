"""How alike messages are: the sum that topics and gate are learned over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

WIDTH = 2.0
"""How fast the likeness of two sentences falls with their distance."""

SENTENCE = 8.0
"""How much the likeness of sentences counts beside the likeness of their words."""

FEW_ROWS = 2
"""So few rows are multiplied one by one: measured with the messages of this knowledge."""

FEW, FEW_SHARE = 30.0, 0.25
"""Of topics with fewer asks than this on average, the first block gets this share only."""


def shares(blocks: Sequence[int], asks: float) -> tuple[float, ...]:
    """Return how much each block counts where topics have so many asks on average.

    The first block was tuned on much-asked topics; where a topic has few asks, what words
    mean in general tells more. Measured on public sets with ten phrasings a topic.
    """
    if len(blocks) < 2 or asks >= FEW:
        return (1 / max(len(blocks), 1),) * len(blocks)
    return (FEW_SHARE, *((1 - FEW_SHARE) / (len(blocks) - 1),) * (len(blocks) - 1))


def turned(vectors: Floats, blocks: Sequence[int]) -> tuple[Floats, ...]:
    """Return an array a block, a column a message, each in one piece of memory.

    Reading the messages takes longer than multiplying them, and this is the order of reading.
    """
    ends = np.cumsum(blocks)
    return tuple(
        np.ascontiguousarray(vectors[:, end - size : end].T) for size, end in zip(blocks, ends.tolist(), strict=True)
    )


def near(rows: Floats, messages: Sequence[Floats], shares: Sequence[float]) -> Floats:
    """Return the likeness of sentences: a row a vector, a column a message (as `turned` returns them).

    A vector has one or more blocks of length one each; each block is a view of its own.
    """
    total = np.zeros((len(rows), messages[0].shape[1]), dtype=np.float32)
    start = 0
    for block, share in zip(messages, shares, strict=True):
        end = start + len(block)
        part = product(rows[:, start:end], block)
        part -= 1
        part *= 2 * WIDTH
        np.exp(part, out=part)
        part *= SENTENCE * share
        total += part
        start = end
    return total


def product(rows: Floats, matrix: Floats) -> Floats:
    """Multiply; few rows one by one, which reads the matrix in order and is faster than all at once."""
    if len(rows) > FEW_ROWS:
        return np.asarray(rows @ matrix)
    return np.stack([row @ matrix for row in rows])
