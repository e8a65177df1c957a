"""What no apply may change (不可改的设置): the zone and currency under which there are facts.

Days were fixed in the zone and amounts counted in the currency at import; a touch, a cap's window and a
budget were counted in both. The transaction that applies looks, so that no import can come between.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from koipond.facts.schemas import FACTS
from koipond.kernel import Message, RefusedError, joined
from koipond.store.tables import (
    consent_log,
    import_batch,
    offer_code,
    past_touch,
    plan,
    touch,
    warehouse_version,
)
from koipond.workspace.model import WORKSPACE
from koipond.workspace.settings import FILE, FIXED_KEYS

_COPIES = frozenset({"imports", "consents", "suppressions", "identity_links", "inboxes", "reachable"})
_STAMPED = (
    (touch, Message("touches")),
    (plan, Message("plans")),
    (consent_log, Message("statements of consent")),
)
"""Rows stamped with the workspace's clock."""
_BACKWARD = ("system", "last_fact")
"""The change of clock that steps back behind what was stamped; the other way time only moves on."""
Forbidden = tuple[str, str, str]


class _Change(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any] | None: ...


def facts_there(connection: sa.Connection) -> list[str]:
    """Return what there is that days or amounts were counted for, in words; empty before the first fact."""
    standing = sa.or_(
        import_batch.c.outcome.is_(None), import_batch.c.outcome.not_in(("failed", "cancelled", "undone"))
    )
    counted = ((past_touch, Message("past touches")), (offer_code, Message("codes")), *_STAMPED)
    found = [(Message("imports"), _count(connection, import_batch, standing))]
    found += [(name, _count(connection, table)) for table, name in counted]
    newest = sa.select(warehouse_version.c.manifest).order_by(warehouse_version.c.version.desc()).limit(1)
    body = json.loads(connection.execute(newest).scalar_one_or_none() or "{}")
    kinds = [name for name, files in body.get("datasets", {}).items() if files and name in FACTS]
    words: list[str] = [Message("{count:,} {name}", count=count, name=name) for name, count in found if count]
    return words + sorted({*kinds} - _COPIES)


def stamped_there(connection: sa.Connection) -> list[str]:
    """Return what was stamped with the workspace's clock, in words."""
    found = [(name, _count(connection, table)) for table, name in _STAMPED]
    return [Message("{count:,} {name}", count=count, name=name) for name, count in found if count]


def changed_fixed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return which of the settings that facts fix differ between two bodies of `koipond.yaml`."""
    return [name for name in FIXED_KEYS if before.get(name) != after.get(name)]


def forbidden(
    connection: sa.Connection, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Forbidden]:
    """Yield each setting that may not go from body ``before`` to ``after``: its name, why, and the fix."""
    changed = changed_fixed(before, after)
    there = joined(", ", facts_there(connection)) if changed else ""
    for name in changed if there else ():
        old, new = before.get(name), after.get(name)
        why = Message(
            "{name} {old} cannot become {new}: there are {there}, counted under {old}",
            name=name,
            old=old,
            new=new,
            there=there,
        )
        fix = Message(
            "Make a new workspace for {new} and import the facts there, or write '{name}: {old}' again",
            new=new,
            name=name,
            old=old,
        )
        yield name, why, fix
    clocks = before.get("clock", "system"), after.get("clock", "system")
    if clocks == _BACKWARD and (stamped := joined(", ", stamped_there(connection))):
        why = Message(
            "clock system cannot become last_fact: there are {stamped}, later than the newest fact",
            stamped=stamped,
        )
        yield "clock", why, Message("Write 'clock: system' again, or make a new workspace")


def refuse_fixed(
    connection: sa.Connection, changes: Sequence[_Change], newest: Mapping[tuple[str, str], Any]
) -> None:
    """Raise RefusedError when ``changes`` would change what facts were counted under, or whose they are."""
    ours = [one for one in changes if one.kind == WORKSPACE]
    there = {key: row for (kind, key), row in newest.items() if kind == WORKSPACE and row.archived_no is None}
    problems: list[Message] = []
    for one in ours if there else ():
        if one.body is None or one.key not in there:
            problems.append(
                Message(
                    "the key of a workspace cannot change; this store is that of {there}",
                    there=", ".join(there),
                )
            )
            continue
        before = json.loads(there[one.key].body)
        problems += [joined(". ", (why, fix)) for _, why, fix in forbidden(connection, before, one.body)]
    if problems:
        raise RefusedError(joined("\n", (f"{FILE}: " + problem for problem in problems)), code="fixed")


def _count(connection: sa.Connection, table: sa.Table, where: Any = None) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return int(connection.execute(query if where is None else query.where(where)).scalar_one())
