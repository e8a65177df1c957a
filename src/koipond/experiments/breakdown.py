"""Effect by layer (分层效果, S57), partially pooled, so small cells neither shout nor fall silent. Pure.

Pooling is for one look: a posterior looked at again and again covers less than it says. Under an always-valid
bound each layer stands alone, its own difference with the interval that the bound gives its customers.

Takes the statistics of each (layer, arm). A cell's own variance is as shaky as the cell is small, so it
leans on the variance of the whole arm with the weight of 10 customers; this also makes cells where nobody
bought usable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

import numpy as np

from koipond.experiments.adjustment import Target
from koipond.experiments.always_valid import AlwaysValidBound
from koipond.experiments.effect import label
from koipond.experiments.pooling import Pooled, pool
from koipond.experiments.statistics import MetricSums, combined_variance
from koipond.frames import PlotSpec, chart, interval_layers, plain, reference_layer, text_table
from koipond.kernel import InputError, Message

PRIOR_CUSTOMERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerEffect:
    """One layer: what it says alone, and what it says when it leans on the others.

    Where it does not lean and an arm is empty, nothing is known: ``difference`` is None, the interval too.
    """

    layer: str
    control_customers: int
    treated_customers: int
    own: float | None  # None: an arm is empty here
    own_se: float | None
    difference: float | None
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the layer as plain values."""
        return {name: getattr(self, name) for name in LayerEffect.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The effect in every layer, the mean over layers, and the standard deviation between them.

    The mean and ``between`` are those of the pooling: None where the layers stand alone.
    """

    metric: str
    method: str
    alpha: float
    layers: tuple[LayerEffect, ...]
    mean: float | None
    mean_low: float | None
    mean_high: float | None
    between: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the breakdown as plain values."""
        names = ("metric", "method", "alpha", "mean", "mean_low", "mean_high", "between")
        values = {name: getattr(self, name) for name in names}
        result: dict[str, Any] = plain(values | {"layers": [layer.to_dict() for layer in self.layers]})
        return result

    def __str__(self) -> str:
        header = ["layer", "control n", "treated n", "alone", "alone se", "pooled", "low", "high"]
        rows = [list(layer.to_dict().values()) for layer in self.layers]
        if self.mean is not None:
            rows.append(["all layers", None, None, None, None, self.mean, self.mean_low, self.mean_high])
        return f"{self.metric}, {self.method}\n{text_table(header, rows)}"

    def plot(self) -> PlotSpec:
        """Return the pooled effects with their intervals, one line per layer."""
        rows = [layer.to_dict() for layer in self.layers if layer.low is not None]
        layers = interval_layers(label="layer", estimate="difference", low="low", high="high")
        return chart(rows, [*layers, reference_layer(0.0, axis="x")], title=f"{self.metric} by layer")


def break_down(
    cells: Mapping[str, tuple[MetricSums, MetricSums]],
    target: Target,
    *,
    name: str = "",
    alpha: float = 0.05,
    bound: AlwaysValidBound | None = None,
) -> Breakdown:
    """Return the effect on ``target`` in every layer: partially pooled, or alone and valid at every look
    under ``bound``, which brings its own alpha.

    ``cells``: layer → statistics of (control, treated). Pooled, a layer where an arm is empty gets the answer
    of a layer never seen. Raises InputError for fewer than two layers with customers in both arms, or a
    metric that never varies.
    """
    columns = [column for column in (target.numerator, target.denominator) if column is not None]
    whole = [sum((pair[i] for pair in cells.values()), MetricSums.empty(_columns(cells))) for i in (0, 1)]
    usable = sum(all(_usable(arm, target) for arm in pair) for pair in cells.values())
    if usable < 2:
        raise InputError(
            "a breakdown of {columns} needs two layers with customers in both arms, not {usable}",
            columns=", ".join(columns),
            usable=usable,
        )
    spreads = [combined_variance(arm, target.weights(arm)) for arm in whole]
    if not any(spreads):
        raise InputError(
            "{columns} is the same for everyone: there is nothing to break down", columns=", ".join(columns)
        )
    own = [_own(pair, whole, spreads, target) for pair in cells.values()]
    if bound is not None:
        return _alone(cells, own, bound, name or target.numerator)
    ses = np.array([se for _, se in own])
    pooled = pool(np.array([difference for difference, _ in own]), ses, alpha=alpha)
    return Breakdown(
        metric=name or target.numerator,
        method=Message("partial pooling (normal-normal, half-Cauchy tau)"),
        alpha=alpha,
        layers=tuple(_layer(layer, pair, own[i], pooled, i) for i, (layer, pair) in enumerate(cells.items())),
        mean=pooled.mu,
        mean_low=pooled.mu_low,
        mean_high=pooled.mu_high,
        between=pooled.tau,
    )


def _alone(
    cells: Mapping[str, tuple[MetricSums, MetricSums]],
    own: list[tuple[float, float]],
    bound: AlwaysValidBound,
    metric: str,
) -> Breakdown:
    made = []
    for (layer, pair), (difference, se) in zip(cells.items(), own, strict=True):
        customers = pair[0].n + pair[1].n
        half = bound.multiplier(customers) * se if se != inf else inf
        known = half != inf  # nobody in an arm: no interval
        made.append(
            LayerEffect(
                layer=layer,
                control_customers=pair[0].n,
                treated_customers=pair[1].n,
                own=difference if se != inf else None,
                own_se=se if se != inf else None,
                difference=difference if known else None,
                low=difference - half if known else None,
                high=difference + half if known else None,
            )
        )
    return Breakdown(
        metric=metric,
        method=label(Message("each layer alone"), bound),
        alpha=bound.alpha,
        layers=tuple(made),
        mean=None,
        mean_low=None,
        mean_high=None,
        between=None,
    )


def _own(
    pair: tuple[MetricSums, MetricSums], whole: list[MetricSums], spreads: list[float], target: Target
) -> tuple[float, float]:
    """Return one layer's own difference and its standard error; (0, infinity) where an arm is empty."""
    if not all(_usable(arm, target) for arm in pair):
        return 0.0, inf
    variance = 0.0
    for arm, total, spread in zip(pair, whole, spreads, strict=True):
        weights = target.weights(arm)
        raw = combined_variance(arm, weights) if arm.n > 1 else 0.0
        scale = _scale(arm, total, target)
        moderated = (PRIOR_CUSTOMERS * spread * scale + (arm.n - 1) * raw) / (PRIOR_CUSTOMERS + arm.n - 1)
        variance += moderated / arm.n
    return target.value(pair[1]) - target.value(pair[0]), sqrt(variance)


def _scale(arm: MetricSums, total: MetricSums, target: Target) -> float:
    """Return how the arm's spread scales with the layer's denominator (1 for means)."""
    if target.denominator is None:
        return 1.0
    return (total.mean(target.denominator) / arm.mean(target.denominator)) ** 2


def _usable(arm: MetricSums, target: Target) -> bool:
    return arm.n > 0 and (target.denominator is None or arm.total(target.denominator) > 0)


def _columns(cells: Mapping[str, tuple[MetricSums, MetricSums]]) -> tuple[str, ...]:
    return next((pair[0].columns for pair in cells.values()), ())


def _layer(
    layer: str, pair: tuple[MetricSums, MetricSums], own: tuple[float, float], pooled: Pooled, i: int
) -> LayerEffect:
    seen = own[1] != inf
    return LayerEffect(
        layer=layer,
        control_customers=pair[0].n,
        treated_customers=pair[1].n,
        own=own[0] if seen else None,
        own_se=own[1] if seen else None,
        difference=float(pooled.estimate[i]),
        low=float(pooled.low[i]),
        high=float(pooled.high[i]),
    )
