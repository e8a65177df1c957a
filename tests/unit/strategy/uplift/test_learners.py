import numpy as np
import pytest

from koipond.strategy.uplift.learners import LEARNERS, fit_learner
from koipond.strategy.uplift.linear import fit_logistic, fit_ridge
from koipond.strategy.uplift.robust import arm_chances, cross_fit, robust_scores
from koipond.strategy.uplift.sample import Sample, folds_of


def linear_world(*, noise: float, customers: int = 4_000, chosen: bool = False, seed: int = 0) -> Sample:
    """Return customers whose outcome is linear and whose effect is 1 + 2·x1 for arm 1 and -x0 for arm 2."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(customers, 3))
    arm = rng.integers(0, 3, customers)
    if chosen:
        arm = np.where(rng.random(customers) < 1 / (1 + np.exp(-features[:, 0])), 1, 0)
    effect = np.choose(arm, [np.zeros(customers), 1 + 2 * features[:, 1], -features[:, 0]])
    outcome = 3 * features[:, 0] + effect + noise * rng.normal(size=customers)
    return Sample(
        features=features,
        arm=arm,
        outcome=outcome,
        arms=1 if chosen else 2,
        binary=False,
        randomised=not chosen,
    )


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_finds_linear_effects_of_two_arms(name: str) -> None:
    sample = linear_world(noise=0.5)
    scores = fit_learner(name, sample, seed=0)(sample.features)
    truth = np.column_stack([1 + 2 * sample.features[:, 1], -sample.features[:, 0]])
    for arm in range(2):
        assert np.corrcoef(scores[:, arm], truth[:, arm])[0, 1] > 0.95
        assert scores[:, arm].mean() == pytest.approx(truth[:, arm].mean(), abs=0.3)


def test_the_response_model_predicts_the_outcome_and_not_the_effect() -> None:
    sample = linear_world(noise=0.5)
    scores = fit_learner("response", sample, seed=0)(sample.features)
    assert np.array_equal(scores[:, 0], scores[:, 1])
    assert np.corrcoef(scores[:, 0], sample.features[:, 0])[0, 1] > 0.9


def test_robust_scores_average_to_the_effect_where_raw_means_are_misled() -> None:
    sample = linear_world(noise=1.0, customers=20_000, chosen=True)
    raw = sample.outcome[sample.arm == 1].mean() - sample.outcome[sample.arm == 0].mean()
    robust = robust_scores(sample, 0)[:, 0]
    standard_error = robust.std() / np.sqrt(len(robust))
    assert abs(raw - 1.0) > 1.0
    assert robust.mean() == pytest.approx(1.0, abs=4 * standard_error)


def test_chances_are_the_shares_of_a_lottery_and_add_up() -> None:
    sample = linear_world(noise=1.0)
    chances = arm_chances(sample, 0)
    assert chances.sum(axis=1) == pytest.approx(1.0)
    assert chances[0].tolist() == pytest.approx((np.bincount(sample.arm) / len(sample.arm)).tolist())


def test_folds_are_balanced_by_arm_and_every_customer_has_one() -> None:
    sample = linear_world(noise=1.0)
    fold = folds_of(sample, 5, seed=3)
    for arm in range(3):
        sizes = np.bincount(fold[sample.arm == arm], minlength=5)
        assert sizes.max() - sizes.min() <= 2
    assert np.array_equal(fold, folds_of(sample, 5, seed=3))


def test_out_of_fold_predictions_never_saw_their_customer() -> None:
    sample = linear_world(noise=1.0, customers=300)
    fold = folds_of(sample, 3, seed=0)
    seen: list[set[bytes]] = []

    def remember(part: Sample):  # type: ignore[no-untyped-def]
        seen.append({row.tobytes() for row in part.features})

        def score(features: np.ndarray) -> np.ndarray:
            assert not seen[-1] & {row.tobytes() for row in features}
            return np.zeros((len(features), 1))

        return score

    cross_fit(sample, fold, remember)
    assert len(seen) == 3


def test_an_outcome_that_never_varies_is_a_constant_model() -> None:
    features = np.random.default_rng(0).normal(size=(99, 2))
    assert fit_logistic(features, np.zeros(99)).predict(features) == pytest.approx(0.5 / 100)


def test_ridge_equals_the_normal_equations() -> None:
    rng = np.random.default_rng(0)
    features, outcome, weight = rng.normal(size=(50, 3)), rng.normal(size=50), rng.uniform(0.5, 2, 50)
    model = fit_ridge(features, outcome, penalty=2.0, weight=weight)
    centre, middle = np.average(features, axis=0, weights=weight), np.average(outcome, weights=weight)
    offset = features - centre
    expected = np.linalg.solve(
        (offset * weight[:, None]).T @ offset + 2.0 * np.eye(3),
        (offset * weight[:, None]).T @ (outcome - middle),
    )
    assert model.weights == pytest.approx(expected)
