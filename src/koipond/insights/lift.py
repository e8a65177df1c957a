"""The lift report (增量报告): what a strategy earned against its own hold-out. Source: design §8.

The warehouse adds up integers; `koipond.experiments` decides. Nothing here reads a row of a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import ibis

from koipond.experiments.bounds import Bound
from koipond.experiments.comparison import ArmData, Comparison, compare_arms
from koipond.experiments.effect import Effect
from koipond.experiments.metric import Metric
from koipond.experiments.statistics import MetricSums, aggregates
from koipond.ingest.ports import IbisTable, Reader
from koipond.insights.breakdown import breakdown_rows, with_layer
from koipond.insights.outcomes import OutcomeWindow, first_draws, outcomes, over, population, unreal
from koipond.insights.waiting import Waiting, waiting
from koipond.kernel import InputError

TOUCH, HOLDOUT = "touch", "holdout"

METRICS = (
    Metric(name="conversion", kind="proportion", column="converted"),
    Metric(name="orders_per_customer", kind="mean", column="order_count"),
    Metric(name="revenue_per_customer_fen", kind="mean", column="revenue_fen"),
)
_MARGIN = Metric(name="margin_per_customer_fen", kind="mean", column="margin_fen")
COVARIATES = ("before_order_count", "before_revenue_fen")
_COLUMNS = ("converted", "order_count", "revenue_fen", *COVARIATES, "touched")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftQuestion:
    """Which strategy, over which window, judged how.

    ``holdout_rate`` is the meant share of the hold-out (for the sample-ratio check); ``margin_bp`` the margin
    per 10,000 of revenue, None when nobody said; ``layer`` the pre-registered layer to break the effect down
    by, for those drawn under one of ``layer_versions`` of the strategy, None = under any.
    """

    strategy: str
    window: OutcomeWindow
    as_of: date
    holdout_rate: float
    bound: Bound | None = None
    margin_bp: int | None = None
    layer: str | None = None
    layer_versions: Sequence[int] | None = None
    alpha: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Candidates that do not count, and why."""

    pending: int  # outcome window not over yet
    merged: int  # one person in both arms
    unreal: int  # confirmed by an operator (koipond quality)
    staff: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductMargin:
    """Margin by the products bought; ``share``: part of the revenue of both arms that their margins cover.

    ``effect``: difference in margin per customer, the rest of the revenue at the question's ``margin_bp`` (at
    nothing without one); None when it cannot be told.
    """

    share: float
    effect: Effect | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftReport:
    """Sums of the arms, effects of the touch arm against the hold-out, what it earned and cost."""

    question: LiftQuestion
    sums: Mapping[str, MetricSums]
    comparison: Comparison | None
    left_out: LeftOut
    cost_fen: int
    responses: Mapping[str, int]
    variants: Comparison | None = None
    breakdown: Sequence[Mapping[str, Any]] = ()
    sentence: str = ""
    rehearsed: bool = False
    waiting: Waiting = field(default_factory=Waiting)
    product_margin: ProductMargin | None = None

    @property
    def population(self) -> int:
        """Customers that count."""
        return sum(stats.n for stats in self.sums.values())

    def effect(self, metric: str) -> Effect | None:
        """Return the effect of the touch arm in ``metric``; None when it cannot be told."""
        effects = self.comparison.effects if self.comparison else ()
        return next((e for e in effects if (e.arm, e.metric) == (TOUCH, metric)), None)

    def incremental(self, metric: str) -> tuple[float, float, float] | None:
        """Return the difference of ``metric`` times those assigned to the touch: estimate, low, high."""
        effect = self.effect(metric)
        return None if effect is None else self._times_touched(effect)

    def _times_touched(self, effect: Effect) -> tuple[float, float, float]:
        n = self.sums[TOUCH].n
        return effect.difference * n, effect.low * n, effect.high * n

    def to_dict(self) -> dict[str, Any]:
        """Return the report as the command contract has it, with what explains it."""
        return {
            "strategy": self.question.strategy,
            "rehearsed": self.rehearsed,
            "window_days": self.question.window.days,
            "population": self.population,
            "left_out": asdict(self.left_out),
            "first_result_on": self.waiting.first_result_on,
            "arms": [self._arm(arm) for arm in (TOUCH, HOLDOUT)],
            "effects": [effect_row(effect) for effect in self.comparison.effects] if self.comparison else [],
            "srm_p": self.comparison.srm_p if self.comparison else None,
            "design": self.comparison.design if self.comparison else None,
            "incremental": {
                name: _interval(self.incremental(metric)) for name, metric in _INCREMENTAL.items()
            },
            "margin": self._margin(),
            "cost_fen": self.cost_fen,
            "cost_per_incremental_order_fen": self._cost_per_order(),
            "responses": dict(self.responses),
            "variants": self.variants.to_dict() if self.variants else None,
            "breakdown": [dict(row) for row in self.breakdown],
            "sentence": self.sentence,
        }

    def _arm(self, arm: str) -> dict[str, Any]:
        return {**arm_row(arm, self.sums.get(arm)), **self.waiting.row(arm)}

    def _margin(self) -> dict[str, Any] | None:
        """Return what is left of the incremental margin after the cost, and what the margin rests on."""
        margin_bp, products = self.question.margin_bp, self.product_margin
        if products is not None:
            found = None if products.effect is None else self._times_touched(products.effect)
        elif margin_bp is not None:
            revenue = self.incremental("revenue_per_customer_fen")
            rate = margin_bp / 10_000
            found = None if revenue is None else (revenue[0] * rate, revenue[1] * rate, revenue[2] * rate)
        else:
            found = None
        if found is None:
            return None
        estimate, low, high = (value - self.cost_fen for value in found)
        share = 0.0 if products is None else products.share
        after_cost = _interval((estimate, low, high))
        return {"after_cost_fen": after_cost, "margin_bp": margin_bp, "product_margin_share": share}

    def _cost_per_order(self) -> int | None:
        orders = self.incremental("orders_per_customer")
        if orders is None or orders[1] <= 0:
            return None  # an interval that reaches 0 gives no finite cost
        return round(self.cost_fen / orders[0])


_INCREMENTAL = {
    "conversions": "conversion",
    "orders": "orders_per_customer",
    "revenue_fen": "revenue_per_customer_fen",
}


def lift_report(reader: Reader, question: LiftQuestion) -> LiftReport:
    """Return the report; raise InputError when the strategy never drew an arm."""
    rows = _rows(reader, question)
    if question.layer is not None:
        rows = with_layer(reader, rows, question.layer)
    rows = reader.cache("lift_rows", rows)
    sums = arm_sums(reader, rows, "arm")
    shares = {TOUCH: 1 - question.holdout_rate, HOLDOUT: question.holdout_rate}
    left_out = _left_out(reader, question, sum(stats.n for stats in sums.values()))
    touched = rows.filter(lambda t: t.arm == TOUCH)
    return LiftReport(
        question=question,
        sums=sums,
        comparison=compare_sums(sums, control=HOLDOUT, question=question, expected=shares),
        left_out=left_out,
        cost_fen=_cost(reader, question),
        responses=_responses(reader, question),
        variants=_variants(reader, touched, question),
        breakdown=_breakdown(reader, rows, question),
        waiting=waiting(reader, question.strategy, question.window),
        product_margin=_product_margin(reader, rows, question),
    )


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


def arm_row(arm: str, stats: MetricSums | None) -> dict[str, Any]:
    """Return one arm as the contract has it; zeros while nobody's outcome window is over."""
    names = ("touched", "converted", "revenue_fen")
    totals = {name: int(stats.total(name)) if stats else 0 for name in names}
    return {"arm": arm, "assigned": stats.n if stats else 0, **totals}


def effect_row(effect: Effect) -> dict[str, Any]:
    """Return one effect as the contract has it."""
    return {
        "metric": effect.metric,
        "arm": effect.arm,
        "method": effect.method,
        "absolute": {"estimate": effect.difference, "low": effect.low, "high": effect.high},
        "relative": effect.relative.to_dict(),
        "p": effect.p,
    }


def _interval(values: tuple[float, float, float] | None) -> dict[str, float] | None:
    return None if values is None else dict(zip(("estimate", "low", "high"), values, strict=True))


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


def _left_out(reader: Reader, question: LiftQuestion, counted: int) -> LeftOut:
    draws = first_draws(reader, question.strategy, question.window)
    late, single = ~over(draws, question.window), draws.arms == 1
    row = reader.frame(
        draws.aggregate(
            drawn=draws.count(),
            merged=(draws.arms > 1).ifelse(1, 0).sum(),
            pending=(single & late).ifelse(1, 0).sum(),
        )
    ).to_pylist()[0]
    fake = int(reader.scalar(unreal(reader, draws.filter(single & ~late)).count()))
    if not row["drawn"]:
        raise InputError(
            f"strategy '{question.strategy}' has drawn no arm yet; plan, approve and send it first"
        )
    merged, pending = int(row["merged"]), int(row["pending"])
    staff = int(row["drawn"]) - merged - pending - fake - counted
    return LeftOut(pending=pending, merged=merged, unreal=fake, staff=staff)


def _cost(reader: Reader, question: LiftQuestion) -> int:
    touches = reader.table("touches").filter(lambda t: t.strategy == question.strategy)
    return int(reader.scalar(ibis.coalesce(touches.cost_fen.sum(), 0).name("cost")))


def _responses(reader: Reader, question: LiftQuestion) -> dict[str, int]:
    ours = reader.table("touches").filter(lambda t: t.strategy == question.strategy).select("touch_key")
    kinds = reader.table("responses").semi_join(ours, "touch_key").group_by("kind")
    counted = kinds.aggregate(n=lambda t: t.touch_key.nunique()).order_by("kind")
    return {row["kind"]: int(row["n"]) for row in reader.frame(counted).to_pylist()}


def _variants(reader: Reader, touched: IbisTable, question: LiftQuestion) -> Comparison | None:
    """Compare the variants among those assigned to the touch; the first in name order is the control."""
    sums = arm_sums(reader, touched, "variant")
    return compare_sums(sums, control=min(sums), question=question) if len(sums) > 1 else None


def _breakdown(reader: Reader, rows: IbisTable, question: LiftQuestion) -> list[dict[str, Any]]:
    if question.layer is None:
        return []
    if question.layer_versions is not None:
        rows = rows.filter(rows.strategy_version.isin(list(question.layer_versions)))
    cells = {
        (arm, layer): stats for (arm, layer), stats in grouped_sums(reader, rows, ["arm", "layer"]).items()
    }
    made = breakdown_rows(cells, control=HOLDOUT, treated=TOUCH, alpha=question.alpha)
    return [{"layer": question.layer, **row} for row in made]
