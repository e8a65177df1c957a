"""What the warehouse knows of a segment (人群状态): members, freshness, last error.

Dataset `segment_members`: one row a segment. A segment that fails keeps its last members and says why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
from pyroaring import BitMap

from koipond.facts.ports import Reader, Writer
from koipond.kernel import Message, from_epoch_day
from koipond.segments.definition import SegmentDefinition

SEGMENT_MEMBERS = "segment_members"
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("version", pa.int32()),
        ("as_of_day", pa.int32()),
        ("bitmap", pa.binary()),  # roaring, of customer_no
        ("count", pa.int64()),
        ("error", pa.string()),
        ("refreshed_s", pa.int64()),
        ("tried_s", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentState:
    """One segment as last refreshed. ``refreshed_s``: last success; ``tried_s``: last attempt (UTC seconds).

    ``members`` of a segment that never succeeded is None.
    """

    key: str
    version: int
    as_of_day: int | None = None
    members: BitMap | None = None
    error: str | None = None
    refreshed_s: int | None = None
    tried_s: int = 0

    @property
    def count(self) -> int:
        """How many customers are in it."""
        return 0 if self.members is None else len(self.members)


StaleCode = Literal["never_refreshed", "failed", "definition_changed", "too_old", "of_a_later_day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """Why the members of a segment must not be used for sending."""

    key: str
    code: StaleCode
    detail: str


def read_states(reader: Reader) -> dict[str, SegmentState]:
    """Return every refreshed segment of this version of the warehouse."""
    if not reader.has(SEGMENT_MEMBERS):
        return {}
    rows = reader.frame(reader.table(SEGMENT_MEMBERS)).to_pylist()
    return {row["key"]: _state(row) for row in sorted(rows, key=lambda row: row["key"])}


def members_of(states: Mapping[str, SegmentState]) -> dict[str, BitMap]:
    """Return the members of the segments that have any version of them."""
    return {key: state.members for key, state in states.items() if state.members is not None}


def stale(definition: SegmentDefinition, state: SegmentState | None, as_of_day: int) -> Stale | None:
    """Return why ``state`` may not serve on day ``as_of_day``, or None when it may (design §6)."""

    def because(code: StaleCode, detail: str) -> Stale:
        return Stale(key=definition.key, code=code, detail=detail)

    if state is None or (state.members is None and state.error is None):
        return because("never_refreshed", Message("run: koipond refresh"))
    if state.error is not None:
        return because("failed", state.error)
    if state.version != definition.version:
        return because(
            "definition_changed",
            Message(
                "members of version {held}, not {applied}", held=state.version, applied=definition.version
            ),
        )
    assert state.as_of_day is not None
    age_days = as_of_day - state.as_of_day
    if age_days < 0:
        return because("of_a_later_day", Message("members of {day}", day=from_epoch_day(state.as_of_day)))
    if age_days > definition.stale_after_days:
        return because(
            "too_old",
            Message("{age} days old, at most {most}", age=age_days, most=definition.stale_after_days),
        )
    return None


def write_states(writer: Writer, states: Sequence[SegmentState]) -> None:
    """Make ``states`` the whole of `segment_members`."""
    rows = pa.Table.from_pylist([_row(state) for state in states], schema=SCHEMA)
    writer.replace(SEGMENT_MEMBERS, writer.stage("_segment_members", rows))


def _state(row: Mapping[str, object]) -> SegmentState:
    values = {name: row[name] for name in ("key", "version", "as_of_day", "error", "refreshed_s", "tried_s")}
    bitmap = row["bitmap"]
    members = BitMap.deserialize(bitmap) if isinstance(bitmap, bytes) else None
    return SegmentState(members=members, **values)  # type: ignore[arg-type]


def _row(state: SegmentState) -> dict[str, object]:
    return {
        "key": state.key,
        "version": state.version,
        "as_of_day": state.as_of_day,
        "bitmap": None if state.members is None else state.members.serialize(),
        "count": state.count,
        "error": state.error,
        "refreshed_s": state.refreshed_s,
        "tried_s": state.tried_s,
    }
