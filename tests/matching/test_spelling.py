"""Repairing typing errors."""

from __future__ import annotations

import pytest

from bot.matching.spelling import MOST_REPAIRS, Spelling

WORDS = {"training": 50, "profile": 40, "privacy": 20, "linkedin": 90, "posts": 30, "adress": 1, "turn": 9}


@pytest.fixture
def spelling() -> Spelling:
    """Return a repairer that knows a few words."""
    return Spelling(WORDS, frozenset({"trailing", "weather"}))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("trainign", "training"),
        ("lniekdin", "linkedin"),
        ("porfile", "profile"),
        ("pposts", "posts"),
        ("trailing", "trailing"),
        ("weather", "weather"),
        ("adress", "adress"),
        ("adres", "adres"),
        ("tur", "tur"),
        ("zebra", "zebra"),
        ("post5", "post5"),
    ],
)
def test_slips_are_repaired_and_words_left_alone(spelling: Spelling, typed: str, meant: str) -> None:
    """Near slips become the known word; other words, rare words and short ones stay."""
    assert spelling.repair([typed])[0] == [meant]


def test_repairs_are_told(spelling: Spelling) -> None:
    """Each repair is named once."""
    words, changes = spelling.repair(["my", "porfile", "porfile"])
    assert words == ["my", "profile", "profile"]
    assert changes == (("porfile", "profile"),)


def test_a_flood_of_unknown_words_is_not_searched_through(spelling: Spelling) -> None:
    """Only so many unknown words are looked up."""
    flood = [f"trainin{chr(97 + place)}" for place in range(20)]
    repaired, changes = spelling.repair(flood)
    assert len(changes) <= MOST_REPAIRS
    assert repaired[-1] == flood[-1]
