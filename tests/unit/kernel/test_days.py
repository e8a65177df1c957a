from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koipond.kernel import InputError, VirtualClock, day_bounds, day_of, epoch_day, from_epoch_day, zone

ZONES = st.sampled_from(
    ["Asia/Shanghai", "Asia/Jakarta", "America/New_York", "Europe/London", "Pacific/Apia"]
)
DAYS = st.dates(date(2012, 1, 2), date(2035, 12, 31))


@given(ZONES, DAYS)
def test_every_instant_of_a_day_falls_on_that_day(name: str, day: date) -> None:
    place = zone(name)
    start, end = day_bounds(day, place)
    assert day_of(start, place) == day
    assert day_of(end - timedelta(seconds=1), place) == day
    assert day_of(end, place) == day + timedelta(days=1)


def test_a_day_of_the_spring_change_has_23_hours() -> None:
    start, end = day_bounds(date(2026, 3, 8), zone("America/New_York"))
    assert end - start == timedelta(hours=23)


@given(DAYS)
def test_epoch_day_round_trips(day: date) -> None:
    assert from_epoch_day(epoch_day(day)) == day


def test_an_unknown_zone_is_named_in_the_error() -> None:
    with pytest.raises(InputError, match="Mars/Base"):
        zone("Mars/Base")


def test_a_virtual_clock_never_goes_back() -> None:
    clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.advance(timedelta(days=1))
    with pytest.raises(ValueError, match="cannot go back"):
        clock.move_to(datetime(2026, 1, 1, tzinfo=UTC))
