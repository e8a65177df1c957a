"""What a plan's expressions are built from, and the few shapes they share."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from zoneinfo import ZoneInfo

import ibis

from koipond.experiments.assignment import Arms
from koipond.facts.ports import IbisTable, Reader
from koipond.facts.tables import FactTables
from koipond.outreach.model import Reason
from koipond.outreach.ports import ChannelSheet
from koipond.outreach.templates import variables_of
from koipond.strategy.model import EVERYONE
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.bids import Bid, Way, bids_of
from koipond.strategy.plan.model import Audience, AudienceReader, PlanRequest
from koipond.strategy.plan.task import CapTask, PlayTask, places

MAX_ZONES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Fact rows under the number of the customer they belong to now: merged ones follow the link."""

    reader: Reader
    tables: FactTables

    def has(self, dataset: str) -> bool:
        """Say whether any row was ever written."""
        return self.reader.has(dataset)

    def rows(self, dataset: str) -> IbisTable:
        """Return the rows of ``dataset``."""
        return self.tables.canonical(self.reader.table(dataset))

    def newest_trait(self, name: str, column: str) -> IbisTable:
        """Return customer_no and the newest text of trait ``name`` as ``column``; ties: the later text."""
        rows = self.rows("traits")
        rows = rows.filter((rows.name == name) & rows.text_value.notnull())
        order = ibis.row_number().over(
            group_by="customer_no", order_by=[rows.at_s.desc(), rows.text_value.desc()]
        )
        ranked = rows.select("customer_no", "text_value", place=order)
        return ranked.filter(ranked.place == 0).select("customer_no", **{column: ranked.text_value})

    def said(self, trait: str) -> tuple[str, ...]:
        """Return every text that is the newest of ``trait`` for somebody, at most `MAX_ZONES`."""
        if not self.has("traits"):
            return ()
        found = self.newest_trait(trait, "text").select("text").distinct().order_by("text").limit(MAX_ZONES)
        return tuple(row["text"] for row in self.reader.frame(found).to_pylist())


@dataclass(frozen=True, kw_only=True)
class Audiences(Mapping[str, Audience]):
    """The segments a plan looks at, each read when it is first asked for."""

    reader: AudienceReader
    segments: tuple[str, ...]
    _read: dict[str, Audience] = field(default_factory=dict)

    def __getitem__(self, segment: str) -> Audience:
        if segment not in self._read:
            if segment not in self.segments:
                raise KeyError(segment)
            self._read[segment] = self.reader.audience(segment)
        return self._read[segment]

    def __iter__(self) -> Iterator[str]:
        return iter(self.segments)

    def __len__(self) -> int:
        return len(self.segments)


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything known before the first large query of a plan; what costs a look is looked up when asked."""

    reader: Reader
    facts: Facts
    request: PlanRequest
    plays: tuple[PlayTask, ...]
    caps: tuple[CapTask, ...]
    audiences: Audiences
    global_arms: Arms
    duckdb: bool

    @cached_property
    def bids(self) -> tuple[Bid, ...]:
        """Every arm of every play, as it is held against customers."""
        still = {play.number: why for play in self.plays if (why := self._standing_still(play)) is not None}
        return bids_of(self.plays, still, self.request.salt)

    def _standing_still(self, play: PlayTask) -> Reason | None:
        """Return why the play touches nobody today."""
        if not play.runs:
            return Reason.NOT_RUNNING
        used = {arm.arm.audience for arm in play.arms} - {EVERYONE}
        return Reason.STALE_SEGMENT if any(self.audiences[key].stale for key in used) else None

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """Every audience, by key."""
        return tuple(sorted({bid.audience for bid in self.bids}))

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """The ways in which plays that run reach customers."""
        return tuple(dict.fromkeys(bid.way for bid in self.bids if bid.still is None))

    @cached_property
    def requirements(self) -> tuple[tuple[str, ...], ...]:
        """What texts cannot do without: sets of personal variables."""
        return tuple(dict.fromkeys(bid.required for bid in self.bids if bid.required))

    @cached_property
    def channels(self) -> dict[str, ChannelSheet]:
        """Every channel some play may use, by key."""
        return {channel.channel: channel for play in self.plays for channel in play.channels}

    @cached_property
    def contents(self) -> tuple[str, ...]:
        """Fingerprints of all that the plan may say."""
        return tuple(sorted({arm.content for play in self.plays for arm in play.arms}))

    @cached_property
    def code_lists(self) -> tuple[str, ...]:
        """Code lists that some play gives codes of and whose codes were counted."""
        used = {arm.arm.offer.code_list for play in self.plays for arm in play.arms}
        return tuple(key for key in sorted(self.request.codes) if key in used)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Capped groups (白名单), numbered from 1; the first that a customer is in counts."""
        return tuple(sorted(self.request.policy.capped_groups))

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """Customers' own zones, by name."""
        return self.facts.said("zone")

    @cached_property
    def places(self) -> tuple[ZoneInfo, ...]:
        """The workspace's zone, then those of ``zones``."""
        return places(self.request, self.zones)

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Languages that customers asked for and some template speaks."""
        spoken = {language for template in self.request.templates.values() for language in template.texts}
        return tuple(language for language in self.facts.said("language") if language in spoken)

    @cached_property
    def strategies(self) -> dict[str, int]:
        """Strategy → its place in the request."""
        return {strategy.key: place for place, strategy in enumerate(self.request.strategies)}

    def channel_number(self, channel: str) -> int:
        """Return the place of ``channel`` among `channels`."""
        return list(self.channels).index(channel)

    @cached_property
    def used_variables(self) -> frozenset[str]:
        """The personal variables of every template in the plan, required or not."""
        scripts = {arm.arm.script for play in self.plays for arm in play.arms}
        templates = [self.request.templates[script] for script in scripts]
        paths = {path for template in templates for path in (*variables_of(template), *template.required)}
        return frozenset(path for path in paths if path.startswith(("customer.", "trait.")))


def joined(table: IbisTable, more: IbisTable, fill: Mapping[str, int] | None = None) -> IbisTable:
    """Return ``table`` with the columns of ``more`` (one row each); ``fill``: value where there is none."""
    both = table.left_join(more, "customer_no")
    columns = {
        name: both[name].fill_null(fill[name]) if fill and name in fill else both[name]
        for name in both.columns
        if name != "customer_no_right"
    }
    return both.select(**columns)


def any_of(tests: Iterable[Expr]) -> Expr:
    """Return whether any of ``tests`` holds."""
    return reduce(lambda a, b: a | b, tests)
