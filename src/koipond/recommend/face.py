"""`koipond.buy_again` and `koipond.something_new`: two lists, because they are two questions (science B8)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from koipond.frames import TableLike
from koipond.frames.columns import Ints
from koipond.kernel import InputError, Message, joined
from koipond.recommend.again import due_days
from koipond.recommend.baskets import Baskets, common_items, pairs_of, popularity, read_baskets
from koipond.recommend.catalogue import eligibility_of
from koipond.recommend.evaluate import CUSTOMERS_MIN, Evaluation, evaluate
from koipond.recommend.item_models import EASE_ITEMS_MAX
from koipond.recommend.ranking import Eligibility, Lists, top_lists
from koipond.recommend.recommendation import Recommendation
from koipond.recommend.scoring import COSINE, EASE, FREQUENCY, POPULARITY, RETURNS, Shelf, known_customers

_WINDOW_MAX_DAYS = 91
_WINDOW_MIN_DAYS = 14
NEW_MODELS = ("auto", EASE, COSINE, POPULARITY)
AGAIN_MODELS = ("auto", FREQUENCY, RETURNS)


@dataclass(frozen=True, kw_only=True)
class _Served:
    method: str
    served: bool
    reason: str
    evaluation: Evaluation | None = None


def something_new(
    baskets: TableLike,
    customer: str = "customer_id",
    item: str = "item",
    at: str = "date",
    k: int = 10,
    **options: Any,
) -> pa.Table:
    """Return up to ``k`` items for each customer that they have never bought: customer, rank, item, score.

    The table's schema metadata, key ``koipond``, says as JSON which method served and why, also when there is
    no row: ``json.loads(table.schema.metadata[b"koipond"])["reason"]``. `recommend_new` takes the same
    ``options`` and returns the full result: this table, its evaluation, `to_dict` and `plot`. Dates with a
    zone count on the calendar day there. Raises InputError for bad input.
    """
    return _with_story(recommend_new(baskets, customer, item, at, k, **options))


def buy_again(
    baskets: TableLike,
    customer: str = "customer_id",
    item: str = "item",
    at: str = "date",
    k: int = 10,
    **options: Any,
) -> pa.Table:
    """Return up to ``k`` items for each customer that they have bought before, most likely first.

    Columns customer, rank, item, score, due_on (last purchase plus the shrunk cycle of that item for that
    customer; null when nothing was ever bought twice). Metadata (also of an
    empty answer) as in `something_new`; `recommend_again` takes the same ``options`` and returns the full
    result with `to_dict` and `plot`. Raises InputError for bad input.
    """
    return _with_story(recommend_again(baskets, customer, item, at, k, **options))


def recommend_new(
    baskets: TableLike,
    customer: str = "customer_id",
    item: str = "item",
    at: str = "date",
    k: int = 10,
    *,
    model: str = "auto",
    customers: Sequence[Any] | None = None,
    catalogue: TableLike | None = None,
    margin_min: float | None = None,
    per_category_max: int | None = None,
    customers_min: int = 5,
    check: bool = True,
) -> Recommendation:
    """Recommend items never bought, by EASE (up to 20,000 items) or item cosine, if they earn it.

    ``model``: auto, ease, item_cosine or popularity_30_days. Unless ``check`` is False the model must beat
    30-day popularity on new items after a split in time, else popularity stands in. ``customers`` (default:
    all who have bought) may hold strangers: they get popularity, the cold start. ``catalogue`` and its
    filters as in `eligibility_of`. Raises InputError for bad input.
    """
    _among("model", model, NEW_MODELS)
    _whole("k", k)
    read = read_baskets(baskets, customer=customer, item=item, at=at)
    common = common_items(pairs_of(read), len(read.items), customers_min=customers_min)
    small = int(common.sum()) <= EASE_ITEMS_MAX
    if model == EASE and not small:
        raise InputError(
            "EASE takes up to {ease_items_max} items, {common} are common; use item_cosine",
            ease_items_max=EASE_ITEMS_MAX,
            common=common.sum(),
        )
    wanted = ([EASE, COSINE] if small else [COSINE]) if model == "auto" else [model]
    chosen = _serve(read, wanted, POPULARITY, "new", k=k, customers_min=customers_min, check=check)
    shelf = _shelf(read, common)
    eligible = eligibility_of(
        read.items, catalogue=catalogue, item=item, margin_min=margin_min, per_category_max=per_category_max
    )
    eligible = _narrowed(eligible, common)
    codes, strangers = _asked_for(read, customers)
    known = np.isin(codes, known_customers(shelf.pairs, common))
    lists = top_lists(shelf.without_bought(shelf.scorer(chosen.method)), codes[known], eligible, k=k)
    cold = top_lists(shelf.without_bought(shelf.scorer(POPULARITY)), codes[~known], eligible, k=k)
    tables = [_table(read, lists), _table(read, cold)]
    if len(strangers):
        tables.append(_strangers(read, shelf, strangers, eligible, k))
    return Recommendation(
        table=pa.concat_tables(tables).combine_chunks(),
        asked=model,
        method=chosen.method,
        served=chosen.served,
        reason=chosen.reason,
        evaluation=chosen.evaluation,
    )


def recommend_again(
    baskets: TableLike,
    customer: str = "customer_id",
    item: str = "item",
    at: str = "date",
    k: int = 10,
    *,
    model: str = "auto",
    customers: Sequence[Any] | None = None,
    catalogue: TableLike | None = None,
    margin_min: float | None = None,
    per_category_max: int | None = None,
    check: bool = True,
) -> Recommendation:
    """Recommend items bought before, by own frequency, or by own returns where those beat it.

    ``model``: auto, own_frequency or own_returns (frequency and days since the last purchase, learnt). Unless
    ``check`` is False, own_returns must beat own frequency on all later purchases, else frequency stands in.
    Strangers in ``customers`` get nothing. Raises InputError for bad input.
    """
    _among("model", model, AGAIN_MODELS)
    _whole("k", k)
    read = read_baskets(baskets, customer=customer, item=item, at=at)
    everything = np.ones(len(read.items), dtype=bool)
    wanted = [RETURNS] if model == "auto" else [model]
    chosen = _serve(read, wanted, FREQUENCY, "all", k=k, customers_min=1, check=check)
    shelf = _shelf(read, everything)
    eligible = eligibility_of(
        read.items, catalogue=catalogue, item=item, margin_min=margin_min, per_category_max=per_category_max
    )
    codes, _ = _asked_for(read, customers)
    lists = top_lists(shelf.only_bought(shelf.scorer(chosen.method)), codes, eligible, k=k)
    items = len(read.items)
    due = due_days(shelf.baskets, shelf.pairs)
    keys = shelf.pairs.customer * items + shelf.pairs.item
    day = due[np.searchsorted(keys, lists.customer * items + lists.item)]
    known = np.isfinite(day)
    due_on = pa.array(np.where(known, np.rint(day), 0).astype(np.int32), mask=~known).cast(pa.date32())
    return Recommendation(
        table=_table(read, lists).append_column("due_on", due_on),
        asked=model,
        method=chosen.method,
        served=chosen.served or model == "auto",
        reason=chosen.reason,
        evaluation=chosen.evaluation,
    )


def _serve(
    read: Baskets, wanted: Sequence[str], baseline: str, on: str, *, k: int, customers_min: int, check: bool
) -> _Served:
    """Return the first of ``wanted`` that beats ``baseline`` on list ``on``, else the baseline, and why."""
    if wanted[0] == baseline:
        return _Served(
            method=baseline, served=True, reason=Message("{baseline} was asked for", baseline=baseline)
        )
    if not check:
        return _Served(
            method=wanted[0],
            served=True,
            reason=Message("{wanted} was not checked, as asked", wanted=wanted[0]),
        )
    window = int(np.clip((read.last_day - read.first_day) // 4, _WINDOW_MIN_DAYS, _WINDOW_MAX_DAYS))
    said: list[str] = []
    evaluation: Evaluation | None = None
    for name in wanted:
        try:
            found = evaluate(
                read,
                cut=read.last_day - window,
                k=k,
                customers_min=customers_min,
                methods=(name,) if evaluation else (POPULARITY, FREQUENCY, name),
                lists=("all", "new") if on == "new" else ("all",),
            )
        except InputError as error:
            why = Message("too little history to check {name}: {error}", name=name, error=error)
            return _Served(method=baseline, served=False, reason=why)
        evaluation = evaluation.joined(found) if evaluation else found
        verdict = evaluation.verdict(name, baseline, on)
        said.append(str(verdict))
        if verdict.beats:
            return _Served(
                method=name, served=name == wanted[0], reason=joined("; ", said), evaluation=evaluation
            )
    assert evaluation is not None, Message("at least one model is wanted")
    judged = evaluation.score(baseline, on).customers
    if judged < CUSTOMERS_MIN:
        said.append(
            Message(
                "only {judged} customers to judge by, {customers_min} needed",
                judged=judged,
                customers_min=CUSTOMERS_MIN,
            )
        )
    return _Served(method=baseline, served=False, reason=joined("; ", said), evaluation=evaluation)


def _shelf(read: Baskets, common: npt.NDArray[np.bool_]) -> Shelf:
    window = int(np.clip((read.last_day - read.first_day) // 4, 1, _WINDOW_MAX_DAYS))
    popular = popularity(read, until=read.last_day)
    return Shelf(read, until=read.last_day, common=common, popular=popular, window_days=window)


def _narrowed(eligible: Eligibility, common: npt.NDArray[np.bool_]) -> Eligibility:
    return Eligibility(
        allowed=eligible.allowed & common,
        category=eligible.category,
        per_category_max=eligible.per_category_max,
    )


def _asked_for(read: Baskets, customers: Sequence[Any] | None) -> tuple[Ints, pa.Array]:
    """Return the codes of the customers asked for, and those who have never bought."""
    if customers is None:
        return np.arange(len(read.customers)), read.customers[:0]
    asked = pc.unique(pa.array(customers, type=read.customers.type))
    code = pc.fill_null(pc.index_in(asked, read.customers), -1).to_numpy(zero_copy_only=False)
    return np.sort(code[code >= 0]).astype(np.int64), asked.filter(pa.array(code < 0))


def _table(read: Baskets, lists: Lists) -> pa.Table:
    return pa.table(
        {
            "customer": read.customers.take(pa.array(lists.customer)),
            "rank": lists.rank,
            "item": read.items.take(pa.array(lists.item)),
            "score": lists.score,
        }
    )


def _strangers(read: Baskets, shelf: Shelf, strangers: pa.Array, eligible: Eligibility, k: int) -> pa.Table:
    one = top_lists(shelf.scorer(POPULARITY), np.zeros(1, dtype=np.int64), eligible, k=k)
    size = len(one.rank)
    who = np.repeat(np.arange(len(strangers)), size)
    return pa.table(
        {
            "customer": strangers.take(pa.array(who)),
            "rank": np.tile(one.rank, len(strangers)),
            "item": read.items.take(pa.array(np.tile(one.item, len(strangers)))),
            "score": np.tile(one.score, len(strangers)),
        }
    )


def _with_story(found: Recommendation) -> pa.Table:
    return found.table.replace_schema_metadata({"koipond": json.dumps(found.to_dict(), ensure_ascii=False)})


def _whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise InputError("{name} must be a whole number from 1, not {value!r}", name=name, value=value)


def _among(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise InputError(
            "{name} must be one of {allowed}, not '{value}'",
            name=name,
            allowed=", ".join(allowed),
            value=value,
        )
