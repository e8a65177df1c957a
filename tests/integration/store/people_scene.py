"""Candidates, statements and the gate's answers, for tests on permissions."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from koipond.facts.people import PersonKeys, PersonRef
from koipond.outreach.model import GateCandidate
from koipond.store import ConsentStatement, Store

PLACE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # 12:00 in Shanghai


def meet(store: Store, shop_id: str | None = None, **keys: Any) -> PersonRef:
    """Resolve one person of source ``s`` unless another is named."""
    source = keys.pop("source", "s")
    return store.identity.resolve([PersonKeys(source=source, shop_id=shop_id, **keys)], NOON)[0]


def say(
    store: Store, number: int, granted: bool, at: datetime = NOON, now: datetime = NOON, **more: Any
) -> None:
    """Let a customer say yes or no, to e-mail and marketing unless something else is named."""
    place = {"channel": "email", "purpose": "marketing", "source": "form", **more}
    store.consents.append([ConsentStatement(customer_no=number, granted=granted, at=at, **place)], now)


def ask(one: PersonRef, channel: str = "email", **changes: Any) -> GateCandidate:
    """Return a candidate that nothing but permissions can stop."""
    values: dict[str, Any] = {
        "customer_no": one.customer_no,
        "customer_uid": one.customer_uid,
        "strategy": "recall",
        "strategy_version": 1,
        "play": "gentle",
        "occurrence": "1",
        "variant": "",
        "channel": channel,
        "purpose": "marketing",
        "content": "c",
        "due_at": NOON,
        "expires_at": NOON + timedelta(days=1),
        "cost_fen": 0,
        "caps": (),
        "budgets": (),
        "consent_required": False,
        "address_required": False,
        "re_entry_days": 0,
        "duplicate_content_days": 0,
        "holdout_global_rate": 0.0,
        "holdout_strategy_rate": 0.0,
        "holdout_salt": "salt",
        "values": {"name": "王小明"},
    }
    return GateCandidate(**values | changes)


def gate(store: Store, one: PersonRef, channel: str = "email", plan: str = "p1", **changes: Any) -> str:
    """Return the gate's reason, ``touch`` when there is none."""
    [found] = store.gate(PLACE).admit([ask(one, channel, **changes)], NOON, plan)
    return "touch" if found.reason is None else str(found.reason)


def broken(store: Store) -> dict[str, str]:
    """Return the checks that found a break."""
    return {
        one.name: one.detail for one in store.checks.all(PLACE, NOON + timedelta(minutes=1)) if one.breaks
    }
