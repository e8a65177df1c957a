"""`koipond.yaml` (工作区设置): the brand's clock, money, languages, and the rules of all its touches."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from koipond.ingest.quality import QualityRules
from koipond.kernel import Language, Message, require_currency, zone
from koipond.kernel.countries import country_of
from koipond.kernel.errors import InputError
from koipond.outreach.header_text import header_fault
from koipond.outreach.model import ContactPolicy, QuietHours
from koipond.strategy.spec import CapShape, Key, Money, Shape

FILE = "koipond.yaml"


def _zone(name: str) -> str:
    try:
        zone(name)
    except InputError as error:
        raise ValueError(error.message) from error
    return name


def _currency(code: str) -> str:
    try:
        return require_currency(code)
    except InputError as error:
        raise ValueError(error.message) from error


def _header(text: str) -> str:
    if fault := header_fault(text):
        raise ValueError(
            Message("{fault}; it is the sender of every mail: write one plain line", fault=fault)
        )
    return text


Hour = Annotated[int, Field(ge=0, le=23)]


class QuietShape(Shape):
    start_hour: Hour = 20
    end_hour: Hour = 9


class AssumedConsentShape(Shape):
    """Consent taken as given for a segment; the written basis and who stands by it are part of it."""

    segment: Key
    basis: str = Field(min_length=10)
    author: str = Field(min_length=1)


class PolicyShape(Shape):
    """`defaults.contact_policy` (触达规则)."""

    caps: list[CapShape] | None = Field(default=None, min_length=1, max_length=20)
    transactional_caps: list[CapShape] | None = Field(default=None, min_length=1, max_length=20)
    quiet: QuietShape = QuietShape()
    capped_groups: dict[Key, list[CapShape]] = Field(default_factory=dict)
    exempt_segments: list[Key] = Field(default_factory=list)
    assumed_consent: dict[Key, AssumedConsentShape] = Field(default_factory=dict)
    duplicate_content_days: int = Field(default=30, ge=0, le=366)

    def resolve(self) -> ContactPolicy:
        """Return the policy; caps that are not written are the product's defaults."""
        default = ContactPolicy()
        return ContactPolicy(
            caps=tuple(c.resolve() for c in self.caps) if self.caps else default.caps,
            transactional_caps=(
                tuple(c.resolve() for c in self.transactional_caps)
                if self.transactional_caps
                else default.transactional_caps
            ),
            quiet=QuietHours(start_hour=self.quiet.start_hour, end_hour=self.quiet.end_hour),
            capped_groups={k: tuple(c.resolve() for c in v) for k, v in self.capped_groups.items()},
            exempt_segments=tuple(self.exempt_segments),
            assumed_consent={channel: a.segment for channel, a in self.assumed_consent.items()},
            duplicate_content_days=self.duplicate_content_days,
        )


class DefaultsShape(Shape):
    contact_policy: PolicyShape = PolicyShape()
    default_margin_bp: int | None = Field(default=None, ge=0, le=10_000)
    global_holdout_rate: float | None = Field(default=None, ge=0, le=0.5)  # None = science D6


class EventsShape(Shape):
    """Which event names count as what, in place of the product's own list (science D1); empty = that one."""

    browse: list[str] = Field(default_factory=list)
    active: list[str] = Field(default_factory=list)
    passive: list[str] = Field(default_factory=list)
    praise: list[str] = Field(default_factory=list)
    purchase: list[str] = Field(default_factory=list)
    engaged: list[str] = Field(default_factory=list)


COUNT_MAX = 1_000_000_000
Count = Annotated[int, Field(ge=1, le=COUNT_MAX)]
Share = Annotated[float, Field(ge=0, le=1)]


class QualityShape(Shape):
    """When a person looks unreal; what is not given keeps the default of `QualityRules`."""

    test_words: list[str] | None = None
    test_orders_min: Count | None = None
    test_amount_fen_max: Money | None = None
    reward_orders_min: Count | None = None
    reward_days_max: int | None = Field(default=None, ge=0, le=36_600)
    reward_discounted_share: Share | None = None
    reward_discount_rate: Share | None = None
    reward_tiny_orders_min: Count | None = None
    day_orders_max: Count | None = None
    day_events_max: Count | None = None

    def resolve(self) -> QualityRules:
        """Return the rules with these thresholds."""
        given = self.model_dump(exclude_none=True)
        if "test_words" in given:
            given["test_words"] = tuple(given["test_words"])
        return QualityRules(**given)


class ChannelShape(Shape):
    """What a channel costs this brand and how much of it there is a day."""

    cost_fen: Money | None = None
    quota_per_day: int | None = Field(default=None, ge=0, le=COUNT_MAX)


class WarehouseShape(Shape):
    """What computes a refresh; everything else reads the published Parquet with DuckDB."""

    engine: Literal["duckdb", "spark"] = "duckdb"


TraitName = Annotated[str, Field(min_length=1, max_length=200)]
"""Any: a trait is called as the column of the shop's file is, 会员到期日 too."""


class TraitShape(Shape):
    """A declared trait. Undeclared ones are kept, but neither personalise nor sort anybody."""

    type: Literal["text", "number", "date", "flag"] = "text"
    title: str = ""


Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
PersonName = Annotated[str, Field(min_length=1, max_length=100)]
StoreVariable = Annotated[str, Field(pattern=r"^\$\{[A-Z][A-Z0-9_]*\}$")]


class BootSettings(Shape):
    """What `koipond.yaml` says about where the workspace is kept: read from the folder at every start.

    Everything else in it concerns people, money and time, and holds only as applied.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    key: Key
    id: Id | None = None
    store: StoreVariable | None = None
    warehouse: WarehouseShape = WarehouseShape()


BOOT_KEYS = tuple(BootSettings.model_fields)
FIXED_KEYS = ("zone", "currency")
"""What cannot change once there are facts: days and amounts were counted under it."""


class WorkspaceSettings(Shape):
    """The whole of `koipond.yaml`."""

    key: Key
    id: Id | None = None
    store: StoreVariable | None = None
    """``${NAME}`` of the environment variable that holds the store's URL; none = SQLite in the folder."""
    name: Annotated[str, Field(max_length=200), AfterValidator(_header)] = ""
    zone: Annotated[str, AfterValidator(_zone)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$"), AfterValidator(_currency)]
    clock: Literal["system", "last_fact"] = "system"
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    language: Language = "zh"
    defaults: DefaultsShape = DefaultsShape()
    traits: dict[TraitName, TraitShape] = Field(default_factory=dict)
    quality: QualityShape = QualityShape()
    events: EventsShape = EventsShape()
    channels: dict[Key, ChannelShape] = Field(default_factory=dict)
    warehouse: WarehouseShape = WarehouseShape()
    approvers: list[PersonName] = Field(default_factory=list, max_length=50)
    """Of whom one must approve every further change before it takes effect; nobody = an apply is enough."""

    @property
    def trait_types(self) -> dict[str, str]:
        """Declared trait → its type."""
        return {name: str(trait.type) for name, trait in self.traits.items()}

    @property
    def region(self) -> str:
        """The country (ISO 3166) of phone numbers without a country code; ``ZZ`` when none is known."""
        return self.country or country_of(self.zone, self.currency)

    @property
    def policy(self) -> ContactPolicy:
        """The contact policy every touch obeys."""
        return self.defaults.contact_policy.resolve()
