"""The board (运行状态板): what each part of a running server does, since when and why; each change is logged.

States: ``ok`` works · ``waiting`` works, and something waits for its hour · ``stopped`` does not go on until
somebody mends it. One line is logged when a part stops, when the reason changes, and when it works again.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from koipond.bootstrap.faults import explained
from koipond.ingest.privacy import masked
from koipond.kernel import Clock, KoipondError

State = Literal["ok", "waiting", "stopped"]
Reason = Literal[
    "",
    "answers_unreadable",
    "disk_full",
    "no_progress",
    "not_configured",
    "not_sending",
    "paused",
    "refresh_missing",
    "refresh_old",
    "restarted",
    "starting",
    "store_busy",
    "store_gone",
    "store_unreachable",
    "unreachable",
    "waits",
    "warehouse_busy",
    "warehouse_unreadable",
    "broken",
]
"""Why, as a stable word; the sentence beside it may change from version to version."""

LOG = logging.getLogger("koipond.serve")
_WHY_MAX = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How one part stands. ``why``: a sentence without personal data; ``detail``: counts and instants."""

    state: State
    since: datetime
    reason: Reason = ""
    why: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the part as plain values."""
        return {
            "state": self.state,
            "since": self.since.isoformat(),
            "reason": self.reason or None,
            "why": self.why or None,
            **self.detail,
        }


class Board:
    """The parts of one server; any thread may write or read. ``region``: whose phones are covered."""

    def __init__(self, clock: Clock, region: str = "") -> None:
        self._clock = clock
        self._region = region
        self._lock = threading.Lock()
        self._parts: dict[str, Part] = {}

    def put(self, name: str, state: State, reason: Reason = "", why: str = "", **detail: Any) -> None:
        """Say how part ``name`` stands; ``since`` moves and a line is logged only when that changes."""
        now, said = self._clock.now(), plain(why, self._region)
        with self._lock:
            old = self._parts.get(name)
            same = old is not None and (old.state, old.reason) == (state, reason)
            since = old.since if old is not None and same else now
            self._parts[name] = Part(state=state, since=since, reason=reason, why=said, detail=detail)
        if not same:
            _log(name, old, self._parts[name], now)

    def put_error(self, name: str, error: BaseException) -> None:
        """Say that part ``name`` has stopped because of ``error``."""
        reason, why = reason_of(error)
        self.put(name, "stopped", reason, why)

    def drop(self, prefix: str, keep: frozenset[str]) -> None:
        """Forget the parts below ``prefix`` whose names are not in ``keep``."""
        with self._lock:
            gone = [name for name in self._parts if name.startswith(prefix) and name not in keep]
            for name in gone:
                del self._parts[name]

    def get(self, name: str) -> Part | None:
        """Return how part ``name`` stands, None before anybody said."""
        with self._lock:
            return self._parts.get(name)

    def below(self, prefix: str) -> dict[str, Part]:
        """Return the parts below ``prefix`` by the rest of their names."""
        with self._lock:
            found = sorted(self._parts.items())
        return {name[len(prefix) :]: part for name, part in found if name.startswith(prefix)}


def plain(text: str, region: str) -> str:
    """Return ``text`` as one line without what looks like an identifier of a person of ``region``."""
    return masked(" ".join(text.split()), region=region)[:_WHY_MAX]


def reason_of(error: BaseException) -> tuple[Reason, str]:
    """Return why ``error`` stops what it stopped: a stable word and a sentence."""
    known = error if isinstance(error, KoipondError) else explained(error)
    if known is None:
        return "broken", f"{type(error).__name__}: {error}"
    return _REASONS.get(known.code, "broken"), str(known)


_REASONS: Mapping[str, Reason] = {
    "busy": "store_busy",
    "unreachable": "store_unreachable",
    "damaged": "store_unreachable",
    "no_rights": "store_unreachable",
    "disk_full": "disk_full",
}


def _log(name: str, old: Part | None, new: Part, now: datetime) -> None:
    """Write one line: key=value, so that machines read it too."""
    if new.state == "stopped":
        counts = "".join(f" {key}={value}" for key, value in new.detail.items() if isinstance(value, int))
        LOG.error(
            "at=%s event=stopped part=%s since=%s reason=%s%s why=%s",
            _iso(now),
            name,
            _iso(new.since),
            new.reason,
            counts,
            _quoted(new.why),
        )
    elif old is not None and old.state == "stopped":
        lasted = int((now - old.since).total_seconds())
        LOG.warning("at=%s event=works_again part=%s stopped_s=%d", _iso(now), name, lasted)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "'") + '"'
