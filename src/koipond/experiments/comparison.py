"""The comparison of arms (实验对比): every arm against the control in every metric. Pure.

Takes sums, not rows: a report aggregates in the warehouse and calls `compare_arms`; `compare` does it for
a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from koipond.experiments.adjustment import Target, compare_cuped
from koipond.experiments.always_valid import AlwaysValidBound
from koipond.experiments.bounds import FIXED, Bound, FixedBound
from koipond.experiments.effect import Effect
from koipond.experiments.guardrails import Guardrail, GuardrailResult, judge
from koipond.experiments.means import compare_means
from koipond.experiments.metric import Metric
from koipond.experiments.multiplicity import holm
from koipond.experiments.proportions import compare_proportions
from koipond.experiments.quantiles import ValueCounts, compare_quantiles
from koipond.experiments.ratios import compare_ratios
from koipond.experiments.relative import RelativeMethod
from koipond.experiments.sample_ratio import ALARM, sample_ratio_p
from koipond.experiments.statistics import MetricSums
from koipond.frames import PlotSpec, chart, interval_layers, plain, reference_layer, text_table
from koipond.kernel import InputError, joined

_HEADER = ["arm", "metric", "control", "treated", "difference", "low", "high", "p", "p Holm"]
_HEADER += ["lift", "lift low", "lift high", "method", "lift method"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmData:
    """What is known of one arm: sums of columns, and counts of values for each quantile metric."""

    sums: MetricSums
    counts: Mapping[str, ValueCounts] = field(default_factory=dict)

    def __add__(self, other: "ArmData") -> "ArmData":
        counts = {name: value + other.counts[name] for name, value in self.counts.items()}
        return ArmData(sums=self.sums + other.sums, counts=counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Sizes of the arms, the sample-ratio p and one effect for each arm and metric."""

    control: str
    arms: Mapping[str, int]
    srm_p: float
    effects: tuple[Effect, ...]
    design: str
    alpha: float
    guardrails: tuple[GuardrailResult, ...] = ()

    @property
    def sample_ratio_alarm(self) -> bool:
        """Whether the arms' sizes are so far off that no effect may be trusted (science D6)."""
        return self.srm_p < ALARM

    def effect(self, arm: str, metric: str) -> Effect:
        """Return the effect of ``arm`` in ``metric``; raise InputError when there is none."""
        for effect in self.effects:
            if (effect.arm, effect.metric) == (arm, metric):
                return effect
        raise InputError("no effect of arm {arm} in metric {metric}", arm=arm, metric=metric)

    def to_dict(self) -> dict[str, Any]:
        """Return arms, srm_p and effects as plain values, with the design and alpha."""
        return {
            "arms": dict(self.arms),
            "srm_p": plain(self.srm_p),
            "effects": [effect.to_dict() for effect in self.effects],
            "control": self.control,
            "guardrails": [result.to_dict() for result in self.guardrails],
            "design": self.design,
            "alpha": self.alpha,
        }

    def __str__(self) -> str:
        rows = [_row(effect) for effect in self.effects]
        sizes = ", ".join(f"{arm} {n}" for arm, n in self.arms.items())
        alarm = "  SAMPLE RATIO ALARM: do not trust the effects" if self.sample_ratio_alarm else ""
        return f"{sizes}; sample ratio p {self.srm_p:.3g}{alarm}\n{text_table(_HEADER, rows)}"

    def plot(self) -> PlotSpec:
        """Return the lifts with their intervals, one line for each arm and metric."""
        rows = [
            {"effect": f"{e.arm}: {e.metric}", "arm": e.arm, **e.relative.to_dict()}
            for e in self.effects
            if e.relative.low is not None
        ]
        layers = interval_layers(
            label="effect", estimate="estimate", low="low", high="high", color="arm", title="lift"
        )
        return chart(rows, [*layers, reference_layer(0.0, axis="x")], title=f"Lift against {self.control}")


def _row(e: Effect) -> list[object]:
    numbers = [e.control, e.treated, e.difference, e.low, e.high, e.p, e.p_adjusted]
    lift = [e.relative.estimate, e.relative.low, e.relative.high]
    return [e.arm, e.metric, *numbers, *lift, e.method, e.relative.method]


def compare_arms(
    arms: Mapping[str, ArmData],
    *,
    control: str,
    metrics: Sequence[Metric],
    covariates: Sequence[str] = (),
    bound: Bound | None = None,
    alpha: float = 0.05,
    expected: Mapping[str, float] | None = None,
    relative: RelativeMethod = "log-ratio",
    guardrails: Sequence[Guardrail] = (),
) -> Comparison:
    """Return every arm against ``control`` in every metric; p-values also adjusted by Holm over all of them.

    ``bound``: the design (default: fixed horizon at ``alpha``). ``expected``: the arms' meant shares
    (default: equal); ``guardrails`` name metrics of ``metrics``. Raises InputError with everything that
    cannot be computed.
    """
    if control not in arms:
        raise InputError(
            "no arm {control!r} to be the control; the arms are {arms}",
            control=control,
            arms=", ".join(sorted(arms)),
        )
    bound = bound or FixedBound(alpha=alpha)
    sizes = {arm: data.sums.n for arm, data in arms.items()}
    srm_p = sample_ratio_p(sizes, expected)
    named = {metric.name: metric for metric in metrics}
    unknown = [
        f"guardrail {rule.metric} is not among the metrics" for rule in guardrails if rule.metric not in named
    ]
    effects, wrong = _effects(arms, control, metrics, covariates, bound, relative)
    if wrong or unknown:
        raise InputError(joined("; ", [*unknown, *wrong]))
    adjusted = holm([effect.p for effect in effects])
    verdicts: list[GuardrailResult] = []
    for rule in guardrails:
        always = AlwaysValidBound(alpha=bound.alpha)
        guarded, _ = _effects(arms, control, [named[rule.metric]], covariates, always, relative)
        verdicts += [judge(effect, rule) for effect in guarded]
    return Comparison(
        control=control,
        arms=sizes,
        srm_p=srm_p,
        effects=tuple(replace(e, p_adjusted=p) for e, p in zip(effects, adjusted, strict=True)),
        design=bound.name,
        alpha=bound.alpha,
        guardrails=tuple(verdicts),
    )


def _effects(
    arms: Mapping[str, ArmData],
    control: str,
    metrics: Sequence[Metric],
    covariates: Sequence[str],
    bound: Bound,
    relative: RelativeMethod,
) -> tuple[list[Effect], list[str]]:
    """Return the effects of all arms but ``control``, and a text for each that cannot be computed."""
    effects, wrong = [], []
    for arm, metric in ((arm, metric) for arm in arms if arm != control for metric in metrics):
        try:
            effect = compare_metric(
                arms[control],
                arms[arm],
                metric,
                covariates=covariates,
                bound=bound,
                relative=relative,
            )
        except InputError as error:
            wrong.append(f"{metric.name} of {arm} against {control}: {error}")
        else:
            effects.append(replace(effect, arm=arm, metric=metric.name))
    return effects, wrong


def compare_metric(
    control: ArmData,
    treated: ArmData,
    metric: Metric,
    *,
    covariates: Sequence[str] = (),
    bound: Bound = FIXED,
    relative: RelativeMethod = "log-ratio",
) -> Effect:
    """Return the effect in one metric: CUPED when there are covariates, except for quantiles."""
    one, two = control.sums, treated.sums
    if metric.kind == "quantile":
        first, second = control.counts[metric.name], treated.counts[metric.name]
        return compare_quantiles(first, second, metric.q, name=metric.column, bound=bound, relative=relative)
    if covariates:
        target = Target(numerator=metric.column, denominator=metric.denominator)
        return compare_cuped(one, two, target, covariates, bound=bound, relative=relative)
    if metric.denominator is not None:
        return compare_ratios(one, two, metric.column, metric.denominator, bound=bound, relative=relative)
    if metric.kind == "proportion":
        return compare_proportions(one, two, metric.column, bound=bound, relative=relative)
    return compare_means(one, two, metric.column, bound=bound, relative=relative)
