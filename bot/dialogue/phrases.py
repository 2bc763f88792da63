"""Know messages that ask for nothing in the knowledge by their words: courtesies, screens by name, despair."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from bot.knowledge.texts import Courtesy, Texts, View

MOST_CHARACTERS = 120
"""A longer message is no courtesy and names no screen."""

_TOKEN = re.compile(r"\w+|[^\w\s]")

_Value = TypeVar("_Value")


def tokens(text: str) -> tuple[str, ...]:
    """Return the words and picture signs of a text in lower case: no apostrophes, no punctuation, no skin colours."""
    plain = text.lower().replace("'", "").replace("’", "")
    return tuple(token for token in _TOKEN.findall(plain) if token.strip("_") and _counts(token))


def _counts(token: str) -> bool:
    return token[0].isalnum() or token[0] == "_" or unicodedata.category(token[0]) == "So"


class Phrases:
    """The phrases of texts.yaml, by their words."""

    def __init__(self, texts: Texts) -> None:
        ranks = {tokens(words): rank for rank, courtesy in enumerate(texts.courtesies) for words in courtesy.words}
        ranks |= dict.fromkeys(map(tokens, texts.beside_courtesies), -1)
        self._courtesies = _Longest(ranks)
        self._polite = frozenset(phrase for phrase in ranks if len(phrase) == 1)
        self._ranked = tuple(texts.courtesies)
        self._typed = {tokens(words): typed.view for typed in texts.typed for words in typed.words}
        self._despair: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for phrase in filter(None, map(tokens, texts.despair.words)):
            self._despair[phrase[0]].append(phrase)

    def courtesy(self, text: str) -> Courtesy | None:
        """Return the courtesy that a message is made of; of several the one that stands last in the list.

        Words that may stand beside a courtesy are none by themselves.
        """
        said = tokens(text) if len(text) <= MOST_CHARACTERS else ()
        rank = max(self._courtesies.cut(said), default=-1)
        return self._ranked[rank] if rank >= 0 else None

    def typed(self, text: str) -> View | None:
        """Return what a message asks for by its name, polite words around it left aside."""
        said = tokens(text) if len(text) <= MOST_CHARACTERS else ()
        if said and (view := self._typed.get(said)):
            return view
        while said and said[:1] in self._polite:
            said = said[1:]
        while said and said[-1:] in self._polite:
            said = said[:-1]
        return self._typed.get(said) if said else None

    def despairs(self, text: str) -> bool:
        """Tell whether a person says that they want to die."""
        said = tokens(text)
        return any(
            said[start : start + len(phrase)] == phrase
            for start, word in enumerate(said)
            for phrase in self._despair.get(word, ())
        )


class _Longest(Generic[_Value]):
    """Cuts words into known phrases, the longest first."""

    def __init__(self, values: Mapping[tuple[str, ...], _Value]) -> None:
        self._values = values
        self._most = max(map(len, values), default=0)

    def cut(self, said: tuple[str, ...]) -> Iterable[_Value]:
        """Return the values of the phrases that the words are made of, nothing where a word is left over."""
        found: list[_Value] = []
        start = 0
        while start < len(said):
            for end in range(min(len(said), start + self._most), start, -1):
                if said[start:end] in self._values:
                    found.append(self._values[said[start:end]])
                    start = end
                    break
            else:
                return ()
        return found
