import json

import numpy as np
import pytest

import koipond
from koipond.experiments.off_policy_estimators import clipped, ips, snips
from koipond.frames import Result
from koipond.kernel import InputError, RefusedError

TARGET = {"coupon": 0.6, "letter": 0.3, "none": 0.1}
ACTIONS = np.array(list(TARGET))


def log(rng: np.random.Generator, n: int) -> tuple[dict[str, np.ndarray], float]:
    """Choices by segment, rewards by segment and action; and the true value of the target policy."""
    segment = rng.integers(0, 3, n)
    chances = np.array([[0.2, 0.3, 0.5], [0.5, 0.3, 0.2], [0.3, 0.4, 0.3]])
    rates = np.array([[0.30, 0.10, 0.05], [0.10, 0.20, 0.10], [0.15, 0.15, 0.02]])
    draw = rng.random(n)
    chosen = (draw[:, None] > np.cumsum(chances, axis=1)[segment]).sum(axis=1)
    reward = (rng.random(n) < rates[segment, chosen]).astype(int)
    truth = float((rates @ np.array(list(TARGET.values()))).mean())
    table = {
        "segment": segment,
        "action": ACTIONS[chosen],
        "propensity": chances[segment, chosen],
        "reward": reward,
        "new_chance": np.array([TARGET[a] for a in ACTIONS])[chosen],
    }
    return table, truth


def test_every_estimator_covers_the_true_value_as_often_as_it_says() -> None:
    rng, runs = np.random.default_rng(1), 300
    hits = {"IPS": 0, "SNIPS": 0, "DR": 0}
    widths = dict.fromkeys(hits, 0.0)
    for _ in range(runs):
        table, truth = log(rng, 800)
        for value in koipond.off_policy(table, target=TARGET, context=("segment",)).values:
            hits[value.method] += value.low <= truth <= value.high
            widths[value.method] += value.high - value.low
    error = 4 * np.sqrt(0.95 * 0.05 / runs)
    assert all(abs(count / runs - 0.95) < error for count in hits.values()), hits
    assert widths["DR"] < widths["IPS"]


def test_evaluating_the_logged_policy_itself_gives_its_mean() -> None:
    table, _ = log(np.random.default_rng(2), 1000)
    result = koipond.off_policy(table | {"same": table["propensity"]}, target="same")
    assert result.overlap.effective_sample_size == pytest.approx(1000)
    for value in result.values:
        assert value.estimate == pytest.approx(table["reward"].mean())
        assert value.se == pytest.approx(result.logged.se)


def test_a_column_and_a_table_of_chances_agree() -> None:
    table, _ = log(np.random.default_rng(3), 500)
    by_column = koipond.off_policy(table, target="new_chance")
    by_action = koipond.off_policy(table, target=TARGET)
    assert by_column.values == by_action.values[:2]
    assert (by_column.best.method, by_action.best.method) == ("SNIPS", "DR")


def test_doubly_robust_survives_wrong_propensities_that_ips_does_not() -> None:
    table, truth = log(np.random.default_rng(4), 40_000)
    wrong = table | {"propensity": np.full(40_000, 1 / 3)}
    values = {v.method: v for v in koipond.off_policy(wrong, target=TARGET, context=("segment",)).values}
    assert abs(values["DR"].estimate - truth) < 3 * values["DR"].se
    assert abs(values["IPS"].estimate - truth) > 3 * values["IPS"].se


def test_a_policy_the_log_does_not_cover_is_refused() -> None:
    table, _ = log(np.random.default_rng(5), 2000)
    with pytest.raises(RefusedError, match=r"average 0\.2") as caught:
        koipond.off_policy(table, target={"coupon": 0.2, "gift": 0.8})
    assert caught.value.code == "no_overlap"
    assert caught.value.exit_code == 3
    with pytest.raises(RefusedError, match="worth only"):
        koipond.off_policy({k: v[:60] for k, v in table.items()}, target=TARGET)
    with pytest.raises(RefusedError, match="worth only 0"):
        koipond.off_policy(table | {"never": np.zeros(2000)}, target="never")


def test_clipping_cuts_only_the_largest_weights_and_is_reported() -> None:
    weights = np.array([0.5] * 99 + [40.0])
    assert clipped(weights, None).max() == pytest.approx(10 * weights.mean())
    assert clipped(weights, 3.0).max() == 3.0
    assert np.array_equal(clipped(weights, 3.0)[:99], weights[:99])
    table, _ = log(np.random.default_rng(6), 800)
    result = koipond.off_policy(table, target=TARGET, clip=1.0)
    assert result.clipped_share > 0.2
    assert result.values[0].estimate < koipond.off_policy(table, target=TARGET).values[0].estimate


def test_snips_stays_within_the_rewards_and_ignores_a_shift_of_them() -> None:
    rng = np.random.default_rng(7)
    reward, weights = rng.random(500), rng.gamma(1.0, 1.0, 500)
    assert 0 <= snips(reward, weights).estimate <= 1
    assert snips(reward + 5, weights).estimate == pytest.approx(snips(reward, weights).estimate + 5)
    assert ips(reward + 5, weights).estimate != pytest.approx(ips(reward, weights).estimate + 5)


def test_a_context_too_fine_to_predict_is_refused() -> None:
    n = 5000
    table = {
        "segment": np.arange(n),
        "action": np.arange(n) % 1001,
        "propensity": np.full(n, 1 / 1001),
        "reward": np.arange(n) % 2,
    }
    with pytest.raises(InputError, match="coarser context"):
        koipond.off_policy(table, target=dict.fromkeys(range(1001), 1 / 1001), context=("segment",))


def test_the_result_shows_itself() -> None:
    table, _ = log(np.random.default_rng(8), 500)
    result = koipond.off_policy(table, target=TARGET, context=("segment",))
    assert isinstance(result, Result)
    assert result.to_dict()["best"] == "DR"
    json.dumps([result.to_dict(), result.plot()], allow_nan=False)
    assert "SNIPS" in str(result)


@pytest.mark.parametrize(
    ("change", "kwargs", "message"),
    [
        ({"propensity": np.zeros(200)}, {}, "propensity must lie above 0"),
        ({"new_chance": np.full(200, 1.5)}, {"target": "new_chance"}, "between 0 and 1"),
        ({"reward": np.full(200, np.nan)}, {}, "missing"),
        ({}, {"target": {"coupon": 0.5}}, "add to 1"),
        ({}, {"target": "nope"}, "no column nope"),
        ({}, {"clip": 0.0}, "clip must be above 0"),
        ({}, {"alpha": 0.0}, "alpha must lie"),
    ],
)
def test_bad_logs_are_a_clear_error(change, kwargs, message: str) -> None:
    table, _ = log(np.random.default_rng(9), 200)
    with pytest.raises(InputError, match=message):
        koipond.off_policy(table | change, **({"target": TARGET} | kwargs))


@pytest.mark.parametrize("always", [0, 3])
def test_a_log_whose_reward_never_varies_is_refused_instead_of_answered_with_certainty(always: int) -> None:
    table, _ = log(np.random.default_rng(3), 1000)
    with pytest.raises(InputError, match=f"reward is {always} in every row"):
        koipond.off_policy(table | {"reward": np.full(1000, always)}, target=TARGET)
