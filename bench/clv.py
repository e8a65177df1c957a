"""BAR-P8: lifetime value against lifetimes 0.11.3 in the same run, on CDNOW and on 1,000,000 customers.

    OPENBLAS_NUM_THREADS=1 PYTHONPATH=src python bench/clv.py [--pairs 5] [--customers 1000000]

Prints CPU seconds (median of interleaved pairs, after imports), their ratio and both sets of parameters;
writes bench/results/clv.json. The million are drawn from a BG/NBD with CDNOW's published parameters, first
purchases spread over a year, in whole days.
"""

import argparse
import datetime
import json
import statistics
import time
import warnings
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import lifetimes
import numpy as np
import pandas as pd
import pyarrow as pa
from lifetimes.utils import summary_data_from_transaction_data

import koipond
from koipond.profiles import clv

CUT = "1997-09-30"
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def cdnow() -> pa.Table:
    """Return CDNOW's 69,659 purchases from the lifetimes wheel."""
    text = files("lifetimes").joinpath("datasets/CDNOW_master.txt").read_text()
    rows = [line.split() for line in text.splitlines() if line.strip()[:1].isdigit()]
    return pa.table(
        {
            "customer_id": [int(row[0]) for row in rows],
            "date": [datetime.date.fromisoformat(row[1]) for row in rows],
            "amount": [float(row[3]) for row in rows],
        }
    )


def simulated(customers: int) -> Arrays:
    """Return x, t_x, T in weeks of customers of a BG/NBD (0.243, 4.414, 0.793, 2.426), in whole days."""
    rng = np.random.default_rng(19970101)
    rate, stop = rng.gamma(0.243, 1 / 4.414, customers), rng.beta(0.793, 2.426, customers)
    age = rng.integers(1, 366, customers) / 7
    x, last, clock = (np.zeros(customers) for _ in range(3))
    active = np.arange(customers)
    while len(active):
        clock[active] += rng.exponential(1, len(active)) / np.maximum(rate[active], 1e-300)
        active = active[clock[active] <= age[active]]
        x[active] += 1
        last[active] = clock[active]
        active = active[rng.random(len(active)) > stop[active]]
    days = np.minimum(np.maximum(np.ceil(last * 7), x > 0), np.rint(age * 7))
    return x, days / 7, age


def race(ours: Callable[[], Any], oracle: Callable[[], Any], pairs: int) -> dict[str, float]:
    """Return median CPU seconds of both over interleaved pairs, and their ratio."""
    seconds: dict[str, list[float]] = {"ours": [], "oracle": []}
    for _ in range(pairs):
        for name, call in (("ours", ours), ("oracle", oracle)):
            started = time.process_time()
            call()
            seconds[name].append(time.process_time() - started)
    mine, theirs = (statistics.median(seconds[name]) for name in ("ours", "oracle"))
    return {"ours_cpu": mine, "oracle_cpu": theirs, "ratio": theirs / mine}


def fits(name: str, data: Arrays, pairs: int, models: list[str]) -> list[dict[str, Any]]:
    """Race the fits of ``models`` on ``data`` and show both answers."""
    oracles = {
        "bgnbd": (clv.fit_bgnbd, lifetimes.BetaGeoFitter),
        "mbgnbd": (clv.fit_mbgnbd, lifetimes.ModifiedBetaGeoFitter),
        "pareto_nbd": (clv.fit_pareto_nbd, lifetimes.ParetoNBDFitter),
    }
    rows = []
    for model in models:
        ours, oracle = oracles[model]
        row: dict[str, Any] = {"what": f"{model}, {name}"}
        row |= race(lambda ours=ours: ours(*data), lambda oracle=oracle: oracle().fit(*data), pairs)
        mine = ours(*data)
        started = time.process_time()
        mine.standard_errors  # noqa: B018
        row["standard_errors_cpu"] = time.process_time() - started
        row["ours"], row["oracle"] = mine.params, oracle().fit(*data).params_.to_dict()
        rows.append(row)
        show(row)
        print(f"    standard errors {row['standard_errors_cpu']:.4f} more; evaluations {mine.evaluations}")
    return rows


def show(row: dict[str, Any]) -> None:
    """Print one race."""
    print(
        f"{row['what']:34} ours {row['ours_cpu']:.4f} CPU s, lifetimes {row['oracle_cpu']:.3f}, "
        f"ratio {row['ratio']:.0f}"
    )
    for name, value in row.get("ours", {}).items():
        print(f"    {name:6} {value:.6g} | {row['oracle'][name]:.6g}")


def summaries(table: pa.Table, pairs: int) -> dict[str, Any]:
    """Race the transaction table → x, t_x, T."""
    frame = table.to_pandas()
    frame["date"] = pd.to_datetime(frame["date"])

    def oracle() -> Any:
        return summary_data_from_transaction_data(
            frame, "customer_id", "date", monetary_value_col="amount", observation_period_end=CUT
        )

    def ours() -> Any:
        return clv.summarise(table, amount="amount", calibration_end=CUT)

    row = {"what": "summary, CDNOW purchases"} | race(ours, oracle, pairs)
    show(row)
    mine, theirs = ours(), oracle()
    assert np.array_equal(mine.x, theirs["frequency"].to_numpy())
    assert np.allclose(mine.T * 7, theirs["T"].to_numpy())
    return row


def money(table: pa.Table, pairs: int) -> dict[str, Any]:
    """Race Gamma-Gamma on CDNOW's repeat buyers."""
    found = clv.summarise(table, amount="amount", calibration_end=CUT)
    assert found.mean_value is not None
    used = (found.x > 0) & (found.mean_value > 0)
    x, mean = found.x[used], found.mean_value[used]
    row: dict[str, Any] = {"what": "gamma_gamma, CDNOW"}
    row |= race(
        lambda: clv.fit_gamma_gamma(x, mean), lambda: lifetimes.GammaGammaFitter().fit(x, mean), pairs
    )
    row["ours"] = clv.fit_gamma_gamma(x, mean).model.params
    row["oracle"] = lifetimes.GammaGammaFitter().fit(x, mean).params_.to_dict()
    show(row)
    return row


def scoring(data: Arrays, pairs: int) -> dict[str, Any]:
    """Score everybody: P(alive) and expected purchases of 39 weeks, rows collapsed included."""
    x, t_x, T = data
    summary = clv.PurchaseSummary(
        customers=np.arange(len(x)),
        x=x,
        t_x=t_x,
        T=T,
        mean_value=None,
        unit="week",
        calibration_end=datetime.date(1997, 9, 30),
    )
    out: dict[str, Any] = {"customers": len(x)}
    for model in ("bgnbd", "mbgnbd", "pareto_nbd"):
        fitted = clv.fit_summary(summary, model=model)
        seconds = []
        for _ in range(pairs):
            fresh = clv.LifetimeValue(summary=summary, fit=fitted.fit)
            started = time.process_time()
            fresh.p_alive()
            fresh.expected_purchases(39)
            seconds.append(time.process_time() - started)
        out[fitted.model] = statistics.median(seconds)
        print(f"score {len(x)} customers by {fitted.model}: {out[fitted.model]:.3f} CPU s")
    return out


def main() -> None:
    """Run all races and write the results."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--customers", type=int, default=1_000_000)
    asked = parser.parse_args()
    table = cdnow()
    summary = clv.summarise(table, calibration_end=CUT)
    small: Arrays = (summary.x, summary.t_x, summary.T)
    koipond.clv(table, calibration_end=CUT)  # imports and first calls stay outside
    rows = [summaries(table, asked.pairs)]
    rows += fits("CDNOW", small, asked.pairs, ["bgnbd", "mbgnbd", "pareto_nbd"])
    rows.append(money(table, asked.pairs))
    large = simulated(asked.customers)
    rows += fits(f"{asked.customers} customers", large, asked.pairs, ["bgnbd"])
    report = {"pairs": asked.pairs, "races": rows, "scoring": scoring(large, asked.pairs)}
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "clv.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
