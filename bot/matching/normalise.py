"""Bring a message into the one form that everything else reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 4096
"""No platform sends more in one message; the rest of a longer text is not read."""

_QUOTES = str.maketrans(dict.fromkeys("‘’‛ʼ′`´＇", "'"))
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u043a\u043c\u0442\u043d\u0432"
    "\u03bf\u03b1\u03b5\u03b9\u03ba\u03bd\u03c1\u03c4\u03c5\u03c7\u0131\u0261\u0251",
    "aeopcyxijsdqkmthboaeiknptuxiga",
)
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_MAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")
_REPEAT = re.compile(r"(.)\1{2,}")
_ECHO = re.compile(r"(?<![^\W_])([^\W_]+)(?:\s+\1(?![^\W_])){2,}")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_ASIDE = frozenset(("Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn"))
_MANY_MARKS = 2


def clean(text: str) -> str:
    """Return the message in lower case without marks, tricks and lookalikes.

    Line ends and punctuation stay, for they separate questions. A letter that is held down
    is there twice, a word that is said again and again once.
    """
    if len(text) > LONGEST:
        # Half a word at the end would be another word.
        text = text[:LONGEST].rpartition(" ")[0] or text[:LONGEST]
    text = text.translate(_QUOTES)
    text = unicodedata.normalize("NFKD", text)[: 2 * LONGEST]
    kept: list[str] = []
    for character in text:
        if character in "\n\r\t\u2028\u2029":
            kept.append("\n" if character != "\t" else " ")
        elif character.isascii() or unicodedata.category(character) not in _ASIDE:
            kept.append(character if character.isprintable() else " ")
    text = unicodedata.normalize("NFC", "".join(kept)).casefold()
    text = _MAIL.sub(" ", _LINK.sub(" ", text))
    text = _ECHO.sub(r"\1", _REPEAT.sub(r"\1\1", text))
    return text if text.isascii() else _WORD.sub(_latin, text)


def words(cleaned: str) -> list[str]:
    """Return the words of a cleaned text, apostrophes left out ("don't" is `dont`)."""
    return [found.replace("'", "") for found in _WORD.findall(cleaned)]


def says_something(word: str) -> bool:
    """Tell whether a word can mean anything: it has letters, and not only one and the same."""
    return len(set(word)) > 1 and any(map(str.isalpha, word))


def replaced(cleaned: str, changes: Sequence[tuple[str, str]]) -> str:
    """Return a cleaned text with some of its words replaced."""
    if not changes:
        return cleaned
    table = dict(changes)
    return _WORD.sub(lambda found: table.get(found[0].replace("'", ""), found[0]), cleaned)


def _latin(found: re.Match[str]) -> str:
    """Read lookalikes of other scripts as Latin where a word mixes both."""
    word = found[0]
    if word.isascii() or not any("a" <= c <= "z" for c in word):
        return word
    return word.translate(_LOOKALIKES)
