"""All that is fitted, and the one file that it is kept in."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.matching.features import Floats
from bot.matching.model import ENGINE_VERSION, Thresholds

Halves = npt.NDArray[np.float16]
Bytes = npt.NDArray[np.int8]
Counts = npt.NDArray[np.int32]


class HeadsError(Exception):
    """The file does not hold heads that this engine can use."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Fitted weights, thresholds and the material for explanations."""

    digest: str
    topics: tuple[str, ...]
    names: tuple[str, ...]
    idf: Floats
    weights: Halves
    """A row a feature, a column a topic, the gate in the last one."""
    bias: Floats
    vectors: Bytes
    """A row a message that was learned from, in eight bits."""
    shares: tuple[float, ...]
    """How much each block of the vectors counts."""
    mix: Halves
    """How much each of those messages speaks for each topic, and for the gate."""
    sharpness: float
    gate_line: tuple[float, float]
    right_line: tuple[float, ...]
    thresholds: Thresholds
    words: tuple[str, ...]
    counts: Counts
    asks: tuple[str, ...]
    ask_topics: Counts
    related: tuple[tuple[int, ...], ...]

    def save(self, path: Path) -> None:
        """Write the heads so that a reader sees the old file or the new one."""
        arrays: dict[str, Any] = {
            "version": _pack((ENGINE_VERSION, self.digest)),
            "topics": _pack(self.topics),
            "names": _pack(self.names),
            "idf": self.idf,
            "weights": self.weights,
            "bias": self.bias,
            "vectors": self.vectors,
            "shares": np.array(self.shares, dtype=np.float64),
            "mix": self.mix,
            "lines": np.array((self.sharpness, *self.gate_line), dtype=np.float64),
            "right_line": np.array(self.right_line, dtype=np.float64),
            "thresholds": np.array((self.thresholds.answer, self.thresholds.sure, self.thresholds.offer)),
            "words": _pack(self.words),
            "counts": self.counts,
            "asks": _pack(self.asks),
            "ask_topics": self.ask_topics,
            "related": _pack(tuple(" ".join(map(str, row)) for row in self.related)),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, path: Path, digest: str | None = None) -> Heads:
        """Read heads; refuse those of another engine or another knowledge."""
        try:
            # Read first: numpy leaves a file open that turns out to be no archive.
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                got = {key: file[key] for key in file.files}
            version, found = _unpack(got["version"])
            if version != ENGINE_VERSION:
                raise HeadsError(
                    f"{path}: fitted for engine {version}, this is engine {ENGINE_VERSION}; run `privacy-bot fit`"
                )
            if digest is not None and found != digest:
                raise HeadsError(f"{path}: fitted for another knowledge; run `privacy-bot fit`")
            sharpness, slope, shift = (float(number) for number in got["lines"])
            answer, sure, offer = (float(number) for number in got["thresholds"])
            return cls(
                digest=found,
                topics=_unpack(got["topics"]),
                names=_unpack(got["names"]),
                idf=got["idf"],
                weights=got["weights"],
                bias=got["bias"],
                vectors=got["vectors"],
                shares=tuple(float(number) for number in got["shares"]),
                mix=got["mix"],
                sharpness=sharpness,
                gate_line=(slope, shift),
                right_line=tuple(float(number) for number in got["right_line"]),
                thresholds=Thresholds(answer, sure, offer),
                words=_unpack(got["words"]),
                counts=got["counts"],
                asks=_unpack(got["asks"]),
                ask_topics=got["ask_topics"],
                related=tuple(tuple(int(number) for number in row.split()) for row in _unpack(got["related"])),
            )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise HeadsError(f"{path}: cannot be read as heads ({error})") from error


def _pack(texts: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    """Return texts as bytes, each ended by a zero byte: no pickle is needed."""
    joined = "".join(text.replace("\0", " ") + "\0" for text in texts)
    return np.frombuffer(joined.encode("utf-8", "replace"), dtype=np.uint8)


def _unpack(packed: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(packed.tobytes().decode().split("\0")[:-1])
