"""Invariants of what is in force (生效设置核查): whose settings, unchanged under facts, bodies as applied."""

import json
from collections.abc import Iterator

import sqlalchemy as sa

from koipond.kernel import Message, fingerprint
from koipond.store.fixed import changed_fixed
from koipond.store.tables import definition, definition_apply, import_batch
from koipond.workspace.model import WORKSPACE


def settings_breaks(connection: sa.Connection) -> Iterator[str]:
    """One `koipond.yaml` is in force, and its zone and currency are those of the first fact."""
    ours = definition.c.kind == WORKSPACE
    live = sa.select(definition.c.key).where(ours, definition.c.archived_no.is_(None)).distinct()
    keys = sorted(connection.scalars(live))
    if len(keys) > 1:
        yield Message(
            "the settings of {count} workspaces are in force in one store: {keys}",
            count=len(keys),
            keys=", ".join(keys),
        )
    first_s = connection.execute(sa.select(sa.func.min(import_batch.c.began_s)).where(_KEPT)).scalar_one()
    query = (
        sa.select(definition.c.version, definition.c.body, definition_apply.c.applied_s)
        .join(definition_apply, definition_apply.c.apply_no == definition.c.apply_no)
        .where(ours)
        .order_by(definition.c.apply_no)
    )
    before = None
    for row in connection.execute(query):
        body = json.loads(row.body)
        if before is not None and first_s is not None and row.applied_s > first_s:
            for name in changed_fixed(before, body):
                yield Message(
                    "{name} became {get} (was {other_get}) when there were facts",
                    name=name,
                    get=body.get(name),
                    other_get=before.get(name),
                )
        before = body


_KEPT = import_batch.c.outcome.in_(("done", "published"))


def definition_breaks(connection: sa.Connection) -> Iterator[str]:
    """Every version says what was applied: its fingerprint is that of its body."""
    columns = definition.c.kind, definition.c.key, definition.c.version, definition.c.fingerprint
    for row in connection.execute(sa.select(*columns, definition.c.body).order_by(*columns[:3])):
        printed = fingerprint({"kind": row.kind, "key": row.key, "body": json.loads(row.body)})
        if row.fingerprint != printed:
            yield Message(
                "version {version} of {kind} '{key}' is not what was applied",
                version=row.version,
                kind=row.kind,
                key=row.key,
            )
