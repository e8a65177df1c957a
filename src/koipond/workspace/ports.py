"""What the workspace asks of the outside: applied versions, and how many customers a change concerns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from koipond.workspace.model import Definition, ManagedBy

Action = Literal["add", "change", "archive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The newest applied version of an object. ``body`` is canonical JSON, read back."""

    kind: str
    key: str
    version: int
    fingerprint: str
    body: Mapping[str, Any]
    managed_by: ManagedBy = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that `apply` does to the store: a new version (``body``), or an archive (``body`` None).

    ``was``: the version the diff was made against, 0 when there was none.
    """

    action: Action
    kind: str
    key: str
    was: int
    fingerprint: str
    body: Mapping[str, Any] | None
    managed_by: ManagedBy = "file"


class AppliedDefinitions(Protocol):
    """The store's side: the runtime reads only what was applied (design §4)."""

    def current(self) -> Sequence[Applied]:
        """Return the newest version of every object that is not archived."""
        ...

    def apply(self, steps: Sequence[Step], author: str, now: datetime) -> Mapping[tuple[str, str], int]:
        """Do all of ``steps`` in one transaction; return the new version of each object."""
        ...


class MemberCounter(Protocol):
    """How many customers a segment has now."""

    def count(self, segment: Definition) -> int | None:
        """Return the members of ``segment``, or None when it cannot be counted yet."""
        ...
