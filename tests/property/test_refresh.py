"""An incremental refresh equals the full one at the same frozen scalars, whatever happened (BAR-P2)."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from koipond.facts.ports import Writer
from koipond.kernel import from_epoch_day
from koipond.segments.layers.compute import compute
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.movements import MOVING
from koipond.segments.refresh import RefreshPolicy, refresh
from koipond.segments.state import published
from koipond.testing.columns import fact_columns, open_warehouse

QUICK = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example writes files: shrinking takes minutes
    suppress_health_check=list(HealthCheck),
)
START = 15_000
PEOPLE = 6
NEVER_FULL = RefreshPolicy(recut_after_days=10**6, changed_percent_max=10**6)
EVENTS = ("Product Viewed", "Product Added", "Promotion Viewed", "Order Completed", "Content Shared", "Other")
LAYERS = [
    LayerSet(),
    LayerSet.from_mapping(
        {
            "rfm": {"window": 90, "scoring": "quantile", "high": "raw", "frequency": "purchase_days"},
            "grade": {"window": "all"},
            "aipl": {"browse_days_min": 1, "loyal_days_min": 3, "stock_counts_as_interest": {"friend": True}},
        }
    ),
    LayerSet.from_mapping(
        {
            "rfm": {
                "scoring": {"r": "fixed", "f": "rank_first", "m": "rank"},
                "cuts": {"recency_days": [5, 20, 60, 100]},
                "window": "all",
                "high": "raw_mean",
            },
            "lifecycle": {"prior_gaps": 0},
        }
    ),
]
who = st.integers(0, PEOPLE - 1)
back = st.integers(-40, 5)  # days from the day of the step; some facts lie ahead of it
order = st.tuples(
    st.just("order"), who, back, st.integers(-100, 900), st.sampled_from(["paid", "paid", "pending"])
)
refund = st.tuples(st.just("refund"), who, back, st.integers(1, 900), st.none() | st.integers(0, 12))
event = st.tuples(st.just("event"), who, back, st.sampled_from(EVENTS), st.none() | st.just(100))
touch = st.tuples(st.just("touch"), who, back, st.sampled_from(["delivered", "accepted"]))
response = st.tuples(st.just("response"), who, back, st.sampled_from(["clicked", "opened", "unsubscribed"]))
replace = st.tuples(st.just("replace"), st.integers(0, 12), who, back, st.integers(0, 900))
undo = st.tuples(st.just("undo"), st.integers(0, 12))
flags = st.tuples(st.just("flags"), who, st.booleans(), st.booleans(), st.none() | back)
link = st.tuples(st.just("link"), st.integers(1, PEOPLE - 1))
unlink = st.tuples(st.just("unlink"), st.integers(1, PEOPLE - 1))
unreal = st.tuples(st.just("unreal"), st.sets(who, max_size=2))
change = st.one_of(
    *(order, order, order, refund, event, touch, response, replace, undo, flags, link, unlink, unreal)
)
steps = st.lists(
    st.tuples(st.sampled_from([0, 1, 1, 7, 20, 90, 400]), st.lists(change, max_size=6)),
    min_size=1,
    max_size=4,
)


class Brand:
    """Facts that come and go."""

    def __init__(self, writer: Writer, day: int, orders: int) -> None:
        self.writer, self.day, self.orders = writer, day, orders
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def add(self, dataset: str, **columns: Any) -> None:
        self.rows.setdefault(dataset, []).append(columns)

    def flush(self, *datasets: str) -> None:
        for dataset in datasets or tuple(self.rows):
            rows = self.rows.pop(dataset, [])
            if rows:
                columns = {name: [row[name] for row in rows] for name in rows[0]}
                self.writer.append(dataset, self.writer.stage("new_rows", fact_columns(dataset, columns)))

    def drop(self, dataset: str, column: str, value: Any) -> None:
        self.flush(dataset)
        kind = pa.string() if isinstance(value, str) else pa.int32()
        keys = self.writer.stage("gone_row", pa.table({column: pa.array([value], kind)}))
        if self.writer.has(dataset):
            self.writer.remove(dataset, keys, [column])

    def order(self, number: int, days: int, fen: int, status: str = "paid", name: int | None = None) -> None:
        self.orders += 1
        order_id = str(self.orders if name is None else name)
        self.add(
            "orders",
            order_no=1000 + self.orders,
            order_id=order_id,
            customer_no=number,
            day=self.day + days,
            net_fen=fen,
            status=status,
        )

    def apply(self, kind: str, *a: Any) -> None:
        match kind:
            case "order":
                self.order(*a)
            case "refund":
                name = None if a[3] is None else str(a[3])
                self.add("refunds", customer_no=a[0], day=self.day + a[1], amount_fen=a[2], order_id=name)
            case "event":
                self.add("events", customer_no=a[0], day=self.day + a[1], name=a[2], amount_fen=a[3])
            case "touch":
                self.add("touches", customer_no=a[0], day=self.day + a[1], state=a[2])
            case "response":
                self.add("responses", customer_no=a[0], day=self.day + a[1], kind=a[2])
            case "replace":
                self.drop("orders", "order_id", str(a[0]))
                self.order(a[1], a[2], a[3], name=a[0])
            case "undo":
                self.drop("orders", "order_id", str(a[0]))
            case "flags":
                joined = None if a[3] is None else self.day + a[3]
                self.drop("customers", "customer_no", a[0])
                self.add(
                    "customers", customer_no=a[0], friend=a[1], profiling_refused=a[2], joined_day=joined
                )
            case "link":
                self.drop("identity_links", "customer_no", a[0])
                self.add("identity_links", customer_no=a[0], survivor_no=a[0] // 2)
            case "unlink":
                self.drop("identity_links", "customer_no", a[0])
            case "unreal":  # the operator's decisions are published as a whole
                rows = {"rule": ["test_account"] * len(a[0]), "customer_no": sorted(a[0])}
                self.writer.replace("left_out", self.writer.stage("out", fact_columns("left_out", rows)))


def rows_of(writer: Writer, table: Any) -> dict[int, dict[str, Any]]:
    return {row["customer_no"]: row for row in writer.frame(table).to_pylist()}


@pytest.mark.slow
@settings(QUICK, max_examples=12)
@given(layers=st.sampled_from(range(len(LAYERS))), first=st.lists(order, min_size=8, max_size=16), then=steps)
def test_incremental_equals_full_at_the_same_scalars(layers: int, first: Any, then: Any) -> None:
    definitions, day, orders = LAYERS[layers], START, 0
    people = {"customers": fact_columns("customers", {"customer_no": list(range(PEOPLE))})}
    with tempfile.TemporaryDirectory() as folder:
        warehouse = open_warehouse(Path(folder) / "w", people)
        with warehouse.write("first") as writer:
            brand = Brand(writer, day, orders)
            for change in first:
                brand.apply(*change)
            brand.flush()
            refresh(writer, definitions, from_epoch_day(day))
            writer.publish()
            orders = brand.orders
        for pause, changes in then:
            day += pause
            with warehouse.write("step") as writer:
                brand = Brand(writer, day, orders)
                for change in changes:
                    brand.apply(*change)
                brand.flush()
                before = rows_of(writer, writer.table("profile"))
                result = refresh(writer, definitions, from_epoch_day(day), policy=NEVER_FULL)
                assert result.reason == "incremental"
                after = rows_of(writer, writer.table("profile"))
                state = published(writer)
                assert state is not None
                full = compute(writer, definitions, day, scalars=state.scalars)
                assert after == rows_of(writer, full.profile)
                assert_moves(writer, before, after, day, result.movements)
                writer.publish()
                orders = brand.orders


def assert_moves(writer: Writer, before: Any, after: Any, day: int, counted: Any) -> None:
    """The movements of the step lead from the rows before to the rows after, and nowhere else."""
    expected = {
        (number, name)
        for number, row in after.items()
        for name in MOVING
        if (before.get(number) or dict.fromkeys(MOVING))[name] != row[name]
    }
    assert sum(counted.values()) == len(expected)


@pytest.mark.slow
@settings(QUICK, max_examples=8)
@given(facts=st.lists(change, min_size=4, max_size=20), pause=st.integers(1, 40))
def test_nothing_published_changes_by_the_clock_before_the_deadline(facts: Any, pause: int) -> None:
    people = {"customers": fact_columns("customers", {"customer_no": list(range(PEOPLE))})}
    with tempfile.TemporaryDirectory() as folder:
        warehouse = open_warehouse(Path(folder) / "w", people)
        with warehouse.write("first") as writer:
            brand = Brand(writer, START - 5, 0)  # every fact is in sight from the start
            for change in facts:
                brand.apply(*change)
            brand.flush()
            made = compute(writer, LayerSet(), START)
            rows = rows_of(writer, made.profile)
            later = rows_of(writer, compute(writer, LayerSet(), START + pause, scalars=made.scalars).profile)
    for number, row in rows.items():
        deadline = row["deadline_day"]
        if deadline is None or deadline > START + pause:
            assert later[number] == row, timedelta(days=pause)
        assert deadline is None or deadline > START
