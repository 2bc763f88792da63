"""Find titles and phrasings while a person is still typing, and know them again word for word."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass

from bot.knowledge.model import Knowledge, TopicId

_WORD = re.compile(r"\w+", re.UNICODE)
_MOST_CHARACTERS = 200
_MOST_WORDS = 12
_MOST_COMPLETIONS = 50


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A phrase that leads to a topic; `is_title` tells a topic's title from one of its asks."""

    text: str
    topic: TopicId
    is_title: bool


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, apostrophes dropped."""
    return _WORD.findall(text[:_MOST_CHARACTERS].lower().replace("'", "").replace("’", ""))


class Suggestions:
    """An index of all titles, labels and asks by the beginnings of their words."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._phrases: list[Suggestion] = []
        self._exact: dict[str, TopicId] = {}
        by_word: dict[str, list[int]] = defaultdict(list)
        for topic in knowledge.topics.values():
            for text in dict.fromkeys((topic.title, topic.label, *topic.form.asks)):
                spoken = words(text)
                if not spoken:
                    continue
                self._exact.setdefault(" ".join(spoken), topic.id)
                if text != topic.label or text == topic.title:
                    for word in set(spoken):
                        by_word[word].append(len(self._phrases))
                    self._phrases.append(Suggestion(text, topic.id, text == topic.title))
        self._words = sorted(by_word)
        self._by_word = by_word
        self._titles = [phrase for phrase in self._phrases if phrase.is_title]

    def exact(self, text: str) -> TopicId | None:
        """Return the topic of which `text` is a title, label or ask, word for word."""
        return self._exact.get(" ".join(words(text))) if len(text) <= _MOST_CHARACTERS else None

    def search(self, typed: str, limit: int) -> list[Suggestion]:
        """Return at most `limit` phrases that fit what is typed, best first; titles where nothing is typed.

        A phrase fits by the share of typed words that begin one of its words; titles go before asks, and a
        topic is shown with its best phrases only (three at most).
        """
        typed_words = list(dict.fromkeys(words(typed)))[:_MOST_WORDS]
        if not typed_words:
            return self._titles[:limit]
        hits: dict[int, float] = defaultdict(float)
        for word in typed_words:
            for index in self._beginning_with(word):
                hits[index] += 1
        ranked = sorted(hits, key=lambda i: (-hits[i], not self._phrases[i].is_title, len(self._phrases[i].text)))
        found: list[Suggestion] = []
        shown: dict[TopicId, int] = defaultdict(int)
        for index in ranked:
            phrase = self._phrases[index]
            if hits[index] * 2 < len(typed_words) or len(found) == limit:
                break
            if shown[phrase.topic] < 3:
                shown[phrase.topic] += 1
                found.append(phrase)
        return found

    def _beginning_with(self, word: str) -> set[int]:
        start = bisect_left(self._words, word)
        found: set[int] = set()
        for known in self._words[start : start + _MOST_COMPLETIONS]:
            if not known.startswith(word):
                break
            found.update(self._by_word[known])
        return found
