"""What a plan's expressions are built from, and the few shapes they share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from zoneinfo import ZoneInfo

import ibis

from koipond.experiments.assignment import Arms
from koipond.ingest.ports import IbisTable, Reader
from koipond.outreach.ports import ChannelSheet
from koipond.outreach.templates import variables_of
from koipond.profiles.facts import FactTables
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.model import Audience, PlanRequest
from koipond.strategy.plan.task import CapTask, PlayTask


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything known before the first query of a plan."""

    reader: Reader
    facts: Facts
    request: PlanRequest
    plays: tuple[PlayTask, ...]
    caps: tuple[CapTask, ...]
    audiences: Mapping[str, Audience]
    global_arms: Arms
    zones: tuple[str, ...]  # customers' own, by name
    places: tuple[ZoneInfo, ...]  # the workspace's, then those of ``zones``
    languages: tuple[str, ...]  # that customers asked for
    duckdb: bool

    @property
    def channels(self) -> dict[str, ChannelSheet]:
        """Every channel some play may use, by key."""
        return {channel.channel: channel for play in self.plays for channel in play.channels}

    @property
    def contents(self) -> tuple[str, ...]:
        """Fingerprints of all that the plan may say."""
        return tuple(sorted({arm.content for play in self.plays for arm in play.arms}))

    @property
    def code_lists(self) -> tuple[str, ...]:
        """Code lists that some play gives codes of and whose codes were counted."""
        used = {arm.arm.offer.code_list for play in self.plays for arm in play.arms}
        return tuple(key for key in sorted(self.request.codes) if key in used)

    @property
    def groups(self) -> tuple[str, ...]:
        """Capped groups (白名单), numbered from 1; the first that a customer is in counts."""
        return tuple(sorted(self.request.policy.capped_groups))

    def strategy_number(self, play: PlayTask) -> int:
        """Return the place of the play's strategy in the request."""
        return [strategy.key for strategy in self.request.strategies].index(play.strategy.key)

    def used_variables(self) -> set[str]:
        """Return the personal variables of every template in the plan, required or not."""
        templates = (self.request.templates[arm.arm.script] for play in self.plays for arm in play.arms)
        paths = {path for template in templates for path in (*variables_of(template), *template.required)}
        return {path for path in paths if path.startswith(("customer.", "trait."))}


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
