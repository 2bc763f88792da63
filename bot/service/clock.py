"""Read the clock for those who may not."""

from __future__ import annotations

import datetime


def today() -> datetime.date:
    """Return the day (UTC) by which reviews fall due."""
    return datetime.datetime.now(datetime.UTC).date()
