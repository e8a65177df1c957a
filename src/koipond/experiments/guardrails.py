"""Guardrails (护栏指标): is a metric at least not worse than a margin? Non-inferiority. Pure.

The interval decides, not the p: a complaint rate that "did not differ" in a small test is not safe but
unknown. Guard metrics are watched all the time, so their intervals are always-valid whatever the design
(science B4).
"""

from dataclasses import dataclass
from typing import Any, Literal

from koipond.experiments.effect import Effect
from koipond.kernel import InputError

Verdict = Literal["safe", "worse", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """How much worse a metric may get: ``margin`` in its own unit, or as a fraction of the control."""

    metric: str
    margin: float
    worse: Literal["up", "down"]
    relative: bool = False

    def __post_init__(self) -> None:
        if not self.margin >= 0:
            raise InputError(
                "the margin of guardrail {metric} must be 0 or more, got {margin}",
                metric=self.metric,
                margin=self.margin,
            )
        if self.worse not in ("up", "down"):
            raise InputError(
                "guardrail {metric}: worse must be 'up' or 'down', got {worse!r}",
                metric=self.metric,
                worse=self.worse,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailResult:
    """The verdict: ``safe`` = worse by less than the margin; ``worse`` = by more; else not known yet."""

    arm: str
    metric: str
    verdict: Verdict
    harm: float  # how much worse, positive = worse, in the unit of the margin
    harm_low: float
    harm_high: float
    margin: float
    relative: bool
    method: str

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return {name: getattr(self, name) for name in GuardrailResult.__slots__}


def judge(effect: Effect, guardrail: Guardrail) -> GuardrailResult:
    """Return the verdict of ``guardrail`` on ``effect``; each bound holds with confidence 1 - alpha/2.

    Raises InputError for a relative margin where the lift is not defined.
    """
    low, middle, high = effect.low, effect.difference, effect.high
    if guardrail.relative:
        lift = effect.relative
        if lift.estimate is None or lift.low is None or lift.high is None:
            raise InputError(
                "guardrail {metric}: lift {method}; give an absolute margin",
                metric=guardrail.metric,
                method=lift.method,
            )
        low, middle, high = lift.low, lift.estimate, lift.high
    if guardrail.worse == "down":
        low, middle, high = -high, -middle, -low
    verdict: Verdict = "safe" if high < guardrail.margin else "worse" if low > guardrail.margin else "unknown"
    return GuardrailResult(
        arm=effect.arm,
        metric=guardrail.metric,
        verdict=verdict,
        harm=middle,
        harm_low=low,
        harm_high=high,
        margin=guardrail.margin,
        relative=guardrail.relative,
        method=effect.method,
    )
