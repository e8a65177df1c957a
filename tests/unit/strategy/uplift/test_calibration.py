import numpy as np
import pytest

from koipond.strategy.uplift.calibration import calibrate, group_effects, group_of
from koipond.strategy.uplift.verdict import decide, left_out


def drawn(slope: float, *, customers: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return model scores and noisy robust scores whose true effect is 0.05 + slope × (score - 1)."""
    rng = np.random.default_rng(seed)
    score = 1 + rng.normal(size=customers)
    return score, 0.05 + slope * (score - 1) + rng.normal(size=customers)


def test_slope_and_effect_are_recovered_with_their_errors() -> None:
    hits = 0
    for seed in range(200):
        found = calibrate(*drawn(0.02, customers=2_000, seed=seed))
        hits += abs(found.slope - 0.02) < 1.96 * found.slope_se
    assert 180 <= hits <= 198


def test_a_score_twice_too_large_is_halved() -> None:
    score, robust = drawn(0.5)
    found = calibrate(2 * score, robust)
    assert found.slope == pytest.approx(0.25, abs=0.02)
    assert found.predict(2 * score) == pytest.approx(0.05 + 0.5 * (score - 1), abs=0.15)


def test_noise_is_shrunk_to_the_average_effect() -> None:
    found = calibrate(*drawn(0.0))
    assert found.kept * abs(found.slope) < 0.02
    upside_down = calibrate(*drawn(-0.5))
    assert upside_down.kept == 0.0
    assert upside_down.predict(np.array([-9.0, 9.0])) == pytest.approx(upside_down.effect)


def test_a_constant_score_has_no_slope() -> None:
    found = calibrate(np.ones(100), np.random.default_rng(0).normal(size=100))
    assert (found.slope, found.ranking_z, found.kept) == (0.0, 0.0, 0.0)


def test_customers_of_equal_score_share_a_group() -> None:
    group = group_of(np.array([3.0, 1.0, 1.0, 1.0, 2.0, 2.0, 4.0, 5.0, 6.0, 7.0]))
    assert group.tolist() == [2, 0, 0, 0, 1, 1, 3, 3, 4, 4]


def test_groups_leave_out_what_is_not_shown_to_pay() -> None:
    def effects(*pairs: tuple[float, float]):  # type: ignore[no-untyped-def]
        score = np.repeat(np.arange(5.0), 400)
        predicted = np.repeat([p for p, _ in pairs], 400)
        noise = np.tile([0.2, -0.2], 1000)
        return group_effects(group_of(score), predicted, np.repeat([e for _, e in pairs], 400) + noise)

    shown = effects((0.1, 0.1), (0.1, 0.1), (0.1, 0.1), (0.1, 0.1), (0.1, 0.1))
    assert left_out(shown, 0.0) == 0
    assert left_out(shown, 0.2) == 5
    doubtful = effects((0.01, 0.01), (0.02, 0.02), (0.1, 0.1), (0.1, 0.1), (0.1, 0.1))
    assert left_out(doubtful, 0.0) == 1  # together the first two are shown to gain 0.015
    harmed = effects((-0.1, -0.1), (0.0, 0.0), (0.05, 0.05), (0.1, 0.1), (0.1, 0.1))
    assert left_out(harmed, 0.0) == 2


def test_a_ranking_that_does_not_hold_over_splits_is_not_used() -> None:
    score, robust = drawn(0.5)
    found = calibrate(score, robust)
    groups = group_effects(group_of(score), found.predict(score), robust)
    assert decide("mail", "T", found, groups, (), cost=0.0).decision == "treat all"
