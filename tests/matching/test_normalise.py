"""Cleaning a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.matching.language import identify
from bot.matching.normalise import LONGEST, clean, words
from bot.matching.segments import split


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("DON\u2019T use it!!", ["dont", "use", "it"]),
        ("lin\u200dked\u00adin", ["linkedin"]),
        ("l\u0456nk\u0435din", ["linkedin"]),
        ("\uff2c\uff49\uff4e\uff4b\uff45\uff44\uff29\uff4e", ["linkedin"]),
        ("z\u0337a\u0337l\u0337g\u0337o\u0337", ["zalgo"]),
        ("soooooo good", ["soo", "good"]),
        ("no no  no no, no", ["no", "no"]),
        ("very very good", ["very", "very", "good"]),
        ("a i ai ai ai aid", ["a", "i", "ai", "aid"]),
        ("see https://example.com/x?y=1 now", ["see", "now"]),
        ("write to a.b@example.com please", ["write", "to", "please"]),
        ("S\u00e3o Paulo", ["sao", "paulo"]),
    ],
)
def test_words(typed: str, read: list[str]) -> None:
    """Words."""
    assert words(clean(typed)) == read


@given(st.text(max_size=300))
def test_cleaning_never_fails_and_is_bounded(text: str) -> None:
    """Cleaning never fails and is bounded."""
    cleaned = clean(text * 40)
    assert len(cleaned) <= 6 * LONGEST
    assert all(word == word.casefold() for word in words(cleaned))
    split(cleaned)
    identify(words(cleaned))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("how do i turn it off", "en"),
        ("wie schalte ich das auf meinem handy aus", "de"),
        ("comment je peux refuser que mes posts servent", "fr"),
        ("como puedo desactivar esto en mi cuenta", "es"),
        (
            "\u043a\u0430\u043a \u044d\u0442\u043e \u0432\u044b\u043a\u043b\u044e\u0447\u0438\u0442\u044c",
            "ru",
        ),
        ("ok", "und"),
        ("", "und"),
    ],
)
def test_language(text: str, language: str) -> None:
    """Language."""
    assert identify(words(clean(text))) == language


def test_two_questions_are_two_parts() -> None:
    """Two questions are two parts."""
    assert split("Are my comments used, and how do I stop it?") == [
        "Are my comments used",
        "how do I stop it?",
    ]


def test_one_question_is_not_cut() -> None:
    """One question is not cut."""
    assert split("how do i turn it off on my phone") == []
