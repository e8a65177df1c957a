"""BG/NBD: Fader, Hardie and Lee (2005), "Counting your customers" the easy way, Marketing Science 24. Pure.

Trap: nobody stops before the first repeat purchase, so P(alive) is 1 for every one-time buyer. Use MBG/NBD or
Pareto/NBD to say how many customers are active.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from koipond.frames.columns import Floats
from koipond.profiles.clv.beta_geometric import (
    fit_beta_geometric,
    purchases_while_alive,
    stopped_odds,
    tail_while_alive,
)
from koipond.profiles.clv.collapse import Counts, check_histories, collapse
from koipond.profiles.clv.maximum import EVALUATIONS_MAX
from koipond.profiles.clv.model import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class BgNbd:
    """Purchase rate λ ~ Gamma(``r``, ``alpha``); stops after a repeat purchase, p ~ Beta(``a``, ``b``)."""

    r: float
    alpha: float
    a: float
    b: float

    key: ClassVar[str] = "bgnbd"
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    alive_before_repeat: ClassVar[bool] = False

    @property
    def params(self) -> dict[str, float]:
        """Return r, alpha, a, b."""
        return {"r": self.r, "alpha": self.alpha, "a": self.a, "b": self.b}

    def p_alive(self, rows: Counts) -> Floats:
        """Return P(alive) at T; 1 where x = 0 (see the trap above)."""
        return 1 / (1 + stopped_odds(rows, **self.params, shift=0))

    def expected_purchases(self, horizon: float, rows: Counts) -> Floats:
        """Return E[Y(t) | x, t_x, T] (eq. 10)."""
        alive = purchases_while_alive(horizon, rows.x, rows.T, **self.params)
        return alive * self.p_alive(rows)

    def expected_new(self, age: Floats) -> Floats:
        """Return E[X(t)] of a new customer (eq. 9)."""
        nothing = np.zeros_like(age)
        return purchases_while_alive(age, nothing, nothing, **self.params)

    def tail(self, horizon: float, rows: Counts) -> Iterator[Floats]:
        """Yield P(Y(t) ≥ k | x, t_x, T), k = 1, 2, …"""
        alive = self.p_alive(rows)
        for tail in tail_while_alive(horizon, rows, **self.params):
            yield alive * tail


def fit_bgnbd(
    x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, *, evaluations_max: int = EVALUATIONS_MAX
) -> Fit:
    """Fit BG/NBD to repeat counts ``x``, ages ``t_x`` at the last purchase and ages ``T`` (one unit of time).

    Raises InputError for histories that cannot be.
    """
    return fit_bgnbd_counts(collapse(*check_histories(x, t_x, T)), evaluations_max=evaluations_max)


def fit_bgnbd_counts(rows: Counts, *, evaluations_max: int = EVALUATIONS_MAX) -> Fit:
    """Fit BG/NBD to collapsed histories (likelihood: eq. 6)."""
    return fit_beta_geometric(BgNbd, rows, shift=0, evaluations_max=evaluations_max)
