"""The applied layer definitions (已应用的分层定义) as the code uses them."""

from collections.abc import Iterable
from typing import Any

from koipond.segments.layers.definitions import LayerSet
from koipond.store import AppliedDefinition
from koipond.workspace import WorkspaceSettings

_EVENT_LISTS = {"browse": "browse_events", "active": "active_events", "purchase": "purchase_events"}


def applied_layers(applied: Iterable[AppliedDefinition], settings: WorkspaceSettings) -> LayerSet:
    """Return the layer set of the applied files; `koipond.yaml` fills what aipl.yaml leaves out.

    Raises FindingsError when an applied body no longer fits its definition.
    """
    bodies: dict[str, Any] = {
        one.key: {name: value for name, value in one.body.items() if name != "key"}
        for one in applied
        if one.kind == "layer"
    }
    named = {
        target: getattr(settings.events, name)
        for name, target in _EVENT_LISTS.items()
        if getattr(settings.events, name)
    }
    if named:
        bodies["aipl"] = {**named, **bodies.get("aipl", {})}
    return LayerSet.from_mapping(bodies)
