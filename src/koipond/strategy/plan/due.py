"""When a touch may go out: quiet hours only move it (免打扰时段)."""

from koipond.outreach.quiet import next_allowed
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.task import PlayTask


def due_s(known: Context, play: PlayTask, zone: int) -> int:
    """Return the second at which a touch of ``play`` in the zone at place ``zone`` is due."""
    now = known.request.now
    if play.play.purpose != "marketing":
        return int(now.timestamp())
    return int(next_allowed(now, known.request.policy.quiet, known.places[zone]).timestamp())
