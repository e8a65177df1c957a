"""What is and is not known, in one plain sentence (结论): zh, en, id. Pure.

A sentence never says "no effect": a test that found nothing says which differences it could not tell apart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from koipond.experiments.comparison import Comparison
from koipond.experiments.design import Design
from koipond.experiments.effect import Effect
from koipond.experiments.guardrails import GuardrailResult
from koipond.experiments.sentence_texts import TEXTS
from koipond.kernel import InputError, Language, number_in

_BETWEEN_HAN = re.compile("(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
"""The blank that stood beside a number and is left beside its unit: 个百分点 之间."""
_POWER_80 = 0.8416212335729143  # normal deviate of 80 % power


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a metric is called and counted in one language.

    ``unit``: ``share`` prints percentage points; ``money_minor`` divides by 10^minor_digits; ``suffix``
    follows every amount, ``prefix`` stands before it, such as "¥".
    """

    label: str
    unit: Literal["share", "money_minor", "number"] = "number"
    digits: int = 2
    minor_digits: int = 2
    suffix: str = ""
    prefix: str = ""

    def size(self, value: float, language: Language) -> str:
        """Return ``value`` without its sign, with its unit."""
        return f"{self._figure(abs(value), language)}{self._end(language)}"

    def interval(self, low: float, high: float, language: Language) -> str:
        """Return both ends with their signs, and the unit once."""
        ends = [f"{'-' if end < 0 else '+'}{self._figure(abs(end), language)}" for end in (low, high)]
        return f"{_texts(language)['to'].join(ends)}{self._end(language)}"

    def _figure(self, size: float, language: Language) -> str:
        scale = {"share": 100.0, "money_minor": 10.0**-self.minor_digits, "number": 1.0}[self.unit]
        return self.prefix + number_in(f"{scale * size:,.{self.digits}f}", language)

    def _end(self, language: Language) -> str:
        return _texts(language)["points"] if self.unit == "share" else self.suffix


def sentence(effect: Effect, wording: Wording, language: Language = "zh", *, arm: str | None = None) -> str:
    """Return one sentence on ``effect``: what is known, with the interval, or what is not.

    ``arm`` is the arm's name for readers. Raises InputError for an unknown language.
    """
    known = effect.low > 0 or effect.high < 0
    kind = ("up" if effect.low > 0 else "down") if known else "unknown"
    said = _texts(language)[kind].format(
        arm=arm or effect.arm,
        metric=wording.label,
        size=wording.size(effect.difference, language),
        interval=wording.interval(effect.low, effect.high, language),
        level=number_in(f"{100 * (1 - effect.alpha):g}", language),
        lift=_lift(effect, language),
        visible=wording.size(visible_difference(effect), language),
    )
    return _BETWEEN_HAN.sub("", said)


def sentences(
    comparison: Comparison,
    wordings: Mapping[str, Wording],
    language: Language = "zh",
    *,
    arms: Mapping[str, str] | None = None,
) -> list[str]:
    """Return a sentence for each effect and guardrail that has a wording, the sample-ratio alarm first.

    ``arms`` maps arm labels to names for readers.
    """
    names = arms or {}
    found = []
    if comparison.sample_ratio_alarm:
        found.append(_texts(language)["alarm"].format(p=number_in(f"{comparison.srm_p:.2g}", language)))
    found += [
        sentence(e, wordings[e.metric], language, arm=names.get(e.arm, e.arm))
        for e in comparison.effects
        if e.metric in wordings
    ]
    return found + [
        guardrail_sentence(g, wordings[g.metric], language, arm=names.get(g.arm, g.arm))
        for g in comparison.guardrails
        if g.metric in wordings
    ]


def guardrail_sentence(
    result: GuardrailResult, wording: Wording, language: Language = "zh", *, arm: str | None = None
) -> str:
    """Return one sentence on a guardrail's verdict."""
    margin = wording.size(result.margin, language)
    if result.relative:
        margin = number_in(f"{100 * result.margin:g}%", language)
    return _texts(language)[f"guard_{result.verdict}"].format(
        arm=arm or result.arm, metric=wording.label, margin=margin
    )


def design_sentence(plan: Design, wording: Wording, language: Language = "zh") -> str:
    """Return one sentence on what ``plan`` needs and will be able to see.

    Raises InputError for a plan without a baseline: it cannot say what it will find.
    """
    if plan.customers is None or plan.difference is None or plan.power is None:
        raise InputError("a design without a baseline cannot say what it will find; give baseline and lift")
    return _texts(language)[f"plan_{plan.kind}"].format(
        metric=wording.label,
        customers=number_in(f"{plan.customers:,}", language),
        size=wording.size(plan.difference, language),
        power=f"{100 * plan.power:.0f}",
        looks=len(plan.looks),
    )


def visible_difference(effect: Effect) -> float:
    """Return the difference that this many customers show four times out of five."""
    return (effect.high - effect.low) / 2 + _POWER_80 * effect.se


def _lift(effect: Effect, language: Language) -> str:
    lift = effect.relative
    if lift.estimate is None or lift.low is None or lift.high is None:
        return ""
    middle, low, high = (
        number_in(f"{100 * value:+.1f}%", language) for value in (lift.estimate, lift.low, lift.high)
    )
    return _texts(language)["lift"].format(lift=middle, low=low, high=high)


def _texts(language: str) -> dict[str, str]:
    if language not in TEXTS:
        raise InputError(
            "language must be one of {texts}, got {language!r}", texts=", ".join(TEXTS), language=language
        )
    return TEXTS[language]
