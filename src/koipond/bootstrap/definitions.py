"""Definitions between folder and store: what the workspace asks, answered by the store's tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, cast

from koipond.store import AppliedDefinition, DefinitionChange, Store
from koipond.workspace.ports import Applied, Step


class StoreDefinitions:
    """The port `AppliedDefinitions` on a store."""

    def __init__(self, store: Store) -> None:
        self._definitions = store.definitions

    def current(self) -> Sequence[Applied]:
        """Return the newest version of every object that is not archived."""
        return as_applied(self._definitions.current())

    def apply(self, steps: Sequence[Step], author: str, now: datetime) -> Mapping[tuple[str, str], int]:
        """Do all of ``steps`` in one transaction; return the new version of each object."""
        made = self._definitions.apply(self.changes(steps), author=author, now=now)
        return {(one.kind, one.key): one.version for one in made}

    def changes(self, steps: Sequence[Step]) -> list[DefinitionChange]:
        """Return ``steps`` as the store does them."""
        versions = {(one.kind, one.key): one.version for one in self._definitions.newest()}
        return [
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


def as_applied(applied: Sequence[AppliedDefinition]) -> list[Applied]:
    """Return the store's rows as the workspace asks for them."""
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
