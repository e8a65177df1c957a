"""In which order segments are refreshed: parents before those that name them. Pure."""

from collections.abc import Mapping, Sequence

from koipond.kernel import Finding, Message
from koipond.rules.catalog import closest
from koipond.segments.definition import SegmentDefinition


def levels(definitions: Sequence[SegmentDefinition]) -> list[list[SegmentDefinition]]:
    """Return ``definitions`` in levels, each naming only segments of the levels before it.

    Those in a cycle, or that name a segment which is not there, are in none (`check_references` says why).
    """
    by_key = {definition.key: definition for definition in definitions}
    parents = {key: set(definition.parents) for key, definition in by_key.items()}
    children: dict[str, list[str]] = {}
    for key, above in parents.items():
        for parent in above:
            children.setdefault(parent, []).append(key)
    placed: list[list[SegmentDefinition]] = []
    ready = sorted(key for key, above in parents.items() if not above)
    while ready:
        placed.append([by_key[key] for key in ready])
        freed = []
        for parent in ready:
            for key in children.get(parent, ()):
                parents[key].discard(parent)
                if not parents[key]:
                    freed.append(key)
        ready = sorted(freed)
    return placed


def check_references(
    definitions: Sequence[SegmentDefinition], files: Mapping[str, str] | None = None
) -> list[Finding]:
    """Return a finding for each segment that names an unknown one, or itself through others."""
    by_key = {definition.key: definition for definition in definitions}
    in_order = {definition.key for level in levels(definitions) for definition in level}
    findings = []
    for key, definition in sorted(by_key.items()):
        file = (files or {}).get(key, f"segments/{key}.yaml")
        for parent in definition.parents:
            if parent not in by_key:
                near = closest(parent, tuple(by_key))
                fix = (
                    Message("did you mean '{near}'?", near=near)
                    if near
                    else Message("write segments/{parent}.yaml", parent=parent)
                )
                message = Message("there is no segment '{parent}'", parent=parent)
                findings.append(
                    Finding(file=file, line=0, code="unknown_reference", message=message, fix=fix)
                )
        if key not in in_order and (cycle := _cycle(by_key, key)):
            message = Message("'{key}' contains itself: {cycle}", key=key, cycle=" → ".join(cycle))
            fix = Message("take one of them out of the circle")
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
