"""Keep the linear algebra of serving to one thread."""

from __future__ import annotations

import os
from collections.abc import Mapping

_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_set_here: list[str] = []


def one_thread() -> None:
    """Have NumPy compute in one thread; must come before NumPy is loaded, and leaves what an operator set.

    The matrices of one question are small: handing them to several threads takes longer than multiplying them.
    """
    for name in _VARIABLES:
        if name not in os.environ:
            os.environ[name] = "1"
            _set_here.append(name)


def environment_for_fitting() -> Mapping[str, str]:
    """Return the environment for a process that fits, whose matrices are large."""
    return {name: value for name, value in os.environ.items() if name not in _set_here}
