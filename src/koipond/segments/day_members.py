"""Who is in the applied segments on a day (某日人群): as refreshed on it, else by the rule read on it.

A segment refreshed on another day holds whom its rule fitted then. What the clock or new facts changed since
is seen by reading the rule on the day itself, parents first, as a refresh on that day would. Segments with
``refresh: manual`` keep their members until somebody names them, so a later day changes nothing there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pyroaring import BitMap

from koipond.kernel import InputError
from koipond.segments.definition import SegmentDefinition
from koipond.segments.membership import members
from koipond.segments.scope import Scope
from koipond.segments.segment_state import SegmentState, read_states


class DayMembers(Mapping[str, BitMap]):
    """Segment → its customer numbers on the day of ``scope``, each found when it is first asked for.

    Raises InputError when a rule cannot be read: a list is gone, or a segment names itself through others.
    """

    def __init__(self, scope: Scope, definitions: Mapping[str, SegmentDefinition]) -> None:
        self._scope = replace(scope, members=self)
        self._definitions = definitions
        self._states: dict[str, SegmentState] | None = None
        self._found: dict[str, BitMap] = {}
        self._reading: set[str] = set()

    @property
    def states(self) -> Mapping[str, SegmentState]:
        """Every segment as last refreshed."""
        if self._states is None:
            self._states = read_states(self._scope.reader)
        return self._states

    def __getitem__(self, key: str) -> BitMap:
        definition = self._definitions[key]
        if key not in self._found:
            held = self._held(definition)
            self._found[key] = self._read(definition) if held is None else held
        return self._found[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)

    def _held(self, definition: SegmentDefinition) -> BitMap | None:
        """Return the refreshed members when they are those of the day, else None."""
        state = self.states.get(definition.key)
        if state is None or state.error is not None or state.version != definition.version:
            return None
        day = self._scope.as_of_day
        waits = definition.refresh == "manual" and (state.as_of_day or 0) <= day
        return state.members if waits or state.as_of_day == day else None

    def _read(self, definition: SegmentDefinition) -> BitMap:
        if definition.key in self._reading:
            raise InputError(
                "segment '{key}' names itself through others; run: koipond check", key=definition.key
            )
        self._reading.add(definition.key)
        try:
            return members(self._scope, definition.rule)
        finally:
            self._reading.discard(definition.key)
