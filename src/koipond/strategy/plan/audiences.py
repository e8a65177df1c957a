"""Audiences (人群包) from the segments' own state: members as last refreshed, or the rule read on the day."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pyroaring import BitMap

from koipond.segments.bitmaps import to_table
from koipond.segments.definition import SegmentDefinition
from koipond.segments.membership import members
from koipond.segments.scope import Scope
from koipond.segments.segment_state import SegmentState, members_of, read_states, stale
from koipond.strategy.plan.model import Audience

_REMEDY = {"failed": "run: koipond check", "of_a_later_day": ""}


@dataclass(slots=True, kw_only=True)
class SegmentAudiences:
    """The port `AudienceReader` over `koipond.segments`. Staleness: `koipond.segments.stale` (design §6).

    A plan for a day before the last refresh reads the rules on that day, so nothing later leaks into it.
    """

    scope: Scope
    definitions: Mapping[str, SegmentDefinition]
    _states: dict[str, SegmentState] = field(default_factory=dict)
    _made: dict[str, Audience] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._states = read_states(self.scope.reader)

    def audience(self, segment: str) -> Audience:
        """Return the members of ``segment`` and whether they are fresh."""
        if segment not in self._made:
            self._made[segment] = self._make(segment)
        return self._made[segment]

    def _make(self, segment: str) -> Audience:
        definition = self.definitions.get(segment)
        if definition is None:
            return Audience(members=None, stale="it was never applied; run: koipond apply")
        state = self._states.get(segment)
        why = stale(definition, state, self.scope.as_of_day)
        if why is None:
            assert state is not None
            return self._staged(segment, state.members)
        if why.code == "of_a_later_day":
            return self._staged(segment, self._read(definition))
        remedy = _REMEDY.get(why.code, "run: koipond refresh")
        words = why.detail if remedy in why.detail else f"{why.detail}; {remedy}"
        found = self._staged(segment, state.members if state else None)
        return replace(found, stale=f"{why.code}: {words}")

    def _read(self, definition: SegmentDefinition) -> BitMap:
        """Read the rule on the day of the scope, its parents first."""
        known = {parent: self._read(self.definitions[parent]) for parent in definition.parents}
        scope = replace(self.scope, members={**members_of(self._states), **known})
        return members(scope, definition.rule)

    def _staged(self, segment: str, found: BitMap | None) -> Audience:
        if found is None:
            return Audience(members=None)
        return Audience(members=self.scope.reader.stage(f"_audience_{segment}", to_table(found)))
