"""Baskets of the rehearsed brand are like those of the facts, a few unreal orders among them or not."""

from math import exp

import ibis
import numpy as np
import pyarrow as pa
import pytest

from koipond.rehearsal.fit import basket_sums


def mean_basket(net_fen: np.ndarray) -> float:
    """Return the mean of the lognormal baskets that are fitted to ``net_fen``."""
    orders = ibis.memtable(pa.table({"net_fen": net_fen, "day": np.zeros(len(net_fen), dtype=np.int32)}))
    [found] = basket_sums(orders).to_pyarrow().to_pylist()
    return exp(found["middle"] + found["spread"] ** 2 / 2)


def test_orders_of_one_fen_do_not_make_the_others_dear() -> None:
    """Newcomer's file: 1,722 yuan a basket were rehearsed where 305 were paid."""
    baskets = np.random.default_rng(1).lognormal(10.0, 0.6, 5_000).round().astype(np.int64)
    unreal = np.concatenate([baskets, np.ones(75, dtype=np.int64)])
    assert mean_basket(baskets) == pytest.approx(baskets.mean(), rel=0.03)
    assert mean_basket(unreal) == pytest.approx(baskets.mean(), rel=0.06)
