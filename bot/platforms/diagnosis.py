"""Say in a sentence what is right or wrong with the way in which the bot is set up."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

CLOCK_OFF_BY = 5.0
"""Seconds by which a clock may differ from a platform's; their own dates are whole seconds, and travel."""

WITHIN = 10.0
"""Seconds that a platform may take for all questions together."""


class Level(StrEnum):
    """How much a diagnosis matters: nothing to do, worth knowing, or to be mended."""

    FINE = "ok"
    HINT = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found about a part of the bot: what it is, what it means, and what to do. No token stands in it."""

    about: str
    level: Level
    text: str


def clock(about: str, date: str | None, now: datetime.datetime) -> Diagnosis | None:
    """Compare our clock with the Date header of an answer; None where there is none. `now` has a time zone."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=datetime.UTC)
    off = (now - theirs).total_seconds()
    if abs(off) <= CLOCK_OFF_BY:
        return Diagnosis(about, Level.FINE, "The clock agrees with the platform's.")
    way = "fast" if off > 0 else "slow"
    return Diagnosis(
        about,
        Level.WRONG,
        f"The clock of this machine is {abs(off):.0f} seconds {way}, so certificates may be refused and dates in "
        "answers may be wrong; set it by NTP.",
    )


def slow(about: str, within: float, variable: str) -> Diagnosis:
    """Return that a platform did not answer all questions in time; `variable` names the setting of its address."""
    return Diagnosis(
        about,
        Level.WRONG,
        f"{about} does not answer all questions within {within:.0f} seconds, so people there wait or are not answered; "
        f"look at the network, a proxy, and {variable}.",
    )
