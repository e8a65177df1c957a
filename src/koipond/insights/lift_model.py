"""The values of a lift report (增量报告): what is asked, and what it answers as plain values. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from koipond.experiments.bounds import Bound
from koipond.experiments.comparison import Comparison
from koipond.experiments.effect import Effect
from koipond.experiments.metric import Metric
from koipond.experiments.statistics import MetricSums
from koipond.insights.freshness import NewestFact
from koipond.insights.outcomes import DAY_S, OutcomeWindow
from koipond.insights.spending import Codes, Spending
from koipond.insights.waiting import Waiting
from koipond.kernel import from_epoch_day

TOUCH, HOLDOUT = "touch", "holdout"

METRICS = (
    Metric(name="conversion", kind="proportion", column="converted"),
    Metric(name="orders_per_customer", kind="mean", column="order_count"),
    Metric(name="revenue_per_customer_fen", kind="mean", column="revenue_fen"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftQuestion:
    """Which strategy, over which window, judged how.

    ``holdout_rate`` is the meant share of the hold-out (for the sample-ratio check); ``margin_bp`` the margin
    per 10,000 of revenue, None when nobody said; ``layer`` the pre-registered layer to break the effect down
    by, for those drawn under one of ``layer_versions`` of the strategy, None = under any. ``codes``: those it
    issued. ``end_s``: the last second of the as-of day. ``complete``: every fact up to it is known, as in a
    rehearsal; else outcomes are known up to the newest order.
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
    codes: Codes = field(default_factory=Codes)
    end_s: int | None = None
    complete: bool = False

    @property
    def now_s(self) -> int:
        """The last second that counts; without ``end_s`` that of the as-of day in UTC."""
        return (self.window.as_of_day + 1) * DAY_S - 1 if self.end_s is None else self.end_s


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Candidates that do not count, and why."""

    pending: int  # outcome window not over yet, or it reaches beyond the newest order
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
    """Sums of the arms, effects of the touch arm against the hold-out, what it earned and cost.

    ``spent``: over the people who count and their windows, as everything else here; ``spent_to_date``: over
    everybody so far; so the two of ``responses``. ``newest``: how far the facts reach. ``unseen``: of those
    pending, whose window is over by the calendar but reaches beyond the newest order.
    """

    question: LiftQuestion
    sums: Mapping[str, MetricSums]
    comparison: Comparison | None
    left_out: LeftOut
    spent: Spending
    spent_to_date: Spending
    responses: Mapping[str, int]
    responses_to_date: Mapping[str, int] = field(default_factory=dict)
    unseen: int = 0
    variants: Comparison | None = None
    variant_sums: Mapping[str, MetricSums] = field(default_factory=dict)
    newest: Sequence[NewestFact] = ()
    breakdown: Sequence[Mapping[str, Any]] = ()
    sentence: str = ""
    rehearsed: bool = False
    waiting: Waiting = field(default_factory=Waiting)
    product_margin: ProductMargin | None = None

    @property
    def cost_fen(self) -> int:
        """Messages and redeemed codes of those who count, within their windows."""
        return self.spent.cost_fen

    @property
    def population(self) -> int:
        """Customers that count."""
        return sum(stats.n for stats in self.sums.values())

    def effect(self, metric: str) -> Effect | None:
        """Return the effect of the touch arm in ``metric``; None when it cannot be told."""
        return next((e for e in self._effects() if (e.arm, e.metric) == (TOUCH, metric)), None)

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
            "outcomes_known_to": self._known_to(),
            "waiting_for_orders": self.unseen,
            "newest_facts": [one.to_dict() for one in self.newest],
            "arms": [self._arm(arm) for arm in (TOUCH, HOLDOUT)],
            "effects": [effect_row(effect, self.sums, HOLDOUT) for effect in self._effects()],
            "srm_p": self.comparison.srm_p if self.comparison else None,
            "design": self.comparison.design if self.comparison else None,
            "incremental": {
                name: _interval(self.incremental(metric)) for name, metric in _INCREMENTAL.items()
            },
            "margin": self._margin(),
            "cost_fen": self.cost_fen,
            "cost_per_incremental_order_fen": self._cost_per_order(),
            "spent": self.spent.to_dict(),
            "spent_to_date": self.spent_to_date.to_dict(),
            "responses": dict(self.responses_to_date),
            "responses_counted": dict(self.responses),
            "variants": self._variants(),
            "breakdown": [dict(row) for row in self.breakdown],
            "sentence": self.sentence,
        }

    def _known_to(self) -> str | None:
        """Return the last day of which outcomes are known; None without any order."""
        known = self.question.window.known_day
        return None if known < 0 else from_epoch_day(known).isoformat()

    def _effects(self) -> Sequence[Effect]:
        return self.comparison.effects if self.comparison else ()

    def _variants(self) -> dict[str, Any] | None:
        """Return each variant's own figures, and what tells them apart; None when only one was drawn."""
        if len(self.variant_sums) < 2:
            return None
        rows = [{**arm_row(name, stats), **_means(stats)} for name, stats in self.variant_sums.items()]
        if self.variants is None:
            return {"arms": {name: stats.n for name, stats in self.variant_sums.items()}, "rows": rows}
        control = self.variants.control
        raw = [effect_row(effect, self.variant_sums, control) for effect in self.variants.effects]
        effects = [
            {**effect, "raw": own["raw"], "adjusted": own["adjusted"]}
            for effect, own in zip(self.variants.to_dict()["effects"], raw, strict=True)
        ]
        return {**self.variants.to_dict(), "effects": effects, "rows": rows}

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


def arm_row(arm: str, stats: MetricSums | None) -> dict[str, Any]:
    """Return one arm as the contract has it; zeros while nobody's outcome window is over."""
    names = ("touched", "converted", "revenue_fen")
    totals = {name: int(stats.total(name)) if stats else 0 for name in names}
    return {"arm": arm, "assigned": stats.n if stats else 0, **totals}


def effect_row(effect: Effect, sums: Mapping[str, MetricSums], control: str) -> dict[str, Any]:
    """Return one effect as the contract has it, with the plain difference of the arms beside it.

    ``adjusted``: the effect takes out what the arms bought before the draw (CUPED), so it is not ``raw``.
    """
    column = next(metric.column for metric in METRICS if metric.name == effect.metric)
    plain = {"control": sums[control].mean(column), "treated": sums[effect.arm].mean(column)}
    return {
        "metric": effect.metric,
        "arm": effect.arm,
        "method": effect.method,
        "absolute": {"estimate": effect.difference, "low": effect.low, "high": effect.high},
        "relative": effect.relative.to_dict(),
        "p": effect.p,
        "raw": {**plain, "difference": plain["treated"] - plain["control"]},
        "adjusted": effect.method.startswith("CUPED"),
    }


def _means(stats: MetricSums) -> dict[str, Any]:
    """Return the share and the money per customer of one variant."""
    if not stats.n:
        return {"rate": None, "revenue_per_customer_fen": None}
    return {"rate": stats.mean("converted"), "revenue_per_customer_fen": stats.mean("revenue_fen")}


def _interval(values: tuple[float, float, float] | None) -> dict[str, float] | None:
    return None if values is None else dict(zip(("estimate", "low", "high"), values, strict=True))
