"""Sentence vectors: a small transformer, its weights in eight bits beside this file.

`tools/encoder` makes the files. ONNX Runtime does the sums; where it has no build, NumPy does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.matching.wordpiece import WordPiece

Floats = npt.NDArray[np.float32]
Rows = Callable[[Sequence[Sequence[int]]], Floats]
"""What turns the pieces of texts into rows, not yet of length one."""

WEIGHTS = Path(__file__).with_name("encoder.npz")
SHA256 = "4a845186cb22c2a4b70ce3d676e75dd9bd48b15165d1d8ae4063b93664ef71d4"

SUMS = Path(__file__).with_name("encoder.onnx")
SUMS_SHA256 = "15fe594cf878fd3b31634080da8dfdecea81b7e07db434cf508c714ceb70b8a3"

MOST_PIECES = 48
"""A longer text is cut; its time grows with its pieces."""


class EncoderError(Exception):
    """The files of the encoder cannot be used."""


class Encoder:
    """Turns cleaned texts into vectors of length one."""

    def __init__(self, arrays: Mapping[str, Any], rows: Callable[[Mapping[str, Any]], Rows] | None = None) -> None:
        """Take the weights, and what makes the sums out of them; raises EncoderError."""
        listed = arrays["pieces"].tobytes().decode().split("\n")
        self._pieces = WordPiece({piece: place for place, piece in enumerate(listed)})
        self.words = frozenset(piece for piece in listed if piece.isascii() and piece.isalpha() and len(piece) > 2)
        """Common English words: those that are a piece of their own."""
        self.seen = frozenset(arrays["seen"].tolist())
        self.blocks = tuple(int(size) for size in arrays["blocks"])
        self._rows = (rows or _rows)(arrays)

    @classmethod
    def load(cls, path: Path = WEIGHTS, sha256: str = SHA256) -> Encoder:
        """Read the weights; refuse a file that is not the expected one."""
        _check(path, sha256)
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls({key: file[key] for key in file.files})
        except (OSError, ValueError, KeyError) as error:
            raise EncoderError(f"{path}: cannot be read ({error})") from error

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a row a text; each block of it has length one."""
        rows = self._rows([self._pieces.cut(text, MOST_PIECES) for text in texts])
        start = 0
        for block in self.blocks:
            part = rows[:, start : start + block]
            part /= np.sqrt((part * part).sum(axis=1, keepdims=True)) + 1e-9
            start += block
        return rows


def _rows(arrays: Mapping[str, Any]) -> Rows:
    """Return the fastest sums that this machine has."""
    try:
        from bot.matching.graph import Graph  # noqa: PLC0415 - not on every machine
    except ImportError:
        from bot.matching.transformer import Transformer  # noqa: PLC0415 - only where it is needed

        return Transformer(arrays)
    _check(SUMS, SUMS_SHA256)
    return Graph(arrays, SUMS)


def _check(path: Path, sha256: str) -> None:
    """Refuse a file that is not the expected one; it is read piece by piece, for its size would stay in memory."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EncoderError(f"{path}: cannot be read ({error.strerror})") from error
    if sha256 and found != sha256:
        raise EncoderError(f"{path}: not the file that belongs to this version")


def fingerprint(cleaned: str) -> int:
    """Return the number under which the encoder remembers a text it was tuned on."""
    digest = hashlib.blake2b(cleaned.strip().encode("utf-8", "replace"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)
