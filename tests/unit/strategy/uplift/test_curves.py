import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import koipond
from koipond.frames import Result
from koipond.kernel import InputError
from koipond.strategy.uplift import (
    perfect_qini_curve,
    qini,
    qini_area,
    qini_curve,
    uplift_auc,
    uplift_curve,
)


def draw(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return score, treated and outcome with many ties in the score."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 400))
    score = rng.normal(size=n).round(int(rng.integers(0, 3)))
    treated = (rng.random(n) < rng.uniform(0.2, 0.8)).astype(int)
    treated[:2] = (0, 1)
    outcome = (rng.random(n) < rng.uniform(0.1, 0.9)).astype(int)
    outcome[:4] = (0, 1, 1, 0)
    return score, treated, outcome


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_curves_and_areas_equal_scikit_uplift(seed: int) -> None:
    from sklift import metrics as oracle

    score, treated, outcome = draw(seed)
    for ours, theirs in ((qini_curve, oracle.qini_curve), (uplift_curve, oracle.uplift_curve)):
        curve, (n, gain) = ours(score, treated, outcome), theirs(outcome, score, treated)
        assert np.array_equal(curve.customers, n)
        assert np.allclose(curve.gain, gain, rtol=1e-12, atol=1e-12)
    assert qini(score, treated, outcome) == pytest.approx(
        oracle.qini_auc_score(outcome, score, treated), abs=1e-12
    )
    theirs_auc = oracle.uplift_auc_score(outcome, score, treated)
    assert uplift_auc(score, treated, outcome) == pytest.approx(theirs_auc, abs=1e-12)


def test_a_hand_worked_ranking() -> None:
    # two treated buyers on top, then a control buyer, then a treated customer who did not buy
    curve = qini_curve([4, 3, 2, 1], [1, 1, 0, 1], [1, 1, 1, 0])
    assert curve.customers.tolist() == [0, 1, 2, 3, 4]
    assert curve.gain.tolist() == [0, 1, 2, 2 - 1 * 2 / 1, 2 - 1 * 3 / 1]
    assert curve.area == pytest.approx((0.5 + 1.5 + 1.0 - 0.5) - (4 * -1) / 2)


def test_customers_of_equal_score_share_a_point_so_row_order_does_not_matter() -> None:
    score, treated, outcome = draw(3)
    shuffle = np.random.default_rng(0).permutation(len(score))
    assert qini(score, treated, outcome) == qini(score[shuffle], treated[shuffle], outcome[shuffle])
    assert qini(np.zeros(len(score)), treated, outcome) == 0.0


def test_the_perfect_ranking_scores_one() -> None:
    _, treated, outcome = draw(5)
    assert qini(outcome * np.where(treated, 1, -1), treated, outcome) == 1.0
    assert perfect_qini_curve(treated, outcome).gain.max() == outcome[treated == 1].sum()


def test_the_area_of_amounts_scales_with_the_amounts() -> None:
    score, treated, outcome = draw(8)
    assert qini_area(score, treated, 7.5 * outcome) == pytest.approx(7.5 * qini_area(score, treated, outcome))


@pytest.mark.parametrize(
    ("score", "treated", "outcome", "message"),
    [
        ([1, 2], [0, 1, 1], [0, 1, 1], "lengths differ"),
        ([1, np.nan, 3], [0, 1, 1], [0, 1, 1], "score: 1 values"),
        ([1, 2, 3], [0, 1, 2], [0, 1, 1], "treated: holds values other"),
        ([1, 2, 3], [0, 1, 1], [0, 1, 7], "outcome: holds values other"),
        ([1, 2, 3], [1, 1, 1], [0, 1, 1], "an arm is empty"),
        ([1, 2, 3], [0, 1, 1], [0, 0, 0], "the same for everybody"),
        (["a", "b", "c"], [0, 1, 1], [0, 1, 1], "score: not numbers"),
        ([], [], [], "an arm is empty"),
    ],
)
def test_input_without_an_answer_is_refused(score: list, treated: list, outcome: list, message: str) -> None:
    with pytest.raises(InputError, match=message):
        qini(score, treated, outcome)


def test_a_curve_follows_the_result_protocol() -> None:
    curve = qini_curve(*draw(1))
    assert isinstance(curve, Result)
    json.dumps([curve.to_dict(), curve.plot()], allow_nan=False)
    assert "customers" in str(curve)


def test_the_face_offers_it() -> None:
    assert koipond.qini is qini  # type: ignore[attr-defined]


@pytest.mark.parametrize("outcome", [0, 1])
@pytest.mark.parametrize("measure", [qini, uplift_auc])
def test_an_outcome_that_never_varies_ranks_nobody(measure: Callable[..., float], outcome: int) -> None:
    with pytest.raises(InputError, match="outcome: the same for everybody"):
        measure([4, 3, 2, 1], [1, 0, 1, 0], [outcome] * 4)


def test_a_curve_cannot_be_written_to() -> None:
    curve = qini_curve([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1])
    for array in (curve.customers, curve.gain):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
