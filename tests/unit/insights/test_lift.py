from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa
import pytest

from koipond.insights.lift import lift_report
from koipond.insights.lift_model import LiftQuestion, LiftReport
from koipond.insights.outcomes import OutcomeWindow
from koipond.kernel import InputError, epoch_day
from koipond.testing.facts import warehouse_of

DRAWN_ON = date(2026, 3, 1)
DRAWN_DAY = epoch_day(DRAWN_ON)
DAY_S = 86_400


def draw(no: int, arm: str, day: int = DRAWN_DAY, variant: str = "a", **more: Any) -> dict[str, Any]:
    row = {"scope": "recall", "customer_no": no, "arm": arm, "play": "p", "variant": variant}
    return {**row, "drawn_s": day * DAY_S + 36_000, "drawn_day": day, **more}


def order(no: int, days_after: float, fen: int, order_id: str, status: str = "paid") -> dict[str, Any]:
    at = int((DRAWN_DAY + days_after) * DAY_S + 36_000)
    money = {"order_no": crc32(order_id.encode()), "gross_fen": fen, "discount_fen": 0, "net_fen": fen}
    return {
        "source": "s",
        "order_id": order_id,
        "customer_no": no,
        "at_s": at,
        "day": at // DAY_S,
        "status": status,
        **money,
    }


def report(folder: Path, as_of: date = date(2026, 4, 1), **datasets: Any) -> LiftReport:
    question = LiftQuestion(
        strategy="recall",
        holdout_rate=0.5,
        window=OutcomeWindow(days=14, as_of_day=epoch_day(as_of)),
        as_of=as_of,
        complete=True,
    )
    with warehouse_of(folder, **datasets).read() as reader:
        return lift_report(reader, question)


def arms(made: LiftReport) -> dict[str, tuple[int, int, int]]:
    return {r["arm"]: (r["assigned"], r["converted"], r["revenue_fen"]) for r in made.to_dict()["arms"]}


def test_only_paid_orders_inside_the_window_count(tmp_path: Path) -> None:
    made = report(
        tmp_path,
        assignments=[draw(n, "touch" if n < 5 else "holdout") for n in range(10)],
        orders=[
            order(0, 0, 100, "at the draw"),
            order(1, -0.001, 100, "just before"),
            order(2, 13.999, 300, "last moment"),
            order(3, 14, 100, "too late"),
            order(4, 1, 100, "cancelled", status="cancelled"),
            order(5, 2, 700, "held out, bought anyway"),
        ],
    )
    assert arms(made) == {"touch": (5, 2, 400), "holdout": (5, 1, 700)}


def test_a_linked_refund_takes_the_conversion_back_and_an_unlinked_one_does_not(tmp_path: Path) -> None:
    refund = {"source": "s", "customer_no": 0, "at_s": 0, "day": DRAWN_DAY + 3, "amount_fen": 100}
    made = report(
        tmp_path,
        assignments=[draw(n, "touch" if n < 2 else "holdout") for n in range(4)],
        orders=[order(0, 1, 100, "back"), order(1, 1, 100, "kept")],
        refunds=[{**refund, "order_id": "back"}, {**refund, "customer_no": 1, "order_id": None}],
    )
    assert arms(made)["touch"] == (2, 1, 100)


def test_the_first_draw_counts_and_pending_windows_wait(tmp_path: Path) -> None:
    made = report(
        tmp_path,
        assignments=[
            draw(1, "touch"),
            draw(1, "touch", day=DRAWN_DAY + 10),
            draw(2, "holdout"),
            draw(3, "touch", day=DRAWN_DAY + 18),
        ],
    )
    assert made.population == 2
    assert made.left_out.pending == 1


def test_people_merged_across_arms_and_staff_leave_counted(tmp_path: Path) -> None:
    made = report(
        tmp_path,
        assignments=[
            draw(1, "touch"),
            draw(2, "holdout"),
            draw(3, "touch"),
            draw(4, "holdout"),
            draw(5, "touch"),
        ],
        identity_links=[{"customer_no": 2, "survivor_no": 1}],
        customers=[{"customer_no": 5, "staff": True}],
    )
    assert made.population == 2
    assert (made.left_out.merged, made.left_out.staff) == (1, 1)


def test_people_confirmed_as_unreal_leave_counted_under_any_of_their_numbers(tmp_path: Path) -> None:
    made = report(
        tmp_path,
        assignments=[draw(n, "touch" if n < 3 else "holdout") for n in range(6)],
        orders=[order(1, 1, 100, "fake")],
        identity_links=[{"customer_no": 9, "survivor_no": 4}],
        left_out=[{"rule": "test_account", "customer_no": n} for n in (1, 9)],
    )
    assert arms(made) == {"touch": (2, 0, 0), "holdout": (2, 0, 0)}
    assert (made.left_out.unreal, made.left_out.staff, made.left_out.pending) == (2, 0, 0)


def test_before_any_window_is_over_the_arms_are_listed_with_the_day_of_the_first_result(
    tmp_path: Path,
) -> None:
    draws = [draw(n, "touch" if n < 3 else "holdout", day=DRAWN_DAY + n) for n in range(5)]
    sent = {"strategy": "recall", "customer_no": 1, "touch_key": "k", "day": DRAWN_DAY + 1}
    touches = [{**sent, "at_s": (DRAWN_DAY + 1) * DAY_S + 40_000}]
    early = report(tmp_path / "a", date(2026, 3, 14), assignments=draws, touches=touches).to_dict()
    nothing = {"assigned": 0, "touched": 0, "converted": 0, "revenue_fen": 0}
    assert early["arms"] == [
        {"arm": "touch", **nothing, "waiting": 3, "waiting_touched": 1},
        {"arm": "holdout", **nothing, "waiting": 2, "waiting_touched": 0},
    ]
    assert (early["population"], early["first_result_on"]) == (0, "2026-03-15")
    later = report(tmp_path / "b", date(2026, 3, 15), assignments=draws, touches=touches).to_dict()
    assert [(arm["assigned"], arm["waiting"]) for arm in later["arms"]] == [(1, 2), (0, 2)]


def test_a_report_for_a_day_before_the_draws_knows_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no arm"):
        report(tmp_path, date(2026, 2, 28), assignments=[draw(1, "touch")])


def test_the_effect_is_the_difference_of_the_arms(tmp_path: Path) -> None:
    people = [draw(n, "touch" if n % 2 else "holdout") for n in range(400)]
    bought = [order(n, 1, 1000 + n, f"o{n}") for n in range(400) if n % 10 in (0, 1, 3, 5)]
    made = report(tmp_path, assignments=people, orders=bought)
    effect = made.to_dict()["effects"][0]
    assert effect["metric"] == "conversion"
    assert effect["absolute"]["estimate"] == pytest.approx(120 / 200 - 40 / 200)
    assert effect["relative"]["estimate"] == pytest.approx(2.0)
    assert effect["absolute"]["low"] < 0.4 < effect["absolute"]["high"]


def test_money_stays_exact_in_integers(tmp_path: Path) -> None:
    people = [draw(n, "touch" if n < 3 else "holdout") for n in range(6)]
    made = report(
        tmp_path, assignments=people, orders=[order(n, 1, 900_000_001 + n, f"o{n}") for n in range(6)]
    )
    assert arms(made)["touch"] == (3, 3, 3 * 900_000_001 + 3)


def test_a_strategy_that_never_drew_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="plan, approve and send"):
        report(tmp_path)


def test_the_sample_ratio_is_judged_against_the_meant_share(tmp_path: Path) -> None:
    people = [draw(n, "holdout" if n % 2 else "touch") for n in range(400)]
    bought = [order(n, 1, 1000 + n, f"o{n}") for n in range(0, 400, 3)]
    made = report(tmp_path, assignments=people, orders=bought)
    assert made.to_dict()["srm_p"] == pytest.approx(1.0)


def test_the_breakdown_uses_the_layer_before_the_draw(tmp_path: Path) -> None:
    people = [draw(n, "holdout" if n % 2 else "touch") for n in range(200)]
    bought = [order(n, 1, 1000, f"o{n}") for n in range(0, 200, 4)]
    profile = [{"customer_no": n, "lifecycle": "mature"} for n in range(200)]
    moved = [
        {"customer_no": n, "layer": "lifecycle", "before": "dormant", "after": "mature", "cause": "facts"}
        | {"day": DRAWN_DAY + 1}
        for n in range(0, 100)
    ]
    warehouse = warehouse_of(tmp_path, assignments=people, orders=bought)
    question = LiftQuestion(
        strategy="recall",
        holdout_rate=0.5,
        window=OutcomeWindow(days=14, as_of_day=DRAWN_DAY + 30),
        as_of=date(2026, 3, 31),
        complete=True,
        layer="lifecycle",
    )
    with warehouse.write("layers") as writer:
        for name, rows in (("profile", profile), ("movements", moved)):
            writer.replace(name, writer.stage(f"_{name}", pa.Table.from_pylist(rows)))
        writer.publish()
    with warehouse.read() as reader:
        made = lift_report(reader, question)
        today = [{"customer_no": n, "lifecycle": "churned" if n % 3 else "growth"} for n in range(200)]
        reader.present("profile", reader.stage("_today", pa.Table.from_pylist(today)))
        later = lift_report(reader, question)
    assert {row["value"]: row["customers"] for row in made.breakdown} == {"dormant": 100, "mature": 100}
    assert later.breakdown == made.breakdown, "a profile of another day than the refresh is an outcome"


@pytest.mark.parametrize("layer", ["rfm_cell", "grade", "aipl"])
def test_only_whoever_was_drawn_under_a_version_that_names_the_layer_is_broken_down(
    tmp_path: Path, layer: str
) -> None:
    people = [draw(n, "holdout" if n % 2 else "touch", strategy_version=1 + n // 120) for n in range(200)]
    bought = [order(n, 1, 1000, f"o{n}") for n in range(0, 200, 4)]
    profile = [{"customer_no": n, layer: "first" if n % 4 < 2 else "second"} for n in range(200)]
    warehouse = warehouse_of(tmp_path, assignments=people, orders=bought)
    with warehouse.write("layers") as writer:
        writer.replace("profile", writer.stage("_profile", pa.Table.from_pylist(profile)))
        writer.publish()
    question = LiftQuestion(
        strategy="recall",
        holdout_rate=0.5,
        window=OutcomeWindow(days=14, as_of_day=DRAWN_DAY + 30),
        as_of=date(2026, 3, 31),
        complete=True,
        layer=layer,
    )
    with warehouse.read() as reader:
        shown = {
            versions: {
                (row["layer"], row["value"]): row["customers"]
                for row in lift_report(reader, replace(question, layer_versions=versions)).breakdown
            }
            for versions in (None, (1, 2), (2,), ())
        }
    assert shown[None] == shown[1, 2] == {(layer, "first"): 100, (layer, "second"): 100}
    assert shown[(2,)] == {(layer, "first"): 40, (layer, "second"): 40}
    assert shown[()] == {}
