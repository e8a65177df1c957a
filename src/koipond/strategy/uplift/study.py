"""Learn from a test who is moved by a touch, and say whether choosing pays (增量建模; S09, S53)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from koipond.frames import TableLike
from koipond.kernel import InputError, Message, joined
from koipond.strategy.uplift.balance import balance
from koipond.strategy.uplift.calibration import calibrate, group_effects, group_of
from koipond.strategy.uplift.curves import qini_curve
from koipond.strategy.uplift.evaluation import ModelScore, evaluate
from koipond.strategy.uplift.evidence import with_evidence
from koipond.strategy.uplift.learners import LEARNERS, LearnerName, fit_learner
from koipond.strategy.uplift.linear import one_thread
from koipond.strategy.uplift.model import ArmUplift, Uplift
from koipond.strategy.uplift.reading import TestTable, read_test
from koipond.strategy.uplift.robust import certain_share, cross_fit, robust_scores
from koipond.strategy.uplift.sample import FloatArray, IntArray, Sample, canonical_order, folds_of
from koipond.strategy.uplift.verdict import decide

_EVALUATED_MAX = 200_000


def uplift(
    table: TableLike,
    arm: str = "arm",
    outcome: str = "outcome",
    features: Sequence[str] | None = None,
    *,
    control: str | None = None,
    ignore: Sequence[str] = (),
    cost: float | Mapping[str, float] = 0.0,
    learners: Sequence[LearnerName] = LEARNERS,
    splits: int = 20,
    folds: int = 5,
    seed: int = 0,
    randomised: bool = True,
) -> Uplift:
    """Return who is moved by which arm of a test, how sure that is, and a verdict for each arm.

    ``table``: one row a customer. ``arm``: the column of arms; ``control`` names the untouched one (guessed
    for "control", 0, false, "none", "holdout"). ``outcome``: 0/1 or an amount, after the touch. ``features``:
    columns known before the touch, None = all others but ``ignore``. ``cost``: of one touch, in outcome
    units, one for all or by arm.
    ``learners``: of S, T, R, DR; a response model and a random order always stand beside them over ``splits``
    half splits. ``folds``: for predictions from models that have not seen the customer. ``randomised`` False:
    chances of the arms are estimated from the features, and the verdict says that it rests on them.

    Needs the extra ``uplift`` (scikit-learn). Raises InputError for a bad table or argument. Deterministic in
    ``seed``.
    """
    test = read_test(
        table,
        arm=arm,
        outcome=outcome,
        features=features,
        control=control,
        ignore=ignore,
        randomised=randomised,
    )
    costs = _check(test, learners, splits, folds, cost)
    order = canonical_order(test.sample)
    test = replace(test, sample=test.sample.take(order))
    with one_thread():
        found = _study(test, outcome, tuple(learners), costs, splits=splits, folds=folds, seed=seed)
    back = np.argsort(order)
    return replace(found, predicted=found.predicted[back], low=found.low[back])


def _study(
    test: TestTable,
    outcome: str,
    learners: tuple[LearnerName, ...],
    costs: Sequence[float],
    *,
    splits: int,
    folds: int,
    seed: int,
) -> Uplift:
    models: tuple[LearnerName, ...] = (*learners, "response")
    scores = evaluate(_part(test.sample), test.arms, models, splits=splits, seed=seed)
    fold = folds_of(test.sample, folds, seed)
    robust = robust_scores(test.sample, seed)
    best = {name: _best(scores, name) for name in test.arms}
    wanted = [model for model in models if model in best.values() or model == "response"]
    unseen = {model: _unseen(test.sample, model, fold, seed) for model in wanted}
    by_arm = {
        name: _study_arm(
            test, number, best[name], scores, unseen, robust[:, number], cost=costs[number], seed=seed
        )
        for number, name in enumerate(test.arms)
    }
    counts = np.bincount(test.sample.arm, minlength=len(test.arms) + 1).tolist()
    own = [(by_arm[name].calibration, unseen[best[name]][:, number]) for number, name in enumerate(test.arms)]
    return Uplift(
        outcome=outcome,
        control=test.control,
        sizes=dict(zip((test.control, *test.arms), counts, strict=True)),
        predicted=np.column_stack([calibration.predict(score) for calibration, score in own]),
        low=np.column_stack([calibration.low(score) for calibration, score in own]),
        models=scores,
        by_arm=by_arm,
        encoding=test.encoding,
    )


def _unseen(sample: Sample, model: LearnerName, fold: IntArray, seed: int) -> FloatArray:
    """Return (customers, arms) scores, each from a model that has not seen the customer."""
    return cross_fit(sample, fold, lambda part: fit_learner(model, part, seed=seed))


def _study_arm(
    test: TestTable,
    number: int,
    model: LearnerName,
    scores: Sequence[ModelScore],
    unseen: Mapping[LearnerName, FloatArray],
    robust: FloatArray,
    *,
    cost: float,
    seed: int,
) -> ArmUplift:
    name, score = test.arms[number], unseen[model][:, number]
    calibration = calibrate(score, robust)
    groups = group_effects(group_of(score), calibration.predict(score), robust)
    own = [s for s in scores if s.arm == name]
    verdict = decide(name, model, calibration, groups, own, cost=cost)
    imbalance = balance(test.sample, number + 1)
    feature = test.encoding.columns[imbalance.worst]
    certain = None if test.sample.randomised else certain_share(test.sample, number + 1, seed)
    pair = (test.sample.arm == 0) | (test.sample.arm == number + 1)
    return ArmUplift(
        arm=name,
        model=model,
        calibration=calibration,
        groups=groups,
        verdict=with_evidence(verdict, groups, own, imbalance, feature=feature, certain=certain),
        curves={
            m: qini_curve(unseen[m][pair, number], test.sample.arm[pair] > 0, test.sample.outcome[pair])
            for m in dict.fromkeys((model, "response"))
        },
        scorer=fit_learner(model, test.sample, seed=seed),
        column=number,
    )


def _best(scores: Sequence[ModelScore], arm: str) -> LearnerName:
    """Return the model of the highest mean Qini; of equal ones the first."""
    own = [score for score in scores if score.arm == arm and score.model != "random"]
    return max(own, key=lambda score: score.mean).model  # type: ignore[return-value]


def _part(sample: Sample) -> Sample:
    """Return at most 200,000 customers, evenly over the list: enough for the splits."""
    size = len(sample.arm)
    if size <= _EVALUATED_MAX:
        return sample
    return sample.take(np.linspace(0, size - 1, _EVALUATED_MAX).round().astype(np.intp))


def _check(
    test: TestTable,
    learners: Sequence[LearnerName],
    splits: int,
    folds: int,
    cost: float | Mapping[str, float],
) -> list[float]:
    """Return the cost of each arm; raise InputError for arguments out of range."""
    wrong = []
    unknown = [str(name) for name in learners if name not in LEARNERS]
    if unknown or not learners:
        wrong.append(
            Message(
                "learners: {unknown}; choose of {learners}",
                unknown=", ".join(unknown) or "none given",
                learners=", ".join(LEARNERS),
            )
        )
    if not 2 <= splits <= 200:
        wrong.append(Message("splits: {splits}; pass 2 to 200", splits=splits))
    if not 2 <= folds <= 20:
        wrong.append(Message("folds: {folds}; pass 2 to 20", folds=folds))
    by_arm = dict(cost) if isinstance(cost, Mapping) else dict.fromkeys(test.arms, cost)
    strange = [str(name) for name in by_arm if name not in test.arms]
    if strange:
        wrong.append(Message("cost: no arm {strange}", strange=", ".join(strange)))
    costs = [float(by_arm.get(name, 0.0)) for name in test.arms]
    if not np.isfinite(costs).all():
        wrong.append(Message("cost: pass finite numbers, in outcome units"))
    if wrong:
        raise InputError(joined("; ", wrong), mistakes=tuple(wrong))
    return costs
