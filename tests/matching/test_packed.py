"""Half of a symmetric matrix does what the whole one would."""

from __future__ import annotations

import numpy as np
import pytest

from bot.matching.packed import Packed


def symmetric(size: int) -> np.ndarray:
    square = np.random.default_rng(size).normal(size=(size, size))
    return (square @ square.T + size * np.eye(size)).astype(np.float32)


def packed(whole: np.ndarray, width: int = 4, step: int = 3) -> Packed:
    found = Packed(len(whole), width)
    for start in range(0, len(whole), step):
        found.put(start, whole[start : start + step, start:])
    return found


@pytest.mark.parametrize("size", [1, 2, 4, 7, 8, 21])
def test_it_gives_back_what_was_put_in(size: int):
    """Rows are put in portions, and come back as columns."""
    whole = symmetric(size)
    half = packed(whole)
    for place in range(size):
        assert np.array_equal(half.below(place), whole[place + 1 :, place])


@pytest.mark.parametrize("size", [1, 2, 4, 7, 8, 21])
def test_it_is_solved_and_inverted(size: int):
    """The solution and the inverse are those of the whole matrix with what was added to it."""
    whole, extra = symmetric(size), np.linspace(1, 2, size, dtype=np.float32)
    target = np.random.default_rng(1).normal(size=(size, 3)).astype(np.float32)
    half = packed(whole)
    half.add(1)
    half.add_diagonal(extra)
    half.factor()
    wanted = np.linalg.inv(whole.astype(np.float64) + 1 + np.diag(extra))
    assert np.allclose(half.solve(target), wanted @ target, atol=1e-5)
    for places in (np.arange(size), np.arange(size)[:: max(1, size // 4)]):
        assert np.allclose(half.inverse(places), wanted[np.ix_(places, places)], atol=1e-5)


def test_what_has_no_root_is_told():
    """A matrix that is not positive definite is an error, not a wrong answer."""
    with pytest.raises(ValueError, match="not positive definite"):
        packed(-symmetric(5)).factor()
