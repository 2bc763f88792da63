"""How alike messages are: the sum that topics and gate are learned over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

WIDTH = 2.0
"""How fast the likeness of two sentences falls with their distance."""

SENTENCE = 8.0
"""How much the likeness of sentences counts beside the likeness of their words."""


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


def near(one: Floats, many: Floats, blocks: Sequence[int], shares: Sequence[float]) -> Floats:
    """Return the likeness of sentences, rows of `one` against rows of `many`.

    A vector has one or more blocks of length one each; each block is a view of its own.
    """
    total = np.zeros((len(one), len(many)), dtype=np.float32)
    start = 0
    for size, share in zip(blocks, shares, strict=True):
        end = start + size
        part = one[:, start:end] @ many[:, start:end].T
        part -= 1
        part *= 2 * WIDTH
        np.exp(part, out=part)
        part *= SENTENCE * share
        total += part
        start = end
    return total


def gram(matrix: Any, vectors: Floats, blocks: Sequence[int], shares: Sequence[float], step: int = 512) -> Floats:
    """Return the likeness of all messages with one another; built row by row to save memory."""
    count = matrix.shape[0]
    full = np.empty((count, count), dtype=np.float32, order="F")
    turned = matrix.T.tocsr()
    for start in range(0, count, step):
        rows = slice(start, min(start + step, count))
        part = np.asarray((matrix[rows] @ turned).toarray(), dtype=np.float32)
        part += near(vectors[rows], vectors, blocks, shares)
        full[:, rows] = part.T
    return full
