"""MBG/NBD: Batislam, Denizel and Filiztekin (2007); Hoppe and Wagner (2007). Pure.

BG/NBD with one more chance to stop, right after the first purchase: a one-time buyer may be gone.
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
class MbgNbd:
    """Rate λ ~ Gamma(``r``, ``alpha``); stops after any purchase, the first too, p ~ Beta(``a``, ``b``)."""

    r: float
    alpha: float
    a: float
    b: float

    key: ClassVar[str] = "mbgnbd"
    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    alive_before_repeat: ClassVar[bool] = True

    @property
    def params(self) -> dict[str, float]:
        """Return r, alpha, a, b."""
        return {"r": self.r, "alpha": self.alpha, "a": self.a, "b": self.b}

    def p_alive(self, rows: Counts) -> Floats:
        """Return P(alive) at T."""
        return 1 / (1 + stopped_odds(rows, **self.params, shift=1))

    def expected_purchases(self, horizon: float, rows: Counts) -> Floats:
        """Return E[Y(t) | x, t_x, T]: given alive, p ~ Beta(a, b+x+1)."""
        return purchases_while_alive(horizon, rows.x, rows.T, **self._survived_first()) * self.p_alive(rows)

    def expected_new(self, age: Floats) -> Floats:
        """Return E[X(t)] of a new customer: survives the first purchase with b/(a+b)."""
        nothing = np.zeros_like(age)
        alive = purchases_while_alive(age, nothing, nothing, **self._survived_first())
        return self.b / (self.a + self.b) * alive

    def tail(self, horizon: float, rows: Counts) -> Iterator[Floats]:
        """Yield P(Y(t) ≥ k | x, t_x, T), k = 1, 2, …"""
        alive = self.p_alive(rows)
        for tail in tail_while_alive(horizon, rows, **self._survived_first()):
            yield alive * tail

    def _survived_first(self) -> dict[str, float]:
        return {"r": self.r, "alpha": self.alpha, "a": self.a, "b": self.b + 1}


def fit_mbgnbd(
    x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike, *, evaluations_max: int = EVALUATIONS_MAX
) -> Fit:
    """Fit MBG/NBD to repeat counts ``x``, ages ``t_x`` at the last purchase and ages ``T`` (one unit).

    Raises InputError for histories that cannot be.
    """
    return fit_mbgnbd_counts(collapse(*check_histories(x, t_x, T)), evaluations_max=evaluations_max)


def fit_mbgnbd_counts(rows: Counts, *, evaluations_max: int = EVALUATIONS_MAX) -> Fit:
    """Fit MBG/NBD to collapsed histories."""
    return fit_beta_geometric(MbgNbd, rows, shift=1, evaluations_max=evaluations_max)
