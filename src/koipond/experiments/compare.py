"""``koipond.compare``: a table with one row per customer → the comparison of its arms."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from koipond.experiments.always_valid import AlwaysValidBound
from koipond.experiments.bounds import Bound, FixedBound
from koipond.experiments.columns import Array, numeric, sums_of
from koipond.experiments.comparison import ArmData, Comparison, compare_arms
from koipond.experiments.design import Design
from koipond.experiments.guardrails import Guardrail
from koipond.experiments.metric import Metric, read_metrics, sum_columns
from koipond.experiments.quantiles import ValueCounts
from koipond.experiments.relative import RelativeMethod
from koipond.experiments.statistics import MetricSums
from koipond.frames import TableLike, require_columns, to_arrow
from koipond.kernel import InputError, Message, joined

_ALPHA = 0.05
_METRICS: Mapping[str, Any] = {"bought": "proportion", "spend": "mean"}
ARMS_MAX = 100


def compare(
    table: TableLike,
    arm: str = "arm",
    control: object = "control",
    metrics: Mapping[str, Any] | None = None,
    covariates: Sequence[str] = (),
    design: str | Design | Bound = "fixed",
    alpha: float = _ALPHA,
    *,
    expected: Mapping[str, float] | None = None,
    relative: RelativeMethod = "log-ratio",
    customer: str | None = None,
    guardrails: Sequence[Guardrail] = (),
) -> Comparison:
    """Compare every arm of ``table`` (one row per customer) with the control.

    ``arm``: the column of arms. ``control``: the control's label in it. ``metrics``: see `read_metrics`,
    such as ``{"bought": "proportion", "spend": "mean", "aov": ("ratio", "revenue", "orders")}``; left out,
    they are the share who ``bought`` and the mean ``spend``.
    ``covariates``: columns fixed before assignment (CUPED). ``design``: "fixed", "always_valid" or a value
    of `koipond.design`. ``expected``: meant shares of the arms (default: equal). ``customer``: a column
    that must not repeat. Raises InputError for missing columns, missing or infinite values, unknown labels
    and metrics that cannot be tested.
    """
    wanted = read_metrics(_METRICS if metrics is None else metrics)
    if isinstance(covariates, str):
        raise InputError(
            "covariates must be a list of columns: write [{covariates!r}]", covariates=covariates
        )
    rows = to_arrow(table)
    columns = sum_columns(wanted, covariates)
    extra = [m.column for m in wanted if m.kind == "quantile"]
    require_columns(rows, dict.fromkeys([arm, *columns, *extra, *([customer] if customer else [])]))
    if customer is not None and pc.count_distinct(rows[customer]).as_py() < rows.num_rows:
        raise InputError("{customer} repeats: aggregate to one row per customer first", customer=customer)
    return compare_arms(
        _by_arm(rows, arm, columns, wanted),
        control=str(control),
        metrics=wanted,
        covariates=tuple(covariates),
        bound=_bound(design, alpha),
        expected=None if expected is None else {str(label): share for label, share in expected.items()},
        relative=relative,
        guardrails=guardrails,
    )


def _by_arm(
    rows: pa.Table, arm: str, columns: Sequence[str], metrics: Sequence[Metric]
) -> dict[str, ArmData]:
    quantiles = {m.name: m.column for m in metrics if m.kind == "quantile"}
    arrays = _arrays(rows, dict.fromkeys([*columns, *quantiles.values()]))
    result = {}
    for label, places in _places(rows, arm).items():
        own = {name: values[places] for name, values in arrays.items()}
        result[label] = ArmData(
            sums=_sums(own, columns, len(places)),
            counts={name: ValueCounts.of(own[column]) for name, column in quantiles.items()},
        )
    return dict(sorted(result.items()))


def _sums(own: Mapping[str, Array], columns: Sequence[str], n: int) -> MetricSums:
    if columns:
        return sums_of({name: own[name] for name in columns})
    return MetricSums(n=n, columns=(), sums=(), products=())


def _places(rows: pa.Table, arm: str) -> dict[str, Array]:
    """Return label → row numbers; raise InputError for rows without an arm or fewer than two arms."""
    if rows[arm].null_count:
        raise InputError(
            "{null_count} rows have no {arm}: drop them or name their arm",
            null_count=rows[arm].null_count,
            arm=arm,
        )
    coded = rows[arm].combine_chunks().dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    labels = [str(label) for label in coded.dictionary.to_pylist()]
    if len(labels) > ARMS_MAX:
        raise InputError(
            "column {arm} holds {count} labels, at most {arms_max} are arms: is it the arm?",
            arm=arm,
            count=len(labels),
            arms_max=ARMS_MAX,
        )
    found = {label: np.flatnonzero(codes == code) for code, label in enumerate(labels)}
    found = {label: places for label, places in found.items() if len(places)}  # a category without rows
    if len(found) < 2:
        raise InputError(
            "column {arm} holds {count} arm(s), a comparison needs two", arm=arm, count=len(found)
        )
    return found


def _arrays(rows: pa.Table, names: Mapping[str, object]) -> dict[str, Array]:
    wrong, arrays = [], {}
    for name in names:
        column = rows[name]
        if column.null_count:
            wrong.append(
                Message(
                    "column {name} has {null_count} missing values: fill them (no order = 0) or "
                    "drop the customers",
                    name=name,
                    null_count=column.null_count,
                )
            )
            continue
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        try:
            arrays[name] = numeric(name, column.to_numpy())
        except InputError as error:
            wrong.append(error.message)
    if wrong:
        raise InputError(joined("; ", wrong))
    return arrays


def _bound(design: str | Design | Bound, alpha: float) -> Bound:
    if isinstance(design, Design):
        if alpha not in (_ALPHA, design.alpha):
            raise InputError(
                "the design has alpha {alpha} and the comparison {other_alpha}: leave one out",
                alpha=design.alpha,
                other_alpha=alpha,
            )
        return design.bound()
    if not isinstance(design, str):
        return design
    if design == "fixed":
        return FixedBound(alpha=alpha)
    if design == "always_valid":
        return AlwaysValidBound(alpha=alpha)
    raise InputError(
        "design must be 'fixed', 'always_valid' or a value of koipond.design, got {design!r}", design=design
    )
