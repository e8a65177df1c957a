"""Live invariants (不变量核查): what must hold of every touch, budget, arm and code, whatever happened.

Source: design §7, §10 R1.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from koipond.kernel import Message, shortened
from koipond.outreach.gate import GLOBAL
from koipond.store import checks_consent
from koipond.store.approvals import approvals
from koipond.store.audit import audit_breaks
from koipond.store.check_sentences import SENTENCES
from koipond.store.checks_caps import caps, inbox_caps
from koipond.store.checks_grades import held_grades
from koipond.store.checks_outreach import outreach_checks
from koipond.store.checks_settings import definition_breaks, settings_breaks
from koipond.store.ends import DEAD, taken_by_living
from koipond.store.engine import Database
from koipond.store.instants import to_s
from koipond.store.keys import KeyRing
from koipond.store.rotation import unfindable
from koipond.store.tables import assignment, budget, offer_code, outbox, touch

SAMPLES = 5  # breaks named one by one in a detail
_BATCH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One invariant: how many breaks, and what the first ones are."""

    name: str
    breaks: int
    detail: str

    @property
    def status(self) -> str:
        """``ok`` or ``broken``."""
        return "broken" if self.breaks else "ok"

    @property
    def says(self) -> Message:
        """What must hold."""
        return SENTENCES[self.name]


class StoredChecks:
    """The invariants of one store. Reading only; each check says how many breaks it found."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._db = database
        self._ring = ring

    def all(self, place: ZoneInfo, now: datetime, machine_now: datetime | None = None) -> list[Check]:
        """Run every check. ``place``: the workspace's zone; ``machine_now``: the clock that leases run on."""
        checks: list[tuple[str, Callable[[sa.Connection], Iterator[str]]]] = [
            ("caps", lambda c: caps(c, place)),
            ("inbox_caps", lambda c: inbox_caps(c, place)),
            ("budgets", _budgets),
            ("duplicates", _duplicates),
            ("hold_outs", _hold_outs),
            ("codes", _codes),
            ("held_grades", held_grades),
            ("settings", settings_breaks),
            ("definitions", definition_breaks),
            ("approvals", approvals),
            ("audit", audit_breaks),
            *outreach_checks(place, now, machine_now or now),
            ("consents", checks_consent.consent_states),
            ("statements", checks_consent.statements_without_effect),
            ("unfinished_grants", checks_consent.unfinished_grants),
            ("dead_imports", lambda c: checks_consent.dead_imports(c, to_s(machine_now or now))),
            ("erased", checks_consent.erased_people),
            ("addresses", checks_consent.unhashed_addresses),
            ("keys", lambda c: unfindable(c, self._ring)),
        ]
        with self._db.read() as connection:
            return [check_of(name, list(find(connection))) for name, find in checks]


def check_of(name: str, found: Sequence[str]) -> Check:
    """Return the check of ``name`` from what each break says."""
    return Check(name=name, breaks=len(found), detail=shortened("; ", found, SAMPLES))


def _budgets(connection: sa.Connection) -> Iterator[str]:
    """Every budget has given exactly what living touches took, and never more than its limit."""
    owed = taken_by_living(connection)
    for row in connection.execute(sa.select(budget).order_by(budget.c.scope)):
        taken = owed.pop(row.scope, 0)
        if row.taken_fen != taken:
            yield Message(
                "budget {scope} says {taken_fen}, its touches took {taken}",
                scope=row.scope,
                taken_fen=row.taken_fen,
                taken=taken,
            )
        if row.taken_fen > row.limit_fen:
            yield Message(
                "budget {scope} gave {taken_fen} of {limit_fen}",
                scope=row.scope,
                taken_fen=row.taken_fen,
                limit_fen=row.limit_fen,
            )
    for scope, amount in sorted(owed.items()):
        yield Message("budget {scope} is missing, its touches took {amount}", scope=scope, amount=amount)


def _duplicates(connection: sa.Connection) -> Iterator[str]:
    """No customer has two touches of one occurrence; no touch stands twice in the outbox or nowhere."""
    place = [touch.c[n] for n in ("customer_no", "strategy", "play", "occurrence")]
    twice = sa.select(*place).group_by(*place).having(sa.func.count() > 1)
    for row in connection.execute(twice):
        yield Message(
            "customer {customer_no} has occurrence {occurrence} of {strategy} twice",
            customer_no=row.customer_no,
            occurrence=row.occurrence,
            strategy=row.strategy,
        )
    lost = sa.select(touch.c.touch_key).outerjoin(outbox, outbox.c.touch_no == touch.c.touch_no)
    for key in connection.scalars(lost.where(outbox.c.touch_no.is_(None))):
        yield Message("touch {key} has no outbox row", key=key)


def _hold_outs(connection: sa.Connection) -> Iterator[str]:
    """Nobody was touched by a strategy, or in a global round, that holds them out."""
    own = sa.and_(assignment.c.scope == touch.c.strategy, assignment.c.salt == touch.c.salt)
    everywhere = sa.and_(assignment.c.scope == GLOBAL, assignment.c.salt == touch.c.global_round)
    held = sa.and_(assignment.c.arm == "holdout", assignment.c.drawn_s <= touch.c.admitted_s)
    query = (
        sa.select(touch.c.touch_key, assignment.c.scope)
        .join(assignment, assignment.c.customer_no == touch.c.customer_no)
        .where(held, sa.or_(own, everywhere))
        .order_by(touch.c.touch_no)
    )
    for row in connection.execute(query):
        yield Message(
            "touch {touch_key} went to somebody held out by {scope}", touch_key=row.touch_key, scope=row.scope
        )


def _codes(connection: sa.Connection) -> Iterator[str]:
    """A customer holds one code of a list; each issued code belongs to a living touch of that customer."""
    issued = offer_code.c.customer_no.is_not(None)
    place = offer_code.c.customer_no, offer_code.c.list_key
    twice = sa.select(*place).where(issued).group_by(*place).having(sa.func.count() > 1)
    for row in connection.execute(twice):
        yield Message(
            "customer {customer_no} holds two codes of {list_key}",
            customer_no=row.customer_no,
            list_key=row.list_key,
        )
    loose = (
        sa.select(offer_code.c.code_no)
        .outerjoin(touch, touch.c.touch_no == offer_code.c.touch_no)
        .outerjoin(outbox, outbox.c.touch_no == touch.c.touch_no)
        .where(issued)
        .where(
            sa.or_(
                touch.c.touch_no.is_(None),
                touch.c.customer_no != offer_code.c.customer_no,
                touch.c.code_no != offer_code.c.code_no,
                outbox.c.state.in_(DEAD),
            )
        )
    )
    told = (
        sa.select(touch.c.touch_key)
        .join(outbox, outbox.c.touch_no == touch.c.touch_no)
        .outerjoin(offer_code, offer_code.c.code_no == touch.c.code_no)
        .where(touch.c.code_no.is_not(None), outbox.c.state.not_in(DEAD))
        .where(sa.func.coalesce(offer_code.c.customer_no, 0) != touch.c.customer_no)
    )
    for key in connection.scalars(told):
        yield Message("touch {key} tells a code that is not its customer's", key=key)
    for code_no in connection.scalars(loose):
        yield Message("code {code_no} is issued without a living touch of its customer", code_no=code_no)
