"""How many customers a change concerns (影响人数): the rule read now, whether it was applied or not."""

from collections.abc import Mapping
from dataclasses import replace

from pyroaring import BitMap

from koipond.kernel import InputError
from koipond.segments.definition import SegmentDefinition
from koipond.segments.membership import members
from koipond.segments.scope import Scope
from koipond.segments.seen import unseen
from koipond.segments.segment_state import members_of, read_states
from koipond.workspace.model import Definition, Folder


class ScopeCounter:
    """The port `MemberCounter` over a scope; parents are read from ``folder`` too, so a new one counts."""

    def __init__(self, scope: Scope, folder: Folder) -> None:
        self._segments: Mapping[str, SegmentDefinition] = {d.key: d.value for d in folder.of("segment")}
        self._scope = replace(scope, members={**members_of(read_states(scope.reader)), **scope.members})
        self._known: dict[str, BitMap | None] = {}

    def count(self, segment: Definition) -> int | None:
        """Return the members of ``segment``, or None when a list or a segment it names is not there."""
        found = self.who(segment)
        return None if found is None else len(found)

    def who(self, segment: Definition) -> BitMap | None:
        """Return who is in ``segment``, or None when a list or a segment it names is not there."""
        if segment.key not in self._known:
            try:
                made = members(self._with_parents(segment.value, ()), segment.value.rule)
            except InputError:
                made = None
            self._known[segment.key] = made
        return self._known[segment.key]

    def doubts(self, segment: Definition) -> list[dict[str, str]]:
        """Return what the rule of ``segment`` names that no fact ever held, in each language."""
        return [one.words for one in unseen(self._scope, segment.value.rule)]

    def _with_parents(self, definition: SegmentDefinition, above: tuple[str, ...]) -> Scope:
        read = {
            key: members(
                self._with_parents(self._segments[key], (*above, definition.key)), self._segments[key].rule
            )
            for key in definition.parents
            if key in self._segments and key not in (*above, definition.key)
        }
        return replace(self._scope, members={**self._scope.members, **read})
