"""Messages that mean nothing, or mean harm."""

from __future__ import annotations

import string
import time

import pytest

from bot.matching.engine import Engine
from bot.matching.model import Band

LONGEST_MS = 250
"""What no message may take, on a machine that is busy with other tests too."""

LONG = {
    "one letter": "a" * 100_000,
    "two letters": "a" * 50_000 + "b" * 50_000,
    "letters with spaces": "a " * 50_000,
    "a name without end": "linkedin" * 12_500,
    "marks between letters": "a." * 50_000,
    "quotes": "'" * 100_000,
    "at signs": "a@" * 50_000,
    "links": "http://x.example/a " * 5000,
    "questions of one letter": "x? " * 33_000,
    "commas and joins": ", and " * 16_000,
    "lines": "\n" * 100_000,
    "unknown words": "zq " * 33_000,
}

TRICKS = {
    "control characters": "".join(map(chr, range(32))) * 200,
    "later control characters": "".join(map(chr, range(127, 160))) * 200,
    "right-to-left marks": "\u202e\u202d\u200f\u200e\u2066\u2069" * 500,
    "zero-width joiners": "\u200d\u200c\u200b\ufeff\u2060" * 500,
    "a combining flood": "e" + "\u0301" * 50_000,
    "letters under marks": "".join(letter + "\u0334\u0489\u0358" * 30 for letter in "zqxv") * 20,
    "emoji": "\U0001f600\U0001f525\U0001f44d\U0001f3fd\U0001f468\u200d\U0001f469\u200d\U0001f467" * 300,
    "one emoji": "\U0001f916",
    "keycaps": "1\ufe0f\u20e32\ufe0f\u20e33\ufe0f\u20e3",
    "one character that unfolds": "\ufdfa" * 5000,
    "half characters": "\ud800\udfff" * 50,
    "private characters": "\ue000\uf8ff" * 100,
    "lookalikes that spell nothing": "\u0440\u0430\u0443\u0440\u0430l \u0445\u0430\u0445",
    "fancy letters that spell nothing": "\U0001d4fa\U0001d503\U0001d562 \uff56\uff56\uff57",
    "only punctuation": "?!.,-_*#/\\\"'()[]{}<>@&%$|~^`+=:;" * 20,
    "only digits": "0123456789" * 50,
}

SCRIPTS = {
    "Russian": "\u0440\u0430\u0441\u0441\u043a\u0430\u0436\u0438 \u0448\u0443\u0442\u043a\u0443",
    "Greek": "\u03c0\u03b5\u03c2 \u03bc\u03bf\u03c5 \u03ad\u03bd\u03b1 \u03b1\u03c3\u03c4\u03b5\u03af\u03bf",
    "Chinese": "\u7ed9\u6211\u8bb2\u4e2a\u7b11\u8bdd\u5427",
    "Japanese": "\u5197\u8ac7\u3092\u8a00\u3063\u3066",
    "Arabic": "\u0627\u062d\u0643 \u0644\u064a \u0646\u0643\u062a\u0629",
    "Hebrew": "\u05e1\u05e4\u05e8 \u05dc\u05d9 \u05d1\u05d3\u05d9\u05d7\u05d4",
    "Thai": "\u0e40\u0e25\u0e48\u0e32\u0e40\u0e23\u0e37\u0e48\u0e2d\u0e07\u0e15\u0e25\u0e01",
    "Hindi": "\u092e\u0941\u091d\u0947 \u090f\u0915 \u091a\u0941\u091f\u0915\u0941\u0932\u093e",
    "Korean": "\ub18d\ub2f4 \ud558\ub098 \ud574\uc918",
    "Georgian": "\u10db\u10d8\u10d7\u10ee\u10d0\u10e0\u10d8",
}


def _refused(all_topics: Engine, text: str) -> None:
    """Hold that nothing is answered or offered, fresh or in the middle of a conversation."""
    for after in (None, "opt-out-overview"):
        began = time.perf_counter()
        match = all_topics.match(text, after=after)
        took = (time.perf_counter() - began) * 1000
        assert (match.band, match.topics, match.offered) == (Band.NONE, (), ()), after
        assert took < LONGEST_MS


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_a_long_message_without_meaning_is_refused_in_time(all_topics: Engine, text: str) -> None:
    """However long a message is, it takes bounded time, and nothing comes of nothing."""
    _refused(all_topics, text)


@pytest.mark.parametrize("text", TRICKS.values(), ids=TRICKS.keys())
def test_characters_that_carry_no_words_are_refused(all_topics: Engine, text: str) -> None:
    """Marks, joiners, emoji and characters that are none do not look like a question."""
    _refused(all_topics, text)


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_other_scripts_are_refused(all_topics: Engine, text: str) -> None:
    """A message in another script is not guessed at."""
    _refused(all_topics, text)


@pytest.mark.parametrize("letter", [*string.ascii_lowercase, *string.digits])
def test_a_row_of_one_letter_or_digit_is_refused(all_topics: Engine, letter: str) -> None:
    """One letter or digit means nothing, however often and with or without spaces it is typed."""
    for text in (letter, letter * 2, letter * 60, f"{letter} " * 40, f"{letter * 5} " * 30):
        _refused(all_topics, text)


@pytest.mark.parametrize("word", ["ai", "data", "linkedin"])
def test_a_word_without_end_is_read_as_that_word(all_topics: Engine, word: str) -> None:
    """Saying a word a thousand times says no more than saying it once."""
    assert all_topics.match(f"{word} " * 10_000) == all_topics.match(word)


def test_tricks_do_not_hide_a_question(all_topics: Engine) -> None:
    """Zero-width joiners, lookalikes and marks inside words leave the question readable."""
    plain = all_topics.match("how do i turn off linkedin ai training on my computer")
    tricked = all_topics.match(
        "how do \u0456 turn\u200d off lin\u200bked\u0456n a\u0301i trai\u00adning on my \u0441omputer"
    )
    assert plain.topics
    assert [one.topic for one in tricked.topics] == [one.topic for one in plain.topics]
