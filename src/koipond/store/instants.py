"""Instants in the store: whole UTC seconds since 1970. A moment within a second counts as its start."""

from datetime import UTC, datetime

from koipond.kernel import require_aware


def to_s(instant: datetime) -> int:
    """Return ``instant`` as whole seconds since 1970; raise ValueError when it carries no zone."""
    return int(require_aware(instant).timestamp())


def from_s(seconds: int) -> datetime:
    """Return the aware UTC instant of ``seconds``."""
    return datetime.fromtimestamp(seconds, UTC)
