"""Counting every node of a rule over a real warehouse."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyroaring import BitMap

from koipond.facts.ports import Reader
from koipond.kernel import InputError
from koipond.rules import default_catalog, parse
from koipond.segments.count import count_rule
from koipond.segments.scope import Scope
from koipond.testing.facts import warehouse_of

CATALOG = default_catalog("CNY")
DAY = 17_000

PROFILE = pa.schema(
    [
        ("customer_no", pa.int32()),
        ("customer_uid", pa.string()),
        ("lifecycle", pa.string()),
        ("member", pa.bool_()),
        ("profiling_refused", pa.bool_()),
        ("last_purchase_day", pa.int32()),
    ]
)


def profile(no: int, lifecycle: str | None = None, **rest: Any) -> dict[str, Any]:
    return {"customer_no": no, "customer_uid": f"u{no}", "lifecycle": lifecycle, "member": False, **rest}


def order(no: int, customer_no: int, day: int, net_fen: int, **rest: Any) -> dict[str, Any]:
    row = {"order_no": no, "source": "shop", "order_id": f"o{no}", "customer_no": customer_no, "day": day}
    return {**row, "at_s": day * 86_400, "net_fen": net_fen, "status": "paid", **rest}


@contextmanager
def reader_of(folder: Path, profiles: list[dict[str, Any]], **facts: Any) -> Iterator[Reader]:
    warehouse = warehouse_of(folder, **facts)
    with warehouse.write("profile") as writer:
        writer.replace("profile", writer.stage("_profile", pa.Table.from_pylist(profiles, PROFILE)))
        writer.publish()
    with warehouse.read() as reader:
        yield reader


def counts(reader: Reader, text: str, **scope: Any) -> dict[str, int]:
    found = count_rule(Scope(reader=reader, as_of_day=DAY, catalog=CATALOG, **scope), parse(text, CATALOG))
    assert found["count"] == found["nodes"][0]["count"]
    return {node["text"]: node["count"] for node in found["nodes"]}


def test_every_node_is_counted_with_its_path_and_text(tmp_path: Path) -> None:
    people = [profile(0, "dormant"), profile(1, "dormant", member=True), profile(2, "growth"), profile(3)]
    with reader_of(tmp_path, people) as reader:
        rule = parse("lifecycle = dormant and not member", CATALOG)
        found = count_rule(Scope(reader=reader, as_of_day=DAY, catalog=CATALOG), rule)
    assert found == {
        "count": 1,
        "nodes": [
            {"path": "", "text": "lifecycle = dormant and not member", "count": 1},
            {"path": "0", "text": "lifecycle = dormant", "count": 2},
            {"path": "1", "text": "not member", "count": 3},
            {"path": "1.0", "text": "member", "count": 1},
        ],
    }


def test_a_missing_value_fails_its_comparison_and_passes_its_not(tmp_path: Path) -> None:
    with reader_of(tmp_path, [profile(0, "dormant"), profile(1)]) as reader:
        assert counts(reader, "lifecycle != dormant")["lifecycle != dormant"] == 0
        assert counts(reader, "not lifecycle = dormant")["not lifecycle = dormant"] == 1


def test_who_refuses_profiling_or_is_confirmed_out_is_in_no_segment(tmp_path: Path) -> None:
    people = [profile(0), profile(1, profiling_refused=True), profile(2), profile(3, profiling_refused=False)]
    left_out = [{"rule": "test_account", "customer_no": 3}]
    with reader_of(tmp_path / "left_out", people, left_out=left_out) as reader:
        assert counts(reader, "everyone") == {"everyone": 2}
    with reader_of(tmp_path / "all", people) as reader:
        assert counts(reader, "everyone") == {"everyone": 3}
        assert counts(reader, "not member", excluded=BitMap([2]))["not member"] == 2


def test_orders_count_when_paid_and_worth_something_after_refunds(tmp_path: Path) -> None:
    orders = [
        order(1, 0, DAY, 1_000),
        order(2, 0, DAY - 1, 1_000, status="cancelled"),
        order(3, 1, DAY - 2, 1_000),
        order(4, 2, DAY - 2, 1_000),
        order(5, 3, DAY + 1, 1_000),
    ]
    refund = {"source": "shop", "customer_no": 1, "at_s": 0, "day": DAY - 1}
    refunds = [
        {**refund, "order_id": "o3", "amount_fen": 1_000},
        {**refund, "order_id": "o4", "customer_no": 2, "amount_fen": 400},
    ]
    people = [profile(no) for no in range(4)]
    with reader_of(tmp_path, people, orders=orders, refunds=refunds) as reader:
        assert list(counts(reader, "orders.count() = 1").values()) == [2]
        assert list(counts(reader, "orders.count() = 0").values()) == [2]
        assert list(counts(reader, "orders.sum(net) = 6").values()) == [1]
        assert list(counts(reader, "orders.days_since_last() <= 1").values()) == [1]


def test_items_are_lines_of_paid_orders(tmp_path: Path) -> None:
    orders = [order(1, 0, DAY, 1_000), order(2, 1, DAY, 1_000, status="pending")]
    lines = [
        {"order_no": no, "customer_no": no - 1, "day": DAY, "at_s": 0, "category": "coffee", "sku": "c"}
        for no in (1, 2)
    ]
    with reader_of(tmp_path, [profile(0), profile(1)], orders=orders, order_lines=lines) as reader:
        assert counts(reader, 'bought(category = "coffee", last 90 days)') == {
            'bought(category = "coffee", last 90 days)': 1
        }


def test_facts_of_a_merged_customer_count_for_the_survivor(tmp_path: Path) -> None:
    orders = [order(1, 0, DAY, 1_000), order(2, 7, DAY, 1_000)]
    links = [{"customer_no": 7, "survivor_no": 0}]
    with reader_of(tmp_path, [profile(0)], orders=orders, identity_links=links) as reader:
        assert counts(reader, "orders.count() = 2") == {"orders.count() = 2": 1}


def test_one_customer_can_be_looked_at_alone(tmp_path: Path) -> None:
    orders = [order(1, 0, DAY, 1_000), order(2, 1, DAY, 1_000), order(3, 7, DAY, 1_000)]
    links = [{"customer_no": 7, "survivor_no": 0}]
    with reader_of(tmp_path, [profile(0), profile(1)], orders=orders, identity_links=links) as reader:
        only = reader.stage("_only", pa.table({"customer_no": pa.array([0], pa.int32())}))
        assert counts(reader, "orders.count() = 2 or everyone", only=only) == {
            "orders.count() = 2 or everyone": 1,
            "orders.count() = 2": 1,
            "everyone": 1,
        }


def test_the_newest_value_of_a_trait_counts(tmp_path: Path) -> None:
    trait = {"customer_no": 0, "name": "city", "source": "crm", "import_no": 1}
    traits = [
        {**trait, "text_value": "Shanghai", "at_s": 2},
        {**trait, "text_value": "Beijing", "at_s": 1},
        {**trait, "text_value": "Lagos", "at_s": None},
    ]
    with reader_of(tmp_path, [profile(0)], traits=traits) as reader:
        assert counts(reader, 'trait.city = "Shanghai"') == {'trait.city = "Shanghai"': 1}


def test_a_segment_is_read_from_its_members_and_must_have_been_refreshed(tmp_path: Path) -> None:
    with reader_of(tmp_path, [profile(0), profile(1), profile(2)]) as reader:
        found = counts(reader, "segment vip or member", members={"vip": BitMap([1, 2, 99])})
        assert found["segment vip"] == 2
        with pytest.raises(InputError, match="never refreshed"):
            counts(reader, "segment other")


def test_a_rule_is_not_read_over_profiles_of_another_day(tmp_path: Path) -> None:
    with warehouse_of(tmp_path).write("refresh") as writer:
        rows = pa.Table.from_pylist([profile(0, "dormant")], PROFILE)
        writer.replace("profile", writer.stage("_profile", rows))
        scalars = {"values": {}, "frozen_day": DAY, "definition_version": "x"}
        writer.set_meta("layers", {"as_of": DAY - 1, "mark": 0, "scalars": scalars})
        with pytest.raises(InputError, match="profiles are of 2016-07-17, not of 2016-07-18"):
            counts(writer, "everyone")
        assert counts(writer, "everyone", profile=writer.table("profile")) == {"everyone": 1}


def test_a_sample_is_the_one_of_the_kernel(tmp_path: Path) -> None:
    from koipond.kernel import hash_bucket

    people = [profile(no) for no in range(200)]
    expected = sum(hash_bucket("s", "sample", f"u{no}") < 3_000 for no in range(200))
    with reader_of(tmp_path, people) as reader:
        assert counts(reader, 'sample(30%, "s")') == {'sample(30%, "s")': expected}
        assert counts(reader, 'sample(30% to 100%, "s")') == {'sample(30% to 100%, "s")': 200 - expected}
