"""Sentence vectors."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bot.matching.encoder import MOST_PIECES, SHA256, SUMS, SUMS_SHA256, WEIGHTS, Encoder, EncoderError, fingerprint
from bot.matching.wordpiece import MOST_LETTERS, WordPiece

PIECES = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "link": 3, "##ed": 4, "##in": 5, "ai": 6, "?": 7, "'": 8}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Return the encoder that is shipped."""
    return Encoder.load()


def test_the_shipped_file_is_the_one_that_is_named() -> None:
    """The sums beside the loader are those of the files, which stay small enough to ship."""
    weights, sums = WEIGHTS.read_bytes(), SUMS.read_bytes()
    assert hashlib.sha256(weights).hexdigest() == SHA256
    assert hashlib.sha256(sums).hexdigest() == SUMS_SHA256
    assert len(weights) + len(sums) <= 25_000_000


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A file that was changed, broken or is absent is told, not used."""
    path = tmp_path / "encoder.npz"
    path.write_bytes(WEIGHTS.read_bytes() + b" ")
    with pytest.raises(EncoderError, match="not the file"):
        Encoder.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(EncoderError, match="cannot be read"):
        Encoder.load(path, "")
    with pytest.raises(EncoderError, match="cannot be read"):
        Encoder.load(tmp_path / "absent.npz")


def test_vectors_have_length_one_in_each_block(encoder: Encoder) -> None:
    """Each block of each row is of length one, for an empty text too."""
    rows = encoder.encode(["turn it off", "", "is my data used to train it, and since when?"])
    start = 0
    for size in encoder.blocks:
        assert np.linalg.norm(rows[:, start : start + size], axis=1) == pytest.approx(1, abs=1e-4)
        start += size
    assert rows.shape == (3, start)


def test_company_does_not_change_a_vector(encoder: Encoder) -> None:
    """A text has the same vector alone and among others of any length."""
    texts = ["turn it off", "who", "how do i turn the training off on my phone", "turn it on", "who"]
    together = encoder.encode(texts)
    for text, row in zip(texts, together, strict=True):
        assert encoder.encode([text])[0] == pytest.approx(row, abs=1e-6)
    assert encoder.encode([]).shape == (0, sum(encoder.blocks))


def test_meaning_counts_more_than_words(encoder: Encoder) -> None:
    """In the block that knows the knowledge, the same in other words lies closer than the same words."""
    rows = encoder.encode(
        [
            "how can i refuse that they learn from my profile",
            "i do not want the ai to learn from me, how do i stop that",
            "how can i learn to write a better profile",
        ]
    )
    rows = rows[:, : encoder.blocks[0]]
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


def test_nothing_is_too_long(encoder: Encoder) -> None:
    """A flood of words is cut before anything is computed."""
    assert np.isfinite(encoder.encode(["word " * 5000, "x" * 4000])).all()


def test_words_are_cut_into_the_longest_pieces() -> None:
    """Known pieces are found greedily; a word with an unknown rest is unknown."""
    cutter = WordPiece(PIECES)
    assert cutter.cut("linkedin ai?", 10) == [1, 3, 4, 5, 6, 7, 2]
    assert cutter.cut("linkedout", 10) == [1, 0, 2]
    assert cutter.cut("l" * (MOST_LETTERS + 1), 10) == [1, 0, 2]
    assert cutter.cut("", 10) == [1, 2]


def test_beginning_and_end_of_a_long_text_are_kept() -> None:
    """Of a text that is too long the middle is left out."""
    cut = WordPiece(PIECES).cut("link " + "ai " * 100 + "?", 8)
    assert cut == [1, 3, 6, 6, 6, 6, 7, 2]
    assert MOST_PIECES <= 64


def test_a_fingerprint_ignores_the_edges_only() -> None:
    """Space around a text does not change its fingerprint, a word does."""
    assert fingerprint(" turn it off\n") == fingerprint("turn it off")
    assert fingerprint("turn it off") != fingerprint("turn it on")
