"""Science B6, B7, D7 through `koipond.rfm`, `lifecycle`, `aipl` and `grade`, on the files as they are."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import koipond

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]
CELLS = ("value", "develop", "keep", "retain")
YEAR_END = date(2011, 12, 9)
UK = {"zone": "Europe/London", "currency": "GBP"}


def cells(found: Any) -> list[int]:
    return [found.counts["cells"][f"{kind}_{name}"] for kind in ("important", "general") for name in CELLS]


def scores(found: Any, axis: str) -> list[int]:
    return list(found.counts["scores"][axis].values())


@pytest.fixture(scope="module")
def retail_file(shared_data: Path) -> Path:
    """Online Retail 2010-11, every row of it."""
    return shared_data / "online_retail_2010_2011.parquet"


@pytest.fixture(scope="module")
def sold(retail_file: Path) -> pd.DataFrame:
    """The same without returns and prices of 0 or less."""
    lines = pd.read_parquet(retail_file)
    return lines[(lines.quantity > 0) & (lines.unit_price > 0)]


@pytest.fixture(scope="module")
def cdnow_file(shared_data: Path) -> pd.DataFrame:
    """CDNOW master: without order numbers, so that the rows of a customer and day are one order."""
    return pd.read_csv(shared_data / "cdnow_master.csv.gz")


def test_retail_year_with_returns(retail_file: Path) -> None:
    found = koipond.rfm(retail_file, as_of=YEAR_END, **UK)
    assert (len(found.customers), found.buyers, found.counts["scored"]) == (4372, 4338, 4264)
    assert cells(found) == [1496, 352, 325, 385, 71, 634, 68, 933]
    assert found.counts["level"] == {"high": 1149, "mid": 1618, "low": 1497}
    assert scores(found, "r") == [854, 857, 886, 841, 826]
    assert scores(found, "f") == [1500, 804, 508, 622, 830]
    assert scores(found, "m") == [853, 853, 853, 853, 852]
    assert found.notes == ("the table of orders: 135,080 rows left out, missing_customer",)
    stages = koipond.lifecycle(retail_file, as_of=YEAR_END, **UK)
    assert [stages.counts["lifecycle"][s] for s in ("growth", "mature", "dormant", "churned")] == [
        1624,
        1301,
        410,
        1003,
    ]
    flags = stages.counts["flags"]
    assert (flags["at_risk"], flags["due"], flags["one_time_buyer"]) == (414, 433, 1548)
    assert stages.cut_offs["median_gap_days"] == 28
    grades = koipond.grade(retail_file, as_of=YEAR_END, **UK)
    assert grades.counts["grade"] == {"core": 242, "key": 928, "regular": 1426, "fringe": 1742}
    minds = koipond.aipl(retail_file, as_of=YEAR_END, **UK)
    assert minds.counts["aipl"] == {"aware": 0, "interest": 0, "purchase": 1630, "loyal": 2708}


def test_two_retail_years_without_returns(shared_data: Path, sold: pd.DataFrame) -> None:
    first = pd.read_parquet(shared_data / "online_retail_2009_2010.parquet")
    first = first[(first.quantity > 0) & (first.unit_price > 0)]
    lines = pd.concat([first, sold[sold.invoice_ts >= "2010-12-10"]])
    found = koipond.lifecycle(lines, as_of=YEAR_END, **UK)
    assert found.buyers == 5878
    stages = [found.counts["lifecycle"][s] for s in ("growth", "mature", "dormant", "churned")]
    assert stages == [1177, 1983, 466, 2252]
    assert (found.counts["flags"]["at_risk"], found.counts["flags"]["one_time_buyer"]) == (404, 1689)
    assert found.cut_offs["median_gap_days"] == 31
    assert koipond.lifecycle(lines, as_of="2011-06-09", **UK).cut_offs["median_gap_days"] == 30


def test_cdnow_at_the_end_of_1997(cdnow_file: pd.DataFrame) -> None:
    end = date(1997, 12, 31)
    found = koipond.lifecycle(cdnow_file, as_of=end, currency="USD")
    assert (len(found.customers), found.buyers) == (23_570, 23_502)
    stages = [found.counts["lifecycle"][s] for s in ("growth", "mature", "dormant", "churned")]
    assert stages == [2217, 2465, 1681, 17_139]
    assert (found.counts["flags"]["at_risk"], found.counts["flags"]["one_time_buyer"]) == (925, 13_015)
    assert found.cut_offs["median_gap_days"] == 30
    assert scores(koipond.rfm(cdnow_file, as_of=end), "f") == [13_015, 0, 4345, 2220, 3922]
    assert list(koipond.grade(cdnow_file, as_of=end).counts["grade"].values()) == [2551, 5903, 8006, 7042]


def test_cdnow_grades_over_all_that_is_known(cdnow_file: pd.DataFrame) -> None:
    found = koipond.grade(cdnow_file, window="all")
    assert found.as_of == date(1998, 6, 30), "the newest day of the table"
    assert list(found.counts["grade"].values()) == [2263, 5432, 8067, 7740]


@pytest.mark.parametrize(
    ("high", "expected"),
    [
        ("mean", [1534, 342, 342, 384, 67, 637, 67, 965]),
        ("score", [896, 150, 381, 308, 114, 554, 111, 1824]),
        ("raw_mean", [689, 117, 27, 38, 358, 1750, 40, 1319]),
    ],
)
def test_the_choice_of_high_moves_the_cells(sold: pd.DataFrame, high: str, expected: list[int]) -> None:
    found = koipond.rfm(sold, window="all", high=high, **UK)
    assert found.buyers == 4338
    assert cells(found) == expected
    assert scores(found, "f") == [1493, 835, 508, 802, 700]


TEN_CLASSES = {  # the naming of a much-copied teaching notebook, by R and F scores
    r"[12][12]": "hibernating",
    r"[34][45]": "loyal",
    r"5[45]": "champions",
    r"[12][34]": "at risk",
    r"[45][23]": "potential loyalists",
    r"3[12]": "about to sleep",
    r"33": "need attention",
    r"41": "promising",
    r"[12]5": "can't lose",
    r"51": "new",
}


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        (
            {"r": "quantile", "f": "rank_first", "m": "quantile"},
            [1071, 819, 633, 593, 484, 352, 187, 94, 63, 42],
        ),
        ("rank", [1349, 708, 577, 372, 474, 475, 116, 167, 37, 63]),
    ],
)
def test_the_teaching_notebook(sold: pd.DataFrame, scoring: Any, expected: list[int]) -> None:
    backwards = sold.iloc[::-1]  # ties fall by customer, not by row
    rows = koipond.rfm(backwards, as_of="2011-12-11", window="all", scoring=scoring, **UK).table().to_pylist()
    pairs = [f"{row['r_score']}{row['f_score']}" for row in rows]
    assert [sum(re.fullmatch(p, pair) is not None for pair in pairs) for p in TEN_CLASSES] == expected


BROWSE = ["home", "catalog", "promo_page", "search", "filter_results"]
BROWSE += ["product_view", "compare", "review_page"]
ACTIVE = ["wishlist_add", "add_to_cart", "cart", "shipping_details", "payment_details"]
ACTIVE += ["account_page", "support_chat"]


@pytest.mark.parametrize(
    ("on", "stages"), [("2024-06-29", (61, 86, 224, 104)), ("2024-06-07", (67, 128, 176, 71))]
)
def test_stages_of_the_shop_log(shared_data: Path, on: str, stages: tuple[int, ...]) -> None:
    log = pd.read_csv(shared_data / "ecom_events.csv.gz")
    found = koipond.aipl(
        events=log,
        as_of=on,
        event_names={"browse": BROWSE, "active": ACTIVE, "purchase": ["purchase"]},
        stock_counts_as_interest={"member": False},
    )
    assert tuple(found.counts["aipl"].values()) == stages
