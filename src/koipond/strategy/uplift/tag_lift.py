"""Which tags separate buyers (标签增益, S09), beyond what the other tags already say.

Each tag in turn is read as if it were a touch: the doubly robust difference in the outcome between customers
with and without it, the other tags and features held equal (the same scores as `robust.robust_scores`, with
chances estimated). It is what knowing the tag adds; it is not what giving the tag would cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from koipond.experiments.multiplicity import benjamini_hochberg
from koipond.frames import (
    PlotSpec,
    TableLike,
    chart,
    interval_layers,
    plain,
    reference_layer,
    require_columns,
    text_table,
    to_arrow,
)
from koipond.kernel import InputError
from koipond.strategy.uplift.calibration import Z_95
from koipond.strategy.uplift.features import fit_encoding
from koipond.strategy.uplift.linear import one_thread
from koipond.strategy.uplift.reading import read_outcome
from koipond.strategy.uplift.robust import robust_scores
from koipond.strategy.uplift.sample import Sample, canonical_order

FloatArray = NDArray[np.float64]
TagDecision = Literal["keep", "retire", "unproven", "duplicate", "too few"]
_TAGS_MAX = 200
_CUSTOMERS_MIN = 30
_SAME = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class TagEffect:
    """One tag. ``difference`` is raw, ``adjusted`` with the other tags held equal (95 % interval)."""

    tag: str
    customers: int  # with the tag
    share: float
    outcome_with: float
    outcome_without: float
    difference: float
    adjusted: float | None  # None for duplicates and tags of too few customers
    low: float | None
    high: float | None
    p: float | None  # Benjamini-Hochberg over all tags judged
    separation: float  # |adjusted| × standard deviation of the tag: outcome it accounts for
    decision: TagDecision
    same_as: str | None

    def to_dict(self) -> dict[str, Any]:
        return {name: plain(getattr(self, name)) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class TagLift:
    """Tags by how much they separate buyers, the strongest first."""

    outcome: str
    useful: float  # smallest difference worth a tag
    tags: tuple[TagEffect, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"outcome": self.outcome, "useful": self.useful, "tags": [tag.to_dict() for tag in self.tags]}

    def __str__(self) -> str:
        header = ["tag", "share", "with", "without", "adjusted", "low", "high", "p", "decision"]
        rows = []
        for t in self.tags:
            decision = f"same as {t.same_as}" if t.same_as else t.decision
            numbers = [t.share, t.outcome_with, t.outcome_without, t.adjusted, t.low, t.high, t.p]
            rows.append([t.tag, *numbers, decision])
        return text_table(header, rows)

    def plot(self) -> PlotSpec:
        """Return the adjusted differences as intervals, in order."""
        rows = [tag.to_dict() for tag in self.tags if tag.adjusted is not None]
        layers = interval_layers(label="tag", estimate="adjusted", low="low", high="high", color="decision")
        return chart(rows, [*layers, reference_layer(0.0, axis="x")], title=f"Tags by {self.outcome}")


def tag_lift(
    table: TableLike,
    tags: Sequence[str],
    outcome: str = "outcome",
    *,
    features: Sequence[str] = (),
    useful: float | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> TagLift:
    """Return ``tags`` (true/false or 0/1 columns, missing = without) ranked by what each adds about
    ``outcome``.

    ``features`` are held equal too. ``useful``: the smallest difference worth acting on, default a tenth of
    the mean outcome. *Keep*: the adjusted difference is proven at ``alpha`` (false discovery rate). *Retire*:
    its interval lies within ± ``useful``. *Duplicate*: nearly equal to a stronger tag (correlation 0.98).
    *Too few*: fewer than 30 customers with it, or without it.

    Needs the extra ``uplift``. Raises InputError for unknown columns, more than 200 tags, or values other
    than 0/1.
    """
    rows = to_arrow(table)
    _check(rows, tags, outcome, features)
    result = read_outcome(rows[outcome], outcome)
    marks = {tag: _marks(rows[tag], tag) for tag in tags}
    floor = useful if useful is not None else abs(float(result.mean())) / 10
    same = _duplicates(marks, result)
    judged = {tag: m for tag, m in marks.items() if tag not in same and _is_enough(m)}
    context = fit_encoding(rows, features).read(rows) if features else np.zeros((len(result), 0))
    with one_thread():
        effects = {tag: _adjusted(tag, judged, context, result, seed) for tag in judged}
    p_values = benjamini_hochberg([_p(*effect) for effect in effects.values()])
    adjusted_p = dict(zip(effects, p_values, strict=True))
    found = [
        _tag_effect(
            tag, marks[tag], result, effects.get(tag), adjusted_p.get(tag), same.get(tag), floor, alpha
        )
        for tag in tags
    ]
    ranked = sorted(found, key=lambda t: (t.adjusted is None, -t.separation, t.tag))
    return TagLift(outcome=outcome, useful=floor, tags=tuple(ranked))


def _adjusted(
    tag: str, judged: dict[str, FloatArray], context: FloatArray, result: FloatArray, seed: int
) -> tuple[float, float]:
    """Return the doubly robust difference of ``tag`` and its standard error."""
    others = [marks for name, marks in judged.items() if name != tag]
    sample = Sample(
        features=np.column_stack([*others, context]),
        arm=judged[tag].astype(np.intp),
        outcome=result,
        arms=1,
        binary=bool(np.isin(result, (0.0, 1.0)).all()),
        randomised=False,
    )
    scores = robust_scores(sample.take(canonical_order(sample)), seed)[:, 0]
    return float(scores.mean()), float(scores.std(ddof=1) / sqrt(len(scores)))


def _tag_effect(
    tag: str,
    marks: FloatArray,
    result: FloatArray,
    effect: tuple[float, float] | None,
    p: float | None,
    same_as: str | None,
    useful: float,
    alpha: float,
) -> TagEffect:
    held = marks == 1.0
    share = float(held.mean())
    with_tag = float(result[held].mean()) if held.any() else 0.0
    without = float(result[~held].mean()) if not held.all() else 0.0
    adjusted, se = effect if effect is not None else (None, 0.0)
    low, high = (None, None) if adjusted is None else (adjusted - Z_95 * se, adjusted + Z_95 * se)
    decision: TagDecision = "duplicate" if same_as else "too few"
    if p is not None and low is not None and high is not None:
        small = -useful < low and high < useful
        decision = "retire" if small else "keep" if p < alpha else "unproven"
    return TagEffect(
        tag=tag,
        customers=int(held.sum()),
        share=share,
        outcome_with=with_tag,
        outcome_without=without,
        difference=with_tag - without,
        adjusted=adjusted,
        low=low,
        high=high,
        p=p,
        separation=abs(adjusted or 0.0) * sqrt(share * (1.0 - share)),
        decision=decision,
        same_as=same_as,
    )


def _duplicates(marks: dict[str, FloatArray], result: FloatArray) -> dict[str, str]:
    """Return tag → the stronger tag that says the same; the stronger one has the larger |correlation|."""
    strength = {tag: abs(_correlation(m, result)) for tag, m in marks.items()}
    kept: list[str] = []
    same: dict[str, str] = {}
    for tag in sorted(marks, key=lambda tag: -strength[tag]):
        twin = next((k for k in kept if abs(_correlation(marks[tag], marks[k])) >= _SAME), None)
        if twin is None:
            kept.append(tag)
        else:
            same[tag] = twin
    return same


def _correlation(one: FloatArray, two: FloatArray) -> float:
    spread = float(one.std() * two.std())
    return float(np.mean((one - one.mean()) * (two - two.mean()))) / spread if spread > 0 else 0.0


def _is_enough(marks: FloatArray) -> bool:
    return bool(_CUSTOMERS_MIN <= marks.sum() <= len(marks) - _CUSTOMERS_MIN)


def _p(effect: float, se: float) -> float:
    return erfc(abs(effect) / se / sqrt(2.0)) if se > 0 else 1.0


def _marks(column: pa.ChunkedArray, tag: str) -> FloatArray:
    try:
        marks: FloatArray = np.nan_to_num(column.cast(pa.float64()).to_numpy().astype(np.float64))
    except pa.ArrowInvalid as error:
        raise InputError(
            "tags: column {tag} is {kind}; pass true/false or 0/1", tag=tag, kind=column.type
        ) from error
    if not np.isin(marks, (0.0, 1.0)).all():
        raise InputError("tags: column {tag} holds values other than 0 and 1", tag=tag)
    return marks


def _check(rows: pa.Table, tags: Sequence[str], outcome: str, features: Sequence[str]) -> None:
    require_columns(rows, [*tags, outcome, *features])
    if not 1 <= len(tags) <= _TAGS_MAX:
        raise InputError("tags: {count} given; pass 1 to {tags_max}", count=len(tags), tags_max=_TAGS_MAX)
    twice = sorted({name for name in [*tags, *features] if [*tags, *features, outcome].count(name) > 1})
    if twice:
        raise InputError("tags: {twice} is named twice", twice=", ".join(twice))
