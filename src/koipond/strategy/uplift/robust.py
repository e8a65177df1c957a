"""Doubly robust scores (双重稳健得分): their mean over any group of customers is the group's effect. Pure."""

from collections.abc import Callable

import numpy as np

from koipond.strategy.uplift.linear import LinearModel, fit_logistic, fit_outcome
from koipond.strategy.uplift.sample import FloatArray, IntArray, Sample, folds_of

Predictor = Callable[[FloatArray], FloatArray]
"""From (customers, columns) to (customers, whatever it predicts)."""

_INNER_FOLDS = 3
_OVERLAP = 0.02


def robust_scores(sample: Sample, seed: int) -> FloatArray:
    """Return (customers, arms): scores whose mean over any group of customers estimates the group's effect.

    Augmented inverse propensity weighting with out-of-fold outcome models (Robins, Rotnitzky and Zhao 1994;
    Kennedy 2023, eq. 2). In a randomised test unbiased whatever the outcome models say.
    """
    expected = out_of_fold(sample, seed, lambda part: predictor(fit_arms(part)))
    chance = arm_chances(sample, seed)
    own = expected[np.arange(len(sample.arm)), sample.arm]
    surprise = (sample.outcome - own) / chance[np.arange(len(sample.arm)), sample.arm]
    signs = (sample.arm[:, None] == np.arange(1, sample.arms + 1)) - 1.0 * (sample.arm == 0)[:, None]
    scores: FloatArray = expected[:, 1:] - expected[:, [0]] + signs * surprise[:, None]
    return scores


def arm_chances(sample: Sample, seed: int) -> FloatArray:
    """Return (customers, 1 + arms): shares of the arms, or out-of-fold chances within 2 and 98 %."""
    present = sample.arm[:, None] == np.arange(sample.arms + 1)
    if sample.randomised:
        return np.broadcast_to(present.mean(axis=0), present.shape)
    chance = out_of_fold(sample, seed, _fit_chances)
    held: FloatArray = np.clip(chance / chance.sum(axis=1, keepdims=True), _OVERLAP, 1.0 - _OVERLAP)
    return held


def certain_share(sample: Sample, arm: int, seed: int) -> float:
    """Return the share of customers for whom ``arm`` or the control was nearly out of the question."""
    chance = arm_chances(sample, seed)[:, [0, arm]]
    return float((chance <= _OVERLAP).any(axis=1).mean())


def fit_arms(sample: Sample) -> list[LinearModel]:
    """Return the outcome model of each arm, the control's first."""
    rows = [np.flatnonzero(sample.arm == arm) for arm in range(sample.arms + 1)]
    return [fit_outcome(sample.features[at], sample.outcome[at], binary=sample.binary) for at in rows]


def out_of_fold(sample: Sample, seed: int, fit: Callable[[Sample], Predictor]) -> FloatArray:
    """Return what ``fit`` predicts for each customer when fitted on the two other of three folds."""
    return cross_fit(sample, folds_of(sample, _INNER_FOLDS, seed), fit)


def cross_fit(sample: Sample, fold: IntArray, fit: Callable[[Sample], Predictor]) -> FloatArray:
    """Return what ``fit`` predicts for the customers of each fold when fitted on the others."""
    parts = []
    for number in range(int(fold.max()) + 1):
        inside = np.flatnonzero(fold == number)
        predicted = fit(sample.take(np.flatnonzero(fold != number)))(sample.features[inside])
        parts.append((inside, predicted))
    result = np.empty((len(fold), parts[0][1].shape[1]))
    for inside, predicted in parts:
        result[inside] = predicted
    return result


def predictor(models: list[LinearModel]) -> Predictor:
    """Return what predicts one column for each of ``models``."""
    return lambda features: np.column_stack([model.predict(features) for model in models])


def _fit_chances(sample: Sample) -> Predictor:
    """One model an arm against the rest; with one arm the control's chance is what is left."""
    first = 1 if sample.arms == 1 else 0
    models = [
        fit_logistic(sample.features, (sample.arm == arm).astype(np.float64))
        for arm in range(first, sample.arms + 1)
    ]
    if sample.arms > 1:
        return predictor(models)
    return lambda features: np.column_stack([1.0 - (p := models[0].predict(features)), p])
