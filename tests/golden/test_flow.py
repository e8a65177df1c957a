"""Science D7: AIPL stages and flows of the synthetic shop log."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from koipond.kernel import epoch_day
from koipond.segments.flow import Flow, flow
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.snapshot import count_layers
from koipond.warehouse import ParquetWarehouse

pytestmark = pytest.mark.shared_data
Tables = dict[str, pa.Table]
Opened = Callable[[Tables], ParquetWarehouse]

BROWSE = "home catalog promo_page search filter_results product_view compare review_page"
ACTIVE = "wishlist_add add_to_cart cart shipping_details payment_details account_page support_chat"
LAYERS = LayerSet.from_mapping(
    {
        "aipl": {
            "events": {"browse": BROWSE.split(), "active": ACTIVE.split(), "purchase": ["purchase"]},
            "stock_counts_as_interest": {"member": False},
        }
    }
)


def numbers(found: Flow) -> tuple[int, ...]:
    total = found.total
    return (total.start, total.kept, total.deepened, total.shallower, total.lost, total.new)


@pytest.mark.parametrize(
    ("start", "end", "stages", "moves", "rate"),
    [
        (date(2024, 6, 22), date(2024, 6, 29), (61, 86, 224, 104), (465, 382, 34, 13, 36, 46), 0.0921),
        (date(2024, 5, 31), date(2024, 6, 7), (67, 128, 176, 71), (440, 347, 32, 17, 44, 46), 0.0847),
    ],
)
def test_a_week_of_the_shop_log(
    opened: Opened, ecom: Tables, start: date, end: date, stages: Any, moves: Any, rate: float
) -> None:
    with opened(ecom).read() as reader:
        counts = count_layers(reader, LAYERS, end)
        found = flow(reader, LAYERS, start, end)
    assert tuple(counts["aipl"].values()) == stages
    assert numbers(found) == moves
    assert found.deepened_rate == pytest.approx(rate, abs=0.00005)


def test_the_flow_of_all_is_the_sum_of_the_stages(opened: Opened, ecom: Tables) -> None:
    with opened(ecom).read() as reader:
        found = flow(reader, LAYERS, date(2024, 5, 31), date(2024, 6, 7))
    for name in ("start", "kept", "deepened", "shallower", "lost", "new"):
        assert sum(getattr(stage, name) for stage in found.stages.values()) == getattr(found.total, name)
    events = ecom["events"]
    known = pc.unique(events.filter(pc.less_equal(events["day"], epoch_day(date(2024, 6, 7))))["customer_no"])
    assert sum(found.matrix.values()) == len(known) < 600  # the others came later
