"""Token buckets (令牌桶): one row a (channel, account), taken in the claim's transaction: global."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from koipond.outreach.ports import RateLimit
from koipond.store.bulk import upsert_rows
from koipond.store.tables import rate_bucket

_MICRO = 1_000_000


class Bucket:
    """The tokens of one account, locked for the caller's transaction; in integer millionths."""

    def __init__(
        self, connection: sa.Connection, channel: str, account: str, rate: RateLimit, now: datetime
    ) -> None:
        self._connection = connection
        self._rate = rate
        self._place = (rate_bucket.c.channel == channel) & (rate_bucket.c.account == account)
        self._now_us = _us(now)
        full = _MICRO * (rate.burst or rate.touches_max)
        row = (channel, account, full, self._now_us)
        columns = ("channel", "account", "level_micro", "at_us")
        upsert_rows(connection, rate_bucket, columns, [row], "ON CONFLICT DO NOTHING")
        query = sa.select(rate_bucket.c.level_micro, rate_bucket.c.at_us).where(self._place)
        level, at_us = connection.execute(query.with_for_update()).one()
        grown = max(0, self._now_us - at_us) * rate.touches_max // rate.seconds
        self._at_us = max(at_us, self._now_us)
        self._level: int = min(full, level + grown)

    @property
    def tokens(self) -> int:
        """How many touches may go out now."""
        return self._level // _MICRO

    def take(self, count: int) -> None:
        """Take ``count`` tokens and write the bucket back."""
        self._level -= count * _MICRO
        values = {"level_micro": self._level, "at_us": self._at_us}
        self._connection.execute(sa.update(rate_bucket).where(self._place).values(values))

    def next_at(self) -> datetime:
        """Return when the next whole token is there."""
        missing = max(0, _MICRO - self._level)
        wait_us = -(-missing * self._rate.seconds // self._rate.touches_max)
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self._at_us + wait_us)


def _us(instant: datetime) -> int:
    return (instant - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
