"""Uplift: Qini and a T-learner, ours beside scikit-uplift in the same run; and what a whole study costs.

    PYTHONPATH=src python bench/uplift.py [--rows 1000000] [--pairs 5]

Prints CPU seconds (median of interleaved pairs, after imports) and both answers; writes
bench/results/uplift.json.
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklift.metrics import qini_auc_score
from sklift.models import TwoModels

import koipond
from koipond.strategy.uplift.learners import fit_learner
from koipond.strategy.uplift.sample import Sample

FEATURES = 10


def drawn(rows: int) -> dict[str, np.ndarray]:
    """Return a drawn test of ``rows`` customers whose third feature decides who is moved."""
    rng = np.random.default_rng(20261121)
    features = rng.normal(size=(rows, FEATURES))
    treated = rng.integers(0, 2, rows)
    chance = 1 / (1 + np.exp(2 - 0.6 * features[:, 0])) + treated * (0.01 + 0.02 * features[:, 2])
    return {"features": features, "treated": treated, "outcome": (rng.random(rows) < chance).astype(np.int64)}


def interleaved(pairs: int, *runs: Callable[[], Any]) -> tuple[list[float], list[Any]]:
    """Return the median CPU seconds of each of ``runs`` and their last answers."""
    seconds: list[list[float]] = [[] for _ in runs]
    answers: list[Any] = [None] * len(runs)
    for _ in range(pairs):
        for at, run in enumerate(runs):
            start = time.process_time()
            answers[at] = run()
            seconds[at].append(time.process_time() - start)
    return [statistics.median(own) for own in seconds], answers


def bench_qini(rows: int, pairs: int) -> dict[str, Any]:
    test = drawn(rows)
    score = test["features"][:, 2].round(3)  # with ties
    ours, theirs = (
        lambda: koipond.qini(score, test["treated"], test["outcome"]),
        lambda: qini_auc_score(test["outcome"], score, test["treated"]),
    )
    seconds, answers = interleaved(pairs, ours, theirs)
    return {
        "what": "qini",
        "rows": rows,
        "cpu_s": seconds,
        "answers": answers,
        "difference": answers[0] - answers[1],
    }


def bench_t_learner(rows: int, pairs: int) -> dict[str, Any]:
    test = drawn(rows)
    sample = Sample(
        features=test["features"],
        arm=test["treated"].astype(np.intp),
        outcome=test["outcome"].astype(float),
        arms=1,
        binary=True,
        randomised=True,
    )

    def theirs() -> np.ndarray:
        model = TwoModels(LogisticRegression(), LogisticRegression(), method="vanilla")
        return model.fit(test["features"], test["outcome"], test["treated"]).predict(test["features"])

    seconds, (own, other) = interleaved(
        pairs, lambda: fit_learner("T", sample, seed=0)(sample.features)[:, 0], theirs
    )
    return {
        "what": "T-learner, fit and score",
        "rows": rows,
        "cpu_s": seconds,
        "largest_difference": float(np.abs(own - other).max()),
        "largest_uplift": float(np.abs(other).max()),
    }


def bench_study(rows: int) -> dict[str, Any]:
    test = drawn(rows)
    table = {f"x{i}": test["features"][:, i] for i in range(FEATURES)} | {
        "arm": test["treated"],
        "outcome": test["outcome"],
    }
    seconds, (study,) = interleaved(1, lambda: koipond.uplift(table))
    return {
        "what": "study, 4 learners, 20 splits",
        "rows": rows,
        "cpu_s": seconds,
        "verdict": str(study.verdict),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning)
    rows = [
        bench_qini(options.rows, options.pairs),
        *(bench_t_learner(size, options.pairs) for size in (20_000, options.rows)),
        *(bench_study(size) for size in (5_000, 20_000, 200_000)),
    ]
    for row in rows:
        print(json.dumps(row, ensure_ascii=False), flush=True)
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "uplift.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
