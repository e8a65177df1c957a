"""Windows of days ahead and of the year, hours across summer time, cut-offs of top shares."""

from datetime import UTC, date, datetime

import pytest

from koipond.kernel import InputError, epoch_day, zone
from koipond.kernel.zone_steps import local_hour
from koipond.rules import Cell, Person, RuleError, default_catalog, holds, parse
from koipond.rules.json_windows import span_in
from koipond.rules.ranking import cut_of
from koipond.rules.windows import Calendar, Yearly, month_day_text, read_month_day, span_bounds

CATALOG = default_catalog("CNY", zone("Asia/Shanghai"))


def born(day: str, rule: str, as_of: date) -> bool:
    person = Person(customer_uid="u", traits={"birthday": Cell(text=day)})
    return holds(parse(rule, CATALOG), person, epoch_day(as_of), CATALOG)


@pytest.mark.parametrize(
    ("day", "rule", "as_of", "right"),
    [
        ("1990-02-29", "birthday in today", date(2023, 2, 28), True),  # no day at all, but written so
        ("1992-02-29", "birthday in today", date(2023, 2, 28), True),  # kept on the 28th …
        ("1992-02-29", "birthday in today", date(2024, 2, 28), False),  # … but in a leap year
        ("1992-02-29", "birthday in today", date(2024, 2, 29), True),
        ("1992-02-29", "birthday in this month", date(2023, 2, 1), True),
        ("1992-02-29", "birthday in this month", date(2023, 3, 1), False),
        ("1990-01-02", "birthday in next 5 days", date(2025, 12, 30), True),  # past New Year
        ("1990-12-29", "birthday in next 5 days", date(2025, 12, 30), False),
        ("1990-12-29", "birthday in last 2 days", date(2025, 12, 30), True),
        ("1990-07-01", "birthday in next 365 days", date(2025, 12, 30), True),
        ("--02-29", "birthday in today", date(2023, 2, 28), True),  # the year is not known
        ("--03-15", "birthday in this month", date(2025, 3, 1), True),
        ("--03-15", "birthday in this month", date(2025, 4, 1), False),
        ("--03-15", "trait.birthday in last 30000 days", date(2025, 4, 1), False),
        ("--03-15", "trait.birthday <= 1990-01-01", date(2025, 4, 1), False),
        ("1980-03-15", "trait.birthday <= 1990-01-01", date(2025, 4, 1), True),
        ("soon", "trait.birthday > 1990-01-01", date(2025, 4, 1), False),
        ("soon", "birthday in next 365 days", date(2025, 12, 30), False),
        ("1990-07-01", "trait.birthday in this month", date(2025, 7, 9), False),  # the day itself
    ],
)
def test_birthdays(day: str, rule: str, as_of: date, right: bool) -> None:
    assert born(day, rule, as_of) is right


@pytest.mark.parametrize(
    ("day", "right"),
    [("2026-11-19", False), ("2026-11-20", True), ("2026-12-05", True), ("2026-12-06", False)],
)
def test_the_next_15_days_are_today_to_the_15th_day(day: str, right: bool) -> None:
    person = Person(customer_uid="u", traits={"expires_on": Cell(text=day)})
    rule = parse("trait.expires_on in next 15 days", CATALOG)
    assert holds(rule, person, epoch_day(date(2026, 11, 20)), CATALOG) is right


@pytest.mark.parametrize(
    ("unit", "shift", "first", "last"),
    [
        ("week", 0, date(2026, 11, 16), date(2026, 11, 22)),
        ("week", -1, date(2026, 11, 9), date(2026, 11, 15)),
        ("month", 0, date(2026, 11, 1), date(2026, 11, 30)),
        ("month", 1, date(2026, 12, 1), date(2026, 12, 31)),
        ("year", -1, date(2025, 1, 1), date(2025, 12, 31)),
        ("day", 1, date(2026, 11, 21), date(2026, 11, 21)),
    ],
)
def test_calendar_windows(unit: str, shift: int, first: date, last: date) -> None:
    window = Calendar(unit=unit, shift=shift)  # type: ignore[arg-type]
    assert span_bounds(window, epoch_day(date(2026, 11, 20))) == (epoch_day(first), epoch_day(last))


def test_there_is_no_31st_of_february() -> None:
    with pytest.raises(InputError, match="02-31"):
        Yearly(first=(2, 31), last=(3, 1))


def test_hours_are_those_of_the_zone_in_summer_and_winter() -> None:
    place = zone("Europe/Amsterdam")
    for month, hour in ((1, 13), (7, 14)):
        assert local_hour(int(datetime(2026, month, 1, 12, 30, tzinfo=UTC).timestamp()), place) == hour


def test_who_has_as_much_as_the_last_of_the_top_is_in_it() -> None:
    assert cut_of([5, 4, 4, 4, 1, None, 0, 0, 0, 0], 4_000) == 4  # two of five: 5, 4
    assert cut_of([5, 4, 3], 1) == 5
    assert cut_of([5, 4, 3], 10_000) == 3
    assert cut_of([0, None], 5_000) is None


@pytest.mark.parametrize(
    "text", ["消费前0.5%", "消费 属于 前0.5%", "消费 前 0.50%", "money_365d in top 0.5%"]
)
def test_a_part_of_a_percent_may_be_the_top(text: str) -> None:
    assert parse(text, CATALOG) == parse("money_365d in top 0.50%", CATALOG)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("orders.count(next 3 days) >= 1", "facts lie in the past"),
        ("orders.count(next month) >= 1", "facts lie in the past"),
        ("birthday = 2026-01-01", "asked by a window"),
        ("birthday in since 2026-01-01", "both ends"),
        ("lifecycle in this month", "no day"),
        ("orders(net in this month).count() = 1", "no day"),
        ("lifecycle in top 10%", "cannot be ranked"),
        ("money_365d in top 0%", "above 0%"),
        ('items(with items(sku = "A")).count() = 1', "have no lines"),
        ("orders(with items).count() = 1", "without a condition"),
        ("orders.days_since_last() / orders.count() > 1", "cannot be divided"),
        ("orders.average(store) > 1", "no amount"),
        ("近90天 会员", "a window without what happened in it"),
        ("orders(day in (02-30 to 03-01)).count() = 1", "02-30"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(rule: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        parse(rule, CATALOG)


@pytest.mark.parametrize("text", ["11-11-11", "Nov 11", "", 1111, "+1-1"])
def test_a_day_of_the_year_reads_one_way_wherever_it_stands(text: object) -> None:
    assert read_month_day(month_day_text((2, 9))) == (2, 9)
    assert span_in({"every_year": ["06-18", "11-11"]}) == Yearly(first=(6, 18), last=(11, 11))
    with pytest.raises(InputError, match="no day of the year"):
        span_in({"every_year": [text, "11-11"]})
