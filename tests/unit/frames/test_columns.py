from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from koipond.frames.columns import epoch_days, read_only, to_day
from koipond.kernel import InputError, epoch_day

NEW_YEAR = epoch_day(date(1997, 1, 1))


@pytest.mark.parametrize(
    "text",
    [
        "1997-01-01",
        "1997-01-01T23:30:00",
        "1997-01-01T00:00:00Z",
        "1997-01-01 23:30:00.123456Z",
        "1997-01-01T23:30:00-05:00",  # already the 2nd in UTC
        "1997-01-01T00:30+0800",  # still the 31st in UTC
        "1997-01-01T00:30:00.123456789+08",
    ],
)
def test_iso_text_gives_the_day_it_writes_whatever_its_offset(text: str) -> None:
    assert epoch_days(pa.table({"at": [text]}), "at").tolist() == [NEW_YEAR]


def test_text_with_and_without_an_offset_may_stand_in_one_column() -> None:
    column = pa.table({"at": ["1997-01-01T00:00:00Z", "1997-01-02T10:00:00", "1997-01-03 09:00:00+08:00"]})
    assert epoch_days(column, "at").tolist() == [NEW_YEAR, NEW_YEAR + 1, NEW_YEAR + 2]


@pytest.mark.parametrize("text", ["1997-01-01T00:00:00+99:00", "1997-13-01T00:00:00Z", "1997-01-01Tnoon"])
def test_text_that_is_no_instant_is_refused_with_the_column(text: str) -> None:
    with pytest.raises(InputError, match="'at' must hold ISO dates"):
        epoch_days(pa.table({"at": [text]}), "at")


@pytest.mark.parametrize(
    "value",
    [
        "1997-01-01",
        "1997-01-01T23:30:00-05:00",
        "1997-01-01T00:00:00Z",
        date(1997, 1, 1),
        datetime(1997, 1, 1, 23, tzinfo=UTC),
        datetime(1997, 1, 1, 23, tzinfo=timezone(timedelta(hours=-5))),
        pd.Timestamp("1997-01-01 10:00"),
        pd.Timestamp("1997-01-01 00:30", tz="Asia/Shanghai"),
    ],
)
def test_a_cut_may_be_a_date_an_instant_or_the_text_of_either(value: str | date) -> None:
    assert to_day(value, "calibration_end") == NEW_YEAR


@pytest.mark.parametrize("value", ["soon", pd.NaT, 5])
def test_a_cut_that_is_no_date_is_refused_by_its_name(value: str | date) -> None:
    with pytest.raises(InputError, match="calibration_end"):
        to_day(value, "calibration_end")


def test_a_read_only_view_leaves_the_callers_array_alone() -> None:
    mine = np.zeros(2)
    with pytest.raises(ValueError, match="read-only"):
        read_only(mine)[0] = 1
    mine[0] = 1
