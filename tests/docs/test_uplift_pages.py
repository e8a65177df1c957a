"""The worked examples on the uplift and allocation pages say what the library says today."""

import re
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import koipond

PAGES = Path(__file__).resolve().parents[2] / "docs" / "science"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
pytestmark = pytest.mark.shared_data


def assert_printed(page: str, printed: str, *, rel: float = 0.02) -> None:
    """Assert that a fenced block of ``page`` is ``printed``, numbers to ``rel``."""
    blocks = (PAGES / page).read_text(encoding="utf-8").split("```")[1::2]
    words = NUMBER.sub("#", " ".join(printed.split())).replace("-", "")
    same = [b for b in blocks if NUMBER.sub("#", " ".join(b.split())).replace("-", "") == words]
    assert same, f"{page} has no block of these words:\n{printed}"
    shown, now = (list(map(float, NUMBER.findall(text))) for text in (same[0], printed))
    assert shown == pytest.approx(now, rel=rel, abs=2e-3)


def assert_claimed(page: str, claim: str, *figures: float) -> None:
    """Assert that ``page`` makes ``claim``, where each # is one of ``figures`` to 2 %."""
    text = " ".join((PAGES / page).read_text(encoding="utf-8").split())
    found = re.search(re.escape(claim).replace(r"\#", r"([\d,.]+\d)"), text)
    assert found, f"{page} does not say: {claim}"
    shown = [float(figure.replace(",", "")) for figure in found.groups()]
    assert shown == pytest.approx(list(figures), rel=0.02)


def cdnow(folder: Path) -> pd.DataFrame:
    """Return the table of the worked example, with what would have happened anyway."""
    rows = pd.read_csv(folder / "cdnow_master.csv.gz", parse_dates=["date"])
    cut = pd.Timestamp("1997-09-30")
    before, after = rows[rows.date <= cut], rows[rows.date > cut]
    days = before.drop_duplicates(["customer_id", "date"]).groupby("customer_id").date
    table = pd.DataFrame(
        {
            "orders": days.count(),
            "days_since": (cut - days.max()).dt.days,
            "spend": before.groupby("customer_id").amount.sum(),
        }
    )
    table["anyway"] = table.index.isin(after.customer_id)
    rng = np.random.default_rng(7)
    table["arm"] = rng.choice(["control", "mail", "coupon"], len(table))
    woken = np.select([table.arm == "mail", table.arm == "coupon"], [0.2 * (table.orders > 1), 0.1], 0.0)
    table["bought"] = table.anyway | (rng.random(len(table)) < woken)
    return table


@pytest.fixture(scope="module")
def customers(shared_data: Path) -> pd.DataFrame:
    return cdnow(shared_data)


@pytest.fixture(scope="module")
def study(customers: pd.DataFrame) -> Any:
    return koipond.uplift(customers.drop(columns="anyway"), outcome="bought")


def truth(customers: pd.DataFrame) -> np.ndarray:
    """Return (customers, arms) the planted effects in the study's order of arms: coupon, mail."""
    asleep = ~customers.anyway
    return np.column_stack([0.1 * asleep, 0.2 * (asleep & (customers.orders > 1))])


def test_the_verdicts_on_the_uplift_page(study: Any, customers: pd.DataFrame) -> None:
    assert_printed("uplift.md", "\n".join(map(str, study.verdicts)))
    coupon, mail = truth(customers).mean(axis=0)
    assert (round(mail, 3), round(coupon, 3)) == (0.038, 0.070)
    assert study.verdicts[0].low < coupon < study.verdicts[0].high
    assert study.verdicts[1].low < mail < study.verdicts[1].high


def test_the_plan_on_the_allocation_page(study: Any, customers: pd.DataFrame) -> None:
    page = "allocation.md"

    def plan(budget: int, **more: Any) -> Any:
        return koipond.allocate(
            study.predicted * 1200, [60, 10], budget, [1000, None], offers=study.arms, **more
        )

    found = plan(250_000)
    assert_printed(page, str(found), rel=0.05)
    assert_printed(page, str(found.explain(2)[0]), rel=0.05)
    given = np.flatnonzero(found.choice >= 0)
    expected, planted = (t[given, found.choice[given]].sum() for t in (study.predicted, truth(customers)))
    assert_claimed(page, "expects # more orders; the planted truth is #", expected, planted)
    assert_claimed(page, "the value rises by # cents", plan(251_000).value - found.value)
    robust = plan(250_000, lower=study.low * 1200)
    mails, cost = (robust.choice == 1).sum(), robust.cost / 100
    assert_claimed(page, "1,000 coupons and # mails for # dollars", mails, cost)


def test_best_ratio_first_loses_what_the_allocation_page_says(study: Any) -> None:
    value, cost = study.predicted * 1200, np.array([60, 10])
    ratio = value / cost
    money, places, worth = 250_000, [1000, len(value)], 0.0
    for row in np.argsort(-ratio.max(axis=1), kind="stable"):
        offer = int(ratio[row].argmax())
        if value[row, offer] > 0 and cost[offer] <= money and places[offer]:
            money -= cost[offer]
            places[offer] -= 1
            worth += value[row, offer]
    best = koipond.allocate(value, cost, 250_000, [1000, None]).value
    assert f"loses {100 * (1 - worth / best):.1f} % here" in (PAGES / "allocation.md").read_text(
        encoding="utf-8"
    )


def test_the_mailing_that_was_not_drawn_by_lot(shared_data: Path) -> None:
    day = "DATE '2017-08-08'"
    table = duckdb.sql(f"""
        WITH baskets AS (
            SELECT household_id, basket_id, CAST(transaction_timestamp AS DATE) AS on_day,
                   sum(sales_value::DECIMAL(18, 2)) AS spend,
                   sum((coupon_disc + coupon_match_disc)::DECIMAL(18, 2)) AS coupons
            FROM '{shared_data}/cj_transactions.parquet' GROUP BY ALL),
        mailings AS (
            SELECT household_id, campaign_id, start_date FROM '{shared_data}/cj_campaigns.parquet'
            JOIN '{shared_data}/cj_campaign_descriptions.parquet' USING (campaign_id))
        SELECT b.household_id,
               CASE WHEN household_id IN (SELECT household_id FROM mailings WHERE campaign_id = 13)
                    THEN 'mailed' ELSE 'not mailed' END AS arm,
               coalesce(sum(spend) FILTER (on_day BETWEEN {day} AND DATE '2017-09-24'), 0) AS spend_after,
               coalesce(sum(spend) FILTER (on_day < {day}), 0) AS spend_before,
               coalesce(sum(spend) FILTER (on_day >= DATE '2017-06-22' AND on_day < {day}), 0)
                   AS spend_last_47_days,
               count(DISTINCT basket_id) FILTER (on_day < {day}) AS baskets_before,
               coalesce(sum(coupons) FILTER (on_day < {day}), 0) AS coupons_before,
               coalesce(date_diff('day', max(on_day) FILTER (on_day < {day}), {day}), 999) AS days_since,
               (SELECT count(*) FROM mailings m WHERE m.household_id = b.household_id AND start_date < {day})
                   AS mailings_before,
               any_value(income) AS income, any_value(household_size) AS household_size
        FROM baskets b LEFT JOIN '{shared_data}/cj_demographics.parquet' d USING (household_id)
        GROUP BY b.household_id ORDER BY b.household_id
        """).to_arrow_table()
    page = " ".join((PAGES / "uplift.md").read_text(encoding="utf-8").replace("> ", "").split())

    def study(randomised: bool) -> Any:
        return koipond.uplift(
            table, "arm", "spend_after", control="not mailed", ignore=["household_id"], randomised=randomised
        )

    naive, adjusted = study(True).verdict, study(False).verdict
    assert str(naive).splitlines()[0] in page
    assert f"{naive.effect:+.2f} ({naive.low:+.1f} to {naive.high:+.2f}, 95 %)" in page
    assert naive.evidence[-1] in page
    assert not naive.proven
    figures = [adjusted.effect, adjusted.low, adjusted.high]
    shown = re.search(r"nothing is left: (\S+) \((\S+) to (\S+)\), 16 %", page)
    assert shown
    assert [float(figure) for figure in shown.groups()] == pytest.approx(figures, rel=0.02)
    assert "16 % of customers were nearly certain" in adjusted.evidence[-1]


def test_the_tags_on_the_uplift_page(shared_data: Path) -> None:
    tags = ["PRODUCE", "MEAT", "DRUG GM", "DELI", "PASTRY", "FLORAL", "SEAFOOD", "SALAD BAR", "COSMETICS"]
    tags += ["NUTRITION", "MEAT-PCKGD", "SPIRITS"]
    columns = ", ".join(f"coalesce(max(days) FILTER (department = '{t}'), 0) >= 3 AS \"{t}\"" for t in tags)
    table: pa.Table = duckdb.sql(f"""
        WITH visits AS (
            SELECT household_id, department, count(DISTINCT CAST(transaction_timestamp AS DATE)) AS days
            FROM '{shared_data}/cj_transactions.parquet'
            JOIN '{shared_data}/cj_products.parquet' USING (product_id)
            WHERE transaction_timestamp < TIMESTAMP '2017-07-01' GROUP BY ALL)
        SELECT household_id, {columns},
               household_id IN (SELECT household_id FROM '{shared_data}/cj_coupon_redemptions.parquet'
                                WHERE redemption_date >= DATE '2017-07-01') AS redeemed
        FROM visits GROUP BY household_id
        """).to_arrow_table()
    found = {tag.tag: tag for tag in koipond.tag_lift(table, tags, "redeemed").tags}
    page = (PAGES / "uplift.md").read_text(encoding="utf-8")
    for name in ("DRUG GM", "PASTRY", "DELI", "SALAD BAR"):
        tag = found[name]
        row = re.search(rf"\| {name} \| (.*?) % \| (.*?) % \| (.*?) % \| (.*?) \| (\w+) \|", page)
        assert row
        share, with_tag, without = (float(row.group(i)) for i in (1, 2, 3))
        assert share == pytest.approx(100 * tag.share, abs=0.5)
        assert [with_tag, without] == pytest.approx(
            [100 * tag.outcome_with, 100 * tag.outcome_without], abs=0.05
        )
        held_equal = list(map(float, re.findall(r"-?\d+\.\d", row.group(4))))
        assert held_equal == pytest.approx(
            [100 * (x or 0.0) for x in (tag.adjusted, tag.low, tag.high)], abs=0.15
        )
        assert row.group(5) == tag.decision
