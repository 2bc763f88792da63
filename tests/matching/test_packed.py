"""Half of a symmetric matrix does what the whole one would."""

from __future__ import annotations

import numpy as np
import pytest

from bot.matching.packed import Packed


def symmetric(size: int) -> np.ndarray:
    square = np.random.default_rng(size).normal(size=(size, size))
    return (square @ square.T + size * np.eye(size)).astype(np.float32)


def packed(whole: np.ndarray, step: int = 3) -> Packed:
    found = Packed(len(whole))
    for start in range(0, len(whole), step):
        rows = slice(start, min(start + step, len(whole)))
        found.put(start, whole[rows, found.needed(rows.start, rows.stop)])
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 20, 21])
def test_it_gives_back_what_was_put_in(size: int):
    """Rows are put in portions, and come back as blocks and as columns."""
    whole = symmetric(size)
    half = packed(whole)
    places = np.arange(size)[:: max(1, size // 4)]
    assert np.array_equal(half.block(np.arange(size)), whole)
    assert np.array_equal(half.block(places), whole[np.ix_(places, places)])
    for place in range(size):
        assert np.array_equal(half.below(place), whole[place + 1 :, place])


@pytest.mark.parametrize("size", [1, 2, 7, 20])
def test_it_is_solved_and_inverted(size: int):
    """The solution and the inverse are those of the whole matrix with what was added to it."""
    whole, extra = symmetric(size), np.linspace(1, 2, size, dtype=np.float32)
    target = np.random.default_rng(1).normal(size=(size, 3)).astype(np.float32)
    half = packed(whole)
    half.add(1)
    half.add_diagonal(extra)
    wanted = np.linalg.inv(whole.astype(np.float64) + 1 + np.diag(extra))
    assert np.allclose(half.solve_and_invert(target), wanted @ target, atol=1e-5)
    assert np.allclose(half.block(np.arange(size)), wanted, atol=1e-5)


def test_what_has_no_inverse_is_told():
    """A matrix that is not positive definite is an error, not a wrong answer."""
    with pytest.raises(ValueError, match="no inverse"):
        packed(-symmetric(4)).solve_and_invert(np.ones((4, 1), dtype=np.float32))
