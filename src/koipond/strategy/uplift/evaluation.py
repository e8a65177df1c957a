"""Rankings against each other over many half splits (science B5): a single split proves nothing. Pure.

Each split fits on one half of the customers and scores the other. The standard deviation over such splits is
about the standard error of the figure on all customers, because the variance of a half given the whole equals
the variance of the whole; so mean ÷ sd reads as a z value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koipond.strategy.uplift.curves import qini, qini_area
from koipond.strategy.uplift.learners import LearnerName, fit_learner
from koipond.strategy.uplift.sample import Sample, folds_of

FloatArray = NDArray[np.float64]
RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScore:
    """Qini of one model for one arm over the splits."""

    arm: str
    model: str
    mean: float
    sd: float
    splits: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "arm": self.arm,
            "model": self.model,
            "qini": self.mean,
            "sd": self.sd,
            "splits": len(self.splits),
        }


def evaluate(
    sample: Sample, arms: Sequence[str], models: Sequence[LearnerName], *, splits: int, seed: int
) -> tuple[ModelScore, ...]:
    """Return the Qini of every model, and of a random order, for every arm against the control.

    Qini as `curves.qini` for 0/1 outcomes and `curves.qini_area` for amounts.
    """
    found: dict[tuple[int, str], list[float]] = {}
    for split in range(splits):
        half = folds_of(sample, 2, seed + 1 + split)
        train, test = sample.take(np.flatnonzero(half == 0)), sample.take(np.flatnonzero(half == 1))
        scores: dict[str, FloatArray] = {
            model: fit_learner(model, train, seed=seed)(test.features) for model in models
        }
        scores[RANDOM] = np.random.default_rng([seed, split]).random((len(test.arm), sample.arms))
        for model, score in scores.items():
            for arm in range(1, sample.arms + 1):
                found.setdefault((arm, model), []).append(_qini_of_arm(test, arm, score[:, arm - 1]))
    return tuple(
        ModelScore(
            arm=arms[arm - 1],
            model=model,
            mean=float(np.mean(values)),
            sd=float(np.std(values, ddof=1)),
            splits=tuple(values),
        )
        for (arm, model), values in sorted(found.items(), key=lambda item: item[0][0])
    )


def _qini_of_arm(test: Sample, arm: int, score: FloatArray) -> float:
    pair = (test.arm == 0) | (test.arm == arm)
    measure = qini if test.binary else qini_area
    return measure(score[pair], test.arm[pair] == arm, test.outcome[pair])
