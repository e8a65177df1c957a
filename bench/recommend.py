"""EASE and item cosine against implicit 0.7.3 in the same run, on Online Retail II.

    PYTHONPATH=src python bench/recommend.py --data ../shared/data [--pairs 3]

Learns to 2011-09-09, scores the 91 days after it (science B8). Prints CPU and wall seconds to learn and to
rank ten items for everybody, and recall beside them; writes bench/results/recommend.json.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender

from koipond.kernel import epoch_day
from koipond.recommend import Baskets, evaluate, read_baskets
from koipond.recommend.again import due_days, frequency_scores
from koipond.recommend.baskets import common_items, pairs_of, popularity
from koipond.recommend.evaluate import METHODS, score_lists
from koipond.recommend.ranking import Eligibility, Lists, top_lists
from koipond.recommend.scoring import COSINE, EASE, FREQUENCY, POPULARITY, RETURNS, Shelf, known_customers

CUT = epoch_day(date(2011, 9, 9))
K = 10


def retail(folder: Path) -> Baskets:
    """Return the purchases of products (codes that begin with five digits) of both sheets, joined."""
    tables = []
    for name, since in (("2009_2010", date(2009, 1, 1)), ("2010_2011", date(2010, 12, 10))):
        table = pq.read_table(folder / f"online_retail_{name}.parquet")
        sold = (pc.field("quantity") > 0) & (pc.field("unit_price") > 0) & pc.field("customer_id").is_valid()
        table = table.filter(sold)
        day = pc.cast(pc.floor_temporal(table["invoice_ts"], unit="day"), pa.date32())
        code = pc.cast(table["stock_code"], pa.string())
        whole = pa.table({"customer_id": table["customer_id"], "item": code, "date": day})
        whole = whole.filter(pc.field("date") >= pa.scalar(since))
        tables.append(whole.filter(pc.match_substring_regex(whole["item"], r"^\d{5}")))
    return read_baskets(pa.concat_tables(tables), customer="customer_id", item="item", at="date")


def shelf_of(baskets: Baskets) -> Shelf:
    """Return what every method learns from."""
    learnt = pairs_of(baskets.between(baskets.first_day, CUT))
    common = common_items(learnt, len(baskets.items), customers_min=5)
    return Shelf(
        baskets,
        until=CUT,
        common=common,
        popular=popularity(baskets, until=CUT),
        window_days=baskets.last_day - CUT,
    )


def timed(call: Callable[[], Any], pairs: int) -> tuple[Any, float, float]:
    """Return the last answer and the median CPU and wall seconds."""
    cpu, wall, answer = [], [], None
    for _ in range(pairs):
        started, clock = time.process_time(), time.perf_counter()
        answer = call()
        cpu.append(time.process_time() - started)
        wall.append(time.perf_counter() - clock)
    return answer, statistics.median(cpu), statistics.median(wall)


def implicit_lists(model: Any, shelf: Shelf, customers: np.ndarray, *, new: bool = False) -> Lists:
    """Return implicit's lists in our shape; ``new`` leaves out what the customer has bought."""
    columns = np.flatnonzero(shelf.common)
    found, score = model.recommend(customers, shelf.bought[customers], N=K, filter_already_liked_items=new)
    return Lists(
        customer=np.repeat(customers, K),
        rank=np.tile(np.arange(1, K + 1), len(customers)),
        item=columns[found.ravel()],
        score=score.ravel().astype(np.float64),
    )


def main() -> None:
    """Run the comparison and write the results."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args()
    baskets = retail(asked.data)
    shelf = shelf_of(baskets)
    customers = known_customers(shelf.pairs, shelf.common)
    everything = Eligibility(allowed=np.asarray(shelf.common))
    print(f"{len(customers)} customers, {int(shelf.common.sum())} items, {shelf.bought.nnz} pairs")
    rows: list[dict[str, Any]] = []
    scored = evaluate(baskets, cut=CUT, k=K, methods=METHODS)

    def add(
        name: str, learn: Callable[[], Any], rank: Callable[[Any], Lists], recall: dict[str, float]
    ) -> None:
        model, cpu, wall = timed(learn, asked.pairs)
        _, rank_cpu, rank_wall = timed(lambda: rank(model), asked.pairs)
        row = {
            "method": name,
            "learn_cpu": cpu,
            "learn_wall": wall,
            "rank_cpu": rank_cpu,
            "rank_wall": rank_wall,
        }
        rows.append(row | recall)
        print(
            f"{name:24} learn {cpu:.3f} CPU s ({wall:.3f} wall), rank all {rank_cpu:.3f} ({rank_wall:.3f}); "
            + ", ".join(f"{key} {value:.3f}" for key, value in recall.items())
        )

    for method in (POPULARITY, FREQUENCY, RETURNS, COSINE, EASE):
        recall = {f"recall_{on}": scored.score(method, on).recall for on in ("all", "new")}
        recall["ndcg_all"] = scored.score(method, "all").ndcg
        add(
            method,
            lambda method=method: shelf.scorer(method),
            lambda scorer: top_lists(scorer, customers, everything, k=K),
            recall,
        )
    due = shelf.own(due_weighted(shelf))
    mean_recall, mean_ndcg = score_lists(baskets, top_lists(due, customers, everything, k=K), cut=CUT, k=K)
    add(
        "frequency, nearer due",
        lambda: shelf.own(due_weighted(shelf)),
        lambda scorer: top_lists(scorer, customers, everything, k=K),
        {"recall_all": mean_recall, "ndcg_all": mean_ndcg},
    )
    bought = shelf.bought.astype(np.float32)
    rivals = {
        "implicit cosine, K=200": lambda: fitted(CosineRecommender(K=200), bought),
        "implicit ALS, 64 factors": lambda: fitted(
            AlternatingLeastSquares(factors=64, random_state=7), bought
        ),
    }
    for name, learn in rivals.items():
        model = learn()
        mean_recall, mean_ndcg = score_lists(baskets, implicit_lists(model, shelf, customers), cut=CUT, k=K)
        lists = implicit_lists(model, shelf, customers, new=True)
        new_recall, _ = score_lists(baskets, lists, cut=CUT, k=K, on="new")
        add(
            name,
            learn,
            lambda model: implicit_lists(model, shelf, customers),
            {"recall_all": mean_recall, "recall_new": new_recall, "ndcg_all": mean_ndcg},
        )
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "recommend.json").write_text(json.dumps({"pairs": asked.pairs, "rows": rows}, indent=1))


def due_weighted(shelf: Shelf) -> np.ndarray:
    """Return own frequency, less the further a pair is from its due day: times exp(−(ln ρ)² / 4)."""
    pairs = shelf.pairs
    cycle = due_days(shelf.baskets, pairs) - pairs.last_day
    silence = np.maximum((CUT - pairs.last_day) / cycle, 0.02)
    return frequency_scores(pairs, shelf.popular) * np.exp(-(np.log(silence) ** 2) / 4)


def fitted(model: Any, bought: Any) -> Any:
    """Return ``model`` after learning without a progress bar."""
    model.fit(bought, show_progress=False)
    return model


if __name__ == "__main__":
    main()
