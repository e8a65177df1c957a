"""The table of a test, checked and turned into a `Sample`. All mistakes are reported at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from koipond.frames import TableLike, require_columns, to_arrow
from koipond.kernel import InputError
from koipond.strategy.uplift.features import Encoding, fit_encoding
from koipond.strategy.uplift.sample import Sample

FloatArray = NDArray[np.float64]
_ARM_CUSTOMERS_MIN = 50
_ARMS_MAX = 20
_CONTROLS = ("control", "0", "false", "False", "none", "holdout")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestTable:
    """A test as read: the sample, the names of its arms and how its features were encoded."""

    sample: Sample
    control: str
    arms: tuple[str, ...]  # without the control
    encoding: Encoding
    features: tuple[str, ...]


def read_test(
    table: TableLike,
    *,
    arm: str,
    outcome: str,
    features: Sequence[str] | None,
    control: str | None,
    ignore: Sequence[str],
    randomised: bool,
) -> TestTable:
    """Return the test in ``table``; ``features`` None = every column but arm, outcome and ``ignore``.

    Raises InputError for unknown columns, missing arms or outcomes, fewer than two arms or more than 20, arms
    of fewer than 50 customers, an outcome that never varies, or no clear control.
    """
    rows = to_arrow(table)
    require_columns(rows, [arm, outcome, *(features or ()), *ignore])
    chosen = (
        features
        if features is not None
        else [c for c in rows.column_names if c not in {arm, outcome, *ignore}]
    )
    inside = sorted({arm, outcome} & set(chosen))
    if inside:
        raise InputError(
            "features: {inside} is not known before the touch; leave it out", inside=", ".join(inside)
        )
    codes, arms, reference = _arms(rows[arm], arm, control)
    result = read_outcome(rows[outcome], outcome)
    encoding = fit_encoding(rows, chosen)
    sample = Sample(
        features=encoding.read(rows),
        arm=codes,
        outcome=result,
        arms=len(arms),
        binary=bool(np.isin(result, (0.0, 1.0)).all()),
        randomised=randomised,
    )
    return TestTable(sample=sample, control=reference, arms=arms, encoding=encoding, features=tuple(chosen))


def _arms(
    column: pa.ChunkedArray, name: str, control: str | None
) -> tuple[NDArray[np.intp], tuple[str, ...], str]:
    """Return the arm number of each row (0 = control), the other arms' names in order, and the control's."""
    if column.null_count:
        raise InputError(
            "{name}: {null_count} customers have no arm; drop them or name their arm",
            name=name,
            null_count=column.null_count,
        )
    given = np.asarray([str(label) for label in column.to_pylist()], dtype=object)
    labels, counts = np.unique(given.astype(str), return_counts=True)
    found = dict(zip(labels.tolist(), counts.tolist(), strict=True))
    if not 2 <= len(found) <= _ARMS_MAX:
        raise InputError(
            "{name}: {count} arms; uplift needs a control and 1 to {arms_max} others",
            name=name,
            count=len(found),
            arms_max=_ARMS_MAX - 1,
        )
    reference = control if control is not None else next((c for c in _CONTROLS if c in found), None)
    if reference is None or reference not in found:
        raise InputError(
            "{name}: name the control arm with control=, one of {found}",
            name=name,
            found=", ".join(sorted(found)),
        )
    small = [f"{label} ({count})" for label, count in found.items() if count < _ARM_CUSTOMERS_MIN]
    if small:
        raise InputError(
            "{name}: fewer than {arm_customers_min} customers in arm {small}",
            name=name,
            arm_customers_min=_ARM_CUSTOMERS_MIN,
            small=", ".join(small),
        )
    arms = tuple(label for label in found if label != reference)
    codes = np.zeros(len(given), dtype=np.intp)
    for number, label in enumerate(arms, start=1):
        codes[given == label] = number
    return codes, arms, reference


def read_outcome(column: pa.ChunkedArray, name: str) -> FloatArray:
    """Return the outcome as floats; raise InputError when values are missing, infinite or all the same."""
    if column.null_count:
        raise InputError(
            "{name}: {null_count} customers have no outcome; fill it (no order = 0) or drop them",
            name=name,
            null_count=column.null_count,
        )
    try:
        values: Any = column.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid as error:
        raise InputError(
            "{name}: an outcome is a number or true/false, not {kind}", name=name, kind=column.type
        ) from error
    result = np.asarray(values, dtype=np.float64)
    if not np.isfinite(result).all():
        raise InputError(
            "{name}: {isfinite} outcomes are missing or infinite",
            name=name,
            isfinite=int((~np.isfinite(result)).sum()),
        )
    if result.min() == result.max():
        raise InputError(
            "{name}: everybody has the outcome {result:g}; nothing can be learnt", name=name, result=result[0]
        )
    return result
