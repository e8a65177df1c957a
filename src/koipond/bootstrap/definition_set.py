"""All that was applied at one apply number, as one immutable value (生效的定义集): settings included.

A plan is made, previewed, explained and sent under the set it was approved with; everything else runs under
the newest. The folder is read for where the workspace is kept (`BootSettings`), and for what `check`, `diff`
and `apply` look at: all that concerns people, money and time holds as applied (decision 0013).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from koipond.channels.sheets import SHEETS
from koipond.kernel import InputError, joined, zone
from koipond.outreach.ports import ChannelSheet
from koipond.outreach.templates import Template
from koipond.store import AppliedDefinition, Store
from koipond.workspace import WorkspaceSettings
from koipond.workspace.load import settings_from
from koipond.workspace.model import WORKSPACE
from koipond.workspace.settings import FILE, BootSettings

if TYPE_CHECKING:
    from koipond.ingest.quality import QualityRules
    from koipond.rules import Catalog
    from koipond.segments.definition import SegmentDefinition
    from koipond.segments.layers.definitions import LayerSet
    from koipond.segments.tag_definition import TagGroup
    from koipond.strategy.model import CodeList, Strategy
    from koipond.workspace.model import Definition


@dataclass(frozen=True, kw_only=True)
class DefinitionSet:
    """What the apply ``number`` left in force."""

    number: int
    applied: Sequence[AppliedDefinition]
    settings: WorkspaceSettings

    @cached_property
    def zone(self) -> ZoneInfo:
        """The workspace's zone."""
        return zone(self.settings.zone)

    @cached_property
    def catalog(self) -> "Catalog":
        """The fields that rules may name."""
        from koipond.rules import default_catalog

        return default_catalog(self.settings.currency, self.zone)

    @cached_property
    def named_catalog(self) -> "Catalog":
        """The catalogue with what the brand calls its segments, tags, traits and strategies."""
        from koipond.bootstrap.naming import titles_of

        return replace(self.catalog, titles=titles_of(self.applied, self.settings))

    @cached_property
    def layers(self) -> "LayerSet":
        """Layer definitions."""
        from koipond.bootstrap.layers import applied_layers

        return applied_layers(self.applied, self.settings)

    @cached_property
    def quality_rules(self) -> "QualityRules":
        """When a person looks unreal."""
        return self.settings.quality.resolve()

    @cached_property
    def sheets(self) -> Mapping[str, ChannelSheet]:
        """The channels' capability sheets under the brand's own costs and quotas."""
        made = dict(SHEETS)
        for key, own in self.settings.channels.items():
            if key not in made:
                known = joined(", ", SHEETS)
                raise InputError("koipond.yaml: no channel '{key}'; there is {sheets}", key=key, sheets=known)
            if own.cost_fen is not None:
                made[key] = replace(made[key], cost_fen=own.cost_fen)
            if own.quota_per_day is not None:
                made[key] = replace(made[key], quota_per_day=own.quota_per_day)
        return made

    @cached_property
    def strategies(self) -> "dict[str, Strategy]":
        """Strategies with their versions, by key."""
        return self._of("strategy")

    @cached_property
    def templates(self) -> dict[str, Template]:
        """Templates, by key."""
        return self._of("template")

    @cached_property
    def template_versions(self) -> dict[str, int]:
        """Template key → version."""
        return {key: one.version for (kind, key), one in self._definitions.items() if kind == "template"}

    @cached_property
    def offers(self) -> "dict[str, CodeList]":
        """Code lists, by key."""
        return self._of("offer")

    @cached_property
    def segments(self) -> "dict[str, SegmentDefinition]":
        """Segments with their versions, by key."""
        return self._of("segment")

    @cached_property
    def tags(self) -> "dict[str, TagGroup]":
        """Tag groups with their versions, by key."""
        return self._of("tag")

    @cached_property
    def _definitions(self) -> "dict[tuple[str, str], Definition]":
        from koipond.bootstrap.definitions import as_applied
        from koipond.workspace.diff import restored

        return restored(as_applied(self.applied), self.catalog)

    def _of(self, kind: str) -> dict[str, Any]:
        return {key: one.value for (found, key), one in self._definitions.items() if found == kind}


def read_definitions(store: Store, boot: BootSettings, number: int | None = None) -> DefinitionSet:
    """Return what the apply ``number`` left in force, None = the newest.

    Raises InputError when no settings were applied by then.
    """
    found, applied = store.definitions.at(number)
    settings = [one for one in applied if one.kind == WORKSPACE]
    if not settings:
        raise InputError("no {file} was ever applied to this store; run: koipond apply", file=FILE)
    own = next((one for one in settings if one.key == boot.key), settings[0])
    return DefinitionSet(number=found, applied=applied, settings=settings_from(own.body, boot))
