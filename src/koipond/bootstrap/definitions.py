"""Definitions between folder and store: what the workspace asks, answered by the store's tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, cast

from koipond.outreach.templates import Template
from koipond.rules import Catalog
from koipond.segments.definition import SegmentDefinition
from koipond.segments.tag_definition import TagGroup
from koipond.store import AppliedDefinition, DefinitionChange, Store
from koipond.strategy.model import CodeList, Strategy
from koipond.workspace.diff import restored
from koipond.workspace.ports import Applied, Step


class StoreDefinitions:
    """The port `AppliedDefinitions` on a store."""

    def __init__(self, store: Store) -> None:
        self._definitions = store.definitions

    def current(self) -> Sequence[Applied]:
        """Return the newest version of every object that is not archived."""
        return _as_applied(self._definitions.current())

    def apply(self, steps: Sequence[Step], author: str, now: datetime) -> Mapping[tuple[str, str], int]:
        """Do all of ``steps`` in one transaction; return the new version of each object."""
        versions = {(one.kind, one.key): one.version for one in self._definitions.newest()}
        changes = [
            DefinitionChange(
                kind=step.kind,
                key=step.key,
                was=versions.get((step.kind, step.key), 0),
                fingerprint=step.fingerprint,
                body=step.body,
                managed_by=step.managed_by,
            )
            for step in steps
        ]
        made = self._definitions.apply(changes, author=author, now=now)
        return {(one.kind, one.key): one.version for one in made}


class Runtime:
    """The applied definitions as values: all that the runtime reads, never the folder (design §4)."""

    def __init__(self, applied: Sequence[AppliedDefinition], catalog: Catalog) -> None:
        self._definitions = restored(_as_applied(applied), catalog)

    @cached_property
    def strategies(self) -> dict[str, Strategy]:
        """Applied strategies with their versions, by key."""
        return self._of("strategy")

    @cached_property
    def templates(self) -> dict[str, Template]:
        """Applied templates, by key."""
        return self._of("template")

    @cached_property
    def template_versions(self) -> dict[str, int]:
        """Template key → applied version."""
        return {key: one.version for (kind, key), one in self._definitions.items() if kind == "template"}

    @cached_property
    def offers(self) -> dict[str, CodeList]:
        """Applied code lists, by key."""
        return self._of("offer")

    @cached_property
    def segments(self) -> dict[str, SegmentDefinition]:
        """Applied segments with their versions, by key."""
        return self._of("segment")

    @cached_property
    def tags(self) -> dict[str, TagGroup]:
        """Applied tag groups with their versions, by key."""
        return self._of("tag")

    def _of(self, kind: str) -> dict[str, Any]:
        return {key: one.value for (found, key), one in self._definitions.items() if found == kind}


def _as_applied(applied: Sequence[AppliedDefinition]) -> list[Applied]:
    return [
        Applied(
            kind=one.kind,
            key=one.key,
            version=one.version,
            fingerprint=one.fingerprint,
            body=one.body,
            managed_by=cast(Literal["file", "console"], one.managed_by),
        )
        for one in applied
    ]
