import datetime
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import koipond
from koipond.kernel import InputError
from koipond.recommend import evaluate, read_baskets, recommend_again, recommend_new

COLUMNS = ("customer_id", "item", "date")


def _table(rows: list[tuple[Any, ...]]) -> pa.Table:
    return pa.table({name: [row[n] for row in rows] for n, name in enumerate(COLUMNS)})


def _tastes(customers: int = 240, seed: int = 0) -> pa.Table:
    """Customers of one of three tastes; each taste buys its own eight items, at random over a year."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[Any, ...]] = []
    for i in range(customers):
        taste = i % 3
        rows += [
            (f"c{i:03d}", f"i{taste * 8 + rng.integers(8):02d}", 20_000 + int(day))
            for day in rng.integers(0, 365, 4)
        ]
        rows.append((f"c{i:03d}", f"i{int(rng.integers(24)):02d}", 20_000 + int(rng.integers(365))))
    return _table(rows)


@pytest.fixture(scope="module")
def tastes() -> pa.Table:
    return _tastes()


def test_something_new_is_never_something_bought(tastes: pa.Table) -> None:
    found = koipond.something_new(tastes, "customer_id", "item", "date", k=5)
    assert found.column_names == ["customer", "rank", "item", "score"]
    bought = set(zip(tastes["customer_id"].to_pylist(), tastes["item"].to_pylist(), strict=True))
    shown = list(zip(found["customer"].to_pylist(), found["item"].to_pylist(), strict=True))
    assert len(shown) == 240 * 5
    assert not bought & set(shown)


def test_a_model_that_sees_tastes_is_served_and_follows_them(tastes: pa.Table) -> None:
    found = recommend_new(tastes, k=3)
    assert (found.method, found.served) == ("ease", True)
    assert "beats popularity_30_days" in found.reason
    first = found.table.filter(pc.equal(found.table["rank"], 1))
    taste = [int(customer[1:]) % 3 for customer in first["customer"].to_pylist()]
    guess = [int(item[1:]) // 8 for item in first["item"].to_pylist()]
    assert np.mean(np.array(taste) == np.array(guess)) > 0.8
    assert found.evaluation is not None
    assert {one.method for one in found.evaluation.scores} == {"popularity_30_days", "own_frequency", "ease"}
    assert found.plot()["data"]["values"]
    assert "ease" in str(found)


def test_a_model_that_learns_nothing_is_not_served() -> None:
    rng = np.random.default_rng(3)
    size = 6_000
    popular = rng.choice(40, size, p=np.arange(1, 41) / 820)
    day = 20_000 + rng.integers(0, 300, size)
    noise = pa.table({"customer_id": rng.integers(0, 300, size), "item": popular, "date": day})
    found = recommend_new(noise, k=5)
    assert (found.method, found.served) == ("popularity_30_days", False)
    assert "ease does not beat" in found.reason
    assert "item_cosine does not beat" in found.reason
    assert found.to_dict()["served"] is False
    again = recommend_again(noise, model="own_returns")
    assert (again.method, again.served) == ("own_frequency", False)


def test_too_little_history_falls_back_and_says_so() -> None:
    table = {"customer_id": [1, 1, 2, 3], "item": ["a", "b", "a", "b"], "date": [100, 101, 102, 103]}
    found = recommend_new(table, customers_min=1)
    assert (found.served, found.method) == (False, "popularity_30_days")
    assert "too little history" in found.reason
    assert found.evaluation is None
    assert found.table["item"].to_pylist() == ["b", "a"]
    assert found.plot()["data"]["values"] == [{"rank": 1, "customers": 2}]


def test_strangers_get_what_is_popular_now(tastes: pa.Table) -> None:
    found = recommend_new(tastes, k=4, customers=["nobody", "c000"], check=False)
    told = found.table.to_pydict()
    assert set(told["customer"]) == {"nobody", "c000"}
    mine = [item for who, item in zip(told["customer"], told["item"], strict=True) if who == "nobody"]
    recent = tastes.filter(pc.greater(tastes["date"], pc.max(tastes["date"]).as_py() - 30))
    buyers: dict[str, set[str]] = {}
    for who, item in zip(recent["customer_id"].to_pylist(), recent["item"].to_pylist(), strict=True):
        buyers.setdefault(item, set()).add(who)
    assert mine == sorted(buyers, key=lambda item: (-len(buyers[item]), item))[:4]


def test_filters_hold_for_models_and_for_the_cold_start(tastes: pa.Table) -> None:
    catalogue = pa.table(
        {
            "item": [f"i{n:02d}" for n in range(20)],
            "in_stock": [n != 3 for n in range(20)],
            "margin": [float(n) for n in range(20)],
            "category": [f"k{n % 2}" for n in range(20)],
        }
    )
    found = recommend_new(
        tastes,
        k=4,
        customers=["nobody", *(f"c{n:03d}" for n in range(30))],
        catalogue=catalogue,
        margin_min=2.0,
        per_category_max=1,
        check=False,
    ).table.to_pydict()
    assert set(found["item"]) <= {f"i{n:02d}" for n in range(2, 20)} - {"i03"}
    lists: dict[str, list[int]] = {}
    for who, item in zip(found["customer"], found["item"], strict=True):
        lists.setdefault(who, []).append(int(item[1:]) % 2)
    assert all(len(kinds) == len(set(kinds)) for kinds in lists.values())
    assert len(lists) == 31


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin_min": 1.0}, "catalogue"),
        ({"catalogue": {"item": ["a"]}, "margin_min": 1.0}, "margin"),
        ({"catalogue": {"item": ["a", "a"]}}, "twice"),
        ({"catalogue": {"item": ["a"], "category": ["x"]}, "per_category_max": 0}, "at least 1"),
        ({"model": "als"}, "ease, item_cosine"),
    ],
)
def test_filters_that_cannot_work_are_refused(
    options: dict[str, Any], message: str, tastes: pa.Table
) -> None:
    with pytest.raises(InputError, match=message):
        recommend_new(tastes, **options)


def test_buy_again_shows_own_items_by_frequency_with_their_due_day() -> None:
    rows = [("a", "milk", day) for day in (10, 20, 30, 40)]
    rows += [("a", "tea", 15), ("b", "tea", 40), ("b", "tea", 50)]
    found = koipond.buy_again(_table(rows), "customer_id", "item", "date", k=10)
    assert found.select(["customer", "rank", "item"]).to_pydict() == {
        "customer": ["a", "a", "b"],
        "rank": [1, 2, 1],
        "item": ["milk", "tea", "tea"],
    }
    assert found["due_on"].to_pylist()[0] == datetime.date(1970, 1, 1) + datetime.timedelta(50)
    assert json.loads(found.schema.metadata[b"koipond"])["method"] == "own_frequency"


def test_evaluation_counts_hits_as_defined() -> None:
    rows = [("a", "x", 1), ("a", "y", 1), ("b", "x", 1), ("b", "z", 1), ("c", "x", 2)]
    later = [("a", "y", 9), ("a", "z", 9), ("b", "w", 9), ("c", "y", 9), ("d", "x", 9)]
    baskets = read_baskets(_table(rows + later), customer="customer_id", item="item", at="date")
    found = evaluate(baskets, cut=2, k=2, customers_min=1, methods=("popularity_30_days",))
    everything, new = (found.score("popularity_30_days", name) for name in ("all", "new"))
    # popularity: x 3, y 1, z 1. a wants y, z; b wants w, which nobody knew; c wants y; d is a stranger.
    second = 1 / np.log2(3)
    assert everything.customers == 2
    assert everything.recall == pytest.approx((1 / 2 + 1) / 2)
    assert everything.ndcg == pytest.approx((second / (1 + second) + second) / 2)
    assert new.recall == pytest.approx((1 + 1) / 2)  # a: z first of [z]; c: y, z
    assert json.loads(json.dumps(found.to_dict()))["items"] == 3
    assert "recall" in str(found)


def test_a_cut_outside_the_days_and_rare_items_are_refused(tastes: pa.Table) -> None:
    baskets = read_baskets(tastes, customer="customer_id", item="item", at="date")
    with pytest.raises(InputError, match="both sides"):
        evaluate(baskets, cut=baskets.last_day)
    with pytest.raises(InputError, match="no item"):
        evaluate(baskets, cut=baskets.first_day + 100, customers_min=10_000)


def test_row_order_does_not_change_a_list(tastes: pa.Table) -> None:
    shuffled = tastes.take(np.random.default_rng(0).permutation(tastes.num_rows))
    first, second = (koipond.something_new(table, k=3) for table in (tastes, shuffled))
    assert first.drop_columns(["score"]).equals(second.drop_columns(["score"]))


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", True, None])
def test_k_is_a_whole_number_from_one(tastes: pa.Table, k: Any) -> None:
    for ask in (koipond.something_new, koipond.buy_again, recommend_new, recommend_again):
        with pytest.raises(InputError, match="k must be a whole number from 1"):
            ask(tastes, k=k)


def test_an_empty_answer_says_why_in_its_metadata() -> None:
    few = _table([("a", "x", 20_000), ("b", "x", 20_000), ("a", "y", 20_010)])
    found = koipond.something_new(few, k=3)
    assert found.num_rows == 0
    assert found.column_names == ["customer", "rank", "item", "score"]
    assert found.schema.metadata is not None
    assert "too little history" in json.loads(found.schema.metadata[b"koipond"])["reason"]


def test_an_empty_table_is_called_empty() -> None:
    with pytest.raises(InputError, match="the table is empty"):
        koipond.something_new(_table([]))


def test_instants_with_an_offset_count_on_the_day_they_write() -> None:
    plain = _table([("a", "x", "2026-01-01"), ("a", "x", "2026-01-09"), ("b", "y", "2026-01-03")])
    zoned = plain.set_column(2, "date", pc.binary_join_element_wise(plain["date"], "T23:30:00-05:00", ""))
    assert koipond.buy_again(zoned, check=False).equals(koipond.buy_again(plain, check=False))


def test_the_recalls_of_an_evaluation_cannot_be_written(tastes: pa.Table) -> None:
    found = evaluate(read_baskets(tastes, customer="customer_id", item="item", at="date"), cut=20_300, k=3)
    assert not any(recall.flags.writeable for recall in found.recalls.values())
