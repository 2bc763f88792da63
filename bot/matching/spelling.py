"""Repair typing errors against the words of the knowledge."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST = 4
"""Shorter words have too many neighbours to be repaired."""

LONGEST = 24
"""Longer ones are no words."""

LONG = 8
"""From this length on two slips are repaired instead of one."""

FEWEST = 3
"""A word that is not common English is repaired to if it is written this often."""

MOST_REPAIRS = 12
"""A message with more unknown words than this is not ours to repair."""


class Spelling:
    """The known words, by length, and how often each one is written.

    Common English words are no slips, even where the knowledge never uses them.
    """

    def __init__(self, counts: Mapping[str, int], english: Container[str] = ()) -> None:
        self._counts = dict(counts)
        self._english = english
        self._by_length: dict[int, list[str]] = {}
        for word, count in sorted(self._counts.items()):
            # A word written once may be somebody's slip itself.
            sound = count >= FEWEST or word in english
            if sound and len(word) >= SHORTEST - 1 and word.isascii() and word.isalpha():
                self._by_length.setdefault(len(word), []).append(word)

    def repair(self, words: Sequence[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
        """Return the words with slips repaired, and each repair."""
        repaired: list[str] = []
        changes: dict[str, str] = {}
        tries = 0
        for word in words:
            if word not in changes and self._suspect(word) and tries < MOST_REPAIRS:
                tries += 1
                changes[word] = self._nearest(word) or word
            repaired.append(changes.get(word, word))
        return repaired, tuple((old, new) for old, new in changes.items() if old != new)

    def _suspect(self, word: str) -> bool:
        if word in self._counts or word in self._english:
            return False
        return SHORTEST <= len(word) <= LONGEST and word.isascii() and word.isalpha()

    def _nearest(self, word: str) -> str | None:
        """Return the known word that is few slips away from this one, if any."""
        reach = 2 if len(word) >= LONG else 1
        near = [
            candidate
            for length in range(len(word) - reach, len(word) + reach + 1)
            for candidate in self._by_length.get(length, ())
        ]
        found = process.extract(word, near, scorer=OSA.distance, score_cutoff=reach, limit=8)
        if not found:
            return None
        slips = min(distance for _, distance, _ in found)
        ties = [candidate for candidate, distance, _ in found if distance == slips]
        # People seldom get the first letter wrong, and mean the common word.
        return max(ties, key=lambda known: (known[0] == word[0], self._counts[known]))
