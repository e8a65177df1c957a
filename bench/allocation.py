"""Offer allocation: value, proven gap and CPU seconds, ours beside HiGHS in the same run.

    PYTHONPATH=src python bench/allocation.py [--pairs 3] [--simplex-max 10000] [--interior-max 100000]

HiGHS (through scipy) solves the linear relaxation, by simplex or interior point, and the whole-number
problem. Our `gap` bounds the whole-number optimum; the relaxed one says how tight that is. Prints CPU seconds
(median over interleaved pairs, after imports) and writes bench/results/allocation.json.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array

from koipond.strategy.allocation import allocate

OFFERS, SEGMENTS = 5, 8
LIMITS = {
    "budget": (),
    "budget, cap per offer": ("max_per_offer",),
    "budget, caps per offer, 8 segment budgets and counts": (
        "max_per_offer",
        "offer_budget",
        "segment_budget",
        "segment_max",
    ),
}


def case(customers: int, limits: str) -> dict[str, Any]:
    """Return the arguments of `allocate` for a synthetic brand: skewed value, cost in fen."""
    rng = np.random.default_rng(20261121)
    worth = 0.5 + np.arange(1, OFFERS + 1) / OFFERS
    kinds = LIMITS[limits]
    every = {
        "max_per_offer": int(0.08 * customers),
        "offer_budget": 60.0 * customers,
        "segment_budget": {s: (30.0 + 5 * s) * customers / SEGMENTS for s in range(SEGMENTS)},
        "segment_max": dict.fromkeys(range(SEGMENTS), 0.2 * customers / SEGMENTS),
    }
    segment = rng.integers(0, SEGMENTS, customers)
    return {
        "value": rng.gamma(1.0, 600.0, (customers, OFFERS)) * worth - 200.0,
        "cost": rng.integers(20, 200, (customers, OFFERS)) * np.arange(1, OFFERS + 1),
        "budget": 60 * customers,
        **({"segment": segment} if "segment_max" in kinds else {}),
        **{name: every[name] for name in kinds},
    }


def matrix(given: dict[str, Any]) -> tuple[csr_array, np.ndarray]:
    """Return the constraints of ``given`` over customers × offers, row by row: A x <= b."""
    customers, offers = given["value"].shape
    who, which = (axis.ravel() for axis in np.indices((customers, offers)))
    cost, one = given["cost"].ravel().astype(float), np.ones(customers * offers)
    blocks = [(who, one, np.ones(customers)), (np.zeros_like(who), cost, [given["budget"]])]
    if "max_per_offer" in given:
        blocks.append((which, one, [given["max_per_offer"]] * offers))
    if "offer_budget" in given:
        blocks.append((which, cost, [given["offer_budget"]] * offers))
    if "segment" in given:
        label = given["segment"][who]
        budgets, counts = (
            [given[name][s] for s in range(SEGMENTS)] for name in ("segment_budget", "segment_max")
        )
        blocks += [(label, cost, budgets), (label, one, np.floor(counts))]
    starts = np.cumsum([0, *(len(b) for _, _, b in blocks)])
    rows = np.concatenate([row + start for (row, _, _), start in zip(blocks, starts, strict=False)])
    columns = np.tile(np.arange(customers * offers), len(blocks))
    values = np.concatenate([use for _, use, _ in blocks])
    shape = (int(starts[-1]), customers * offers)
    return coo_array((values, (rows, columns)), shape=shape).tocsr(), np.concatenate(
        [b for _, _, b in blocks]
    )


def relaxed(given: dict[str, Any], method: str) -> float:
    """Return HiGHS's optimum of the linear relaxation."""
    a, b = matrix(given)
    answer = linprog(-given["value"].ravel(), A_ub=a, b_ub=b, bounds=(0, 1), method=method)
    assert answer.status == 0, answer.message
    return float(-answer.fun)


def whole(given: dict[str, Any]) -> tuple[float | None, float | None]:
    """Return HiGHS's best whole-number value and its bound within 60 s of wall time, None for want of one."""
    a, b = matrix(given)
    answer = milp(
        -given["value"].ravel(),
        integrality=np.ones(given["value"].size),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(a, ub=b),
        options={"time_limit": 60.0, "mip_rel_gap": 1e-4},
    )
    figures = (answer.fun, answer.mip_dual_bound)
    return tuple(None if figure is None else -float(figure) for figure in figures)  # type: ignore[return-value]


def timed(run: Any, *args: Any, **kwargs: Any) -> tuple[float, Any]:
    start = time.process_time()
    answer = run(*args, **kwargs)
    return time.process_time() - start, answer


def measure(customers: int, limits: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return one row: our figures, and HiGHS's where the size allows."""
    given = case(customers, limits)
    ours, simplex, interior, seconds_whole = [], [], [], []
    row: dict[str, Any] = {"customers": customers, "limits": limits}
    for _ in range(options.pairs):
        seconds, found = timed(allocate, **given)
        ours.append(seconds)
        if customers <= options.simplex_max:
            seconds, row["relaxed_optimum"] = timed(relaxed, given, "highs-ds")
            simplex.append(seconds)
            seconds, (row["highs_value"], row["highs_bound"]) = timed(whole, given)
            seconds_whole.append(seconds)
        if customers <= options.interior_max:
            seconds, row["relaxed_optimum"] = timed(relaxed, given, "highs-ipm")
            interior.append(seconds)
    row |= {"value": found.value, "bound": found.bound, "gap": found.gap, "cost": float(found.cost)}
    for name, times in (
        ("cpu_s", ours),
        ("simplex_cpu_s", simplex),
        ("interior_cpu_s", interior),
        ("whole_cpu_s", seconds_whole),
    ):
        row[name] = statistics.median(times) if times else None
    if "relaxed_optimum" in row:
        row["bound_over_relaxed"] = found.bound / row["relaxed_optimum"] - 1
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--simplex-max", type=int, default=10_000)
    parser.add_argument("--interior-max", type=int, default=100_000)
    options = parser.parse_args()
    timed(allocate, **case(100, "budget"))  # imports
    rows = []
    for customers in options.sizes:
        for limits in LIMITS:
            rows.append(measure(customers, limits, options))
            print(json.dumps(rows[-1]), flush=True)
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "allocation.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
