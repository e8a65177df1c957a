"""Experiment statistics: 1,000,000 customers × 6 metrics, ours against tea-tasting in the same run.

    PYTHONPATH=src python bench/experiments.py [--rows 1000000] [--pairs 5] [--alarms 5000]

Prints CPU seconds (median of interleaved pairs, after imports), their ratio, and both answers side by side;
writes bench/results/experiments.json. tea-tasting reads the same table; its proportions are without
continuity correction, its relative intervals are the log-ratio ones, as ours.

``--alarms N`` only simulates N worlds without an effect for each number of orders in the hold-out (log-normal
baskets; 19 times as many customers and orders in the touch arm), and N worlds with one. Prints how often a
ratio and a mean are found different, and how often each relative interval holds the truth; writes
bench/results/alarms.json.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import tea_tasting as tt

import koipond
from koipond.experiments import ArmData, MetricSums, compare_arms, read_metrics, sum_columns, sums_of
from koipond.experiments.means import compare_means
from koipond.experiments.proportions import compare_proportions
from koipond.experiments.ratios import compare_ratios
from koipond.experiments.relative import METHODS

METRICS = {
    "bought": "proportion",
    "clicked": "proportion",
    "spend": "mean",
    "orders": "mean",
    "visits": "mean",
    "aov": ("ratio", "spend", "orders"),
}
ALPHA = 0.05
LIFTS = (
    (60, 19, 0.15, 0.2),
    (150, 4, 0.15, 0.5),
    (300, 4, 0.15, 0.25),
    (400, 1, 0.15, 0.2),
    (1000, 4, 0.05, 0.2),
)
FIGURES = ("difference", "low", "high", "p", "lift low", "lift high")


def table_of(rows: int) -> pa.Table:
    """Return a synthetic campaign: skewed money that follows the period before, counts, two shares."""
    rng = np.random.default_rng(20261121)
    treated = rng.random(rows) < 0.5
    before = rng.gamma(0.7, 80.0, rows)
    return pa.table(
        {
            "arm": np.where(treated, "sent", "control"),
            "variant": treated.astype(np.int64),
            "bought": (rng.random(rows) < 0.100 + 0.002 * treated).astype(np.int64),
            "clicked": (rng.random(rows) < 0.031 + 0.001 * treated).astype(np.int64),
            "spend": 0.6 * before + rng.lognormal(3.0, 1.0, rows) * (1 + 0.01 * treated),
            "orders": rng.poisson(2.0, rows) + 1,
            "visits": rng.poisson(5.0, rows),
            "before": before,
        }
    )


def oracle_experiment(covariate: str | None) -> tt.Experiment:
    """Return tea-tasting's counterpart of METRICS."""

    def share(column: str) -> Any:
        return (
            tt.Mean(column, covariate)
            if covariate
            else tt.Proportion(column, method="norm", correction=False)
        )

    return tt.Experiment(
        variant="variant",
        bought=share("bought"),
        clicked=share("clicked"),
        spend=tt.Mean("spend", covariate),
        orders=tt.Mean("orders", covariate),
        visits=tt.Mean("visits", covariate),
        aov=tt.RatioOfMeans("spend", "orders", covariate),
    )


def ours_of(comparison: Any) -> dict[str, dict[str, float]]:
    """Return metric → figures of our answer."""
    return {
        e.metric: dict(
            zip(FIGURES, (e.difference, e.low, e.high, e.p, e.relative.low, e.relative.high), strict=True)
        )
        for e in comparison.effects
    }


def oracle_of(result: Any) -> dict[str, dict[str, float]]:
    """Return metric → figures of tea-tasting's answer."""
    names = ("effect_size", "effect_size_ci_lower", "effect_size_ci_upper", "pvalue")
    names += ("rel_effect_size_ci_lower", "rel_effect_size_ci_upper")
    return {
        metric: {f: float(getattr(found, n)) for f, n in zip(FIGURES, names, strict=True)}
        for metric, found in result.items()
    }


def race(ours: Callable[[], Any], oracle: Callable[[], Any], pairs: int) -> tuple[float, float, float, float]:
    """Return median CPU and wall seconds of ours and of the oracle over interleaved pairs."""
    seconds: dict[str, list[float]] = {"ours": [], "oracle": [], "ours wall": [], "oracle wall": []}
    for call in (ours, oracle):
        call()  # warm
    for _ in range(pairs):
        for name, call in (("ours", ours), ("oracle", oracle)):
            cpu, wall = time.process_time(), time.perf_counter()
            call()
            seconds[name].append(time.process_time() - cpu)
            seconds[f"{name} wall"].append(time.perf_counter() - wall)
    return tuple(statistics.median(values) for values in seconds.values())  # type: ignore[return-value]


def disagreement(ours: dict[str, Any], oracle: dict[str, Any], figures: tuple[str, ...]) -> float:
    """Return the largest difference, relative to the interval's half width (p: to p)."""
    worst = 0.0
    for metric, mine in ours.items():
        half = (mine["high"] - mine["low"]) / 2
        lift_half = (mine["lift high"] - mine["lift low"]) / 2
        for figure in figures:
            scale = mine["p"] if figure == "p" else lift_half if figure.startswith("lift") else half
            worst = max(worst, abs(mine[figure] - oracle[metric][figure]) / scale)
    return worst


def baskets(random: np.random.Generator, customers: int, buyers: int, sigma: float) -> MetricSums:
    """Return the sums of an arm in which ``buyers`` bought one log-normal basket each."""
    values = np.zeros(customers)
    values[:buyers] = random.lognormal(0.0, sigma, buyers)
    return sums_of({"revenue": values, "orders": (np.arange(customers) < buyers).astype(np.int64)})


def alarms(runs: int) -> dict[str, list[dict[str, Any]]]:
    """Return how often a difference is found at 5 % where there is none, guarded and by own spreads."""
    made: dict[str, list[dict[str, Any]]] = {"ratio": [], "mean": []}
    for sigma in (0.5, 0.8, 1.0):
        for held in (2, 4, 10, 20, 40, 80, 120):
            random = np.random.default_rng([held, int(10 * sigma)])
            found = dict.fromkeys(("ratio", "ratio own", "mean", "mean own"), 0)
            customers = max(200, 5 * held)
            for _ in range(runs):
                one = baskets(random, customers, held, sigma)
                two = baskets(random, 19 * customers, 19 * held, sigma)
                found["ratio"] += compare_ratios(one, two, "revenue", "orders").p < ALPHA
                found["ratio own"] += compare_ratios(one, two, "revenue", "orders", spread="own").p < ALPHA
                # a mean also leaves to chance how many buy
                by_chance = max(1, int(random.binomial(customers, held / customers)))
                one = baskets(random, customers, by_chance, sigma)
                two = baskets(
                    random, 19 * customers, int(random.binomial(19 * customers, held / customers)), sigma
                )
                found["mean"] += compare_means(one, two, "revenue").p < ALPHA
                found["mean own"] += compare_means(one, two, "revenue", spread="own").p < ALPHA
            shares = {name: round(float(count) / runs, 4) for name, count in found.items()}
            print(f"sigma {sigma}, {held} orders held out: {shares}", flush=True)
            for kind in made:
                cell = {"sigma": sigma, "orders": held, "guarded": shares[kind], "own": shares[f"{kind} own"]}
                made[kind].append(cell)
    return made


def lift_coverage(runs: int) -> list[dict[str, Any]]:
    """Return how often each relative interval of a share holds the true lift, and on which side it misses."""
    made = []
    for held, times, rate, lift in LIFTS:
        random = np.random.default_rng([held, times])
        ones, twos = random.binomial(held, rate, runs), random.binomial(times * held, rate * (1 + lift), runs)
        for method in METHODS:
            above = below = none = 0
            for one, two in zip(ones.tolist(), twos.tolist(), strict=True):
                arms = (
                    MetricSums(n=n, columns=("b",), sums=(k,), products=(k,))
                    for k, n in ((one, held), (two, times * held))
                )
                found = compare_proportions(*arms, "b", relative=method).relative
                if found.low is None or found.high is None:
                    none += 1
                else:
                    above += found.low > lift
                    below += found.high < lift
            row = {"held": held, "touched": times * held, "rate": rate, "lift": lift, "method": method}
            row |= {"holds": round(1 - (above + below + none) / runs, 4)}
            row |= {
                "above": round(above / runs, 4),
                "below": round(below / runs, 4),
                "none": round(none / runs, 4),
            }
            print(row, flush=True)
            made.append(row)
    return made


def main() -> None:
    """Run all races and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--alarms", type=int, default=0)
    asked = parser.parse_args()
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    if asked.alarms:
        found = {"runs": asked.alarms, **alarms(asked.alarms), "lift": lift_coverage(asked.alarms)}
        (folder / "alarms.json").write_text(json.dumps(found, indent=1))
        return
    arrow = table_of(asked.rows)
    tables = {"arrow": arrow, "pandas": arrow.to_pandas(), "polars": pl.DataFrame(arrow)}
    report: dict[str, Any] = {"rows": asked.rows, "pairs": asked.pairs, "races": []}
    for covariates in ((), ("before",)):
        experiment = oracle_experiment(covariates[0] if covariates else None)
        for kind, table in tables.items():

            def ours(table: Any = table, covariates: tuple[str, ...] = covariates) -> Any:
                return koipond.compare(table, metrics=METRICS, covariates=covariates)

            def oracle(table: Any = table, experiment: Any = experiment) -> Any:
                return experiment.analyze(table, control=0)

            mine, theirs, my_wall, their_wall = race(ours, oracle, asked.pairs)
            label = f"{kind}{', CUPED' if covariates else ''}"
            print(
                f"{label:14} ours {mine:.3f} CPU s ({my_wall:.3f} wall), "
                f"tea-tasting {theirs:.3f} ({their_wall:.3f}), ratio {theirs / mine:.1f}"
            )
            report["races"].append(
                {"table": label, "ours_cpu": mine, "oracle_cpu": theirs, "ratio": theirs / mine}
                | {"ours_wall": my_wall, "oracle_wall": their_wall}
            )
        answers = {"ours": ours_of(ours()), "oracle": oracle_of(oracle())}
        # a proportion's interval: ours does not pool, tea-tasting's does (and its p's do agree)
        exact = ("difference", "p") if not covariates else FIGURES
        means = {m: v for m, v in answers["ours"].items() if covariates or METRICS[m] != "proportion"}
        worst = {
            "means and ratio, all figures": disagreement(means, answers["oracle"], FIGURES),
            "all metrics, difference and p": disagreement(answers["ours"], answers["oracle"], exact),
        }
        print(f"  largest disagreement (of the half width, or of p): {worst}")
        for metric, mine_figures in answers["ours"].items():
            both = "  ".join(
                f"{f} {v:.6g} | {answers['oracle'][metric][f]:.6g}" for f, v in mine_figures.items()
            )
            print(f"  {metric:8} {both}")
        report["covariates" if covariates else "plain"] = {"answers": answers, "disagreement": worst}
    report["from_sums_microseconds"] = from_sums(arrow)
    print(f"from sums alone: {report['from_sums_microseconds']:.0f} µs for the 6 metrics")
    (folder / "experiments.json").write_text(json.dumps(report, indent=1))


def from_sums(table: pa.Table) -> float:
    """Return microseconds for the 6 metrics when the warehouse has summed already."""
    metrics = read_metrics(METRICS)
    columns = sum_columns(metrics, ())
    labels = np.array(table["arm"])
    arms = {
        arm: ArmData(sums=sums_of({c: table[c].to_numpy()[labels == arm] for c in columns}))
        for arm in ("control", "sent")
    }
    started, runs = time.process_time(), 200
    for _ in range(runs):
        compare_arms(arms, control="control", metrics=metrics)
    return (time.process_time() - started) / runs * 1e6


if __name__ == "__main__":
    main()
