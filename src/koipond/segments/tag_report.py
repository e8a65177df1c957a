"""Which tags are out of date or say nothing (标签时效报告, S07)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import ibis

from koipond.facts.tables import read_facts
from koipond.kernel import from_epoch_day
from koipond.segments.scope import Scope
from koipond.segments.tables import profile_in_scope
from koipond.segments.tag_definition import TagGroup
from koipond.segments.tag_refresh import TAG_HISTORY, TAGS, TagState, read_tag_states

EXPIRING_DAYS = 7
CHANGE_DAYS = 30
NEARLY_ALL = 0.95

TagIssue = Literal[
    "never_refreshed", "failed", "definition_changed", "too_old", "nobody", "nearly_everybody", "review_due"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagFreshness:
    """One tag on the observation day. Counts are customers in scope.

    ``lingering``: hold it only by its time to live, their rule is false by now. ``expiring``: lose it within
    7 days unless confirmed again. ``gained``, ``lost``: in the last 30 days (automatic tags). ``review_due``:
    given by hand longer ago than the group allows. ``oldest_on``: when the oldest was last confirmed.
    """

    tag_group: str
    value: str
    source: str
    holders: int
    lingering: int
    expiring: int
    gained: int
    lost: int
    review_due: int
    oldest_on: str | None
    refreshed_on: str | None
    issues: tuple[TagIssue, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def tag_report(scope: Scope, groups: Sequence[TagGroup], stale_after_days: int = 1) -> list[TagFreshness]:
    """Return how fresh each tag of ``groups`` is on the day of ``scope``, by group and value.

    Every value a definition names is in it, held by anybody or not; so are values given by hand.
    """
    states = read_tag_states(scope.reader)
    held, changed = _held(scope, groups), _changed(scope)
    everybody = int(scope.reader.scalar(profile_in_scope(scope).count()))
    report = []
    for group in sorted(groups, key=lambda group: group.key):
        values = {tag.value for tag in group.rules} | set(group.values)
        values |= {value for key, value in held if key == group.key}
        for value in sorted(values):
            counts = {**_NOBODY, **held.get((group.key, value), {}), **changed.get((group.key, value), {})}
            issues = _issues(
                group, states.get(group.key), counts, scope.as_of_day, stale_after_days, everybody
            )
            report.append(_line(group, value, states.get(group.key), counts, issues))
    return report


_NOBODY: Mapping[str, Any] = dict.fromkeys(
    ("holders", "lingering", "expiring", "review_due", "gained", "lost"), 0
) | {"oldest_day": None}


def _held(scope: Scope, groups: Sequence[TagGroup]) -> dict[tuple[str, str], dict[str, Any]]:
    reader, day = scope.reader, scope.as_of_day
    if not reader.has(TAGS):
        return {}
    tags = read_facts(reader).canonical(reader.table(TAGS))
    tags = tags.filter(tags.from_day <= day, tags.until_day.isnull() | (tags.until_day >= day))
    tags = tags.semi_join(profile_in_scope(scope), "customer_no")
    auto = tags.source == "auto"
    by_hand = [(tags.tag_group == g.key, g.review_after_days) for g in groups if g.source == "manual"]
    review_days = ibis.cases(*by_hand) if by_hand else ibis.null("int32")
    due = (~auto & (tags.confirmed_day + review_days < day)).fill_null(False)
    rows = tags.group_by(["tag_group", "text_value"]).agg(
        holders=tags.customer_no.nunique(),
        lingering=tags.customer_no.nunique(where=auto & (tags.confirmed_day < day)),
        expiring=tags.customer_no.nunique(where=(tags.until_day < day + EXPIRING_DAYS).fill_null(False)),
        review_due=tags.customer_no.nunique(where=due),
        oldest_day=tags.confirmed_day.min(),
    )
    return _by_tag(reader.frame(rows).to_pylist())


def _changed(scope: Scope) -> dict[tuple[str, str], dict[str, Any]]:
    reader, day = scope.reader, scope.as_of_day
    if not reader.has(TAG_HISTORY):
        return {}
    history = reader.table(TAG_HISTORY)
    history = history.filter(history.day > day - CHANGE_DAYS, history.day <= day)
    rows = history.group_by(["tag_group", "text_value"]).agg(
        gained=history.count(where=history.change == "added"),
        lost=history.count(where=history.change != "added"),
    )
    return _by_tag(reader.frame(rows).to_pylist())


def _by_tag(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row.pop("tag_group"), row.pop("text_value")): row for row in rows}


def _issues(
    group: TagGroup,
    state: TagState | None,
    counts: Mapping[str, Any],
    day: int,
    stale_after_days: int,
    everybody: int,
) -> tuple[TagIssue, ...]:
    issues: list[TagIssue] = []
    if state is None or (state.as_of_day is None and state.error is None):
        return ("never_refreshed",)
    if state.error is not None:
        issues.append("failed")
    elif state.version != group.version:
        issues.append("definition_changed")
    if state.as_of_day is not None and day - state.as_of_day > stale_after_days:
        issues.append("too_old")
    if counts["holders"] == 0:
        issues.append("nobody")
    elif everybody and counts["holders"] >= NEARLY_ALL * everybody:
        issues.append("nearly_everybody")
    if counts["review_due"]:
        issues.append("review_due")
    return tuple(issues)


def _line(
    group: TagGroup,
    value: str,
    state: TagState | None,
    counts: Mapping[str, Any],
    issues: tuple[TagIssue, ...],
) -> TagFreshness:
    numbers = {name: int(counts[name]) for name in _NOBODY if name != "oldest_day"}
    return TagFreshness(
        tag_group=group.key,
        value=value,
        source=group.source,
        oldest_on=_shown(counts["oldest_day"]),
        refreshed_on=_shown(state.as_of_day if state else None),
        issues=issues,
        **numbers,
    )


def _shown(day: int | None) -> str | None:
    return None if day is None else from_epoch_day(day).isoformat()
