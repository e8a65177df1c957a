"""Touches on their way, for tests of the intent: people, candidates, definitions, what became of them."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from koipond.facts.people import PersonKeys
from koipond.kernel import fingerprint
from koipond.outreach.model import GateCandidate, GateDecision, QuietHours
from koipond.outreach.ports import ChannelSheet, Claim, LeasedTouch, SendOutcome, SendResult
from koipond.store import DefinitionChange, Store
from koipond.store.outbox import StoredOutbox

PLACE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
EVENING = datetime(2026, 3, 2, 13, tzinfo=UTC)  # 21:00 in Shanghai
MORNING = datetime(2026, 3, 3, 1, tzinfo=UTC)  # 09:00 of the next day
SHEET = ChannelSheet(channel="email", attempts_max=3, retry_s=60)
NEVER_QUIET = QuietHours(start_hour=0, end_hour=0)


def people(store: Store, count: int = 12) -> dict[int, str]:
    keys = [PersonKeys(source="s", shop_id=str(n)) for n in range(1, count + 1)]
    return {ref.customer_no: ref.customer_uid for ref in store.identity.resolve(keys, NOON)}


def candidate(uids: dict[int, str], number: int, **changes: Any) -> GateCandidate:
    one = GateCandidate(
        customer_no=number,
        customer_uid=uids[number],
        strategy="recall",
        strategy_version=1,
        play="gentle",
        occurrence="2026-03-02",
        variant="",
        channel="email",
        purpose="marketing",
        content="c1",
        due_at=NOON,
        expires_at=NOON + timedelta(days=2),
        cost_fen=10,
        caps=(),
        budgets=(),
        consent_required=False,
        address_required=False,
        re_entry_days=0,
        duplicate_content_days=0,
        holdout_global_rate=0.0,
        holdout_strategy_rate=0.0,
        holdout_salt="s",
    )
    return replace(one, **changes)


def admit(
    store: Store,
    numbers: range,
    *,
    now: datetime = NOON,
    plan: str = "",
    quotas: dict[str, int] | None = None,
    **changes: Any,
) -> list[GateDecision]:
    uids = people(store)
    asked = [candidate(uids, n, **changes) for n in numbers]
    return store.gate(PLACE, quotas=quotas).admit(asked, now, plan)


def apply(store: Store, kind: str = "strategy", key: str = "recall", **body: Any) -> None:
    """Apply a new version of a definition; ``archived=True`` archives it."""
    was = max((one.version for one in store.definitions.history(kind, key)), default=0)
    archived = body.pop("archived", False)
    default = {"budget": {"total_fen": 10_000}, "plays": [{"key": "gentle", "channels": ["email"]}]}
    full = {**default, **body} if kind == "strategy" else body
    printed = fingerprint({"kind": kind, "key": key, "body": full})
    change = DefinitionChange(kind=kind, key=key, was=was, fingerprint=printed, body=full)
    store.definitions.apply([replace(change, body=None) if archived else change], author="t", now=NOON)


def begin(box: StoredOutbox, claim: Claim, now: datetime, sheet: ChannelSheet = SHEET) -> list[LeasedTouch]:
    return list(box.advance(sheet, claim, begin=claim.touches, now=now).may_go)


def send(
    store: Store, now: datetime, outcome: SendOutcome = "accepted", *, limit: int = 100, **terms: Any
) -> list[int]:
    """Claim, commit the intent and record ``outcome`` of all that may go; return the customers."""
    box = store.outbox(PLACE, **{"quiet": QuietHours(), **terms})
    claim = box.claim(SHEET, limit, now)
    begun = begin(box, claim, now)
    done = [(one, SendResult(key=one.touch_key, outcome=outcome)) for one in begun]
    box.advance(SHEET, claim, done=done, now=now)
    box.close()
    return [one.customer_no for one in begun]


def states(store: Store) -> dict[str, int]:
    return {state.value: count for state, count in store.outbox(PLACE).counts().items()}


def details(store: Store) -> dict[str, int]:
    with store.database.read() as connection:
        query = "SELECT detail FROM outbox WHERE state IN ('failed', 'expired')"
        return dict(Counter(connection.scalars(sa.text(query))))


def taken(store: Store) -> dict[str, int]:
    with store.database.read() as connection:
        rows = connection.execute(sa.text("SELECT scope, taken_fen FROM budget WHERE taken_fen <> 0"))
        return {row[0]: row[1] for row in rows}


def broken(store: Store, now: datetime = NOON) -> dict[str, str]:
    return {one.name: one.detail for one in store.checks.all(PLACE, now) if one.breaks}
