"""Say what every platform offers to whoever keeps it running."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Protocol

Reference = Callable[[], str]
"""Makes the short random reference that a person is shown and the log names, when something failed."""


def random_reference() -> str:
    """Return six characters that tie a person's report to a log line and to nothing else."""
    return secrets.token_hex(3)


class PermanentFault(Exception):
    """End a platform for good: trying again cannot help. The message is one sentence for the operator."""


class ProcessFault(PermanentFault):
    """End the whole process: another one does its work now, and a fresh one may wait for its turn."""


class PassingFault(Exception):
    """End a platform's attempt; it is tried again. The message names no person, token or text."""


class Platform(Protocol):
    """A connection to one chat platform."""

    name: str

    async def run(self) -> None:
        """Serve until cancelled.

        On cancellation: take nothing new, finish what is being answered, close. Raises PermanentFault or
        anything else; everything but a PermanentFault is tried again.
        """

    def can_answer(self) -> bool:
        """Tell whether a question would be answered now."""
