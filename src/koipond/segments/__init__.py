"""Segments (人群): rules over profiles and facts, their members, layers and tags.

Each name is imported when it is first used, because the engine behind it is slow to load.
"""

from importlib import import_module

_FACE: dict[str, str] = {
    "Scope": "koipond.segments.scope",
    "SegmentDefinition": "koipond.segments.definition",
    "SegmentState": "koipond.segments.segment_state",
    "TagGroup": "koipond.segments.tag_definition",
    "check_change": "koipond.segments.tag_definition",
    "check_references": "koipond.segments.order",
    "count_rule": "koipond.segments.count",
    "from_mapping": "koipond.segments.definition",
    "members": "koipond.segments.membership",
    "members_of": "koipond.segments.segment_state",
    "read_states": "koipond.segments.segment_state",
    "read_tag_states": "koipond.segments.tag_refresh",
    "refresh_segments": "koipond.segments.membership",
    "refresh_tags": "koipond.segments.tag_refresh",
    "stale": "koipond.segments.segment_state",
    "tag_group_from": "koipond.segments.tag_definition",
}
"""Public name → module that holds it. One line a name, sorted."""


def __getattr__(name: str) -> object:
    if name not in _FACE:
        raise AttributeError(f"module 'koipond.segments' has no attribute '{name}'")
    return getattr(import_module(_FACE[name]), name)


def __dir__() -> list[str]:
    return sorted(_FACE)
