"""Tell by which day to keep and to delete while the clock on the wall may jump."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

LEAP = datetime.timedelta(days=7)
"""What a day may differ from the last known one and be believed at once: a bot that was off over a long weekend. A
wrong clock then deletes what had at most so many of its 180 days left."""

KEEPS = datetime.timedelta(days=2)
"""How long a clock that jumped further has to keep going from there before it is believed. Whoever looks after the
server has put it right by then, or it is right; and a bot that was off for a month deletes two days late."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The last day that was believed, and the one that a clock showed first when it jumped, where it did."""

    day: datetime.date
    doubted: datetime.date | None = None

    @property
    def oldest(self) -> datetime.date:
        """Return the day by which to delete: in doubt the earlier one, since what is deleted does not come back."""
        return min(self.day, self.doubted or self.day)


def marked(mark: Mark | None, shown: datetime.date) -> Mark:
    """Return what to make of the day that the clock shows now, after `mark`.

    A clock that jumped back is doubted like one that jumped forward: believed at once it would have what is kept now
    deleted when it is put right, and never believed it would keep everything.
    """
    if mark is None or abs(shown - mark.day) <= LEAP:
        return Mark(shown)
    doubted = mark.doubted
    if doubted is None or shown < doubted:
        return Mark(mark.day, doubted=shown)
    if shown - doubted < KEEPS:
        return mark
    # It jumped once more, or the bot was off again: one step at a time.
    return marked(Mark(doubted), shown)
