"""What is compared (指标): a metric's name, its kind and the columns it needs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from koipond.kernel import InputError, Message, joined

Kind = Literal["mean", "proportion", "ratio", "quantile"]
KINDS: tuple[Kind, ...] = ("mean", "proportion", "ratio", "quantile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of a comparison; ``denominator`` for ratios, ``q`` for quantiles."""

    name: str
    kind: Kind
    column: str
    denominator: str | None = None
    q: float = 0.5

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose sums it needs: none for a quantile, which needs counts of values."""
        if self.kind == "quantile":
            return ()
        return (self.column,) if self.denominator is None else (self.column, self.denominator)


def read_metrics(metrics: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Return the metrics as written by a caller; raise InputError that names every wrong one.

    ``"mean"`` and ``"proportion"`` read the column of the metric's own name, ``("mean", column)`` another
    one; ``("ratio", numerator, denominator)``; ``("quantile", 0.9)``, ``("quantile", 0.9, column)`` or
    ``"quantile"`` for the median.
    """
    read, wrong = [], []
    for name, spec in metrics.items():
        parts = (spec,) if isinstance(spec, str) else tuple(spec) if isinstance(spec, Sequence) else ()
        metric = _read(name, parts)
        if metric is None:
            wrong.append(f"{name}: {spec!r}")
        else:
            read.append(metric)
    if wrong or not read:
        raise InputError(
            "metrics must name one kind each, got {wrong}. Write 'mean', 'proportion', "
            "('ratio', numerator, denominator) or ('quantile', 0.9)",
            wrong=joined("; ", wrong) or Message("no metric"),
        )
    return tuple(read)


def sum_columns(metrics: Sequence[Metric], covariates: Sequence[str]) -> tuple[str, ...]:
    """Return the columns to aggregate for ``metrics`` and ``covariates``, each once."""
    return tuple(dict.fromkeys([*(c for m in metrics for c in m.columns), *covariates]))


def _read(name: str, parts: tuple[Any, ...]) -> Metric | None:
    match parts:
        case ("mean" | "proportion" as kind,):
            return Metric(name=name, kind=kind, column=name)
        case ("mean" | "proportion" as kind, str(column)):
            return Metric(name=name, kind=kind, column=column)
        case ("ratio", str(numerator), str(denominator)) if numerator != denominator:
            return Metric(name=name, kind="ratio", column=numerator, denominator=denominator)
        case ("quantile",):
            return Metric(name=name, kind="quantile", column=name)
        case ("quantile", int() | float() as q, *rest) if 0 < q < 1 and len(rest) < 2:
            return Metric(name=name, kind="quantile", column=str(rest[0]) if rest else name, q=float(q))
    return None
