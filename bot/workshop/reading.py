"""Measure how hard a text is to read, and find spellings that are not British."""

from __future__ import annotations

import re

from bot.knowledge.markup import Style, plain, spans

HARDEST = 10.0
"""The Flesch-Kincaid grade that a shown text may have; grade 9 is read at the age of 14 to 15."""

_SENTENCE = re.compile(r"[.!?:;]+(?:\s|$)|\n")
_WORD = re.compile(r"[A-Za-z']+")
_VOWELS = re.compile(r"[aeiouy]+")
_AMERICAN = re.compile(
    r"\b(?:colors?|colored|behaviors?|behavioral|favors?|favorites?|favorable|centers?|centered|canceled|canceling|labeled|labeling"
    r"|catalogs?|fulfill|gray|analyz\w+|apologiz\w+|authoriz\w+|categoriz\w+|criticiz\w+|customiz\w+|emphasiz\w+|minimiz\w+"
    r"|organiz\w+|personaliz\w+|prioritiz\w+|realiz\w+|recogniz\w+|summariz\w+|utiliz\w+)\b",
    re.IGNORECASE,
)


def grade(text: str) -> float:
    """Return the Flesch-Kincaid grade of a text (Kincaid and others 1975), names on the screen left out.

    It counts words a sentence and syllables a word, the latter by groups of vowels.
    """
    said = "".join(
        "this" if span.style is Style.BOLD else span.text
        for line in text.splitlines()
        for span in (*spans(line), *spans("\n"))
    )
    sentences = [part for part in _SENTENCE.split(said) if _WORD.search(part)]
    words = _WORD.findall(said)
    if not words:
        return 0.0
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59


def american(text: str) -> list[tuple[int, str]]:
    """Return position and word of each American spelling, outside of bold names and quotations."""
    hidden = re.sub(r"\*\*[^*\n]+\*\*|[“\"][^”\"\n]+[”\"]|\]\([^)]*\)", lambda match: " " * len(match[0]), text)
    return [(match.start(), match[0]) for match in _AMERICAN.finditer(hidden)]


def content(text: str) -> frozenset[str]:
    """Return the words of a phrasing that carry its meaning, for likeness."""
    return frozenset(re.findall(r"\w+", plain(text).lower())) - _EMPTY


def _syllables(word: str) -> int:
    word = word.lower()
    count = len(_VOWELS.findall(word))
    if word.endswith("e") and not word.endswith("le") and count > 1:
        count -= 1
    return max(count, 1)


_EMPTY = frozenset(
    ["a", "an", "and", "are", "at", "be", "do", "does", "for", "i", "in", "is", "it", "me", "my", "of", "on", "or", "please", "s", "t",
     "the", "this", "to", "was", "we", "with", "you"]
)  # fmt: skip
