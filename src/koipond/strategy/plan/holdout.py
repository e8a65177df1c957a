"""The global hold-out (全局对照组) of a brand, frozen for its rotation. Source: science D6.

Its width follows from the number of customers; a brand that grows from 20,000 to 40,000 would otherwise
move people in and out within one rotation.
"""

from datetime import date

from koipond.experiments.assignment import GLOBAL, HOLDOUT, Arms, global_holdout, rotation_of
from koipond.facts.ports import Reader, Writer
from koipond.kernel.ids import BUCKETS
from koipond.strategy.plan.model import PlanRequest

META = "global_holdout"


def freeze_holdout(writer: Writer, as_of: date) -> None:
    """Keep the number of customers with which the rotation of ``as_of`` began, unless it is kept already."""
    rotation, kept = rotation_of(as_of), writer.meta(META)
    if kept is None or kept["rotation"] < rotation:
        writer.set_meta(META, {"rotation": rotation, "customers": _customers(writer)})


def global_arms(reader: Reader, request: PlanRequest) -> Arms:
    """Return who is held out globally on the plan's day."""
    rotation = rotation_of(request.as_of)
    if request.global_holdout_rate is None:
        kept = reader.meta(META)
        frozen = kept is not None and kept["rotation"] == rotation
        people = int(kept["customers"]) if frozen else _customers(reader)
        return global_holdout(request.salt, customers=people, rotation=rotation)
    width = round(request.global_holdout_rate * BUCKETS)
    return Arms(
        salt=request.salt,
        scope=GLOBAL,
        buckets={HOLDOUT: width, "program": BUCKETS - width},
        start=rotation * width % BUCKETS,
    )


def _customers(reader: Reader) -> int:
    return int(reader.scalar(reader.table("customers").count()))
