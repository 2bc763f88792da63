"""Write the day by which an answer is due as a file that calendars read (RFC 5545)."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from icalendar import Alarm, Calendar, Event

PRODUCT = "-//privacy-bot//letters//EN"
WARNED_BEFORE = datetime.timedelta(days=3, hours=-9)
"""How long before the day begins the calendar reminds: at nine in the morning, three days earlier."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A whole day in a calendar."""

    day: datetime.date
    summary: str
    description: str


def calendar_file(entries: Sequence[Entry], *, about: str, today: datetime.date) -> bytes:
    """Return an iCalendar file with an all-day event and a reminder for each entry.

    `about` names what the entries belong to: the same on the same day gives the same UIDs, so that a second import
    replaces the first. It goes into them as a hash.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    for number, entry in enumerate(entries):
        event = Event()
        digest = hashlib.sha256(f"{about}:{today}:{number}".encode()).hexdigest()
        event.add("uid", f"{digest[:32]}@privacy-bot")
        event.add("dtstamp", datetime.datetime.combine(today, datetime.time(), datetime.UTC))
        event.add("dtstart", entry.day)
        event.add("dtend", entry.day + datetime.timedelta(days=1))
        event.add("summary", entry.summary)
        event.add("description", entry.description)
        # A deadline keeps nobody busy.
        event.add("transp", "TRANSPARENT")
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("trigger", -WARNED_BEFORE)
        alarm.add("description", entry.summary)
        event.add_component(alarm)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
