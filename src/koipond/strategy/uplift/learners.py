"""Meta-learners of uplift (增量学习器) over linear models, for a control and one or more arms. Pure.

S, T: Künzel et al. 2019, §2. R: Nie and Wager 2021, eq. 4. DR: Kennedy 2023, §3. ``response`` is no uplift
model: it predicts the outcome and stands beside the others because it often ranks as well (science B5).
Slopes of an effect are shrunk towards "the same for everybody": a feature's standard deviation is expected to
move the effect by about a tenth of the outcome's standard deviation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from koipond.strategy.uplift.linear import LinearModel, fit_logistic, fit_outcome, fit_ridge

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
LearnerName = Literal["S", "T", "R", "DR", "response"]
LEARNERS: tuple[LearnerName, ...] = ("S", "T", "R", "DR")
Scorer = Callable[[FloatArray], FloatArray]
"""From (customers, columns) to (customers, arms): the predicted uplift of each arm over the control."""

EFFECT_SLOPE = 0.1
_INNER_FOLDS = 3
_OVERLAP = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Customers of a test: what they looked like, which arm they were in (0 = control), what they did."""

    features: FloatArray  # (customers, columns)
    arm: IntArray  # (customers,) 0 … arms
    outcome: FloatArray  # (customers,)
    arms: int  # without the control
    binary: bool
    randomised: bool  # arms drawn by lot; else the chance of each arm is estimated from the features

    def take(self, rows: IntArray) -> "Sample":
        return Sample(
            features=self.features[rows],
            arm=self.arm[rows],
            outcome=self.outcome[rows],
            arms=self.arms,
            binary=self.binary,
            randomised=self.randomised,
        )


def canonical_order(sample: Sample) -> IntArray:
    """Return the rows in an order that depends on what they hold, not on how the table came: drawing folds by
    position then gives the same folds for a re-sorted table (customers who are alike in all may trade
    places).
    """
    return np.lexsort((*sample.features.T, sample.outcome, sample.arm))


def fit_learner(name: LearnerName, sample: Sample, *, seed: int) -> Scorer:
    """Return the scorer of learner ``name`` fitted on ``sample``; ``seed`` draws inner folds only."""
    if name == "DR":
        return _fit_dr(sample, seed)
    if name == "R":
        return _fit_r(sample, seed)
    return {"S": _fit_s, "T": _fit_t, "response": _fit_response}[name](sample)


def _fit_response(sample: Sample) -> Scorer:
    model = fit_outcome(sample.features, sample.outcome, binary=sample.binary)
    return lambda features: np.repeat(model.predict(features)[:, None], sample.arms, axis=1)


def _fit_t(sample: Sample) -> Scorer:
    models = fit_arms(sample)
    return lambda features: _uplifts(models, features)


def _fit_s(sample: Sample) -> Scorer:
    """One model with the arm as a feature, and the arm times each feature under the tighter penalty."""
    centre = sample.features.mean(axis=0)

    def widen(features: FloatArray, arm: IntArray) -> FloatArray:
        chosen = (arm[:, None] == np.arange(1, sample.arms + 1)).astype(np.float64)
        crossed = [EFFECT_SLOPE * chosen[:, [a]] * (features - centre) for a in range(sample.arms)]
        return np.column_stack([features, chosen, *crossed])

    model = fit_outcome(widen(sample.features, sample.arm), sample.outcome, binary=sample.binary)

    def score(features: FloatArray) -> FloatArray:
        by_arm = [model.predict(widen(features, np.full(len(features), a))) for a in range(sample.arms + 1)]
        return np.column_stack([treated - by_arm[0] for treated in by_arm[1:]])

    return score


def _fit_r(sample: Sample, seed: int) -> Scorer:
    """Regress what the features do not explain of the outcome on what they do not explain of the arm."""
    models = []
    for arm in range(1, sample.arms + 1):
        pair = sample.take(np.flatnonzero((sample.arm == 0) | (sample.arm == arm)))
        expected = _out_of_fold(
            pair, seed, lambda part: _one(fit_outcome(part.features, part.outcome, binary=part.binary))
        )
        chance = arm_chances(pair, seed)
        surprise = (pair.arm == arm) - chance[:, arm] / (chance[:, 0] + chance[:, arm])
        residual = pair.outcome - expected[:, 0]
        penalty = float(residual.var()) / _slope_variance(sample)
        models.append(fit_ridge(pair.features, residual / surprise, penalty=penalty, weight=surprise**2))
    return lambda features: np.column_stack([model.predict(features) for model in models])


def _fit_dr(sample: Sample, seed: int) -> Scorer:
    """Regress the doubly robust score of each customer on the features."""
    models = []
    for score in robust_scores(sample, seed).T:
        penalty = float(score.var()) / _slope_variance(sample)
        models.append(fit_ridge(sample.features, score, penalty=penalty))
    return lambda features: np.column_stack([model.predict(features) for model in models])


def robust_scores(sample: Sample, seed: int) -> FloatArray:
    """Return (customers, arms): scores whose mean over any group of customers estimates the group's effect.

    Augmented inverse propensity weighting with out-of-fold outcome models (Robins, Rotnitzky and Zhao 1994;
    Kennedy 2023, eq. 2). In a randomised test unbiased whatever the outcome models say.
    """
    expected = _out_of_fold(sample, seed, lambda part: _predictors(fit_arms(part)))
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
    chance = _out_of_fold(sample, seed, _fit_chances)
    held: FloatArray = np.clip(chance / chance.sum(axis=1, keepdims=True), _OVERLAP, 1.0 - _OVERLAP)
    return held


def certain_share(sample: Sample, arm: int, seed: int) -> float:
    """Return the share of customers for whom ``arm`` or the control was nearly out of the question."""
    chance = arm_chances(sample, seed)[:, [0, arm]]
    return float((chance <= _OVERLAP).any(axis=1).mean())


def folds_of(sample: Sample, folds: int, seed: int) -> IntArray:
    """Return (customers,) a fold each, drawn so that every fold holds its share of each arm and outcome."""
    rng = np.random.default_rng(seed)
    fold = np.empty(len(sample.arm), dtype=np.intp)
    high = sample.outcome > np.median(sample.outcome) if not sample.binary else sample.outcome > 0
    for arm in range(sample.arms + 1):
        for side in (False, True):
            rows = np.flatnonzero((sample.arm == arm) & (high == side))
            fold[rng.permutation(rows)] = (np.arange(len(rows)) + rng.integers(folds)) % folds
    return fold


def fit_arms(sample: Sample) -> list[LinearModel]:
    """Return the outcome model of each arm, the control's first."""
    rows = [np.flatnonzero(sample.arm == arm) for arm in range(sample.arms + 1)]
    return [fit_outcome(sample.features[at], sample.outcome[at], binary=sample.binary) for at in rows]


def _fit_chances(sample: Sample) -> Scorer:
    """One model an arm against the rest; with one arm the control's chance is what is left."""
    models = [
        fit_logistic(sample.features, (sample.arm == arm).astype(np.float64))
        for arm in range(1 if sample.arms == 1 else 0, sample.arms + 1)
    ]
    if sample.arms > 1:
        return _predictors(models)
    return lambda features: np.column_stack([1.0 - (p := models[0].predict(features)), p])


def _predictors(models: list[LinearModel]) -> Scorer:
    return lambda features: np.column_stack([model.predict(features) for model in models])


def _one(model: LinearModel) -> Scorer:
    return _predictors([model])


def _uplifts(models: list[LinearModel], features: FloatArray) -> FloatArray:
    control = models[0].predict(features)
    return np.column_stack([model.predict(features) - control for model in models[1:]])


def _out_of_fold(sample: Sample, seed: int, fit: Callable[[Sample], Scorer]) -> FloatArray:
    """Return what ``fit`` predicts for each customer when fitted on the other folds."""
    return cross_fit(sample, folds_of(sample, _INNER_FOLDS, seed), fit)


def cross_fit(sample: Sample, fold: IntArray, fit: Callable[[Sample], Scorer]) -> FloatArray:
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


def _slope_variance(sample: Sample) -> float:
    return EFFECT_SLOPE**2 * max(float(sample.outcome.var()), 1e-12)
