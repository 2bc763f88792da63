"""Name the form of the check-up: the controls that matter, in order of effect (checkup.yaml)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from bot.knowledge.form import ID_PATTERN, Form, Text, one_line

MOST_CONTROLS = 12
"""Controls of one place: each takes two of the 24 marks that a button can carry."""


class ControlForm(Form):
    """One control: why it matters, and the topic whose steps lead to it."""

    id: Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=40)]
    title: Annotated[str, StringConstraints(max_length=34), AfterValidator(one_line)] = Field(
        description="What one does, as a short order that fits a button: Switch off AI training."
    )
    why: Text = Field(description="One sentence: why it matters.")
    topic: str = Field(description="Id of the topic whose steps are the guide.")
    places: list[str] = Field([], description="Only in these places; empty means everywhere.")
    not_in: list[str] = Field([], description="Not in these places.")
    facts: Annotated[list[str], Field(min_length=1)] = Field(description="Ids of the facts behind it.")

    def matters(self, chain: Collection[str]) -> bool:
        """Tell whether it matters in a place; `chain` is that place with the wider ones around it."""
        return (not self.places or any(id in chain for id in self.places)) and not any(
            id in chain for id in self.not_in
        )


class CheckupForm(Form):
    """checkup.yaml: the controls in order of effect."""

    controls: Annotated[list[ControlForm], Field(min_length=1)]
