"""Words, pairs of words and pieces of words as a sparse vector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

SHORTEST, LONGEST = 3, 5
"""Lengths of the pieces of words."""

MOST_WORDS = 400
"""A message has no more words than this; a longer one is cut."""


def grams(words: Sequence[str]) -> Iterator[str]:
    """Yield the features of a message: words and pairs with a mark before them."""
    for word in words:
        yield "w" + word
    for first, second in pairwise(words):
        yield f"w{first} {second}"


@lru_cache(maxsize=20_000)
def pieces(word: str) -> tuple[str, ...]:
    """Return the pieces of a word, its ends marked by spaces."""
    padded = f" {word} "
    found = [
        "c" + padded[start : start + length]
        for length in range(SHORTEST, LONGEST + 1)
        for start in range(len(padded) - length + 1)
    ]
    return tuple(found) if found else ("c" + padded,)


class Vocabulary:
    """The features that are known, each with its place and its weight."""

    def __init__(self, names: Sequence[str], idf: Floats) -> None:
        self.names = tuple(names)
        self.idf = idf
        self._place = {name: place for place, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, messages: Iterable[Sequence[str]], rarest: int = 1) -> Vocabulary:
        """Learn the features that at least `rarest` messages have."""
        seen: Counter[str] = Counter()
        total = 0
        for words in messages:
            total += 1
            seen.update({*grams(words), *(p for w in words for p in pieces(w))})
        names = sorted(name for name, count in seen.items() if count >= rarest)
        counts = np.array([seen[name] for name in names], dtype=np.float32)
        return cls(names, np.log((1 + total) / (1 + counts)).astype(np.float32) + 1)

    def vector(self, words: Sequence[str]) -> tuple[Ints, Floats]:
        """Return the places and the values of a message's features.

        Words and pieces are each of length one, so that neither drowns the other.
        """
        words = words[:MOST_WORDS]
        whole: Counter[int] = Counter()
        part: Counter[int] = Counter()
        place = self._place
        for gram in grams(words):
            if (index := place.get(gram)) is not None:
                whole[index] += 1
        for word in words:
            for piece in pieces(word):
                if (index := place.get(piece)) is not None:
                    part[index] += 1
        places = np.fromiter((*whole, *part), dtype=np.int32, count=len(whole) + len(part))
        counts = np.fromiter((*whole.values(), *part.values()), dtype=np.float32, count=len(places))
        values = (1 + np.log(counts)) * self.idf[places]
        for block in (slice(0, len(whole)), slice(len(whole), None)):
            length = float(np.sqrt(values[block] @ values[block]))
            if length > 0:
                values[block] /= length
        return places, values
