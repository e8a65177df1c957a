"""Margin of the report: product margins where products carry them, the default for the rest (design §8)."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.unit.insights.test_lift import DRAWN_DAY, draw, order

from koipond.facts.tables import read_facts
from koipond.insights.lift import lift_report
from koipond.insights.lift_model import LiftQuestion
from koipond.insights.margins import order_margins
from koipond.insights.outcomes import OutcomeWindow, net_orders
from koipond.insights.render import to_text
from koipond.kernel import epoch_day
from koipond.testing.facts import warehouse_of

AS_OF = date(2026, 4, 1)
PRODUCTS = [
    {"sku": "tea", "price_fen": 1_000, "margin_fen": 400},  # a piece costs 600
    {"sku": "cup", "price_fen": None, "margin_fen": 300},
    {"sku": "gift", "price_fen": 500, "margin_fen": 200},  # a piece costs 300
    {"sku": "bag", "price_fen": 700, "margin_fen": None},
]
Line = tuple[str | None, int | None, int, int]
"""sku, quantity in thousandths, amount, discount."""


def line(bought: dict[str, Any], sold: Line) -> dict[str, Any]:
    names = ("sku", "quantity_milli", "amount_fen", "discount_fen")
    keys = {name: bought[name] for name in ("order_no", "customer_no", "at_s", "day")}
    return keys | dict(zip(names, sold, strict=True))


def refund(fen: int, sku: str | None = None, day: int = DRAWN_DAY + 3) -> dict[str, Any]:
    row = {"source": "s", "customer_no": 0, "order_id": "o", "at_s": 0, "day": day}
    return {**row, "amount_fen": fen, "sku": sku}


def of_order(folder: Path, *lines: Line, refunds: tuple[dict[str, Any], ...] = ()) -> tuple[int, int] | None:
    """Return margin and covered revenue of one order of ``lines``, None when it has none."""
    bought = order(0, 1, sum(sold[2] for sold in lines), "o")
    facts: dict[str, Any] = {
        "customers": [{"customer_no": 0}],
        "orders": [bought],
        "order_lines": [line(bought, sold) for sold in lines],
        "products": PRODUCTS,
    }
    if refunds:
        facts["refunds"] = refunds
    with warehouse_of(folder, **facts).read() as reader:
        tables, day = read_facts(reader), epoch_day(AS_OF)
        rows = reader.frame(order_margins(reader, tables, net_orders(tables, day), day)).to_pylist()
    return (rows[0]["margin_fen"], rows[0]["covered_fen"]) if rows else None


def test_a_line_earns_its_amount_less_the_cost_of_its_pieces(tmp_path: Path) -> None:
    assert of_order(tmp_path / "a", ("tea", 2_000, 2_000, 0)) == (800, 2_000)
    assert of_order(tmp_path / "b", ("tea", 2_000, 1_700, 300)) == (500, 1_700)  # the discount is ours
    assert of_order(tmp_path / "c", ("tea", 1_500, 1_500, 0)) == (600, 1_500)
    assert of_order(tmp_path / "d", ("tea", None, 1_000, 0)) == (400, 1_000)  # one piece
    assert of_order(tmp_path / "e", ("tea", 1_000, 500, 500)) == (-100, 500)  # below cost


def test_without_a_price_the_margin_of_the_pieces_less_the_discount(tmp_path: Path) -> None:
    assert of_order(tmp_path, ("cup", 3_000, 2_000, 250)) == (650, 2_000)


def test_lines_without_a_margin_are_not_covered(tmp_path: Path) -> None:
    mixed: list[Line] = [("tea", 1_000, 1_000, 0), ("bag", 1_000, 700, 0), (None, 1_000, 50, 0)]
    assert of_order(tmp_path / "a", *mixed) == (400, 1_000)
    assert of_order(tmp_path / "b", ("bag", 1_000, 700, 0), ("new", 1_000, 10, 0)) is None


def test_a_gift_costs_what_it_costs(tmp_path: Path) -> None:
    assert of_order(tmp_path, ("tea", 1_000, 1_000, 0), ("gift", 1_000, 0, 500)) == (100, 1_000)


def test_a_refund_that_names_a_product_takes_back_its_share_alone(tmp_path: Path) -> None:
    lines: list[Line] = [("tea", 2_000, 2_000, 0), ("cup", 1_000, 1_000, 0), ("bag", 1_000, 700, 0)]
    assert of_order(tmp_path / "a", *lines, refunds=(refund(1_000, "tea"),)) == (400 + 300, 2_000)
    assert of_order(tmp_path / "b", *lines, refunds=(refund(700, "bag"),)) == (800 + 300, 3_000)
    late = refund(1_000, "tea", epoch_day(AS_OF) + 1)
    assert of_order(tmp_path / "c", *lines, refunds=(late,)) == (1_100, 3_000)


def test_any_other_refund_lowers_the_order_in_one_proportion(tmp_path: Path) -> None:
    lines: list[Line] = [("tea", 2_000, 2_000, 0), ("bag", 1_000, 2_000, 0)]
    assert of_order(tmp_path / "a", *lines, refunds=(refund(1_000),)) == (600, 1_500)
    assert of_order(tmp_path / "b", *lines, refunds=(refund(1_000, "cup"),)) == (600, 1_500)
    # half the tea by name; 1,500 of the 3,000 left in proportion
    both = (refund(1_000, "tea"), refund(1_500))
    assert of_order(tmp_path / "c", *lines, refunds=both) == (200, 500)
    # more than the tea cost: the excess is taken from what is left
    assert of_order(tmp_path / "d", *lines, refunds=(refund(2_500, "tea"),)) == (0, 0)


def margin(folder: Path, margin_bp: int | None, products: list[dict[str, Any]]) -> tuple[Any, str]:
    """Return the margin of the report and its text: 2 of 4 touched bought for 3,700, 1 of 4 held out for 700.

    By hand: touched 2 tea (2,000, margin 800) and tea with a bag (1,000 + 700, margin 400), held out a bag.
    """
    first, second, other = (order(n, 1, fen, str(n)) for n, fen in ((0, 2_000), (1, 1_700), (4, 700)))
    facts = {
        "assignments": [draw(n, "touch" if n < 4 else "holdout") for n in range(8)],
        "orders": [first, second, other],
        "order_lines": [
            line(first, ("tea", 2_000, 2_000, 0)),
            line(second, ("tea", 1_000, 1_000, 0)),
            line(second, ("bag", 1_000, 700, 0)),
            line(other, ("bag", 1_000, 700, 0)),
        ],
        "products": products,
    }
    window = OutcomeWindow(days=14, as_of_day=epoch_day(AS_OF))
    question = LiftQuestion(
        strategy="recall", holdout_rate=0.5, window=window, as_of=AS_OF, margin_bp=margin_bp, complete=True
    )
    with warehouse_of(folder, **facts).read() as reader:
        report = lift_report(reader, question).to_dict()
    return report["margin"], to_text(report, currency="CNY")


def test_products_first_and_the_default_for_the_rest(tmp_path: Path) -> None:
    found, text = margin(tmp_path, 1_000, PRODUCTS)
    # touched 800 + 400 + 10 % of 700, held out 10 % of 700
    assert found["after_cost_fen"]["estimate"] == pytest.approx(1_270 - 70)
    assert found["after_cost_fen"]["low"] < 1_200 < found["after_cost_fen"]["high"]
    assert found["product_margin_share"] == pytest.approx(3_000 / 4_400)
    assert "68% of revenue by product margins, the rest at 10%" in text


def test_without_a_default_the_rest_counts_nothing(tmp_path: Path) -> None:
    products = [{"sku": "bag", "price_fen": 700, "margin_fen": 100}]
    found, text = margin(tmp_path / "a", None, products)  # the bag alone: 100 on each side
    assert found["after_cost_fen"]["estimate"] == pytest.approx(0)
    assert found["product_margin_share"] == pytest.approx(1_400 / 4_400)
    assert "32% of revenue by product margins, the rest unknown, counted as 0" in text
    # nobody held out bought what carries a margin: as with any metric, nothing can be told yet
    assert margin(tmp_path / "b", None, PRODUCTS)[0] is None


def test_the_default_alone_and_nothing_at_all(tmp_path: Path) -> None:
    bare = [{**row, "margin_fen": None} for row in PRODUCTS]
    found, text = margin(tmp_path / "a", 1_000, bare)
    assert found["after_cost_fen"]["estimate"] == pytest.approx(370 - 70)
    assert found["product_margin_share"] == 0
    assert "Margin after cost (10% of revenue)" in text
    assert margin(tmp_path / "b", None, bare)[0] is None
