"""Buy again (复购推荐): a customer's own frequency, and what the past says about it. Pure.

Own frequency beats every learned model on "what will they buy next" (science B8). A challenger learns how
often pairs with so many purchases and so many days since the last one were bought again; it is used only
where it beats plain frequency. The due date informs and does not rank: ranking by it does worse.
"""

from dataclasses import dataclass

import numpy as np

from koipond.frames.columns import Floats, Ints
from koipond.profiles.repurchase_cycle import CATEGORY_GAPS_MIN, shrunk_cycle_days
from koipond.recommend.baskets import Baskets, Pairs, pairs_of

_COUNT_EDGES = (2, 3, 4, 6, 10, 20)
_SINCE_EDGES_DAYS = (7, 14, 30, 45, 60, 90, 120, 180, 270, 365)
_PRIOR_PAIRS = 20.0
_TIE = 1e-6


def frequency_scores(pairs: Pairs, popular: Floats) -> Floats:
    """Return the days on which each pair was bought; ``popular`` (≥ 0, by item) breaks ties."""
    return np.asarray(pairs.day_count + popular[pairs.item] / (popular.max(initial=0.0) + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnTable:
    """P(bought again within the window) by purchases so far (rows) and days since the last one (columns)."""

    rate: Floats

    def scores(self, pairs: Pairs, *, today: int, popular: Floats) -> Floats:
        """Return the rate of each pair's cell; frequency, then popularity, break ties."""
        rate = self.rate[_cells(pairs, today)]
        return np.asarray(
            rate + _TIE * frequency_scores(pairs, popular) / (pairs.day_count.max(initial=0) + 1)
        )


def learn_returns(baskets: Baskets, *, until: int, window_days: int) -> ReturnTable:
    """Return what happened in the ``window_days`` up to ``until`` to pairs known before them.

    Each cell is shrunk to the mean of its count class by 20 pairs, each count class to the mean of all.
    """
    before = pairs_of(baskets.between(baskets.first_day, until - window_days))
    after = pairs_of(baskets.between(until - window_days + 1, until))
    items = len(baskets.items)
    again = np.isin(before.customer * items + before.item, after.customer * items + after.item)
    row, column = _cells(before, until - window_days)
    shape = (len(_COUNT_EDGES) + 1, len(_SINCE_EDGES_DAYS) + 1)
    seen, came = np.zeros(shape), np.zeros(shape)
    np.add.at(seen, (row, column), 1.0)
    np.add.at(came, (row, column), again)
    overall = float(again.mean()) if len(again) else 0.0
    by_count = (came.sum(axis=1) + _PRIOR_PAIRS * overall) / (seen.sum(axis=1) + _PRIOR_PAIRS)
    return ReturnTable(rate=(came + _PRIOR_PAIRS * by_count[:, None]) / (seen + _PRIOR_PAIRS))


def due_days(baskets: Baskets, pairs: Pairs) -> Floats:
    """Return the day on which each pair is due again: last day plus the shrunk cycle of the pair (D3).

    The prior is the item's own median gap when it has 200 gaps, else everybody's; NaN when nothing has ever
    been bought twice.
    """
    place = np.cumsum(_opens(baskets)) - 1
    same = place[1:] == place[:-1]
    gaps, owner = np.diff(baskets.day)[same].astype(np.float64), place[1:][same]
    if not len(gaps):
        return np.full(len(pairs.item), np.nan)
    prior = _item_medians(gaps, pairs.item[owner], len(baskets.items))
    count = np.bincount(owner, minlength=len(pairs.item))
    log_sum = np.bincount(owner, np.log(gaps), len(pairs.item))
    return np.asarray(pairs.last_day + shrunk_cycle_days(count, log_sum, prior[pairs.item]))


def _item_medians(gaps: Floats, item: Ints, items: int) -> Floats:
    order = np.lexsort((gaps, item))
    gaps, item = gaps[order], item[order]
    count = np.bincount(item, minlength=items)
    first = np.cumsum(count) - count
    enough = count >= CATEGORY_GAPS_MIN
    low, high = first + (count - 1) // 2, first + count // 2
    out = np.full(items, float(np.median(gaps)))
    out[enough] = (gaps[low[enough]] + gaps[high[enough]]) / 2
    return out


def _cells(pairs: Pairs, today: int) -> tuple[Ints, Ints]:
    row = np.digitize(pairs.day_count, _COUNT_EDGES)
    return row, np.digitize(today - pairs.last_day, _SINCE_EDGES_DAYS, right=True)


def _opens(baskets: Baskets) -> Ints:
    change = (baskets.customer[1:] != baskets.customer[:-1]) | (baskets.item[1:] != baskets.item[:-1])
    return np.append(1, change.astype(np.int64))
