"""Meta-learners of uplift (增量学习器) over linear models, for a control and one or more arms. Pure.

S, T: Künzel et al. 2019, §2. R: Nie and Wager 2021, eq. 4. DR: Kennedy 2023, §3. ``response`` is no uplift
model: it predicts the outcome and stands beside the others because it often ranks as well (science B5).
Slopes of an effect are shrunk towards "the same for everybody": a feature's standard deviation is expected to
move the effect by about a tenth of the outcome's standard deviation.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from koipond.strategy.uplift.linear import LinearModel, fit_outcome, fit_ridge
from koipond.strategy.uplift.robust import arm_chances, fit_arms, out_of_fold, predictor, robust_scores
from koipond.strategy.uplift.sample import FloatArray, Sample

LearnerName = Literal["S", "T", "R", "DR", "response"]
LEARNERS: tuple[LearnerName, ...] = ("S", "T", "R", "DR")
EFFECT_SLOPE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scorer:
    """Predicts an uplift for each arm: its model, less ``baseline`` when that is a model of the outcome."""

    models: tuple[LinearModel, ...]
    baseline: LinearModel | None = None

    def __call__(self, features: FloatArray) -> FloatArray:
        """Return (customers, arms) for ``features`` (customers, columns)."""
        predicted = np.column_stack([model.predict(features) for model in self.models])
        if self.baseline is None:
            return predicted
        return predicted - self.baseline.predict(features)[:, None]


def fit_learner(name: LearnerName, sample: Sample, *, seed: int) -> Scorer:
    """Return the scorer of learner ``name`` fitted on ``sample``; ``seed`` draws inner folds only."""
    if name == "DR":
        return _fit_dr(sample, seed)
    if name == "R":
        return _fit_r(sample, seed)
    return {"S": _fit_s, "T": _fit_t, "response": _fit_response}[name](sample)


def _fit_response(sample: Sample) -> Scorer:
    return Scorer(models=(fit_outcome(sample.features, sample.outcome, binary=sample.binary),) * sample.arms)


def _fit_t(sample: Sample) -> Scorer:
    control, *treated = fit_arms(sample)
    return Scorer(models=tuple(treated), baseline=control)


def _fit_s(sample: Sample) -> Scorer:
    """One model with the arm as a feature, and the arm times each feature under the tighter penalty.

    Read for one arm it is a model in the features alone, so it is kept as one model an arm.
    """
    centre, width = sample.features.mean(axis=0), sample.features.shape[1]
    chosen = (sample.arm[:, None] == np.arange(1, sample.arms + 1)).astype(np.float64)
    offset = EFFECT_SLOPE * (sample.features - centre)
    crossed = [chosen[:, [arm]] * offset for arm in range(sample.arms)]
    whole = fit_outcome(
        np.column_stack([sample.features, chosen, *crossed]), sample.outcome, binary=sample.binary
    )
    main, shift, slopes = np.split(whole.weights, [width, width + sample.arms])
    control = LinearModel(weights=main, intercept=whole.intercept, logistic=whole.logistic)
    treated = [
        LinearModel(
            weights=main + EFFECT_SLOPE * slope,
            intercept=whole.intercept + float(shift[arm] - EFFECT_SLOPE * (centre @ slope)),
            logistic=whole.logistic,
        )
        for arm, slope in enumerate(slopes.reshape(sample.arms, width))
    ]
    return Scorer(models=tuple(treated), baseline=control)


def _fit_r(sample: Sample, seed: int) -> Scorer:
    """Regress what the features do not explain of the outcome on what they do not explain of the arm."""
    models = []
    for arm in range(1, sample.arms + 1):
        pair = sample.take(np.flatnonzero((sample.arm == 0) | (sample.arm == arm)))
        expected = out_of_fold(
            pair, seed, lambda part: predictor([fit_outcome(part.features, part.outcome, binary=part.binary)])
        )
        chance = arm_chances(pair, seed)
        surprise = (pair.arm == arm) - chance[:, arm] / (chance[:, 0] + chance[:, arm])
        residual = pair.outcome - expected[:, 0]
        penalty = float(residual.var()) / _slope_variance(sample)
        models.append(fit_ridge(pair.features, residual / surprise, penalty=penalty, weight=surprise**2))
    return Scorer(models=tuple(models))


def _fit_dr(sample: Sample, seed: int) -> Scorer:
    """Regress the doubly robust score of each customer on the features."""
    models = []
    for score in robust_scores(sample, seed).T:
        penalty = float(score.var()) / _slope_variance(sample)
        models.append(fit_ridge(sample.features, score, penalty=penalty))
    return Scorer(models=tuple(models))


def _slope_variance(sample: Sample) -> float:
    return EFFECT_SLOPE**2 * max(float(sample.outcome.var()), 1e-12)
