"""What the gate and the outbox obey of the workspace's settings (发送条件)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from koipond.kernel import zone
from koipond.outreach.model import QuietHours
from koipond.outreach.ports import ChannelSheet
from koipond.outreach.quiet import next_allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The workspace's zone, its quiet hours, and channel → touches the platform allows a local day."""

    place: ZoneInfo
    quiet: QuietHours = field(default_factory=QuietHours)
    quotas: Mapping[str, int] = field(default_factory=dict)

    def start(self, sheet: ChannelSheet, own_zone: str | None, purpose: str, at: datetime) -> datetime:
        """Return the first instant from ``at`` on at which a touch of ``purpose`` may be sent to somebody who
        lives in ``own_zone``: marketing waits while it is quiet there, everything for the channel's hours."""
        place = self.place if own_zone is None else zone(own_zone)
        start = next_allowed(at, self.quiet, place) if purpose == "marketing" else at
        return start if sheet.hours is None else next_allowed(start, sheet.hours, place)
