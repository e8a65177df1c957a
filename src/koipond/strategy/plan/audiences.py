"""Audiences (人群包) from the segments' own state: members as last refreshed, or the rule read on the day."""

from dataclasses import dataclass, field, replace

from pyroaring import BitMap

from koipond.kernel import KoipondError, Message, from_epoch_day, joined
from koipond.segments.bitmaps import to_table
from koipond.segments.day_members import DayMembers
from koipond.segments.definition import SegmentDefinition
from koipond.segments.scope import Scope
from koipond.segments.segment_state import stale
from koipond.strategy.plan.model import Audience

_REMEDY = {"failed": Message("run: koipond check")}


@dataclass(slots=True, kw_only=True)
class SegmentAudiences:
    """The port `AudienceReader` over `koipond.segments`. Staleness: `koipond.segments.stale` (design §6).

    A plan for another day than that of the last refresh reads the rules on its own day: before the refresh
    nothing later leaks into it, after it the clock counts. Members too old to be trusted, of an earlier
    definition or of a failed refresh are stale.
    """

    scope: Scope
    days: DayMembers
    definitions: dict[str, SegmentDefinition]
    _made: dict[str, Audience] = field(default_factory=dict)

    def audience(self, segment: str) -> Audience:
        """Return the members of ``segment`` and whether they are fresh."""
        if segment not in self._made:
            self._made[segment] = self._make(segment)
        return self._made[segment]

    def _make(self, segment: str) -> Audience:
        definition = self.definitions.get(segment)
        if definition is None:
            return Audience(members=None, stale=Message("it was never applied; run: koipond apply"))
        state = self.days.states.get(segment)
        held = state.members if state else None
        why = stale(definition, state, self.scope.as_of_day)
        if why is None or why.code == "of_a_later_day":
            try:
                return self._staged(segment, self.days[segment])
            except KoipondError as error:
                return replace(self._staged(segment, held), stale=Message("failed: {error}", error=error))
        remedy = _REMEDY.get(why.code, Message("run: koipond refresh"))
        if why.code == "too_old":
            remedy += f" --as-of {from_epoch_day(self.scope.as_of_day)}"
        words = why.detail if remedy in why.detail else joined("; ", (why.detail, remedy))
        return replace(self._staged(segment, held), stale=joined(": ", (Message(why.code), words)))

    def _staged(self, segment: str, found: BitMap | None) -> Audience:
        if found is None:
            return Audience(members=None)
        return Audience(members=self.scope.reader.stage(f"_audience_{segment}", to_table(found)))
