"""The lift report of an applied strategy (策略报告): its question, answered and put in words."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from koipond.bootstrap import App
from koipond.experiments.always_valid import AlwaysValidBound
from koipond.experiments.bounds import Bound
from koipond.experiments.sentence import Wording, sentence
from koipond.facts.ports import Reader
from koipond.insights.lift import lift_report
from koipond.insights.lift_model import LiftQuestion, LiftReport
from koipond.insights.outcomes import OutcomeWindow
from koipond.insights.words import WORDS, Language
from koipond.kernel import SYMBOLS, InputError, epoch_day, listed, minor_digits
from koipond.rules.titles import title
from koipond.store.instants import to_s
from koipond.strategy.model import DEFAULT_BREAKDOWN, MetricName, Strategy
from koipond.worker.offers import issued_codes


def strategy_report(
    app: App,
    reader: Reader,
    key: str,
    day: date,
    *,
    language: Language | None = None,
    rehearsed: bool = False,
) -> LiftReport:
    """Return the report of strategy ``key`` as of ``day``.

    Before the strategy's planned end the intervals are always valid (design §8). Raises InputError when
    no such strategy is applied, or it drew no arm yet.
    """
    strategy = _applied(app, key)
    question = LiftQuestion(
        strategy=key,
        window=OutcomeWindow(days=strategy.metric.window_days, as_of_day=epoch_day(day)),
        as_of=day,
        holdout_rate=strategy.holdout_rate,
        bound=_bound(strategy, day),
        margin_bp=app.settings.defaults.default_margin_bp,
        layer=strategy.breakdown,
        layer_versions=_named_in(app, strategy),
        codes=issued_codes(app, app.store.codes.issued(key)),
        end_s=to_s(app.end_of(day)),
        complete=rehearsed,
    )
    made = replace(lift_report(reader, question), rehearsed=rehearsed)
    said = primary_sentence(
        made, strategy.metric.primary, language or app.settings.language, app.settings.currency
    )
    return replace(made, sentence=said)


def report_dict(app: App, report: LiftReport, day: date) -> dict[str, Any]:
    """Return the report with what every answer carries."""
    key = report.question.strategy
    return {**report.to_dict(), "name": title(_applied(app, key).name, key), **app.stamp(day)}


def _applied(app: App, key: str) -> Strategy:
    strategies = app.definitions.strategies
    if key not in strategies:
        raise InputError(
            "no strategy '{key}' is applied; there is {known}", key=key, known=listed(sorted(strategies))
        )
    return strategies[key]


def _named_in(app: App, strategy: Strategy) -> list[int]:
    """Return the versions of the strategy that name its layer: who was drawn under another one was not
    broken down by it beforehand (S57)."""
    history = app.store.definitions.history("strategy", strategy.key)
    return [
        one.version for one in history if one.body.get("breakdown", DEFAULT_BREAKDOWN) == strategy.breakdown
    ]


def _bound(strategy: Strategy, day: date) -> Bound | None:
    """Return None for the fixed horizon, once the last window of a strategy with an end is over."""
    if strategy.ends_on and day >= strategy.ends_on + timedelta(days=strategy.metric.window_days):
        return None
    return AlwaysValidBound()


def primary_sentence(report: LiftReport, metric: MetricName, language: Language, currency: str) -> str:
    """Return what is known of the strategy's primary metric, in one sentence."""
    word = WORDS[language]
    label = word[metric]
    effect = report.effect(metric)
    if effect is None:
        return f"{label}：{word['unknown']}。" if language == "zh" else f"{label}: {word['unknown']}."
    within = label[:1].lower() + label[1:]
    return sentence(effect, _wording(metric, within, currency), language, arm=word["the_touch"])


def _wording(metric: MetricName, label: str, currency: str) -> Wording:
    if metric == "conversion":
        return Wording(label=label, unit="share")
    if metric == "revenue_per_customer_fen":
        digits = minor_digits(currency)
        return Wording(
            label=label,
            unit="money_minor",
            digits=digits,
            minor_digits=digits,
            prefix=SYMBOLS.get(currency, f"{currency} "),
        )
    return Wording(label=label, digits=3)
