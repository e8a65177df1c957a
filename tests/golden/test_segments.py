"""Rules on real data: the counts of science D7, and a second route by pandas for what D7 does not say."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from koipond.facts.ports import Reader
from koipond.kernel import epoch_day
from koipond.rules import default_catalog, parse
from koipond.segments.count import count_rule
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.membership import members
from koipond.segments.scope import Scope
from koipond.segments.snapshot import profile_on
from koipond.warehouse import ParquetWarehouse

pytestmark = pytest.mark.shared_data
Tables = dict[str, pa.Table]
Opened = Callable[[Tables], ParquetWarehouse]
CATALOG = default_catalog("GBP")


def scope_of(reader: Reader, on: date) -> Scope:
    profile = profile_on(reader, LayerSet.from_mapping({}), on)
    return Scope(reader=reader, as_of_day=epoch_day(on), catalog=CATALOG, profile=profile)


def node_counts(warehouse: ParquetWarehouse, on: date, *rules: str) -> list[int]:
    with warehouse.read() as reader:
        scope = scope_of(reader, on)
        return [count_rule(scope, parse(rule, CATALOG))["count"] for rule in rules]


def numbers(warehouse: ParquetWarehouse, on: date, rule: str) -> set[int]:
    with warehouse.read() as reader:
        return set(members(scope_of(reader, on), parse(rule, CATALOG)))


def test_layers_as_conditions_have_their_golden_counts(opened: Opened, retail: Tables) -> None:
    found = node_counts(
        opened(retail),
        date(2011, 12, 9),
        "lifecycle = dormant",
        "at_risk",
        "due",
        "one_time_buyer",
        "rfm_level = high",
        "grade in (core, key)",
        "rfm_cell = important_value",
        "not rfm_level is known",
        "purchase_days >= 1",
    )
    #                 dormant, at_risk, due, once, high, core + key, value, unscored, buyers
    assert found[:7] == [410, 414, 433, 1548, 1149, 242 + 928, 1496]
    assert found[8] == 4338
    assert found[7] == 4372 - 4264  # everybody known without a score: outside the window, or only returns


def test_counts_and_sums_of_orders_are_the_columns_of_the_profile(opened: Opened, cdnow: Tables) -> None:
    """CDNOW has no refunds, so the two ways to the same number must agree for every customer."""
    day = date(1997, 12, 31)
    found = node_counts(
        opened(cdnow),
        day,
        "orders.count(last 365 days) >= 3 and not orders_365d >= 3",
        "orders_365d >= 3 and not orders.count(last 365 days) >= 3",
        "orders.sum(net, last 365 days) >= 50 and not money_365d >= 50",
        "money_365d >= 50 and not orders.sum(net, last 365 days) >= 50",
        "orders.days_since_last() >= 100 and not days_since_last_purchase >= 100",
        "days_since_last_purchase >= 100 and not orders.days_since_last() >= 100",
        "orders.days() >= 3 and not purchase_days >= 3",
        "orders_365d >= 3",
    )
    assert found[:7] == [0] * 7
    assert found[7] > 0


def test_orders_in_a_window_of_the_past_agree_with_pandas(
    opened: Opened, cdnow: Tables, cdnow_rows: pd.DataFrame
) -> None:
    number = {customer: i for i, customer in enumerate(sorted(cdnow_rows.customer.unique()))}
    day = epoch_day(date(1997, 12, 31))
    paid = cdnow_rows[cdnow_rows.fen > 0]
    inside = paid[paid.day.between(day - 180, day - 91) & (paid.fen >= 2_000)]
    expected = {number[c] for c, n in inside.groupby("customer").size().items() if n >= 2}
    rule = "orders(net >= 20).count(from 180 to 91 days ago) >= 2"
    assert numbers(opened(cdnow), date(1997, 12, 31), rule) == expected
    assert expected


def test_sequences_of_events_agree_with_pandas(opened: Opened, ecom: Tables) -> None:
    """Added to cart and no purchase within 3 days, in the last 30 days; and its opposite."""
    on = date(2024, 6, 15)
    log: Any = ecom["events"].to_pandas()
    day = epoch_day(on)
    expected: dict[bool, set[int]] = {True: set(), False: set()}
    for customer, rows in log[log.day <= day].groupby("customer_no"):
        carts = rows[(rows.name == "add_to_cart") & (rows.day > day - 30)]
        bought = rows[rows.name == "purchase"]
        for at, then in zip(carts.at_s, carts.day, strict=True):
            follows = bool(((bought.at_s > at) & (bought.day <= then + 3)).any())
            if follows or then + 3 <= day:
                expected[follows].add(int(customer))
    steps = 'events("add_to_cart") then {}events("purchase") within 3 days, last 30 days'
    for follows, no in ((True, ""), (False, "no ")):
        assert numbers(opened(ecom), on, f"sequence({steps.format(no)})") == expected[follows]
        assert expected[follows]
