"""Definitions between folder and store: what the workspace asks, answered by the store's tables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, cast

from koipond.kernel import FindingsError
from koipond.outreach.templates import Template
from koipond.rules import Catalog
from koipond.segments.definition import SegmentDefinition, from_mapping
from koipond.store import DefinitionChange, Store
from koipond.strategy.model import CodeList, Strategy
from koipond.workspace.diff import restored
from koipond.workspace.ports import Applied, Step


class StoreDefinitions:
    """The port `AppliedDefinitions` on a store."""

    def __init__(self, store: Store) -> None:
        self._definitions = store.definitions

    def current(self) -> Sequence[Applied]:
        """Return the newest version of every object that is not archived."""
        return [
            Applied(
                kind=one.kind,
                key=one.key,
                version=one.version,
                fingerprint=one.fingerprint,
                body=one.body,
                managed_by=cast(Literal["file", "console"], one.managed_by),
            )
            for one in self._definitions.current()
        ]

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

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._applied = StoreDefinitions(store).current()
        self._catalog = catalog

    @cached_property
    def strategies(self) -> dict[str, Strategy]:
        """Applied strategies with their versions, by key."""
        return {
            key: replace(value, version=version) for key, (value, version) in self._of("strategy").items()
        }

    @cached_property
    def templates(self) -> dict[str, Template]:
        """Applied templates, by key."""
        return {key: value for key, (value, _) in self._of("template").items()}

    @cached_property
    def template_versions(self) -> dict[str, int]:
        """Template key → applied version."""
        return {key: version for key, (_, version) in self._of("template").items()}

    @cached_property
    def offers(self) -> dict[str, CodeList]:
        """Applied code lists, by key."""
        return {key: value for key, (value, _) in self._of("offer").items()}

    @cached_property
    def segments(self) -> dict[str, SegmentDefinition]:
        """Applied segments, by key; raise FindingsError when a body no longer fits."""
        made, findings = {}, []
        for one in self._applied:
            if one.kind != "segment":
                continue
            segment, wrong = from_mapping(one.body, self._catalog, file=one.key, version=one.version)
            findings += wrong
            if segment is not None:
                made[one.key] = segment
        if findings:
            raise FindingsError(findings)
        return made

    def _of(self, kind: str) -> dict[str, tuple[Any, int]]:
        mine = [one for one in self._applied if one.kind == kind]
        values = restored(mine, self._catalog)
        return {one.key: (values[kind, one.key].value, one.version) for one in mine}
