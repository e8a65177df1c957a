"""Changes that wait for their approval (待审批的变更): nothing of them is in force before.

An apply proposes the whole difference between its folder and what is in force, so a newer proposal replaces
one that waits: at most one does.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from koipond.kernel import InputError, RefusedError, joined, stable_json
from koipond.store.audit import AuditEntry, write
from koipond.store.definitions import DefinitionChange, apply_changes
from koipond.store.engine import Database
from koipond.store.instants import from_s, to_s
from koipond.store.tables import definition_proposal as proposal

ProposalState = Literal["waiting", "applied", "rejected", "replaced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Changes as they were proposed. Keys read ``c1``, ``c2``, …; ``apply_no``: the apply they became."""

    key: str
    author: str
    proposed_at: datetime
    changes: tuple[DefinitionChange, ...]
    state: ProposalState
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    apply_no: int | None


class StoredProposals:
    """Proposals of one workspace."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def propose(self, changes: Sequence[DefinitionChange], *, author: str, now: datetime) -> Proposal:
        """Keep ``changes`` until somebody approves them; those that wait already are replaced."""
        row = {
            "author": author,
            "proposed_s": to_s(now),
            "changes": stable_json([asdict(one) for one in changes]),
            "state": "waiting",
        }
        with self._db.write() as connection:
            waiting = sa.update(proposal).where(proposal.c.state == "waiting")
            connection.execute(waiting.values(state="replaced", decided_by=author, decided_s=to_s(now)))
            insert = sa.insert(proposal).values(row).returning(proposal.c.proposal_no)
            key = f"c{connection.execute(insert).scalar_one()}"
            detail = {"changes": [f"{one.kind}/{one.key}" for one in changes]}
            _note(connection, "definitions.propose", key, author, now, detail)
            return _find(connection, key)

    def approve(self, key: str, *, by: str, approvers: Collection[str], now: datetime) -> Proposal:
        """Put ``key`` in force.

        Raises RefusedError when ``by`` is none of ``approvers`` (none = anybody may) or it does not wait,
        BusyError when somebody applied one of its objects meanwhile: nothing is applied then.
        """
        with self._db.write() as connection:
            found = _waiting(connection, key, by, approvers)
            apply_no = apply_changes(
                connection, found.changes, author=found.author, now=now, note=key, approved_by=by
            )
            _decide(connection, key, "applied", by, now, apply_no=apply_no)
            return _find(connection, key)

    def reject(
        self, key: str, *, by: str, approvers: Collection[str], reason: str, now: datetime
    ) -> Proposal:
        """Turn ``key`` down; its author may, too. Raises RefusedError as `approve` does."""
        with self._db.write() as connection:
            may = {*approvers, _find(connection, key).author} if approvers else ()
            _waiting(connection, key, by, may)
            _decide(connection, key, "rejected", by, now, reason=reason)
            _note(connection, "definitions.reject", key, by, now, {"reason": reason})
            return _find(connection, key)

    def all(self, limit: int = 100) -> list[Proposal]:
        """Return at most ``limit`` proposals, the newest first."""
        query = sa.select(proposal).order_by(proposal.c.proposal_no.desc()).limit(limit)
        with self._db.read() as connection:
            return [_from_row(row) for row in connection.execute(query)]


def _waiting(connection: sa.Connection, key: str, by: str, approvers: Collection[str]) -> Proposal:
    found = _find(connection, key, lock=True)
    if found.state != "waiting":
        raise RefusedError("changes {key} are {state}: nothing waits", key=key, state=found.state)
    if approvers and by not in approvers:
        raise RefusedError(
            "{by} may not decide on changes; koipond.yaml names as approvers: {approvers}",
            by=by,
            approvers=joined(", ", sorted(approvers)),
        )
    return found


def _decide(
    connection: sa.Connection, key: str, state: ProposalState, by: str, now: datetime, **more: Any
) -> None:
    update = sa.update(proposal).where(proposal.c.proposal_no == _number(key))
    connection.execute(update.values(state=state, decided_by=by, decided_s=to_s(now), **more))


def _note(
    connection: sa.Connection, action: str, key: str, actor: str, now: datetime, detail: dict[str, Any]
) -> None:
    write(connection, AuditEntry(at=now, actor=actor, action=action, subject=f"changes:{key}", detail=detail))


def _find(connection: sa.Connection, key: str, *, lock: bool = False) -> Proposal:
    query = sa.select(proposal).where(proposal.c.proposal_no == _number(key))
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise InputError("there are no changes '{key}'; see: koipond changes list", key=key)
    return _from_row(row)


def _number(key: str) -> int:
    digits = key.removeprefix("c")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 18 else 0


def _from_row(row: Any) -> Proposal:
    return Proposal(
        key=f"c{row.proposal_no}",
        author=row.author,
        proposed_at=from_s(row.proposed_s),
        changes=tuple(DefinitionChange(**one) for one in json.loads(row.changes)),
        state=row.state,
        decided_by=row.decided_by,
        decided_at=None if row.decided_s is None else from_s(row.decided_s),
        reason=row.reason,
        apply_no=row.apply_no,
    )
