"""In which order segments are refreshed: parents before those that name them. Pure."""

from collections.abc import Mapping, Sequence

from koipond.kernel import Finding
from koipond.rules.catalog import closest
from koipond.segments.definition import SegmentDefinition


def levels(definitions: Sequence[SegmentDefinition]) -> list[list[SegmentDefinition]]:
    """Return ``definitions`` in levels, each naming only segments of the levels before it.

    Those in a cycle, or that name a segment which is not there, are in none (`check_references` says why).
    """
    left = {definition.key: definition for definition in definitions}
    placed: list[list[SegmentDefinition]] = []
    while left:
        ready = [d for d in left.values() if not any(parent in left for parent in d.parents)]
        known = {d.key for level in placed for d in level}
        level = sorted((d for d in ready if set(d.parents) <= known), key=lambda d: d.key)
        if not level:
            break
        placed.append(level)
        for definition in level:
            del left[definition.key]
    return placed


def check_references(
    definitions: Sequence[SegmentDefinition], files: Mapping[str, str] | None = None
) -> list[Finding]:
    """Return a finding for each segment that names an unknown one, or itself through others."""
    by_key = {definition.key: definition for definition in definitions}
    findings = []
    for key, definition in sorted(by_key.items()):
        file = (files or {}).get(key, f"segments/{key}.yaml")
        for parent in definition.parents:
            if parent not in by_key:
                near = closest(parent, tuple(by_key))
                fix = f"did you mean '{near}'?" if near else f"write segments/{parent}.yaml"
                message = f"there is no segment '{parent}'"
                findings.append(
                    Finding(file=file, line=0, code="unknown_reference", message=message, fix=fix)
                )
        if cycle := _cycle(by_key, key):
            message = f"'{key}' contains itself: {' → '.join(cycle)}"
            fix = "take one of them out of the circle"
            findings.append(Finding(file=file, line=0, code="segment_cycle", message=message, fix=fix))
    return findings


def _cycle(by_key: Mapping[str, SegmentDefinition], start: str) -> list[str]:
    """Return the shortest way from ``start`` back to it, empty when there is none."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop(0)
        definition = by_key.get(way[-1])
        for parent in definition.parents if definition else ():
            if parent == start:
                return [*way, start]
            if parent not in seen:
                seen.add(parent)
                ways.append([*way, parent])
    return []
