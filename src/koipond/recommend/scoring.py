"""Scorers (打分器): every method behind one shape, customer codes → scores of all items. Pure."""

from typing import Any

import numpy as np
from scipy import sparse

from koipond.frames.columns import Floats, Ints
from koipond.recommend.again import frequency_scores, learn_returns
from koipond.recommend.baskets import Baskets, Pairs, bought_matrix, pairs_of
from koipond.recommend.item_models import NEIGHBOURS, cosine_neighbours, ease_weights
from koipond.recommend.ranking import Scorer

POPULARITY, FREQUENCY, RETURNS = "popularity_30_days", "own_frequency", "own_returns"
COSINE, EASE = "item_cosine", "ease"


class Shelf:
    """Purchases up to day ``until`` with what every method needs of them, each computed when first asked.

    ``common`` marks the items that methods learn from, ``popular`` counts them lately, ``window_days`` is how
    far ahead own returns look. Not thread-safe.
    """

    def __init__(
        self,
        baskets: Baskets,
        *,
        until: int,
        common: Any,
        popular: Floats,
        window_days: int,
        neighbours: int = NEIGHBOURS,
    ) -> None:
        self.baskets = baskets.between(baskets.first_day, until)
        self.until = until
        self.common = common
        self._window_days = window_days
        self._neighbours = neighbours
        self.pairs = pairs_of(self.baskets)
        self.popular = popular * common
        self.shape = (len(baskets.customers), len(baskets.items))
        self._columns = np.flatnonzero(common)
        self._bought: Any = None

    @property
    def bought(self) -> Any:
        """Return customers × common items, 1 where bought (CSR)."""
        if self._bought is None:
            self._bought = bought_matrix(self.pairs, self.shape)[:, self._columns].tocsr()
        return self._bought

    def scorer(self, method: str) -> Scorer:
        """Return the scorer of ``method``; learning happens here, once."""
        if method == POPULARITY:
            return lambda customers: np.broadcast_to(self.popular, (len(customers), self.shape[1]))
        if method == FREQUENCY:
            return self.own(frequency_scores(self.pairs, self.popular))
        if method == RETURNS:
            table = learn_returns(self.baskets, until=self.until, window_days=self._window_days)
            return self.own(table.scores(self.pairs, today=self.until, popular=self.popular))
        if method == EASE:
            weights: Any = ease_weights(self.bought)
        else:
            weights = cosine_neighbours(self.bought, neighbours=self._neighbours)
        return lambda customers: self._spread(self.bought[customers] @ weights)

    def without_bought(self, scorer: Scorer) -> Scorer:
        """Return ``scorer`` with −inf for everything the customer has ever bought."""
        owned = bought_matrix(self.pairs, self.shape)

        def masked(customers: Ints) -> Floats:
            scores = np.array(scorer(customers), dtype=np.float64)
            row, column = owned[customers].nonzero()
            scores[row, column] = -np.inf
            return scores

        return masked

    def only_bought(self, scorer: Scorer) -> Scorer:
        """Return ``scorer`` with −inf for everything the customer has never bought."""
        owned = bought_matrix(self.pairs, self.shape)

        def kept(customers: Ints) -> Floats:
            return np.asarray(np.where(owned[customers].toarray() > 0, scorer(customers), -np.inf))

        return kept

    def own(self, scores: Floats) -> Scorer:
        """Return own items by ``scores`` (≥ 0), then the rest by popularity, always below them."""
        own = sparse.csr_matrix((scores + 1, (self.pairs.customer, self.pairs.item)), shape=self.shape)
        rest = self.popular / (self.popular.max(initial=0.0) + 1)

        def score(customers: Ints) -> Floats:
            mine = own[customers].toarray()
            return np.asarray(np.where(mine > 0, mine, rest))

        return score

    def _spread(self, scores: Any) -> Floats:
        """Return scores of the common items over all items, −inf elsewhere."""
        dense = scores.toarray() if sparse.issparse(scores) else scores
        out = np.full((dense.shape[0], self.shape[1]), -np.inf)
        out[:, self._columns] = dense
        return out


def known_customers(pairs: Pairs, common: Any) -> Ints:
    """Return the customers who have bought at least one common item, sorted."""
    return np.unique(pairs.customer[common[pairs.item]])
