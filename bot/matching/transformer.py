"""The sentence encoder's sums in plain NumPy, for machines that ONNX Runtime has no build for.

They are the same as in `encoder.onnx`, in single precision throughout, and take about five
times as long: NumPy multiplies nothing smaller fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

TOGETHER = 48
"""So many texts are computed at once; more need more memory and are no faster."""

_HEADS = 12
_EVEN = 8
_STEEPEST = 80.0


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer's weights, a column a state that comes in; biases are columns."""

    mix: Floats
    mix_bias: Floats
    out: Floats
    out_bias: Floats
    norm1: Floats
    up: Floats
    up_bias: Floats
    down: Floats
    down_bias: Floats
    norm2: Floats


class Transformer:
    """Turns the pieces of texts into rows."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._table = arrays["table"]
        self._table_scale = arrays["table_scale"].astype(np.float32)
        self._positions = arrays["positions"].astype(np.float32)
        self._first = _turned(arrays["norm"].astype(np.float32))
        self._layers = [
            _Layer(**{name: _turned(weights(arrays, f"{place}.{name}")) for name in _Layer.__slots__})
            for place in range(int(arrays["layers"]))
        ]
        self._project = weights(arrays, "project")

    def __call__(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Return a row a text; texts of any length are computed together."""
        rows = np.zeros((len(texts), self._project.shape[1]), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), TOGETHER):
            chunk = order[start : start + TOGETHER]
            rows[chunk] = self._run([texts[place] for place in chunk])
        return rows

    def _run(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Return the vectors of some texts, the shortest first.

        All of them go through each layer at once, for reading the weights takes longer than
        using them; only heeding one another is done text by text, equal lengths together.
        A column is a piece, and their number a multiple of eight: both are what matrix
        products with few pieces are fastest on.
        """
        groups: list[tuple[int, int, int]] = []
        place = 0
        for length, same in groupby(texts, key=len):
            many = len(list(same))
            groups.append((place, many, length))
            place += many * length
        pieces = -(-place // _EVEN) * _EVEN
        flat = np.zeros(pieces, dtype=np.int64)
        flat[:place] = np.fromiter(chain.from_iterable(texts), dtype=np.int64, count=place)
        position = np.zeros(pieces, dtype=np.int64)
        position[:place] = np.concatenate([np.tile(np.arange(length), many) for _, many, length in groups])
        state = _turned(self._table[flat] * self._table_scale[flat][:, None] + self._positions[position])
        width = len(state)
        size = width // _HEADS
        state = _norm(state, self._first)
        seen = np.zeros_like(state)
        for layer in self._layers:
            mixed = layer.mix @ state
            mixed += layer.mix_bias
            for start, many, length in groups:
                columns = slice(start, start + many * length)
                split = mixed[:, columns].reshape(3, _HEADS, size, many, length)
                seen[:, columns] = _heed(*split).transpose(1, 2, 0, 3).reshape(width, -1)
            state += layer.out @ seen
            state += layer.out_bias
            state = _norm(state, layer.norm1)
            inner = layer.up @ state
            inner += layer.up_bias
            with np.errstate(over="ignore"):
                inner /= 1 + np.exp(-1.702 * inner)
            state += layer.down @ inner
            state += layer.down_bias
            state = _norm(state, layer.norm2)
        mean = np.concatenate(
            [
                state[:, start : start + many * length].reshape(width, many, length).mean(axis=2).T
                for start, many, length in groups
            ]
        )
        return np.asarray(mean @ self._project, dtype=np.float32)


def _heed(query: Any, key: Any, value: Any) -> Any:
    """Return what each piece takes from the others of its text: text, head, state, piece.

    What is given has the order head, state, text, piece.
    """
    heed = query.transpose(2, 0, 3, 1) @ key.transpose(2, 0, 1, 3)
    heed *= query.shape[1] ** -0.5
    # Far beyond what occurs, and within what single precision can sum.
    np.clip(heed, -_STEEPEST, _STEEPEST, out=heed)
    np.exp(heed, out=heed)
    heed /= heed.sum(axis=-1, keepdims=True)
    return value.transpose(2, 0, 1, 3) @ heed.transpose(0, 1, 3, 2)


def _norm(state: Any, scale: Floats) -> Any:
    """Centre and scale each column, in place; `scale` holds a factor and a shift a state."""
    mean = np.full((1, len(state)), 1 / len(state), dtype=np.float32)
    state -= mean @ state
    state /= np.sqrt(mean @ (state * state) + np.float32(1e-12))
    state *= scale[:, :1]
    state += scale[:, 1:]
    return state


def _turned(array: Floats) -> Floats:
    """Return rows as columns, each row of what comes out in one piece of memory."""
    return np.ascontiguousarray(np.atleast_2d(array).T)


def weights(arrays: Mapping[str, Any], name: str) -> Floats:
    """Return an array in single precision, whether it was kept in eight bits or not."""
    kept = arrays[name]
    if kept.dtype == np.int8:
        return np.asarray(kept.astype(np.float32) * arrays[name + ".scale"].astype(np.float32))
    return np.asarray(kept.astype(np.float32))
