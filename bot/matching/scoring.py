"""From raw scores to chances: the same sums for fitting and for serving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

TOP = 4
"""At most this many topics are offered."""

_EDGE = 1e-6


def sigmoid(value: Any) -> Any:
    """Return the logistic function, safe for large numbers."""
    return 1 / (1 + np.exp(-np.clip(value, -60, 60)))


def softmax(scores: Doubles, sharpness: float) -> Doubles:
    """Return chances over topics, row by row."""
    scaled = scores * sharpness
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def evidence(gate: Doubles, chances: Doubles) -> Doubles:
    """Return what tells whether the first topic is right, a row a message."""
    ranked = -np.sort(-chances, axis=-1)
    first = np.clip(ranked[..., 0], _EDGE, 1 - _EDGE)
    second = np.clip(ranked[..., 1], _EDGE, 1) if ranked.shape[-1] > 1 else np.full_like(first, _EDGE)
    ours = np.clip(gate, _EDGE, 1 - _EDGE)
    return np.stack(
        (
            np.ones_like(first),
            np.log(ours / (1 - ours)),
            np.log(first / (1 - first)),
            np.log(first / second),
        ),
        axis=-1,
    )


def right(line: Sequence[float], gate: Doubles, chances: Doubles) -> Doubles:
    """Return the chance that the first topic is right."""
    return np.asarray(sigmoid(evidence(gate, chances) @ np.asarray(line)))


def reach(gate: Doubles, chances: Doubles) -> Doubles:
    """Return the chance that the right topic is among those that can be offered."""
    ranked = -np.sort(-chances, axis=-1)
    return np.asarray(gate * ranked[..., :TOP].sum(axis=-1))
