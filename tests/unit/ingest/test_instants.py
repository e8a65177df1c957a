"""Dates and times as people write them, read in the workspace's zone."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koipond.ingest.instants import choose_instants, read_seconds
from koipond.ingest.shapes import column_shapes
from koipond.ingest.zones import local_day, steps, to_utc, wall_day
from koipond.kernel import InputError, day_of, epoch_day
from koipond.warehouse import ParquetReader

REUSED = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
EIGHT = 1_291_191_960  # 2010-12-01 08:26:00 as if UTC
ZONES = (
    *("Asia/Shanghai", "Europe/London", "America/New_York"),
    *("America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"),
)


def read(reader: ParquetReader, *texts: str | None, told: str | None = None) -> list[int | None]:
    """Return the seconds of one column: local ones as if UTC, zoned ones in UTC."""
    rows = list(range(2, 2 + len(texts)))
    table = reader.stage("t", pa.table({"row": rows, "at": pa.array(texts, pa.string())}))
    shapes = column_shapes(reader, table, "at", what="dates")
    reading = choose_instants(reader, table, "at", shapes, told, "f.csv")
    local, aware = read_seconds(table["at"], reading)
    found = table.select("row", value=ibis.coalesce(local, aware)).order_by("row")
    return reader.frame(found).column("value").to_pylist()


@pytest.mark.parametrize(
    "text",
    [
        "2010-12-01 08:26:00",
        "2010-12-01 08:26",
        "2010-12-01 08:26:00.999999999",
        "2010-12-01T08:26:00",
        "2010/12/1 8:26",
        "2010.12.01 08:26:00",
        "2010年12月1日 08:26:00",
        "20101201 08:26:00",
        "1-Dec-2010 08:26 AM",
        "01 December 2010 08:26:00",
        "Dec 1, 2010 8:26:00 AM",
        "2010-12-01T08:26:00Z",
        "2010-12-01T08:26:00.5+00:00",
        "2010-12-01 16:26:00+0800",
        "2010-12-01 16:26:00 +08",
        "2010-12-01 08:26:00 UTC",
        "1291191960",
        "1291191960123",
        "40513.3513888889",
        "01 Desember 2010 08:26:00",
        "1-DES-2010 08:26",
        "1 Dec. 2010 08:26",
        "1-十二月-2010 08:26",
        "december 1, 2010 8:26 AM",
    ],
)
def test_one_instant_in_many_ways(reader: ParquetReader, text: str) -> None:
    assert read(reader, text) == [EIGHT]


def test_a_day_alone_is_its_midnight_and_may_stand_among_times(reader: ParquetReader) -> None:
    assert read(reader, "2010-12-01", "2010-12-01 08:26", None) == [EIGHT - 30_360, EIGHT, None]


@pytest.mark.parametrize(
    ("texts", "day"),
    [
        (("1/12/2010 08:26", "13/12/2010 00:00"), 0),
        (("12/1/2010 08:26", "12/13/2010 00:00"), 0),
        (("1.12.2010 08:26", "31.1.2011 00:00"), 0),
        (("01-12-10 08:26", "31-12-99 00:00"), 0),
    ],
)
def test_the_order_of_day_and_month_is_told_by_the_whole_column(
    reader: ParquetReader, texts: tuple[str, ...], day: int
) -> None:
    assert read(reader, *texts)[day] == EIGHT


def test_equal_day_and_month_need_no_decision(reader: ParquetReader) -> None:
    assert read(reader, "3/3/2011") == [1_299_110_400]


def test_two_orders_that_differ_stop_the_import(reader: ParquetReader) -> None:
    with pytest.raises(InputError, match=r"f\.csv: at can be read as dmy or mdy \(row 2 '1/12/2010'\)"):
        read(reader, "1/12/2010", "2/12/2010")
    with pytest.raises(InputError, match="--date-format dmy, --date-format mdy or --date-format ymd"):
        read(reader, "01/02/03")
    assert read(reader, "1/12/2010 08:26", told="dmy") == [EIGHT]
    assert read(reader, "12/1/2010 08:26", told="mdy") == [EIGHT]


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        (("2010-12-01", "01/12/2010"), "row 2 '2010-12-01' and row 3 '01/12/2010'"),
        (("2/13/2010", "14/3/2010"), "row 2 '2/13/2010' and row 3 '14/3/2010'"),
        (("1291191960", "2010-12-01"), "row 2 '1291191960' and row 3 '2010-12-01'"),
    ],
)
def test_mixed_dates_are_told_with_their_rows(
    reader: ParquetReader, texts: tuple[str, ...], rows: str
) -> None:
    with pytest.raises(InputError, match=rows.replace("/", "/")):
        read(reader, *texts)


def test_ways_that_begin_with_the_year_are_read_side_by_side(reader: ParquetReader) -> None:
    day = read(reader, "2010-12-01")
    assert read(reader, "2010-12-01", "2010/12/01", "2010年12月1日", "20101201") == day * 4
    assert read(reader, *["2010-12-01"] * 200, "45800.5", "1/2/2010") == [*day * 200, None, None]
    with pytest.raises(InputError, match=r"row 102 '45800\.5'"):
        read(reader, *["2010-12-01"] * 100, "45800.5", "45801")


def test_what_is_no_date_stays_unread(reader: ParquetReader) -> None:
    assert read(reader, "2010-12-01 08:26", "soon", "2010-02-30") == [EIGHT, None, None]
    with pytest.raises(InputError, match="row 2, at: 'soon' is no date"):
        read(reader, "soon")


def test_a_pattern_of_ones_own_is_tried_before_it_is_used(reader: ParquetReader) -> None:
    assert read(reader, "Wed 01|12|2010 08h26", told="%a %d|%m|%Y %Hh%M") == [EIGHT]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("%Q", "'%Q' stands for nothing; use %Y %y %m"),
        ("%-d/%m/%Y", "'%-d' stands for nothing; use %Y %y %m"),
        ("%Y-%Y", "'%Y' stands there twice"),
        ("%d.%m.%Y %", "a % stands alone at its end"),
        ("%G-%V", "no date can be read by it; use %Y %y %m"),
    ],
)
def test_a_pattern_that_cannot_be_read_is_said_in_our_words(
    reader: ParquetReader, pattern: str, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(reader, "x", told=pattern)
    assert f"--date-format '{pattern}': {says}" in str(caught.value)
    for language in ("zh", "id"):
        said = caught.value.message.in_language(language)
        assert pattern in said
        assert "--date-format" in said
        assert not re.search(r"directive|bad|stands|strptime|redefinition", said), said


@REUSED
@given(
    st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31)), min_size=1, max_size=30),  # noqa: DTZ001
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S", "%d-%b-%Y %I:%M:%S %p"]),
)
def test_formatted_instants_read_back(reader: ParquetReader, values: list[datetime], pattern: str) -> None:
    anchor = datetime(2001, 12, 31, 13, 0, 1)  # noqa: DTZ001  a day that is no month
    texts = [value.strftime(pattern) for value in (anchor, *values)]
    seconds = [int(v.replace(tzinfo=UTC, microsecond=0).timestamp()) for v in (anchor, *values)]
    assert read(reader, *texts) == seconds


@REUSED
@given(
    st.sampled_from(ZONES), st.integers(1971, 2034), st.lists(st.integers(0, 3 * 366 * 86_400), min_size=1)
)
def test_local_times_become_utc_as_the_zone_says(
    reader: ParquetReader, name: str, year: int, shifts: list[int]
) -> None:
    place = ZoneInfo(name)
    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    end = start + 3 * 366 * 86_400
    changes = [s.from_local_s for s in steps(place) if start < s.from_local_s < end]
    near = [change + shift for change in changes for shift in (-7200, -3600, -1800, -1, 0, 1, 1800, 3600)]
    values = [start + shift for shift in shifts] + near
    table = reader.stage("t", pa.table({"local": pa.array(values, pa.int64())}))
    low, high = start - 200_000, end + 200_000
    utc = reader.cache("u", table.select("local", utc=to_utc(table["local"], place, low, high)))
    days = utc.mutate(
        wall=wall_day(utc["local"], place, low, high), day=local_day(utc["utc"], place, low, high)
    )
    for row in reader.frame(days).to_pylist():
        naive = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=row["local"])
        expected = naive.replace(tzinfo=place).astimezone(UTC)
        assert row["utc"] == int(expected.timestamp())
        assert row["day"] == row["wall"] == epoch_day(day_of(expected, place))


def test_a_day_that_a_zone_skipped_moves_on(reader: ParquetReader) -> None:
    place = ZoneInfo("Pacific/Apia")  # had no 30 December 2011
    noon = int(datetime(2011, 12, 30, 12, tzinfo=UTC).timestamp())
    table = reader.stage("t", pa.table({"local": pa.array([noon, noon + 86_400], pa.int64())}))
    days = table.select(day=wall_day(table["local"], place, noon - 86_400, noon + 2 * 86_400))
    assert reader.frame(days).column("day").to_pylist() == [15_339, 15_339]


def test_months_of_any_language_and_length_may_stand_in_one_column(reader: ParquetReader) -> None:
    """B23."""
    written = ("05 Mei 2026", "12 Agustus 2025", "3 Apr 2026", "01 Januari 2026", "9 Okt 2025")
    said = [datetime(2026, 5, 5), datetime(2025, 8, 12), datetime(2026, 4, 3)]  # noqa: DTZ001
    said += [datetime(2026, 1, 1), datetime(2025, 10, 9)]  # noqa: DTZ001
    expected = [int(day.replace(tzinfo=UTC).timestamp()) for day in said]
    assert read(reader, *written) == expected
    assert read(reader, *written, told="%d %B %Y") == expected


def test_day_numbers_of_a_spreadsheet_are_days_since_1899(reader: ParquetReader) -> None:
    """B18: Excel counts from 1899-12-30; what is no day number is put aside."""
    expected = [int(datetime(2026, 3, 1, 9, 30, tzinfo=UTC).timestamp())]
    expected += [int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())]
    assert read(reader, "46082.395833", "46083", "99999") == [*expected, None]


def test_an_order_that_does_not_fit_is_said_with_row_and_those_that_may(reader: ParquetReader) -> None:
    with pytest.raises(
        InputError, match=r"row 2, at: '12/31/2025' is not written in the order ymd; pass .*dmy"
    ):
        read(reader, "12/31/2025", told="ymd")
