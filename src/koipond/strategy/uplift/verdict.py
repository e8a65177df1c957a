"""Treat all, treat none, or target (触达全部/不触达/择优触达)? With the evidence. Pure.

- *Target* when the ranking is proven (higher scores do mean larger effects, beyond chance) and somebody can
be left out: groups of the lowest scores whose predicted effect does not pay for the touch, or whose measured
effect is not proven to. A touch that is not shown to do anything is not sent.
- *Treat all* when the average effect is proven to pay and nobody can be left out by that rule.
- *Treat none* otherwise: either harm or waste is proven, or nothing is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from koipond.strategy.uplift.calibration import Z_95, Calibration, GroupEffect
from koipond.strategy.uplift.evaluation import ModelScore

Decision = Literal["treat all", "treat none", "target"]
RANKING_Z = 2.0
"""The model is chosen among several by its Qini, so its slope must stand out more than the usual 1.64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to do with one arm, in outcome units a customer; intervals are two-sided 95 %."""

    arm: str
    decision: Decision
    share: float  # of customers to treat
    model: str  # whose ranking was judged
    effect: float  # of treating everybody
    low: float
    high: float
    cost: float
    ranking_z: float
    ranking_proven: bool
    left_out: int  # groups of the lowest scores that a proven ranking spares
    gain_all: float  # effect - cost
    gain_target: float  # of treating only those the model would, spread over everybody
    gain_target_se: float
    proven: bool  # False: "treat none" for want of proof, or the arms were not alike before the touch
    evidence: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {"evidence": list(self.evidence)}

    def __str__(self) -> str:
        sure = "proven" if self.proven else "not proven"
        head = f"{self.arm}: {self.decision} ({100 * self.share:.0f} % of customers; {sure})"
        return "\n".join([head, *self.evidence])


def left_out(groups: Sequence[GroupEffect], cost: float) -> int:
    """Return how many groups, from the lowest scores up, a proven ranking leaves out.

    First those predicted not to pay; then further ones for as long as what is added, taken together, is not
    proven to.
    """
    count = 0
    while count < len(groups) and groups[count].predicted <= cost:
        count += 1
    start = count
    for end in range(start + 1, len(groups) + 1):
        added = groups[start:end]
        size = sum(group.customers for group in added)
        effect = sum(group.customers * group.effect for group in added) / size
        se = sum((group.customers * group.se) ** 2 for group in added) ** 0.5 / size
        if effect - Z_95 * se > cost:
            break
        count = end
    return count


def decide(
    arm: str,
    model: str,
    calibration: Calibration,
    groups: Sequence[GroupEffect],
    scores: Sequence[ModelScore],
    *,
    cost: float,
) -> Verdict:
    """Return the verdict for ``arm`` from its best model: calibration, effects by group, Qini over splits."""
    effect, se = calibration.effect, calibration.effect_se
    customers = sum(group.customers for group in groups)
    steady = any(s.model == model and s.mean > Z_95 * s.sd for s in scores)
    ranking_proven = calibration.ranking_z > RANKING_Z and steady and len(groups) > 1
    out = left_out(groups, cost) if ranking_proven else 0
    kept = groups[out:]
    gain = sum(group.customers * (group.effect - cost) for group in kept) / customers
    gain_se = sum((group.customers * group.se) ** 2 for group in kept) ** 0.5 / customers
    if 0 < out < len(groups) and gain - Z_95 * gain_se > 0:
        decision: Decision = "target"
        share = sum(group.customers for group in kept) / customers
    else:
        decision = "treat all" if effect - Z_95 * se > cost else "treat none"
        share = 1.0 if decision == "treat all" else 0.0
    return Verdict(
        arm=arm,
        decision=decision,
        share=share,
        model=model,
        effect=effect,
        low=effect - Z_95 * se,
        high=effect + Z_95 * se,
        cost=cost,
        ranking_z=calibration.ranking_z,
        ranking_proven=ranking_proven,
        left_out=out,
        gain_all=effect - cost,
        gain_target=gain,
        gain_target_se=gain_se,
        proven=decision != "treat none" or effect + Z_95 * se < cost,
        evidence=(),
    )
