"""Does a recommender earn its place (推荐评估)? A split in time, simple methods beside every model. Pure.

Learn up to a day, recommend, see what the same customers bought afterwards (science B8). Recall is capped,
hits / min(k, bought); nDCG counts a hit at rank r as 1 / log2(r + 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from koipond.frames import PlotSpec, bar_layer, chart, plain, text_table
from koipond.frames.columns import Floats, Ints, read_only
from koipond.kernel import InputError, from_epoch_day
from koipond.recommend.baskets import Baskets, common_items, pairs_of, popularity
from koipond.recommend.item_models import NEIGHBOURS
from koipond.recommend.ranking import Eligibility, Lists, top_lists
from koipond.recommend.scoring import COSINE, EASE, FREQUENCY, POPULARITY, RETURNS, Shelf, known_customers

METHODS = (POPULARITY, FREQUENCY, RETURNS, COSINE, EASE)
CUSTOMERS_MIN = 50
"""Customers a verdict needs."""
_SURE = 1.645


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodScore:
    """Mean recall and nDCG of one method on one list: ``all`` later purchases, or only ``new`` items."""

    method: str
    list: str
    recall: float
    ndcg: float
    customers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Mean gain in recall over a baseline, customer by customer, with its standard error.

    ``beats``: the gain exceeds 1.645 standard errors (one-sided 5 %) over at least 50 customers.
    """

    method: str
    baseline: str
    list: str
    gain: float
    standard_error: float
    beats: bool

    def __str__(self) -> str:
        word = "beats" if self.beats else "does not beat"
        return (
            f"{self.method} {word} {self.baseline} on {self.list} items: recall {self.gain:+.4f} "
            f"± {self.standard_error:.4f}"
        )


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores of every method after ``cut`` (the last day learnt from). ``recalls`` are by customer."""

    cut: date
    k: int
    items: int
    scores: tuple[MethodScore, ...]
    recalls: dict[tuple[str, str], Floats]

    def __post_init__(self) -> None:
        object.__setattr__(self, "recalls", {key: read_only(by) for key, by in self.recalls.items()})

    def score(self, method: str, on: str) -> MethodScore:
        """Return the score of ``method`` on list ``on`` (``all`` or ``new``)."""
        return next(one for one in self.scores if (one.method, one.list) == (method, on))

    def verdict(self, method: str, baseline: str, on: str) -> Verdict:
        """Return whether ``method`` beats ``baseline`` on list ``on``."""
        gain = self.recalls[method, on] - self.recalls[baseline, on]
        size = len(gain)
        error = float(gain.std(ddof=1) / np.sqrt(size)) if size > 1 else float("inf")
        mean = float(gain.mean()) if size else 0.0
        return Verdict(
            method=method,
            baseline=baseline,
            list=on,
            gain=mean,
            standard_error=error,
            beats=size >= CUSTOMERS_MIN and mean > _SURE * error,
        )

    def joined(self, other: "Evaluation") -> "Evaluation":
        """Return both evaluations of one split as one; the first's scores stand where both have a method."""
        had = {(one.method, one.list) for one in self.scores}
        return Evaluation(
            cut=self.cut,
            k=self.k,
            items=self.items,
            scores=(*self.scores, *(one for one in other.scores if (one.method, one.list) not in had)),
            recalls=other.recalls | self.recalls,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values."""
        rows = [dict(zip(_HEADER, row, strict=True)) for row in self._rows()]
        found: dict[str, Any] = plain(
            {"cut": self.cut.isoformat(), "k": self.k, "items": self.items, "scores": rows}
        )
        return found

    def __str__(self) -> str:
        return f"learnt to {self.cut}, {self.items} items\n{text_table(_HEADER, self._rows())}"

    def plot(self) -> PlotSpec:
        """Return bars of recall, one for each method and list."""
        rows = [{"method": f"{one.method}, {one.list}", "recall": one.recall} for one in self.scores]
        return chart(rows, [bar_layer(x="method", y="recall")], title=f"Recall@{self.k} after {self.cut}")

    def _rows(self) -> list[list[Any]]:
        return [[one.list, one.method, one.recall, one.ndcg, one.customers] for one in self.scores]


_HEADER = ("list", "method", "recall", "ndcg", "customers")


def evaluate(
    baskets: Baskets,
    *,
    cut: int,
    k: int = 10,
    customers_min: int = 5,
    methods: Sequence[str] = METHODS,
    lists: Sequence[str] = ("all", "new"),
    popular_window_days: int = 30,
    popular_count: str = "customers",
    neighbours: int = NEIGHBOURS,
) -> Evaluation:
    """Learn from days up to ``cut``, recommend ``k`` items to everybody known, score on the days after it.

    Items bought by fewer than ``customers_min`` customers by then are left out, in learning and in scoring;
    customers without a later purchase of the list do not count. ``popular_…`` say what popularity is, as a
    method and as the tie-break of own frequency; ``neighbours`` is item cosine's. Raises InputError when a
    side is empty.
    """
    if not baskets.first_day <= cut < baskets.last_day:
        raise InputError(
            "cut must leave days on both sides of it, not {from_epoch_day}",
            from_epoch_day=from_epoch_day(cut),
        )
    learnt = pairs_of(baskets.between(baskets.first_day, cut))
    later = pairs_of(baskets.between(cut + 1, baskets.last_day))
    common = common_items(learnt, len(baskets.items), customers_min=customers_min)
    if not common.any():
        raise InputError(
            "no item was bought by {customers_min} customers up to {from_epoch_day}",
            customers_min=customers_min,
            from_epoch_day=from_epoch_day(cut),
        )
    popular = popularity(baskets, until=cut, window_days=popular_window_days, count=popular_count)
    shelf = Shelf(
        baskets,
        until=cut,
        common=common,
        popular=popular,
        window_days=baskets.last_day - cut,
        neighbours=neighbours,
    )
    customers = known_customers(learnt, common)
    items = len(baskets.items)
    bought = np.unique(learnt.customer * items + learnt.item)
    truth = (later.customer * items + later.item)[common[later.item] & np.isin(later.customer, customers)]
    eligibility = Eligibility(allowed=common)
    scores, recalls = [], {}
    for method in methods:
        scorer = shelf.scorer(method)
        for name in lists:
            wanted = truth if name == "all" else truth[~np.isin(truth, bought)]
            judged = np.unique(wanted // items)
            shown = scorer if name == "all" else shelf.without_bought(scorer)
            found = top_lists(shown, judged, eligibility, k=k)
            recall, ndcg = _score(found, wanted, judged, items, k)
            recalls[method, name] = recall
            scores.append(
                MethodScore(
                    method=method,
                    list=name,
                    recall=_mean(recall),
                    ndcg=_mean(ndcg),
                    customers=len(judged),
                )
            )
    return Evaluation(
        cut=from_epoch_day(cut), k=k, items=int(common.sum()), scores=tuple(scores), recalls=recalls
    )


def score_lists(
    baskets: Baskets, lists: Lists, *, cut: int, k: int = 10, customers_min: int = 5, on: str = "all"
) -> tuple[float, float]:
    """Return mean recall and nDCG of ``lists`` on list ``on`` after ``cut``, counted as `evaluate` does.

    For methods of other libraries; ``lists`` must rank items for every customer known by then.
    """
    learnt = pairs_of(baskets.between(baskets.first_day, cut))
    later = pairs_of(baskets.between(cut + 1, baskets.last_day))
    items = len(baskets.items)
    common = common_items(learnt, items, customers_min=customers_min)
    known = known_customers(learnt, common)
    truth = (later.customer * items + later.item)[common[later.item] & np.isin(later.customer, known)]
    if on == "new":
        truth = truth[~np.isin(truth, learnt.customer * items + learnt.item)]
    judged = np.unique(truth // items)
    kept = np.isin(lists.customer, judged)
    mine = Lists(
        customer=lists.customer[kept], rank=lists.rank[kept], item=lists.item[kept], score=lists.score[kept]
    )
    recall, ndcg = _score(mine, truth, judged, items, k)
    return _mean(recall), _mean(ndcg)


def _score(found: Lists, wanted: Ints, judged: Ints, items: int, k: int) -> tuple[Floats, Floats]:
    """Return recall and nDCG of each judged customer; ``wanted`` holds customer · items + item."""
    hit = np.isin(found.customer * items + found.item, wanted)
    place = np.searchsorted(judged, found.customer)
    most = np.minimum(np.bincount(np.searchsorted(judged, wanted // items), minlength=len(judged)), k)
    gain = 1 / np.log2(np.arange(2, k + 2))
    best = np.concatenate([[1.0], np.cumsum(gain)])[most]
    hits = np.bincount(place, hit, len(judged))
    gained = np.bincount(place, hit * gain[found.rank - 1], len(judged))
    return hits / np.maximum(most, 1), gained / best


def _mean(values: npt.NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0
