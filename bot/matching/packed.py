"""A symmetric matrix of which one half is kept, in panels of columns.

LAPACK keeps the other half too, or takes three times as long. Everything here is done with whole panels
by products of matrices, which use a machine best.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

WIDTH = 1024
"""So many columns make a panel."""


class Packed:
    """A symmetric, positive definite matrix that is filled, then factored, then asked."""

    def __init__(self, size: int, width: int = WIDTH) -> None:
        """Make a matrix of zeros with so many rows."""
        self.size = size
        self._width = width
        self._starts = range(0, size, width)
        self._panels: list[Floats] = [
            np.zeros((size - start, min(width, size - start)), dtype=np.float32, order="F") for start in self._starts
        ]
        """Of each panel the rows from the diagonal down; above the diagonal stands nothing that counts."""

    def put(self, start: int, rows: Floats) -> None:
        """Set some rows in turn; of each the columns from `start` on are given."""
        while len(rows):
            turn, column = divmod(start, self._width)
            taken = min(len(rows), self._width - column)
            self._panels[turn][column:, column : column + taken] = rows[:taken].T
            start, rows = start + taken, rows[taken:, taken:]

    def below(self, place: int) -> Floats:
        """Return what stands below the diagonal in one column."""
        return self._column(place)[1:]

    def add(self, number: float) -> None:
        """Add a number everywhere."""
        for panel in self._panels:
            panel[:] += np.float32(number)

    def add_diagonal(self, numbers: Floats) -> None:
        """Add a number a row to the diagonal."""
        for place, number in enumerate(numbers):
            self._column(place)[0] += number

    def factor(self) -> None:
        """Become the lower triangular root, its blocks on the diagonal inverted. Raises ValueError where there is none."""
        for turn, panel in enumerate(self._panels):
            root, failed = lapack.spotrf(_top(panel), lower=1, clean=1)
            if failed:
                raise ValueError("the matrix is not positive definite")
            _top(panel)[:], _ = lapack.strtri(root, lower=1)
            under = panel[len(root) :]
            # Turned twice, products come in the order in which panels lie in memory.
            under[:] = (_top(panel) @ under.T).T
            for start, later in zip(self._starts[turn + 1 :], self._panels[turn + 1 :], strict=True):
                rows = panel[start - self._starts[turn] :]
                later[:] -= (rows[: later.shape[1]] @ rows.T).T

    def solve(self, target: Floats) -> Floats:
        """Return the solution for some columns; `factor` comes first."""
        found = target.copy()
        for start, panel in zip(self._starts, self._panels, strict=True):
            _forward(panel, found[start:])
        for start, panel in zip(reversed(self._starts), reversed(self._panels), strict=True):
            width = panel.shape[1]
            rest = found[start : start + width] - panel[width:].T @ found[start + width :]
            found[start : start + width] = _top(panel).T @ rest
        return found

    def inverse(self, places: Ints) -> Floats:
        """Return the rows and columns of some places, in ascending order, of the inverse; `factor` comes first."""
        columns = np.zeros((self.size, len(places)), dtype=np.float32)
        columns[places, np.arange(len(places))] = 1
        for start, panel in zip(self._starts, self._panels, strict=True):
            # Above its place a column stays empty.
            begun = int(np.searchsorted(places, start + panel.shape[1]))
            _forward(panel, columns[start:, :begun])
        return np.asarray(columns.T @ columns)

    def _column(self, place: int) -> Floats:
        """Return one column from the diagonal down."""
        turn, column = divmod(place, self._width)
        return self._panels[turn][column:, column]


def _top(panel: Floats) -> Floats:
    return panel[: panel.shape[1]]


def _forward(panel: Floats, right: Floats) -> None:
    """Solve for the rows of one panel, and take what follows from them off the rows below."""
    width = panel.shape[1]
    right[:width] = _top(panel) @ right[:width]
    right[width:] -= panel[width:] @ right[:width]
