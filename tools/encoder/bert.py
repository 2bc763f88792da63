"""The transformer in JAX: the same sums as `bot/matching/encoder.py`, with gradients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HEADS = 12
LENGTHS = (8, 12, 16, 24, 32, 48)
"""Texts are padded to one of these lengths: each is compiled once."""

Params = dict[str, Any]


def read(folder: Path) -> Params:
    """Read the weights of all-MiniLM-L6-v2."""
    kept = load_file(folder / "model.safetensors")

    def dense(name: str) -> tuple[Any, Any]:
        return kept[f"{name}.weight"].T.copy(), kept[f"{name}.bias"]

    def norm(name: str) -> tuple[Any, Any]:
        return kept[f"{name}.weight"], kept[f"{name}.bias"]

    layers = []
    while f"encoder.layer.{len(layers)}.output.dense.bias" in kept:
        at = f"encoder.layer.{len(layers)}."
        layers.append(
            {
                "query": dense(at + "attention.self.query"),
                "key": dense(at + "attention.self.key"),
                "value": dense(at + "attention.self.value"),
                "out": dense(at + "attention.output.dense"),
                "norm1": norm(at + "attention.output.LayerNorm"),
                "up": dense(at + "intermediate.dense"),
                "down": dense(at + "output.dense"),
                "norm2": norm(at + "output.LayerNorm"),
            }
        )
    return jax.tree.map(
        jnp.asarray,
        {
            "table": kept["embeddings.word_embeddings.weight"],
            "positions": kept["embeddings.position_embeddings.weight"][: LENGTHS[-1]]
            + kept["embeddings.token_type_embeddings.weight"][0],
            "norm": norm("embeddings.LayerNorm"),
            "layers": layers,
        },
    )


def tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer that belongs to the weights."""
    made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    made.no_padding()
    made.enable_truncation(LENGTHS[-1])
    return made


def pooled(params: Params, numbers: Any, mask: Any, key: Any = None, *, quick: bool = False) -> Any:
    """Return the mean state of each text; with a key, states are dropped at random."""
    many, length = numbers.shape
    state = _norm(params["table"][numbers] + params["positions"][:length], params["norm"])
    width = state.shape[-1]
    size = width // HEADS
    unseen = jnp.where(mask[:, None, None, :], 0, -1e9)
    for place, layer in enumerate(params["layers"]):
        one, two = (None, None) if key is None else jax.random.split(jax.random.fold_in(key, place))

        def part(name: str, state: Any = state, layer: Params = layer) -> Any:
            split = (state @ layer[name][0] + layer[name][1]).reshape(many, length, HEADS, size)
            return split.transpose(0, 2, 1, 3)

        heed = part("query") @ part("key").transpose(0, 1, 3, 2) / np.sqrt(size)
        seen = jax.nn.softmax(heed + unseen, axis=-1) @ part("value")
        seen = seen.transpose(0, 2, 1, 3).reshape(many, length, width)
        state = _norm(state + _drop(seen @ layer["out"][0] + layer["out"][1], one), layer["norm1"])
        inner = state @ layer["up"][0] + layer["up"][1]
        # NumPy has no error function: what is shipped uses the logistic approximation.
        inner = inner * jax.nn.sigmoid(1.702 * inner) if quick else jax.nn.gelu(inner, approximate=False)
        state = _norm(state + _drop(inner @ layer["down"][0] + layer["down"][1], two), layer["norm2"])
    shown = mask[..., None].astype(state.dtype)
    return (state * shown).sum(axis=1) / shown.sum(axis=1)


def unit(rows: Any) -> Any:
    """Return rows of length one."""
    return rows / jnp.linalg.norm(rows, axis=-1, keepdims=True)


def batches(
    cutter: Tokenizer, texts: Sequence[str], size: int, chance: np.random.Generator | None = None
) -> list[tuple[Any, int, Any, Any]]:
    """Return batches of equal length: places, how many are real, numbers, mask."""
    cut = [found.ids for found in cutter.encode_batch(list(texts))]
    by_length: dict[int, list[int]] = {}
    for place, numbers in enumerate(cut):
        by_length.setdefault(next(n for n in LENGTHS if len(numbers) <= n), []).append(place)
    made = []
    for length, listed in by_length.items():
        places = np.array(listed)
        if chance is not None:
            chance.shuffle(places)
        for start in range(0, len(places), size):
            taken = places[start : start + size]
            real = len(taken)
            taken = np.concatenate([taken, np.resize(places, size - real)])
            numbers = np.zeros((size, length), np.int32)
            mask = np.zeros((size, length), bool)
            for row, place in enumerate(taken):
                numbers[row, : len(cut[place])] = cut[place]
                mask[row, : len(cut[place])] = True
            made.append((taken, real, numbers, mask))
    if chance is not None:
        order = chance.permutation(len(made))
        made = [made[place] for place in order]
    return made


def _norm(state: Any, scale: Any) -> Any:
    mean = state.mean(-1, keepdims=True)
    spread = ((state - mean) ** 2).mean(-1, keepdims=True)
    return (state - mean) / jnp.sqrt(spread + 1e-12) * scale[0] + scale[1]


def _drop(state: Any, key: Any, rate: float = 0.1) -> Any:
    if key is None:
        return state
    return jnp.where(jax.random.bernoulli(key, 1 - rate, state.shape), state / (1 - rate), 0)
