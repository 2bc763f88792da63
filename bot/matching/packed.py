"""A symmetric matrix of which one half is kept.

The two triangles of that half lie in one rectangle, in the order of LAPACK's rectangular full packed format
(https://netlib.org/lapack/lawnspdf/lawn199.pdf): the sums are as fast as on a whole matrix, in half its memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_ORDER = {"transr": b"N", "uplo": b"L"}


class Packed:
    """A symmetric matrix, positive definite where it is solved or inverted."""

    def __init__(self, size: int) -> None:
        """Make a matrix of zeros with so many rows."""
        self.size = size
        self._odd = size % 2
        self._half = (size + 1) // 2
        self._flat: Floats = np.zeros(size * (size + 1) // 2, dtype=np.float32)
        self._table = self._flat.reshape((size + 1 - self._odd, self._half), order="F")

    def needed(self, start: int, end: int) -> slice:
        """Return the columns that `put` takes of the rows from `start` to `end`."""
        return slice(min(self._half, start), self.size if start < self._half else end)

    def put(self, start: int, rows: Floats) -> None:
        """Set some rows in turn; of each only the columns that are `needed` for all of them are given."""
        first = self.needed(start, start + len(rows)).start
        for place, row in enumerate(rows, start):
            if place < self._half:
                self._table[place + 1 - self._odd :, place] = row[place - first :]
            else:
                self._table[: place - self._half + 1, place - self._half + self._odd] = row[
                    self._half - first : place + 1 - first
                ]

    def below(self, place: int) -> Floats:
        """Return what stands below the diagonal in one column."""
        if place < self._half:
            return self._table[place + 2 - self._odd :, place]
        return self._table[place - self._half, place - self._half + 1 + self._odd :]

    def block(self, places: Ints) -> Floats:
        """Return the rows and columns of some places, whole."""
        lower, higher = np.minimum.outer(places, places), np.maximum.outer(places, places)
        left = lower < self._half
        rows = np.where(left, higher + 1 - self._odd, lower - self._half)
        columns = np.where(left, lower, higher - self._half + self._odd)
        return np.asarray(self._table[rows, columns])

    def add(self, number: float) -> None:
        """Add a number everywhere."""
        self._flat += np.float32(number)

    def add_diagonal(self, numbers: Floats) -> None:
        """Add a number a row to the diagonal."""
        left, right = np.arange(self._half), np.arange(self.size - self._half)
        self._table[left + 1 - self._odd, left] += numbers[: self._half]
        self._table[right, right + self._odd] += numbers[self._half :]

    def solve_and_invert(self, target: Floats) -> Floats:
        """Return the solution for some columns, and become the inverse. Raises ValueError where there is none."""
        root, failed = lapack.spftrf(self.size, self._flat, overwrite_a=1, **_ORDER)
        if not failed:
            solution, failed = lapack.spftrs(self.size, root, target, **_ORDER)
        if not failed:
            inverse, failed = lapack.spftri(self.size, root, overwrite_a=1, **_ORDER)
        if failed:
            raise ValueError("the matrix has no inverse")
        self._flat = inverse
        self._table = inverse.reshape(self._table.shape, order="F")
        return _rows(solution)


def _rows(solution: Any) -> Floats:
    return np.ascontiguousarray(solution, dtype=np.float32)
