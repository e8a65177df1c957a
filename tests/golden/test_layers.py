"""Science D7 and B6: counts of the default definitions and of the scoring options on real data."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from koipond.facts.tables import read_facts
from koipond.kernel import epoch_day
from koipond.profiles.base import base_table
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.layers.rfm import axis_values
from koipond.segments.snapshot import count_layers, profile_on
from koipond.warehouse import ParquetWarehouse

pytestmark = pytest.mark.shared_data
Tables = dict[str, pa.Table]
Opened = Callable[[Tables], ParquetWarehouse]
CELLS = ("value", "develop", "keep", "retain")


def layers(warehouse: ParquetWarehouse, on: date, **bodies: Any) -> dict[str, Any]:
    with warehouse.read() as reader:
        return count_layers(reader, LayerSet.from_mapping(bodies), on)


def cells(counts: dict[str, Any]) -> list[int]:
    found = counts["rfm"]["cells"]
    return [found[f"{kind}_{name}"] for kind in ("important", "general") for name in CELLS]


def scores(counts: dict[str, Any], axis: str) -> list[int]:
    return list(counts["rfm"]["scores"][axis].values())


def test_retail_year_with_returns(opened: Opened, retail: Tables) -> None:
    found = layers(opened(retail), date(2011, 12, 9))
    assert (found["buyers"], found["rfm"]["customers"]) == (4338, 4264)
    assert cells(found) == [1496, 352, 325, 385, 71, 634, 68, 933]
    assert found["rfm"]["cells"]["outside"] == 4338 - 4264
    assert found["rfm"]["level"] == {"high": 1149, "mid": 1618, "low": 1497}
    assert scores(found, "r") == [854, 857, 886, 841, 826]
    assert scores(found, "f") == [1500, 804, 508, 622, 830]
    assert scores(found, "m") == [853, 853, 853, 853, 852]
    stages = found["lifecycle"]
    assert [stages[s] for s in ("growth", "mature", "dormant", "churned")] == [1624, 1301, 410, 1003]
    flags = found["flags"]
    assert (flags["at_risk"], flags["due"], flags["one_time_buyer"]) == (414, 433, 1548)
    assert found["grade"] == {"core": 242, "key": 928, "regular": 1426, "fringe": 1742}
    assert found["aipl"] == {"aware": 0, "interest": 0, "purchase": 1630, "loyal": 2708}


def test_two_retail_years_without_returns(opened: Opened, both_sheets: Tables) -> None:
    found = layers(opened(both_sheets), date(2011, 12, 9))
    stages = found["lifecycle"]
    assert found["buyers"] == 5878
    assert [stages[s] for s in ("growth", "mature", "dormant", "churned")] == [1177, 1983, 466, 2252]
    assert (found["flags"]["at_risk"], found["flags"]["one_time_buyer"]) == (404, 1689)


def test_cdnow_at_the_end_of_1997(opened: Opened, cdnow: Tables) -> None:
    found = layers(opened(cdnow), date(1997, 12, 31))
    stages = found["lifecycle"]
    assert (found["customers"], found["buyers"]) == (23_570, 23_502)
    assert [stages[s] for s in ("growth", "mature", "dormant", "churned")] == [2217, 2465, 1681, 17_139]
    assert (found["flags"]["at_risk"], found["flags"]["one_time_buyer"]) == (925, 13_015)
    assert scores(found, "f") == [13_015, 0, 4345, 2220, 3922]
    assert list(found["grade"].values()) == [2551, 5903, 8006, 7042]


def test_cdnow_grades_over_all_that_is_known(opened: Opened, cdnow: Tables) -> None:
    found = layers(opened(cdnow), date(1998, 6, 30), grade={"window": "all"})
    assert list(found["grade"].values()) == [2263, 5432, 8067, 7740]


@pytest.mark.parametrize(
    ("high", "expected"),
    [
        ("mean", [1534, 342, 342, 384, 67, 637, 67, 965]),
        ("score", [896, 150, 381, 308, 114, 554, 111, 1824]),
        ("raw_mean", [689, 117, 27, 38, 358, 1750, 40, 1319]),
    ],
)
def test_the_choice_of_high_moves_the_cells(
    opened: Opened, retail_positive: Tables, high: str, expected: list[int]
) -> None:
    found = layers(opened(retail_positive), date(2011, 12, 9), rfm={"window": "all", "high": high})
    assert found["buyers"] == 4338
    assert cells(found) == expected


def test_ties_kept_together_give_uneven_frequency_scores(opened: Opened, retail_positive: Tables) -> None:
    found = layers(opened(retail_positive), date(2011, 12, 9), rfm={"window": "all"})
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


def ten_classes(warehouse: ParquetWarehouse, rfm: dict[str, Any]) -> list[int]:
    with warehouse.read() as reader:
        profile = profile_on(reader, LayerSet.from_mapping({"rfm": rfm}), date(2011, 12, 11))
        rows = reader.frame(
            profile.filter(profile.r_score.notnull()).select("r_score", "f_score")
        ).to_pylist()
    pairs = [f"{row['r_score']}{row['f_score']}" for row in rows]
    return [sum(re.fullmatch(p, pair) is not None for pair in pairs) for p in TEN_CLASSES]


def test_the_teaching_notebook_is_reproduced_by_quantiles_and_rank_first(
    opened: Opened, retail_positive: Tables
) -> None:
    scoring = {"r": "quantile", "f": "rank_first", "m": "quantile"}
    found = ten_classes(opened(retail_positive), {"window": "all", "scoring": scoring})
    assert found == [1071, 819, 633, 593, 484, 352, 187, 94, 63, 42]


def test_ties_kept_together_move_its_classes(opened: Opened, retail_positive: Tables) -> None:
    found = ten_classes(opened(retail_positive), {"window": "all"})
    assert found == [1349, 708, 577, 372, 474, 475, 116, 167, 37, 63]


def test_counting_purchase_days_gives_another_frequency(opened: Opened, retail_positive: Tables) -> None:
    kinds = ("orders", "purchase_days")
    values = []
    with opened(retail_positive).read() as reader:
        for kind in kinds:
            definition = LayerSet.from_mapping({"rfm": {"window": "all", "frequency": kind}})
            base = base_table(
                reader, read_facts(reader), definition.base_spec, epoch_day(date(2011, 12, 9))
            ).table
            rows = base.select("customer_no", f=axis_values(base, definition.rfm)["f"]).order_by(
                "customer_no"
            )
            values.append(reader.frame(rows)["f"].to_pylist())
    assert sum(a != b for a, b in zip(*values, strict=True)) == 697


def test_who_comes_back_within_90_days_by_stage(
    opened: Opened, cdnow: Tables, cdnow_rows: pd.DataFrame
) -> None:
    day = epoch_day(date(1997, 12, 31))
    with opened(cdnow).read() as reader:
        profile = profile_on(reader, LayerSet(), date(1997, 12, 31))
        stage = reader.frame(profile.select("customer_no", "lifecycle")).to_pandas()
    numbers = {customer: i for i, customer in enumerate(sorted(cdnow_rows.customer.unique()))}
    later = cdnow_rows[(cdnow_rows.day > day) & (cdnow_rows.day <= day + 90) & (cdnow_rows.fen > 0)]
    back = stage.customer_no.isin(later.customer.map(numbers).unique())
    rates = back.groupby(stage.lifecycle).mean().round(3)
    assert [rates[s] for s in ("mature", "growth", "dormant", "churned")] == [0.563, 0.275, 0.293, 0.077]
