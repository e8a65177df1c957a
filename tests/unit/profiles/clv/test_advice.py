"""Advice of a refusal is obeyed, and must lead to the figure (case B25)."""

import re

import numpy as np
import pandas as pd
import pytest

import koipond
from koipond.kernel import RefusedError
from koipond.profiles.clv.advice import determined_model
from koipond.profiles.clv.collapse import collapse

CUSTOMERS, DAYS, STOPS = 900, 400, 0.005


def steady_base() -> pd.DataFrame:
    """Return purchases of people who differ in pace and hardly ever stop."""
    random = np.random.default_rng(4)
    who: list[str] = []
    when: list[str] = []
    for number in range(CUSTOMERS):
        gap = 1 / random.gamma(4.0, 1 / 80.0)
        between = random.exponential(gap, 120)
        bought = 1 + random.geometric(STOPS)
        at = random.uniform(0, 40) + np.cumsum(between)[:bought]
        for day in np.unique(np.floor(at[at < DAYS])):
            who.append(f"c{number}")
            when.append(str(np.datetime64("2025-01-01") + int(day)))
    return pd.DataFrame({"customer_id": who, "date": when})


def test_b25_the_model_that_is_advised_gives_the_interval() -> None:
    table = steady_base()
    fit = koipond.clv(table, model="mbgnbd")
    with pytest.raises(RefusedError) as refused:
        fit.total_purchases(39)
    advised = re.search(r"model='(\w+)'", str(refused.value))
    assert advised is not None
    assert advised[1] != fit.model
    total = koipond.clv(table, model=advised[1]).total_purchases(39)
    assert total.low < total.estimate < total.high
    # hardly anybody stops, so both models expect the same
    assert total.estimate == pytest.approx(fit.expected_purchases(39).sum(), rel=0.05)


def test_no_model_is_advised_that_the_data_do_not_determine_either() -> None:
    rows = collapse(np.array([1.0, 1.0]), np.array([3.0, 4.0]), np.array([8.0, 8.0]))
    assert determined_model(rows, other_than="mbgnbd") is None
