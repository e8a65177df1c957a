import json

import numpy as np
import pytest

import koipond
from koipond.experiments.guardrails import Guardrail
from koipond.kernel import InputError


def table(sent_rate: float, n: int) -> dict[str, np.ndarray]:
    half = n // 2
    complained = np.zeros(n, dtype=int)
    complained[: round(half * 0.01)] = 1
    complained[half : half + round(half * sent_rate)] = 1
    return {"arm": np.repeat(["control", "sent"], half), "complained": complained}


def verdict(sent_rate: float, n: int, **rule) -> str:
    guard = Guardrail(**({"metric": "complained", "margin": 0.005, "worse": "up"} | rule))
    result = koipond.compare(table(sent_rate, n), metrics={"complained": "proportion"}, guardrails=[guard])
    json.dumps(result.to_dict(), allow_nan=False)
    return result.guardrails[0].verdict


def test_no_difference_among_few_customers_is_unknown_not_safe() -> None:
    assert verdict(0.01, 400) == "unknown"
    assert verdict(0.01, 40_000) == "safe"


def test_harm_beyond_the_margin_is_worse_and_within_it_safe() -> None:
    assert verdict(0.03, 40_000) == "worse"
    assert verdict(0.011, 40_000) == "safe"


def test_a_metric_that_should_not_fall_is_read_the_other_way_round() -> None:
    assert verdict(0.03, 40_000, worse="down") == "safe"
    assert verdict(0.001, 40_000, worse="down") == "worse"


def test_a_relative_margin_is_a_fraction_of_the_control() -> None:
    assert verdict(0.0101, 400_000, margin=0.2, relative=True) == "safe"
    assert verdict(0.02, 400_000, margin=0.2, relative=True) == "worse"


def test_guard_metrics_are_judged_by_always_valid_intervals_whatever_the_design() -> None:
    guard = Guardrail(metric="complained", margin=0.005, worse="up")
    result = koipond.compare(table(0.01, 4000), metrics={"complained": "proportion"}, guardrails=[guard])
    effect, found = result.effects[0], result.guardrails[0]
    assert "mSPRT" in found.method
    assert "mSPRT" not in effect.method
    assert found.harm_high - found.harm_low > effect.high - effect.low


def test_senseless_guardrails_are_refused() -> None:
    with pytest.raises(InputError, match="0 or more"):
        Guardrail(metric="x", margin=-1.0, worse="up")
    with pytest.raises(InputError, match="'up' or 'down'"):
        Guardrail(metric="x", margin=1.0, worse="left")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not among the metrics"):
        koipond.compare(
            table(0.01, 400),
            metrics={"complained": "proportion"},
            guardrails=[Guardrail(metric="unfriended", margin=0.1, worse="up")],
        )
    nobody = {"arm": ["control"] * 50 + ["sent"] * 50, "complained": [0] * 50 + [1] * 50}
    with pytest.raises(InputError, match="absolute margin"):
        koipond.compare(
            nobody,
            metrics={"complained": "proportion"},
            guardrails=[Guardrail(metric="complained", margin=0.1, worse="up", relative=True)],
        )
