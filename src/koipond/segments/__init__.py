"""Segments (人群): rules over profiles and facts, their members, layers and tags.

Each name is imported when it is first used, because the engine behind it is slow to load.
"""

from importlib import import_module

_FACE: dict[str, str] = {
    "Scope": "koipond.segments.scope",
    "count_rule": "koipond.segments.count",
}
"""Public name → module that holds it. One line a name, sorted."""


def __getattr__(name: str) -> object:
    if name not in _FACE:
        raise AttributeError(f"module 'koipond.segments' has no attribute '{name}'")
    return getattr(import_module(_FACE[name]), name)


def __dir__() -> list[str]:
    return sorted(_FACE)
