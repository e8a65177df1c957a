from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from koipond.outreach.backoff import retry_delay_s
from koipond.outreach.caps import applies, lookback_s, window
from koipond.outreach.model import CapWindow, FrequencyCap

BERLIN = ZoneInfo("Europe/Berlin")
DAY = 86_400


def seconds(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())


def test_a_rolling_cap_looks_back_whole_days_of_24_hours() -> None:
    cap = FrequencyCap(key="c", touches_max=1, days=7)
    at = seconds(2026, 3, 29, 12)
    low, high = window(cap, at, at, BERLIN)
    assert (low, high) == (at - 7 * DAY + 1, at + 7 * DAY)


def test_a_touch_that_may_go_out_later_shares_the_windows_of_all_its_time() -> None:
    cap = FrequencyCap(key="c", touches_max=1, days=1)
    low, high = window(cap, 1_000_000, 1_000_000 + 2 * DAY, BERLIN)
    assert (low, high) == (1_000_000 - DAY + 1, 1_000_000 + 3 * DAY)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("calendar_day", (2026, 3, 28, 23), (2026, 3, 29, 22)),  # a day of 23 hours
        ("calendar_week", (2026, 3, 22, 23), (2026, 3, 29, 22)),
        ("calendar_month", (2026, 2, 28, 23), (2026, 3, 31, 22)),
    ],
)
def test_calendar_windows_begin_and_end_at_local_midnight(
    kind: CapWindow, low: tuple[int, ...], high: tuple[int, ...]
) -> None:
    cap = FrequencyCap(key="c", touches_max=1, window=kind)
    at = seconds(2026, 3, 29, 12)
    assert window(cap, at, at, BERLIN) == (seconds(*low), seconds(*high))
    assert window(cap, at, at, BERLIN)[0] > at - lookback_s(cap)


def test_a_cap_counts_its_purpose_and_its_channel_only() -> None:
    everywhere = FrequencyCap(key="c", touches_max=1)
    mail = FrequencyCap(key="c", touches_max=1, channel="email")
    assert applies(everywhere, "sms", "marketing")
    assert not applies(everywhere, "sms", "transactional")
    assert applies(mail, "email", "marketing")
    assert not applies(mail, "sms", "marketing")


def test_waits_double_and_spread_and_are_the_same_in_every_run() -> None:
    waits = [retry_delay_s("k", attempt, 100) for attempt in (1, 2, 3, 4)]
    for attempt, wait in enumerate(waits):
        assert 100 << attempt <= wait < 150 << attempt
    assert waits == [retry_delay_s("k", attempt, 100) for attempt in (1, 2, 3, 4)]
    assert len({retry_delay_s(f"k{n}", 1, 1_000) for n in range(50)}) > 30
