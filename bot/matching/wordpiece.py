"""Cut words into the pieces that the sentence encoder knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

MOST_LETTERS = 40
"""A longer word is no word; it becomes the unknown piece."""

_PART = re.compile(r"[^\W_]+|[^\w\s]|_")


class WordPiece:
    """Greedy longest match over a fixed list of pieces."""

    def __init__(self, pieces: Mapping[str, int]) -> None:
        self._pieces = pieces
        self._unknown = pieces["[UNK]"]
        self._start = pieces["[CLS]"]
        self._end = pieces["[SEP]"]
        self._seen: dict[str, tuple[int, ...]] = {}

    def cut(self, cleaned: str, most: int) -> list[int]:
        """Return the numbers of a cleaned text's pieces, at most `most` of them.

        Of a longer text the beginning and the end are kept: people say what they
        want first or last, and tell the story in between.
        """
        found: list[int] = []
        for word in _PART.findall(cleaned):
            found.extend(self._word(word))
        room = most - 2
        if len(found) > room:
            tail = room // 3
            found = found[: room - tail] + found[-tail:]
        return [self._start, *found, self._end]

    def _word(self, word: str) -> tuple[int, ...]:
        known = self._seen.get(word)
        if known is None:
            known = self._match(word)
            # Bounded: a stranger's words must not fill the memory.
            if len(self._seen) < 20_000 and len(word) <= MOST_LETTERS:
                self._seen[word] = known
        return known

    def _match(self, word: str) -> tuple[int, ...]:
        if len(word) > MOST_LETTERS:
            return (self._unknown,)
        found: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = word[start:end] if start == 0 else "##" + word[start:end]
                if (number := self._pieces.get(piece)) is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return (self._unknown,)
        return tuple(found)
