"""The lift report (增量报告): what a strategy earned against its own hold-out. Source: design §8.

The warehouse adds up integers; `koipond.experiments` decides. Nothing here reads a row of a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from koipond.experiments.comparison import ArmData, Comparison, compare_arms
from koipond.experiments.metric import Metric
from koipond.experiments.statistics import MetricSums, aggregates
from koipond.facts.ports import IbisTable, Reader
from koipond.insights.breakdown import breakdown_rows, with_layer
from koipond.insights.freshness import NewestFact, newest_facts
from koipond.insights.lift_model import (
    HOLDOUT,
    METRICS,
    TOUCH,
    LeftOut,
    LiftQuestion,
    LiftReport,
    ProductMargin,
)
from koipond.insights.outcomes import first_draws, outcomes, over, population, sent_since, unreal
from koipond.insights.spending import spending
from koipond.insights.waiting import waiting
from koipond.kernel import InputError

_MARGIN = Metric(name="margin_per_customer_fen", kind="mean", column="margin_fen")
COVARIATES = ("before_order_count", "before_revenue_fen")
_COLUMNS = ("converted", "order_count", "revenue_fen", *COVARIATES, "touched")
_NO_ORDERS = -1  # a day before every draw: without an order nothing is known of any outcome


def lift_report(reader: Reader, question: LiftQuestion) -> LiftReport:
    """Return the report; raise InputError when the strategy never drew an arm."""
    newest = newest_facts(reader, question.window.as_of_day)
    question = _known(newest, question)
    rows = _rows(reader, question)
    if question.layer is not None:
        rows = with_layer(reader, rows, question.layer)
    rows = reader.cache("lift_rows", rows)
    sums = arm_sums(reader, rows, "arm")
    shares = {TOUCH: 1 - question.holdout_rate, HOLDOUT: question.holdout_rate}
    touched = rows.filter(lambda t: t.arm == TOUCH)
    variants = arm_sums(reader, touched, "variant")
    spent, to_date = spending(
        reader, rows, question.strategy, question.window, question.codes, question.now_s
    )
    touches = reader.table("touches").filter(lambda t: t.strategy == question.strategy)
    left_out, unseen = _left_out(reader, question, sum(stats.n for stats in sums.values()))
    return LiftReport(
        question=question,
        sums=sums,
        comparison=compare_sums(sums, control=HOLDOUT, question=question, expected=shares),
        left_out=left_out,
        unseen=unseen,
        spent=spent,
        spent_to_date=to_date,
        responses=_responses(reader, sent_since(reader, rows, question.strategy, question.window.days)),
        responses_to_date=_responses(reader, touches),
        variants=_variants(variants, question),
        variant_sums=dict(sorted(variants.items())),
        breakdown=_breakdown(reader, rows, question),
        waiting=waiting(reader, question.strategy, question.window),
        product_margin=_product_margin(reader, rows, question),
        newest=newest,
    )


def _known(newest: Sequence[NewestFact], question: LiftQuestion) -> LiftQuestion:
    """Return the question with the day up to which outcomes are known."""
    if question.complete:
        return question
    known = max((one.day for one in newest if one.kind == "orders"), default=_NO_ORDERS)
    return replace(question, window=replace(question.window, facts_day=known))


def arm_sums(reader: Reader, rows: IbisTable, by: str) -> dict[str, MetricSums]:
    """Return the sufficient statistics of each value of column ``by``."""
    return {key[0]: stats for key, stats in grouped_sums(reader, rows, [by]).items()}


def grouped_sums(
    reader: Reader, rows: IbisTable, by: Sequence[str], columns: Sequence[str] = _COLUMNS
) -> dict[tuple[str, ...], MetricSums]:
    """Return the sufficient statistics of ``columns`` for each combination of the columns ``by``."""
    wanted = {
        name: rows.count() if not factors else _product(rows, factors).sum()
        for name, factors in aggregates(columns).items()
    }
    table = reader.frame(rows.group_by(list(by)).aggregate(**wanted)).to_pylist()
    return {tuple(str(row[name]) for name in by): MetricSums.from_aggregates(columns, row) for row in table}


def compare_sums(
    sums: Mapping[str, MetricSums],
    *,
    control: str,
    question: LiftQuestion,
    expected: Mapping[str, float] | None = None,
    metrics: Sequence[Metric] = METRICS,
) -> Comparison | None:
    """Return every arm against ``control``; None while there is no control or nothing differs yet."""
    if control not in sums or len(sums) < 2 or any(stats.n < 2 for stats in sums.values()):
        return None
    arms = {arm: ArmData(sums=stats) for arm, stats in sums.items()}
    varying = [m for m in metrics if all(stats.variance(m.column) > 0 for stats in sums.values())]
    if not varying:
        return None
    known = [name for name in COVARIATES if all(stats.variance(name) > 0 for stats in sums.values())]
    return compare_arms(
        arms,
        control=control,
        metrics=varying,
        covariates=known,
        bound=question.bound,
        alpha=question.alpha,
        expected=expected,
    )


def _rows(reader: Reader, question: LiftQuestion) -> IbisTable:
    people = population(reader, question.strategy, question.window)
    return outcomes(reader, people, question.strategy, question.window)


def _product_margin(reader: Reader, rows: IbisTable, question: LiftQuestion) -> ProductMargin | None:
    """Compare the margin by products, None when none carries one or none of those was bought."""
    if "product_margin_fen" not in rows.columns:
        return None
    rest = (rows.revenue_fen - rows.covered_fen) * (question.margin_bp or 0) / 10_000
    rows = rows.mutate(margin_fen=rows.product_margin_fen + rest.round().cast("int64"))
    columns = ("margin_fen", "covered_fen", "revenue_fen", *COVARIATES)
    sums = {key[0]: stats for key, stats in grouped_sums(reader, rows, ["arm"], columns).items()}
    covered, revenue = (
        sum(stats.total(name) for stats in sums.values()) for name in ("covered_fen", "revenue_fen")
    )
    if not covered:
        return None
    made = compare_sums(sums, control=HOLDOUT, question=question, metrics=[_MARGIN])
    return ProductMargin(
        share=min(1.0, covered / revenue) if revenue > 0 else 1.0, effect=made.effects[0] if made else None
    )


def _product(rows: IbisTable, factors: Sequence[str]) -> Any:
    first, *rest = (rows[name] for name in factors)
    for factor in rest:
        first = first * factor
    return first


def _left_out(reader: Reader, question: LiftQuestion, counted: int) -> tuple[LeftOut, int]:
    """Return who does not count, and how many of those pending only wait for newer orders."""
    window = question.window
    draws = first_draws(reader, question.strategy, window)
    late, single = ~over(draws, window), draws.arms == 1
    runs = draws.drawn_day + window.days > window.as_of_day
    row = reader.frame(
        draws.aggregate(
            drawn=draws.count(),
            merged=(draws.arms > 1).ifelse(1, 0).sum(),
            late=(single & late).ifelse(1, 0).sum(),
            pending=(single & runs).ifelse(1, 0).sum(),
        )
    ).to_pylist()[0]
    fake = int(reader.scalar(unreal(reader, draws.filter(single & ~late)).count()))
    if not row["drawn"]:
        raise InputError(
            "strategy '{strategy}' has drawn no arm yet; plan, approve and send it first",
            strategy=question.strategy,
        )
    merged, waits = int(row["merged"]), int(row["late"])
    staff = int(row["drawn"]) - merged - waits - fake - counted
    left = LeftOut(pending=waits, merged=merged, unreal=fake, staff=staff)
    return left, waits - int(row["pending"])


def _responses(reader: Reader, touches: IbisTable) -> dict[str, int]:
    """Return how many of ``touches`` got each kind of answer."""
    kinds = reader.table("responses").semi_join(touches.select("touch_key"), "touch_key").group_by("kind")
    counted = kinds.aggregate(n=lambda t: t.touch_key.nunique()).order_by("kind")
    return {row["kind"]: int(row["n"]) for row in reader.frame(counted).to_pylist()}


def _variants(sums: Mapping[str, MetricSums], question: LiftQuestion) -> Comparison | None:
    """Compare the variants among those assigned to the touch; the first in name order is the control."""
    return compare_sums(sums, control=min(sums), question=question) if len(sums) > 1 else None


def _breakdown(reader: Reader, rows: IbisTable, question: LiftQuestion) -> list[dict[str, Any]]:
    if question.layer is None:
        return []
    if question.layer_versions is not None:
        rows = rows.filter(rows.strategy_version.isin(list(question.layer_versions)))
    cells = {
        (arm, layer): stats for (arm, layer), stats in grouped_sums(reader, rows, ["arm", "layer"]).items()
    }
    made = breakdown_rows(cells, control=HOLDOUT, treated=TOUCH, alpha=question.alpha, bound=question.bound)
    return [{"layer": question.layer, **row} for row in made]
