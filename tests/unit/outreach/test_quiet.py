from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koipond.outreach.model import QuietHours
from koipond.outreach.quiet import is_quiet, next_allowed

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NIGHT = QuietHours()


def local(place: ZoneInfo, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=place)


@pytest.mark.parametrize(
    ("asked", "moved"),
    [
        ((2026, 3, 1, 19, 59), (2026, 3, 1, 19, 59)),
        ((2026, 3, 1, 20, 0), (2026, 3, 2, 9, 0)),
        ((2026, 3, 2, 3, 0), (2026, 3, 2, 9, 0)),
        ((2026, 3, 2, 9, 0), (2026, 3, 2, 9, 0)),
    ],
)
def test_a_night_touch_waits_for_nine_in_the_morning(asked: tuple[int, ...], moved: tuple[int, ...]) -> None:
    assert next_allowed(local(SHANGHAI, *asked), NIGHT, SHANGHAI) == local(SHANGHAI, *moved)


def test_equal_hours_are_never_quiet() -> None:
    never = QuietHours(start_hour=9, end_hour=9)
    assert not any(is_quiet(local(SHANGHAI, 2026, 3, 1, hour), never, SHANGHAI) for hour in range(24))


def test_hours_within_one_day_do_not_wrap() -> None:
    noon = QuietHours(start_hour=12, end_hour=14)
    assert next_allowed(local(SHANGHAI, 2026, 3, 1, 13), noon, SHANGHAI) == local(SHANGHAI, 2026, 3, 1, 14)
    assert not is_quiet(local(SHANGHAI, 2026, 3, 1, 20), noon, SHANGHAI)


def test_the_night_in_which_the_clock_is_set_forward_is_one_hour_shorter() -> None:
    moved = next_allowed(local(BERLIN, 2026, 3, 28, 21), NIGHT, BERLIN)
    assert moved == datetime(2026, 3, 29, 7, tzinfo=UTC)
    assert moved - datetime(2026, 3, 28, 20, tzinfo=UTC) == timedelta(hours=11)


def test_an_end_that_does_not_exist_that_night_is_the_first_hour_after_it() -> None:
    quiet = QuietHours(start_hour=22, end_hour=2)
    moved = next_allowed(datetime(2026, 3, 28, 23, tzinfo=UTC), quiet, BERLIN)
    assert moved == datetime(2026, 3, 29, 1, tzinfo=UTC)  # 03:00 in Berlin: 02:00 was skipped
    assert not is_quiet(moved, quiet, BERLIN)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(0, 23),
    st.integers(0, 23),
    st.sampled_from(
        ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Jakarta"]
    ),
)
def test_a_moved_touch_is_never_earlier_never_quiet_and_at_most_a_day_late(
    asked: datetime, start: int, end: int, name: str
) -> None:
    place, quiet = ZoneInfo(name), QuietHours(start_hour=start, end_hour=end)
    moved = next_allowed(asked, quiet, place)
    assert asked <= moved <= asked + timedelta(hours=25)
    assert not is_quiet(moved, quiet, place)
    if not is_quiet(asked, quiet, place):
        assert moved == asked
