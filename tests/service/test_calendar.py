from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.service.calendar import KEEPS, LEAP, Mark, marked

DAY = datetime.date(2026, 11, 23)
DAYS = st.dates(datetime.date(2000, 1, 1), datetime.date(2060, 1, 1))


def after(days: int) -> datetime.date:
    return DAY + datetime.timedelta(days=days)


def shown(*days: int, start: Mark | None = None) -> Mark:
    """Return what is made of a clock that shows so many days after DAY, one after the other."""
    mark = start or Mark(DAY)
    for one in days:
        mark = marked(mark, after(one))
    return mark


def test_the_first_day_is_believed():
    """A bot that knows no earlier day has nothing to doubt the clock by."""
    assert marked(None, DAY) == Mark(DAY)


@pytest.mark.parametrize("days", [0, 1, 3, LEAP.days, -1, -LEAP.days])
def test_days_that_follow_are_believed(days: int):
    """A midnight, a weekend off, and a clock that was a little ahead are no jumps."""
    assert shown(days) == Mark(after(days))


@pytest.mark.parametrize("jump", [LEAP.days + 1, 200, 30_000, -LEAP.days - 5, -200, -9_000])
def test_a_jump_is_doubted_until_the_clock_keeps_it(jump: int):
    """What is deleted goes by the earlier day meanwhile; back in its place, the clock is believed at once."""
    doubted = shown(jump)
    assert doubted == Mark(DAY, after(jump))
    assert doubted.oldest == min(DAY, after(jump))
    assert shown(jump, jump, jump + 1) == doubted
    assert shown(jump, 1) == Mark(after(1))
    assert shown(jump, jump + 1, jump + KEEPS.days) == Mark(after(jump + KEEPS.days))


def test_a_clock_that_jumps_again_is_doubted_again():
    """Two jumps do not confirm each other; a bot that is used once a month still moves on."""
    assert shown(400, 200) == Mark(DAY, after(200))
    assert shown(200, 400) == Mark(after(200), after(400))
    assert shown(30, 60, 90, 120).oldest >= after(60)


@given(st.lists(DAYS, max_size=20))
def test_a_clock_that_runs_on_is_believed_in_the_end(jumps: list[datetime.date]):
    """Whatever it did before, after a few days of running as a clock should its day is the day."""
    mark: Mark | None = None
    for one in jumps:
        mark = marked(mark, one)
        assert mark.oldest <= mark.day
    for days in range(8):
        mark = marked(mark, after(days))
    assert mark == Mark(after(7))
