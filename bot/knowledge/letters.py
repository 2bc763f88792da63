"""Name the form of a letter that people send under their rights (letters/<id>.yaml)."""

from __future__ import annotations

import calendar
import datetime
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from bot.knowledge.form import DEFAULT_REVIEW_EVERY, Day, Form, Link, Text, Title, one_line

PLACEHOLDERS = ("controller", "authority", "date", "grounds", "deadline", "sent")
"""What the bot fills in: names by place, the day of writing, the person's own grounds, the day by which an
answer is due, and the day of the letter that this one follows up."""

BLANKS = ("your name", "your e-mail address", "address of your profile", "your postal address")
"""What people fill in themselves, written in square brackets; the bot never asks for it."""


class Recipient(StrEnum):
    """To whom a letter goes; who that is follows from the place."""

    CONTROLLER = "controller"
    AUTHORITY = "authority"


class Grounds(Form):
    """What a letter needs in the person's own words."""

    ask: Annotated[str, StringConstraints(max_length=45), AfterValidator(one_line)] = Field(
        description="What is asked for, as the name of a field."
    )
    hint: Annotated[str, StringConstraints(max_length=64), AfterValidator(one_line)] = Field(
        description="What stands in the empty field."
    )
    thoughts: Annotated[list[Text], Field(min_length=1, max_length=5)] = Field(
        description="What people may think about; nothing to copy."
    )
    warning: Text = Field(description="Why a bare sentence may not suffice.")


class Deadline(Form):
    """By when the answer is due, counted from the day on which the letter is sent."""

    months: Annotated[int, Field(ge=0, le=12)] = 0
    days: Annotated[int, Field(ge=0, le=90)] = 0
    extended_months: Annotated[int, Field(ge=0, le=12)] = Field(0, description="Months that may be added.")
    extended_days: Annotated[int, Field(ge=0, le=90)] = Field(0, description="Days that may be added.")

    def due(self, sent: datetime.date) -> datetime.date:
        """Return the day by which an answer to a letter of the day `sent` is due."""
        return _later(sent, self.months, self.days)

    def extended(self, sent: datetime.date) -> datetime.date | None:
        """Return the day by which it is due where more time is taken, None where none may be.

        Counted from `sent` at once: a month and two more after 31 January are 30 April, not the 28th.
        """
        if not self.extended_months and not self.extended_days:
            return None
        return _later(sent, self.months + self.extended_months, self.days + self.extended_days)


def _later(day: datetime.date, months: int, days: int) -> datetime.date:
    """Add calendar months, the last day of a shorter month standing for a day that it lacks, then days."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(day.day, last)) + datetime.timedelta(days=days)


class LetterForm(Form):
    """A letter as its file holds it."""

    title: Title = Field(description="What the letter is, with its Article.")
    label: Annotated[str, StringConstraints(max_length=34), AfterValidator(one_line)] = Field(
        description="The title on a button."
    )
    places: Annotated[list[str], Field(min_length=1)] = Field(description="Where the letter can be used.")
    why: Text = Field(description="One or two sentences: what it does, and when it helps.")
    to: Annotated[Recipient, Field(strict=False)] = Field(description="controller or authority.")
    send: Annotated[list[Link], Field(max_length=3)] = Field([], description="Pages on which it can be sent.")
    enclose: Text | None = Field(None, description="What to enclose, and what not.")
    grounds: Grounds | None = Field(None, description="What is asked for in the person's own words.")
    subject: Annotated[str, StringConstraints(max_length=120), AfterValidator(one_line)]
    body: Text = Field(description="The letter itself, with {placeholders} and [blanks].")
    deadline: Deadline | None = Field(None, description="By when the answer is due.")
    follow_up: str | None = Field(None, description="Id of the letter for when no answer comes.")
    order: Annotated[int, Field(ge=0, le=999)] = Field(
        100, description="Where it stands in the list; the least comes first."
    )
    listed: bool = Field(True, description="Whether the list of letters shows it; a follow-up need not stand there.")
    facts: Annotated[list[str], Field(min_length=1)] = Field(description="Ids of the facts behind each rule in it.")
    reviewed: Day = Field(description="The day on which the letter was last compared with its sources.")
    review_every: Annotated[int, Field(ge=1, le=1000)] = Field(
        DEFAULT_REVIEW_EVERY, description="Days until the next check."
    )

    @property
    def due(self) -> datetime.date:
        """Return the last day on which the letter counts as checked."""
        return self.reviewed + datetime.timedelta(days=self.review_every)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter of the knowledge; its id is its file name."""

    id: str
    form: LetterForm
