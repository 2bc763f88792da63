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


def near(one: Floats, many: Floats, blocks: Sequence[int]) -> Floats:
    """Return the likeness of sentences, rows of `one` against rows of `many`.

    A vector has one or more blocks of length one each; each block is a view of its own.
    """
    total = np.zeros((len(one), len(many)), dtype=np.float32)
    start = 0
    for size in blocks:
        end = start + size
        part = one[:, start:end] @ many[:, start:end].T
        part -= 1
        part *= 2 * WIDTH
        np.exp(part, out=part)
        total += part
        start = end
    total *= SENTENCE / max(len(blocks), 1)
    return total


def gram(matrix: Any, vectors: Floats, blocks: Sequence[int], step: int = 512) -> Floats:
    """Return the likeness of all messages with one another; built row by row to save memory."""
    count = matrix.shape[0]
    full = np.empty((count, count), dtype=np.float32, order="F")
    turned = matrix.T.tocsr()
    for start in range(0, count, step):
        rows = slice(start, min(start + step, count))
        part = np.asarray((matrix[rows] @ turned).toarray(), dtype=np.float32)
        part += near(vectors[rows], vectors, blocks)
        full[:, rows] = part.T
    return full
