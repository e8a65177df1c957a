"""What every purchase model can answer, and what a fit of one holds (购买模型). Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np

from koipond.frames.columns import Floats, read_only
from koipond.profiles.clv.collapse import Counts
from koipond.profiles.clv.maximum import Objective, log_covariance

FLAT_ABOVE = 2.0
"""A parameter whose logarithm has a larger standard error is not determined: 95 % runs over e^±4."""


class PurchaseModel(Protocol):
    """A fitted model of when customers buy and when they stop. Times are in the unit of the fit."""

    key: ClassVar[str]
    names: ClassVar[tuple[str, ...]]
    alive_before_repeat: ClassVar[bool]
    """Whether a customer without a repeat purchase can have stopped already; False only in BG/NBD."""

    @property
    def params(self) -> dict[str, float]:
        """Return the parameters under the paper's names."""
        ...

    def p_alive(self, rows: Counts) -> Floats:
        """Return the probability that the customers of each row will still buy."""
        ...

    def expected_purchases(self, horizon: float, rows: Counts) -> Floats:
        """Return the expected purchases of one customer of each row in the ``horizon`` after T."""
        ...

    def expected_new(self, age: Floats) -> Floats:
        """Return the expected repeat purchases of a customer up to ``age`` after the first purchase."""
        ...

    def tail(self, horizon: float, rows: Counts) -> Iterator[Floats]:
        """Yield P(at least k purchases in the horizon after T) of each row for k = 1, 2, …, without end."""
        ...


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A model at its maximum likelihood. ``objective`` stays with it so that the standard errors are
    computed only when somebody asks."""

    model: PurchaseModel
    log_likelihood: float
    customers: int
    evaluations: int
    converged: bool
    objective: Objective

    @property
    def params(self) -> dict[str, float]:
        """Return the parameters under the paper's names."""
        return self.model.params

    @cached_property
    def log_covariance(self) -> Floats:
        """Return the covariance of the log parameters (inverse observed information)."""
        return read_only(log_covariance(self.objective, self.log_params))

    @property
    def log_params(self) -> Floats:
        """Return the natural logarithm of the parameters, in the order of ``model.names``."""
        return np.asarray(np.log([self.params[name] for name in self.model.names]))

    @property
    def standard_errors(self) -> dict[str, float]:
        """Return the standard error of each parameter (delta method from the log scale)."""
        spread = np.sqrt(np.diag(self.log_covariance))
        return {name: self.params[name] * float(spread[i]) for i, name in enumerate(self.model.names)}

    @property
    def flat(self) -> bool:
        """Whether the data leave a parameter undetermined (``FLAT_ABOVE``)."""
        return bool(np.sqrt(np.diag(self.log_covariance)).max() > FLAT_ABOVE)
