"""The applied layer definitions (已应用的分层定义) as the code uses them."""

from collections.abc import Iterable
from typing import Any

from koipond.segments.layers.definitions import LayerSet
from koipond.store import AppliedDefinition
from koipond.workspace import WorkspaceSettings


def applied_layers(applied: Iterable[AppliedDefinition], settings: WorkspaceSettings) -> LayerSet:
    """Return the layer set of the applied files; `koipond.yaml` fills what aipl.yaml leaves out.

    Raises FindingsError when an applied body no longer fits its definition.
    """
    bodies: dict[str, Any] = {
        one.key: {name: value for name, value in one.body.items() if name != "key"}
        for one in applied
        if one.kind == "layer"
    }
    if named := {name: given for name, given in settings.events.model_dump().items() if given}:
        aipl = bodies.get("aipl", {})
        bodies["aipl"] = {**aipl, "events": {**named, **aipl.get("events", {})}}
    return LayerSet.from_mapping(bodies)
