"""Lists (名单): customers somebody brings along as a file of ids. Strangers are reported, never created."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from koipond.ingest.ports import PersonKeys
from koipond.kernel import InputError
from koipond.segments.definition import KEY
from koipond.segments.ports import CustomerFinder, ListStore

PEOPLE_PER_LOOKUP = 10_000
_MARKS = (",", ";", "\t", "|")
SAMPLES_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ListResult:
    """What became of the lines of a list: ``read`` = ``members`` + ``repeated`` + ``strangers``.

    ``stranger_lines``: 1-based lines of the first few who are nobody's customer (never the ids themselves).
    """

    key: str
    read: int
    members: int
    repeated: int
    strangers: int
    stranger_lines: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def _advice(people: Sequence[PersonKeys]) -> str:
    """Say what may be wrong with lines of which none names a customer."""
    wide = [line for line, one in enumerate(people, 1) if any(m in (one.shop_id or "") for m in _MARKS)]
    if wide:
        shown = ", ".join(map(str, wide[:SAMPLES_MAX]))
        return f"lines hold more than an id (line {shown}): write one id a line, without a header"
    return "import customers first, or look at how the ids are written"


def bring_list(
    key: str,
    people: Sequence[PersonKeys],
    finder: CustomerFinder,
    store: ListStore,
    *,
    author: str,
    now: datetime,
) -> ListResult:
    """Make ``people`` the whole list ``key``; raise InputError for a bad key, no author, or nobody known."""
    wrong = [] if KEY.fullmatch(key) else [f"'{key}' is no key: use small letters, digits and _"]
    if not author.strip():
        wrong.append("name the author of the list")
    if wrong:
        raise InputError("; ".join(wrong))
    found: list[int | None] = []
    for start in range(0, len(people), PEOPLE_PER_LOOKUP):
        found += finder.find(people[start : start + PEOPLE_PER_LOOKUP])
    strangers = [line for line, no in enumerate(found, 1) if no is None]
    members = sorted({no for no in found if no is not None})
    if not members:
        raise InputError(f"none of the {len(people)} lines of list '{key}' is a customer; {_advice(people)}")
    store.replace_list(key, members, author=author, now=now)
    return ListResult(
        key=key,
        read=len(people),
        members=len(members),
        repeated=len(people) - len(strangers) - len(members),
        strangers=len(strangers),
        stranger_lines=tuple(strangers[:SAMPLES_MAX]),
    )
