"""The shape of a strategy file and of an offer file, and how each becomes a value. Source: design §4.

The shapes are checked by pydantic; what only a second file or the contact policy can tell is lint
(`koipond.workspace.lint`).
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from koipond.budgets import Budget
from koipond.kernel import MONEY_MAX, Language
from koipond.outreach.model import CapWindow, FrequencyCap
from koipond.strategy.model import (
    DEFAULT_BREAKDOWN,
    CodeList,
    Guardrail,
    GuardrailName,
    Landing,
    LayerName,
    Metric,
    MetricName,
    Offer,
    Play,
    Purpose,
    Slot,
    Strategy,
)

KEY = r"^[a-z][a-z0-9_]{0,62}$"
Key = Annotated[str, Field(pattern=KEY)]
Rate = Annotated[float, Field(ge=0, le=0.5)]
MAX_VARIANTS = 5
MAX_PLAYS = 20


class Shape(BaseModel):
    """A mapping with known keys only and no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _localised(value: Any) -> Any:
    return {"zh": value, "en": value, "id": value} if isinstance(value, str) else value


Money = Annotated[int, Field(ge=0, le=MONEY_MAX)]
"""An amount in minor units, bounded as in imports: sums of many still fit what the stores count in."""

Words = Annotated[dict[Language, str], BeforeValidator(_localised)]
"""Words for people in three languages; one plain text stands for all of them."""


class CapShape(Shape):
    touches_max: int = Field(ge=1, le=1_000)
    window: CapWindow = "rolling_days"
    days: int = Field(default=7, ge=1, le=366)
    channel: str | None = None
    purpose: Purpose = "marketing"
    key: Key | None = None

    def resolve(self) -> FrequencyCap:
        """Return the cap; without a key of its own it is called after its numbers."""
        span = f"{self.days}_days" if self.window == "rolling_days" else self.window.removeprefix("calendar_")
        key = self.key or "_".join(filter(None, (self.channel, f"max_{self.touches_max}_per_{span}")))
        return FrequencyCap(
            key=key,
            touches_max=self.touches_max,
            window=self.window,
            days=self.days,
            channel=self.channel,
            purpose=self.purpose,
        )


class BudgetShape(Shape):
    total_fen: Money
    per_customer_fen: Money | None = None
    per_day_fen: Money | None = None


class MetricShape(Shape):
    primary: MetricName
    window_days: int = Field(ge=1, le=366)


class GuardrailShape(Shape):
    metric: GuardrailName
    rate_max: float = Field(gt=0, le=1)


class OfferShape(Shape):
    code_list: Key | None = None
    cost_cap_fen: Money | None = None


class LandingShape(Shape):
    url: str = Field(pattern=r"^(https://|weixin://|/)\S+$", max_length=2_000)


class SlotShape(Shape):
    """Common part of the four slots: ``variants`` by name; written without them when there is only one."""

    @model_serializer(mode="wrap")
    def _collapse(self, handler: SerializerFunctionWrapHandler) -> Any:
        body = handler(self)
        variants = {name: value or "none" for name, value in body["variants"].items()}
        return variants[""] if set(variants) == {""} else {"variants": variants}


def _variants(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"variants"}:
        return value
    return {"variants": {"": value}}


def _offer(value: Any) -> Any:
    return _each(value, lambda one: {} if one == "none" else one)


def _landing(value: Any) -> Any:
    return _each(value, lambda one: {"url": one} if isinstance(one, str) else one)


def _each(value: Any, change: Any) -> Any:
    shaped = _variants(value)
    variants = shaped["variants"]
    return {"variants": {k: change(v) for k, v in variants.items()}} if isinstance(variants, dict) else shaped


_VariantName = Annotated[str, Field(pattern=r"^[a-z0-9_]{0,40}$")]


class TextSlot(SlotShape):
    variants: dict[_VariantName, Key] = Field(min_length=1, max_length=MAX_VARIANTS)


class OfferSlot(SlotShape):
    variants: dict[_VariantName, OfferShape] = Field(min_length=1, max_length=MAX_VARIANTS)


class LandingSlot(SlotShape):
    variants: dict[_VariantName, LandingShape] = Field(min_length=1, max_length=MAX_VARIANTS)


class PlayShape(Shape):
    key: Key
    audience: Annotated[TextSlot, BeforeValidator(_variants)]
    offer: Annotated[OfferSlot, BeforeValidator(_offer)]
    script: Annotated[TextSlot, BeforeValidator(_variants)]
    landing: Annotated[LandingSlot, BeforeValidator(_landing)]
    channels: list[Key] = Field(min_length=1, max_length=8)
    purpose: Purpose = "marketing"

    def resolve(self) -> Play:
        """Return the play."""
        offers = {
            name: Offer(code_list=offer.code_list, cost_cap_fen=offer.cost_cap_fen)
            for name, offer in self.offer.variants.items()
        }
        return Play(
            key=self.key,
            audience=Slot(variants=self.audience.variants),
            offer=Slot(variants=offers),
            script=Slot(variants=self.script.variants),
            landing=Slot(variants={n: Landing(url=one.url) for n, one in self.landing.variants.items()}),
            channels=tuple(self.channels),
            purpose=self.purpose,
        )


class StrategyShape(Shape):
    """`strategies/KEY.yaml` of kind campaign."""

    key: Key
    kind: Literal["campaign"]
    name: Words = Field(default_factory=dict)
    description: str = ""
    owner: str = Field(min_length=1)
    metric: MetricShape
    budget: BudgetShape
    holdout_rate: Rate
    caps: list[CapShape] = Field(default_factory=list, max_length=10)
    guardrails: list[GuardrailShape] = Field(default_factory=list)
    starts_on: date | None = None
    ends_on: date | None = None
    review_on: date | None = None
    priority: int = Field(default=50, ge=0, le=100)
    re_entry_days: int = Field(default=30, ge=0, le=3_660)
    paused: bool = False
    breakdown: LayerName = DEFAULT_BREAKDOWN
    plays: list[PlayShape] = Field(min_length=1, max_length=MAX_PLAYS)

    def resolve(self) -> Strategy:
        """Return the strategy."""
        return Strategy(
            key=self.key,
            owner=self.owner,
            metric=Metric(primary=self.metric.primary, window_days=self.metric.window_days),
            plays=tuple(play.resolve() for play in self.plays),
            budget=Budget(**self.budget.model_dump()),
            holdout_rate=self.holdout_rate,
            caps=tuple(cap.resolve() for cap in self.caps),
            guardrails=tuple(Guardrail(metric=g.metric, rate_max=g.rate_max) for g in self.guardrails),
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            review_on=self.review_on,
            priority=self.priority,
            re_entry_days=self.re_entry_days,
            paused=self.paused,
            breakdown=self.breakdown,
            name={str(language): words for language, words in self.name.items()},
            description=self.description,
        )


class CodeListShape(Shape):
    """`offers/KEY.yaml`: codes of the brand's own shop; the codes are imported, never in a file."""

    key: Key
    kind: Literal["code_list"]
    name: Words = Field(default_factory=dict)
    cost_fen: Money
    value_fen: Money
    expires_on: date | None = None
    valid_days: int | None = Field(default=None, ge=1, le=366)

    def resolve(self) -> CodeList:
        """Return the offer."""
        return CodeList(
            key=self.key,
            cost_fen=self.cost_fen,
            value_fen=self.value_fen,
            expires_on=self.expires_on,
            valid_days=self.valid_days,
            name={str(language): words for language, words in self.name.items()},
        )
