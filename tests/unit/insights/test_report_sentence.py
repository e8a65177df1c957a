"""The report's sentence speaks of the metric that the strategy is to move, in its unit."""

from datetime import date
from pathlib import Path

import pytest

from koipond.insights.lift import lift_report
from koipond.insights.lift_model import LiftQuestion, LiftReport
from koipond.insights.outcomes import OutcomeWindow
from koipond.kernel import epoch_day
from koipond.testing.facts import warehouse_of
from koipond.worker.reporting import primary_sentence

DRAWN_DAY = epoch_day(date(2026, 3, 1))
AS_OF = date(2026, 4, 1)


@pytest.fixture
def made(tmp_path: Path) -> LiftReport:
    """Four hundred customers, half held out: of the touch group nine in ten buy, of the others one in ten."""
    drawn, orders = [], []
    for no in range(400):
        arm, at = ("touch", "holdout")[no % 2], DRAWN_DAY * 86_400 + 36_000
        row = {"scope": "recall", "customer_no": no, "arm": arm, "play": "p", "variant": "a"}
        drawn.append({**row, "drawn_s": at, "drawn_day": DRAWN_DAY})
        if (no // 2 % 10 == 0) != (arm == "touch"):
            money = {"order_no": no, "gross_fen": 1_000, "discount_fen": 0, "net_fen": 1_000 + no}
            key = {"source": "s", "order_id": str(no), "customer_no": no, "status": "paid"}
            orders.append({**key, **money, "at_s": at + 60, "day": DRAWN_DAY})
    question = LiftQuestion(
        strategy="recall",
        holdout_rate=0.5,
        window=OutcomeWindow(days=14, as_of_day=epoch_day(AS_OF)),
        as_of=AS_OF,
        complete=True,
    )
    with warehouse_of(tmp_path, assignments=drawn, orders=orders).read() as reader:
        return lift_report(reader, question)


@pytest.mark.parametrize(
    ("metric", "language", "said"),
    [
        ("conversion", "en", "conversion in the touch group is higher by 80.00 percentage points"),
        ("orders_per_customer", "en", "orders per customer in the touch group is higher by 0.800"),
        ("revenue_per_customer_fen", "en", "revenue per customer in the touch group is higher by $9."),
        ("revenue_per_customer_fen", "zh", "实验组的人均成交额高出 $9."),
        ("revenue_per_customer_fen", "id", "pada kelompok sentuhan lebih tinggi $9,"),
    ],
)
def test_the_primary_metric_is_said_in_its_unit(
    made: LiftReport, metric: str, language: str, said: str
) -> None:
    sentence = primary_sentence(made, metric, language, "USD")  # type: ignore[arg-type]
    assert said in sentence
    assert ("$" in sentence) == (metric == "revenue_per_customer_fen")
