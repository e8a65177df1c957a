"""What the gate and the outbox obey of the workspace's settings (发送条件).

What was approved under other settings obeys the stricter of then and now (design §7).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from koipond.kernel import zone
from koipond.outreach.model import QuietHours
from koipond.outreach.ports import ChannelSheet
from koipond.outreach.quiet import next_allowed, next_allowed_by

_NEVER = timedelta(days=30)  # beyond the life of any touch


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The workspace's zone, its quiet hours, and channel → touches the platform allows a local day.

    ``quiet_then``: the hours in force at the approval, where they were others.
    """

    place: ZoneInfo
    quiet: QuietHours = field(default_factory=QuietHours)
    quotas: Mapping[str, int] = field(default_factory=dict)
    quiet_then: QuietHours | None = None

    @property
    def hours(self) -> tuple[QuietHours, ...]:
        """Every quiet hours that hold."""
        return (self.quiet,) if self.quiet_then is None else (self.quiet, self.quiet_then)

    def and_then(self, quiet: QuietHours, quotas: Mapping[str, int]) -> "Terms":
        """Return the stricter of these and of what was in force at the approval."""
        if quiet == self.quiet and quotas == self.quotas:
            return self
        smaller = {
            key: min(found[key] for found in (self.quotas, quotas) if key in found)
            for key in {**self.quotas, **quotas}
        }
        return replace(self, quotas=smaller, quiet_then=None if quiet == self.quiet else quiet)

    def start(self, sheet: ChannelSheet, own_zone: str | None, purpose: str, at: datetime) -> datetime:
        """Return the first instant from ``at`` on at which a touch of ``purpose`` may be sent to somebody who
        lives in ``own_zone``: marketing waits while it is quiet there, everything for the channel's hours."""
        place = self.place if own_zone is None else zone(own_zone)
        start = at
        if purpose == "marketing":
            start = next_allowed_by(at, self.hours, place) or at + _NEVER
        return start if sheet.hours is None else next_allowed(start, sheet.hours, place)
