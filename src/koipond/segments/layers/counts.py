"""Count a profile by layer (分层计数): the ``layers`` answer of the command contract."""

from typing import Any

from koipond.facts.ports import IbisTable, Reader
from koipond.segments.layers import aipl, grade, lifecycle, rfm
from koipond.segments.layers.scalars import counted

_SCORES = ("1", "2", "3", "4", "5")
_VALUES: dict[str, tuple[str, ...]] = {
    "rfm_cell": rfm.CELLS,
    "rfm_level": rfm.LEVELS,
    "lifecycle": lifecycle.STAGES,
    "aipl": aipl.STAGES,
    "grade": grade.GRADES,
    "r_score": _SCORES,
    "f_score": _SCORES,
    "m_score": _SCORES,
}


def count_profile(reader: Reader, profile: IbisTable) -> dict[str, Any]:
    """Return customers, buyers and each layer's counts, every key present.

    Staff and customers who refuse profiling are counted nowhere. ``rfm.customers`` = those with scores.
    """
    rows = counted(profile)
    sums = {
        "customers": rows.count(),
        "buyers": (rows.purchase_days > 0).sum(),
        "scored": rows.r_score.count(),
    }
    sums |= {name: rows[name].sum() for name in lifecycle.FLAGS}
    for column, values in _VALUES.items():
        for value in values:
            literal: Any = int(value) if column.endswith("_score") else value
            sums[f"{column}:{value}"] = (rows[column] == literal).sum()
    found = reader.frame(rows.agg(**sums)).to_pylist()[0]
    n = {name: int(value or 0) for name, value in found.items()}
    layer = {
        column: {value: n[f"{column}:{value}"] for value in values} for column, values in _VALUES.items()
    }
    return {
        "customers": n["customers"],
        "buyers": n["buyers"],
        "rfm": {
            "customers": n["scored"],
            "cells": layer["rfm_cell"],
            "level": layer["rfm_level"],
            "scores": {axis: layer[f"{axis}_score"] for axis in rfm.AXES},
        },
        "lifecycle": layer["lifecycle"],
        "flags": {name: n[name] for name in lifecycle.FLAGS},
        "aipl": layer["aipl"],
        "grade": layer["grade"],
    }
