"""Refresh segments (人群刷新): parents first, many rules in one scan, an error stays with its segment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pyroaring import BitMap

from koipond.facts.ports import Writer
from koipond.kernel import Message
from koipond.rules import Rule, list_keys, segment_keys
from koipond.rules.ibis_reading import to_ibis
from koipond.rules.ibis_tests import any_of
from koipond.segments.bitmaps import combine, from_numbers, is_set_algebra
from koipond.segments.definition import SegmentDefinition
from koipond.segments.order import levels
from koipond.segments.scope import Scope
from koipond.segments.segment_state import SegmentState, members_of, read_states, write_states
from koipond.segments.tables import list_members, profile_in_scope, rule_tables, segment_members

RULES_PER_SCAN = 40
ROWS_PER_BATCH = 1_000_000
ERROR_LENGTH_MAX = 500


def refresh_segments(
    writer: Writer,
    definitions: Sequence[SegmentDefinition],
    scope: Scope,
    now: datetime,
    *,
    only: Iterable[str] | None = None,
) -> list[SegmentState]:
    """Compute the members of ``definitions`` on the day of ``scope`` and write `segment_members`.

    Refreshes those with ``refresh: always``, or exactly ``only``; the others keep their members, but for
    those who may be in no segment any more. Segments that are not defined any more are dropped. One that
    fails keeps its members and carries the error; so do those that name it. Nothing is visible before the
    writer publishes. Returns every state, by key.
    """
    before = read_states(writer)
    wanted = None if only is None else set(only)
    run = _Run(scope=scope, states={d.key: _known(before, d) for d in definitions}, tried_s=_seconds(now))
    placed = levels(definitions)
    for level in placed:
        run.level([d for d in level if (d.key in wanted if wanted is not None else d.refresh == "always")])
    for definition in definitions:
        if not any(definition in level for level in placed):
            run.failed(definition, Message("it names a segment that is not there, or itself through others"))
    run.purge()
    states = [state for _, state in sorted(run.states.items())]
    write_states(writer, states)
    return states


@dataclass(slots=True, kw_only=True)
class _Run:
    """One refresh: what is known so far."""

    scope: Scope
    states: dict[str, SegmentState]
    tried_s: int
    everyone: BitMap | None = None

    def level(self, definitions: Sequence[SegmentDefinition]) -> None:
        sound = []
        for definition in definitions:
            broken = [parent for parent in definition.parents if self.states[parent].error is not None]
            if broken:
                self.failed(
                    definition, Message("segment '{broken}', which it names, failed", broken=broken[0])
                )
            else:
                sound.append(definition)
        sets = [d for d in sound if is_set_algebra(d.rule)]
        for definition in sets:
            self.attempt([definition])
        scans = [d for d in sound if d not in sets]
        for start in range(0, len(scans), RULES_PER_SCAN):
            self.attempt(scans[start : start + RULES_PER_SCAN])

    def attempt(self, definitions: Sequence[SegmentDefinition]) -> None:
        """Compute ``definitions`` together; when that fails, each alone, so that the faulty one is found."""
        try:
            found = self.compute({d.key: d.rule for d in definitions})
        except Exception as error:
            if len(definitions) == 1:
                self.failed(definitions[0], _shown(error))
                return
            for definition in definitions:
                self.attempt([definition])
            return
        for definition in definitions:
            self.states[definition.key] = SegmentState(
                key=definition.key,
                version=definition.version,
                as_of_day=self.scope.as_of_day,
                members=found[definition.key],
                refreshed_s=self.tried_s,
                tried_s=self.tried_s,
            )

    def compute(self, rules: Mapping[str, Rule]) -> dict[str, BitMap]:
        scope = replace(self.scope, members=members_of(self.states))
        if all(is_set_algebra(rule) for rule in rules.values()):
            return {key: _combined(rule, scope, self.universe()) for key, rule in rules.items()}
        return scan(scope, rules)

    def purge(self) -> None:
        """Take out of segments that were not refreshed whoever may be in none by now."""
        for key, state in self.states.items():
            if state.members is not None and (state.error or state.refreshed_s != self.tried_s):
                self.states[key] = replace(state, members=state.members & self.universe())

    def universe(self) -> BitMap:
        if self.everyone is None:
            self.everyone = everyone(self.scope)
        return self.everyone

    def failed(self, definition: SegmentDefinition, error: str) -> None:
        state = self.states[definition.key]
        self.states[definition.key] = replace(state, error=error[:ERROR_LENGTH_MAX], tried_s=self.tried_s)


def everyone(scope: Scope) -> BitMap:
    """Return every customer who may be in a segment."""
    return from_numbers(scope.reader.frame(profile_in_scope(scope).select("customer_no")).column(0))


def members(scope: Scope, rule: Rule) -> BitMap:
    """Return who satisfies ``rule``; segments it names come from ``scope.members``."""
    if is_set_algebra(rule):
        return _combined(rule, scope, everyone(scope))
    return scan(scope, {"rule": rule})["rule"]


def scan(scope: Scope, rules: Mapping[str, Rule]) -> dict[str, BitMap]:
    """Return who satisfies each of ``rules``, by one pass over profiles and facts."""
    names = {f"rule_{place}": key for place, key in enumerate(rules)}
    named = {name: rules[key] for name, key in names.items()}
    table = to_ibis(named, rule_tables(scope, rules.values()), scope.as_of_day, scope.catalog)
    table = table.filter(any_of([table[name] for name in names]))
    found = {key: BitMap() for key in rules}
    for batch in scope.reader.batches(table, ROWS_PER_BATCH):
        numbers = batch.column("customer_no")
        for name, key in names.items():
            found[key] |= from_numbers(numbers.filter(batch.column(name)))
    return found


def _combined(rule: Rule, scope: Scope, universe: BitMap) -> BitMap:
    segments = {key: segment_members(scope, key) for key in segment_keys(rule)}
    lists = {key: list_members(scope, key) for key in list_keys(rule)}
    return combine(rule, segments, lists, universe) & universe


def _known(before: Mapping[str, SegmentState], definition: SegmentDefinition) -> SegmentState:
    return before.get(definition.key) or SegmentState(key=definition.key, version=definition.version)


def _shown(error: Exception) -> str:
    return str(error).strip() or type(error).__name__


def _seconds(now: datetime) -> int:
    return int(now.timestamp())
