"""Refresh tags (标签刷新): automatic ones by their rules, manual ones from the store; history of the former.

A tag with a time to live holds from the first refresh that saw its rule true until ``ttl_days`` after the
last one that did; without, exactly while its rule holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Any

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable, Reader, Writer
from koipond.facts.tables import read_facts, union_all
from koipond.rules.ibis_reading import to_ibis
from koipond.segments.ports import ManualTag
from koipond.segments.scope import Scope
from koipond.segments.tables import profile_in_scope, rule_tables
from koipond.segments.tag_definition import TagGroup, number_of

TAGS = "tags"
TAG_HISTORY = "tag_history"
META_KEY = "tags"
SCHEMA = pa.schema(
    [
        ("customer_no", pa.int32()),
        ("tag_group", pa.string()),
        ("text_value", pa.string()),
        ("number_value", pa.float64()),
        ("source", pa.string()),  # auto | manual
        ("author", pa.string()),
        ("from_day", pa.int32()),
        ("confirmed_day", pa.int32()),  # last day the rule held, or the day it was given
        ("until_day", pa.int32()),
        ("version", pa.int32()),
    ]
)
HISTORY_SCHEMA = pa.schema(
    [
        ("customer_no", pa.int32()),
        ("tag_group", pa.string()),
        ("text_value", pa.string()),
        ("change", pa.string()),  # added | removed | expired
        ("day", pa.int32()),
        ("version", pa.int32()),
        ("cause", pa.string()),  # rule | definition
    ]
)
_KEY = ("customer_no", "tag_group", "text_value")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagState:
    """When a group was last refreshed, by which version, and what went wrong since."""

    version: int
    as_of_day: int | None = None
    refreshed_s: int | None = None
    error: str | None = None


def read_tag_states(reader: Reader) -> dict[str, TagState]:
    """Return the state of every group that was ever refreshed."""
    return {key: TagState(**body) for key, body in (reader.meta(META_KEY) or {}).items()}


def refresh_tags(
    writer: Writer, groups: Sequence[TagGroup], scope: Scope, manual: Sequence[ManualTag], now: datetime
) -> dict[str, TagState]:
    """Write the datasets `tags` and `tag_history` for the day of ``scope``; return the state of each group.

    A group that fails keeps its tags and carries the error. Nothing is visible before the writer publishes.
    """
    if not (groups or manual or writer.has(TAGS) or writer.meta(META_KEY)):
        return {}
    run = _Run(writer=writer, scope=scope, seconds=int(now.timestamp()), states=read_tag_states(writer))
    old = writer.cache("_tags_old", _old(writer, scope))
    run.attempt([group for group in groups if group.source == "auto"], old)
    by_hand = {group.key: group for group in groups if group.source == "manual"}
    run.found.append(writer.stage("_tags_manual", _manual(manual, by_hand, scope.as_of_day)))
    for group in by_hand.values():
        run.succeeded(group)
    new = writer.cache("_tags_new", union_all([*run.found, *run.kept]))
    states = {group.key: run.states[group.key] for group in groups}
    changes = _changes(old, new, states, scope.as_of_day)
    writer.append(TAG_HISTORY, writer.cache("_tag_changes", changes))
    writer.replace(TAGS, new)
    writer.set_meta(META_KEY, {key: _body(state) for key, state in states.items()})
    return states


@dataclass(slots=True, kw_only=True)
class _Run:
    """One refresh: tables found and kept so far."""

    writer: Writer
    scope: Scope
    seconds: int
    states: dict[str, TagState]
    found: list[IbisTable] = field(default_factory=list)
    kept: list[IbisTable] = field(default_factory=list)

    def attempt(self, groups: Sequence[TagGroup], old: IbisTable) -> None:
        """Refresh ``groups`` in one scan; when that fails, each alone, so that the faulty one is found."""
        if not groups:
            return
        name = f"_tags_{len(self.found)}_{groups[0].key}"
        try:
            found = self.writer.cache(name, _held(self.scope, groups, old))
        except Exception as error:
            if len(groups) == 1:
                self.failed(groups[0], str(error).strip() or type(error).__name__, old)
                return
            for group in groups:
                self.attempt([group], old)
            return
        self.found.append(found)
        for group in groups:
            self.succeeded(group)

    def succeeded(self, group: TagGroup) -> None:
        day, at = self.scope.as_of_day, self.seconds
        self.states[group.key] = TagState(version=group.version, as_of_day=day, refreshed_s=at)

    def failed(self, group: TagGroup, error: str, old: IbisTable) -> None:
        before = self.states.get(group.key) or TagState(version=group.version)
        self.states[group.key] = TagState(
            version=before.version,
            as_of_day=before.as_of_day,
            refreshed_s=before.refreshed_s,
            error=error[:500],
        )
        self.kept.append(old.filter(old.tag_group == group.key))


def _old(writer: Writer, scope: Scope) -> IbisTable:
    """Return the automatic tags so far of everyone who may have any, under the survivors' numbers."""
    if not writer.has(TAGS):
        return writer.stage("_tags_none", SCHEMA.empty_table())
    tags = writer.table(TAGS)
    tags = read_facts(writer).canonical(tags.filter(tags.source == "auto"))
    joined = tags.group_by(list(_KEY)).agg(
        number_value=tags.number_value.max(),
        source=tags.source.max(),
        author=ibis.null("string"),
        from_day=tags.from_day.min(),
        confirmed_day=tags.confirmed_day.max(),
        until_day=tags.until_day.max(),
        version=tags.version.max(),
    )
    return joined.semi_join(profile_in_scope(scope), "customer_no").select(*SCHEMA.names)


def _held(scope: Scope, groups: Sequence[TagGroup], old: IbisTable) -> IbisTable:
    """Return the tags of ``groups`` that hold: their rule is true, or their time is not over."""
    day = scope.as_of_day
    now = _true_now(scope, groups)
    before = old.filter(old.tag_group.isin([group.key for group in groups]))
    earlier = before.select(*_KEY, _from="from_day")
    joined = now.left_join(earlier, list(_KEY))
    fresh = joined.select(
        *_KEY,
        number_value=ibis.null("float64"),
        source=ibis.literal("auto"),
        author=ibis.null("string"),
        from_day=ibis.coalesce(joined["_from"], day).cast("int32"),
        confirmed_day=ibis.literal(day, "int32"),
        until_day=(_ttl(joined, groups) + day).cast("int32"),
        version=_version(joined, groups),
    )
    return union_all([fresh, *_lingering(before, now, groups, day)])


def _ttl(rows: IbisTable, groups: Sequence[TagGroup]) -> Any:
    lasting = [(rows.tag_group == group.key, group.ttl_days) for group in groups if group.ttl_days]
    return ibis.cases(*lasting) if lasting else ibis.null("int32")


def _version(rows: IbisTable, groups: Sequence[TagGroup]) -> Any:
    return ibis.cases(*[(rows.tag_group == group.key, group.version) for group in groups]).cast("int32")


def _true_now(scope: Scope, groups: Sequence[TagGroup]) -> IbisTable:
    named = [(g, t, tag) for g, group in enumerate(groups) for t, tag in enumerate(group.rules)]
    rules = {f"tag_{g}_{t}": tag.rule for g, t, tag in named}
    wide = to_ibis(rules, rule_tables(scope, rules.values()), scope.as_of_day, scope.catalog)
    parts = []
    for g, group in enumerate(groups):
        for t, tag in enumerate(group.rules):
            earlier = [~wide[f"tag_{g}_{before}"] for before in range(t if group.exclusive else 0)]
            holds = reduce(lambda a, b: a & b, [wide[f"tag_{g}_{t}"], *earlier])
            parts.append(
                wide.filter(holds).select(
                    "customer_no", tag_group=ibis.literal(group.key), text_value=ibis.literal(tag.value)
                )
            )
    return union_all(parts)


def _lingering(before: IbisTable, now: IbisTable, groups: Sequence[TagGroup], day: int) -> list[IbisTable]:
    """Return the tags whose rule is false by now but whose time is not over; a new exclusive one ends it."""
    parts = []
    for group in groups:
        if not group.ttl_days:
            continue
        rows = before.filter(
            before.tag_group == group.key,
            before.text_value.isin([tag.value for tag in group.rules]),
            before.until_day >= day,
        )
        on = ["customer_no", "tag_group"] if group.exclusive else list(_KEY)
        parts.append(rows.anti_join(now, on).select(*SCHEMA.names))
    return parts


def _manual(manual: Sequence[ManualTag], groups: Mapping[str, TagGroup], day: int) -> pa.Table:
    rows = [
        {
            "customer_no": tag.customer_no,
            "tag_group": tag.tag_group,
            "text_value": tag.value,
            "number_value": number_of(groups[tag.tag_group], tag.value),
            "source": "manual",
            "author": tag.author,
            "from_day": tag.from_day,
            "confirmed_day": tag.from_day,
            "until_day": tag.until_day,
            "version": groups[tag.tag_group].version,
        }
        for tag in manual
        if tag.tag_group in groups and (tag.until_day is None or tag.until_day >= day)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _changes(old: IbisTable, new: IbisTable, states: Mapping[str, TagState], day: int) -> IbisTable:
    """Return what automatic tags began and ended on ``day``."""
    auto = new.filter(new.source == "auto")
    added = auto.anti_join(old, list(_KEY))
    ended = old.anti_join(auto, list(_KEY))
    changed = [key for key, state in states.items() if state.error is None]
    now = [(ended.tag_group == key, states[key].version) for key in changed]
    versions = ibis.cases(*now, else_=-1) if now else ibis.literal(-1)
    expired = ibis.ifelse((ended.until_day < day).fill_null(False), "expired", "removed")
    return union_all(
        [
            added.select(*_KEY, change=ibis.literal("added"), day=_int(day), version="version", cause=_RULE),
            ended.select(
                *_KEY,
                change=expired,
                day=_int(day),
                version="version",
                cause=ibis.ifelse(versions == ended.version, "rule", "definition"),
            ),
        ]
    )


_RULE = ibis.literal("rule")


def _int(value: int) -> Any:
    return ibis.literal(value, "int32")


def _body(state: TagState) -> dict[str, Any]:
    return {
        "version": state.version,
        "as_of_day": state.as_of_day,
        "refreshed_s": state.refreshed_s,
        "error": state.error,
    }
