"""The sentences a verdict rests on. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from koipond.strategy.uplift.balance import Balance
from koipond.strategy.uplift.calibration import GroupEffect
from koipond.strategy.uplift.evaluation import ModelScore
from koipond.strategy.uplift.verdict import Verdict


def with_evidence(
    verdict: Verdict,
    groups: Sequence[GroupEffect],
    scores: Sequence[ModelScore],
    arms_alike: Balance,
    *,
    feature: str,
    certain: float | None,
) -> Verdict:
    """Return ``verdict`` with what was seen.

    ``feature`` is where the arms differ most; ``certain`` the share of customers whose arm was nearly certain
    from their features, None when arms were drawn by lot.
    """
    said = [
        f"Treating everybody brings {_effect(verdict.effect, verdict.low, verdict.high)} a customer "
        f"at a cost of {verdict.cost:g}."
    ]
    if verdict.decision == "treat none":
        said.append("It is proven not to pay." if verdict.proven else "That is no proof that it pays.")
    beside = ", ".join(f"{s.model} {s.mean:+.3g} ± {s.sd:.2g}" for s in scores)
    said.append(f"Qini over {len(scores[0].splits)} half splits, mean ± standard deviation: {beside}.")
    if verdict.model == "response":
        said.append("No uplift model ranks better than the plain response model.")
    own = next(s for s in scores if s.model == verdict.model)
    steady = own.mean / own.sd if own.sd > 0 else 0.0
    said += _ranking(verdict, groups, f"slope z {verdict.ranking_z:.1f}, Qini {steady:.1f} sd")
    if arms_alike.alarming:
        said.append(
            f"Warning: the arms differed before the touch (p {arms_alike.p:.1g}), most in {feature}, "
            f"by {arms_alike.worst_difference:+.2f} standard deviations: a lottery does not do that."
        )
    if certain is not None:
        said.append(
            "The arms were not drawn by lot: all rests on the features explaining who was chosen. "
            f"{100 * certain:.0f} % of customers were nearly certain of their arm and say little."
        )
    proven = verdict.proven and certain is None and not arms_alike.alarming
    return replace(verdict, proven=proven, evidence=tuple(said))


def _ranking(verdict: Verdict, groups: Sequence[GroupEffect], z: str) -> list[str]:
    if not verdict.ranking_proven:
        return [f"Whom to choose cannot be told from chance ({z}): targeting gains nothing."]
    lowest, highest = groups[0], groups[-1]
    said = [
        f"The ranking is real ({z}): the highest group gains "
        f"{_effect(highest.effect, highest.low, highest.high)}, "
        f"the lowest {_effect(lowest.effect, lowest.low, lowest.high)}.",
        f"Choosing pays while a touch costs {max(0.0, lowest.predicted):.4g} to {highest.predicted:.4g}.",
    ]
    if verdict.left_out:
        said.append(
            f"Without the lowest {verdict.left_out} of {len(groups)} groups the net gain is "
            f"{verdict.gain_target:+.4g} a customer of the whole list; treating all, {verdict.gain_all:+.4g}."
        )
    return said


def _effect(effect: float, low: float, high: float) -> str:
    return f"{effect:+.4g} ({low:+.4g} to {high:+.4g}, 95 %)"
