"""Find the golden questions that the edits since the start moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.dialogue.dialogue import Dialogue
from bot.knowledge.questions import Questions
from bot.workshop.comparing import changed_figures, moves, sentence
from bot.workshop.figures import Judged, Question, Set, measure
from bot.workshop.measuring import ask_all, golden

Tell = Callable[[str, float], None]

_SHOWN = 40
"""Moves that are listed; `test --html` lists them all."""


class Moves:
    """Compare answers with those of a dialogue that never changes; its answers are kept for the next comparison."""

    def __init__(self, before: Dialogue) -> None:
        self._before = before
        self._asked: list[Question] = []
        self._judged: list[Judged] = []

    def find(self, after: Dialogue, questions: Questions, tell: Tell) -> dict[str, Any]:
        """Return the questions that moved and the figures that changed, as the page shows them.

        It takes seconds, so that it runs in a thread; `tell` hears the step and the share that is done.
        """
        # What repeats other questions, or does not depend on what was learned, is no move (see `moves`).
        asked = [one for one in golden(questions) if one.set not in {Set.TYPOS, Set.SLOTS}]
        if asked != self._asked:
            self._judged = ask_all(self._before, asked, _half(tell, "asking as at the start", 0.0))
            self._asked = asked
            begin = 0.5
        else:
            begin = 0.0
        judged = ask_all(after, asked, _half(tell, "asking as it is now", begin))
        found = moves(self._judged, judged)
        return {
            "questions": len(asked),
            "sentence": f"Since the preview started, {sentence(found)}"
            if found
            else "Since the preview started, no question moved.",
            "moves": [
                {
                    "question": move.question,
                    "expected": " + ".join(move.expected) or "nothing",
                    "before": move.before,
                    "after": move.after,
                    "change": move.change,
                }
                for move in found[:_SHOWN]
            ],
            "more": max(0, len(found) - _SHOWN),
            "figures": [
                f"{name}: {was:.3f} → {now:.3f}"
                for name, was, now in changed_figures(measure(self._judged), measure(judged))
            ],
        }


def _half(tell: Tell, step: str, begin: float) -> Callable[[int, int], None]:
    """Return a progress that covers what is left from `begin`, or the first half where it begins the work."""
    width = 0.5

    def told(done: int, of: int) -> None:
        tell(step, begin + width * done / of)

    return told
