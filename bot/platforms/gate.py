"""Agree on how much one person and one chat may ask."""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from typing import Protocol


class Act(Enum):
    """What somebody does; each has a limit of its own."""

    QUESTION = "question"
    PRESS = "press"
    TYPING = "typing"


class Verdict(Enum):
    """What it gets: an answer, the one sentence that it was too much, or nothing."""

    ANSWER = "answer"
    TELL = "tell"
    SILENCE = "silence"


class Gate(Protocol):
    """Whoever counts what a person does in a chat. None of it raises, or takes long."""

    async def verdict(self, act: Act, person: Hashable, chat: Hashable) -> Verdict:
        """Count an act, and return what it gets.

        `chat` is None where nobody else sees the answer, `person` where the platform names nobody.
        """


class OpenGate:
    """Answer everything."""

    async def verdict(self, act: Act, person: Hashable, chat: Hashable) -> Verdict:  # noqa: ARG002 - it counts nothing
        """Return that it is answered."""
        return Verdict.ANSWER


OPEN = OpenGate()
"""Stands where nothing is counted."""
