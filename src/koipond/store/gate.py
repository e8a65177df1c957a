"""The contact gate on the store (触达闸门; port `koipond.outreach.ports.Gate`): the only door to a touch.

One transaction a chunk: lock the people, load what is known of them, let `koipond.outreach.gate` decide,
write arms, touches, outbox rows, budgets and codes. What was admitted is durable; the same candidate of the
same plan again finds its touch, and of another plan is lost. Source: design §7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from koipond.kernel import Message, day_of, stable_json
from koipond.outreach import gate
from koipond.outreach.model import FrequencyCap, GateCandidate, GateDecision
from koipond.store import counters, gate_load
from koipond.store.arms import ARM_COLUMNS, HELD_COLUMNS
from koipond.store.bulk import Row, chunks, insert_rows, update_rows, upsert_rows
from koipond.store.coholders import co_holders
from koipond.store.engine import Database, retried
from koipond.store.in_force import (
    STRATEGY,
    RuleBook,
    Rules,
    approved_under,
    paused_scopes,
    stops,
    withdrawn_plans,
)
from koipond.store.instants import from_s, to_s
from koipond.store.tables import assignment, budget, held_out, offer_code, outbox, touch
from koipond.store.terms import Terms

CHUNK = 2_000
ADDRESS_KINDS: Mapping[str, str] = {"email": "email", "sms": "phone", "voice": "phone"}


class StoredGate:
    """The gate of one workspace, under the ``terms`` of its settings."""

    def __init__(
        self,
        database: Database,
        terms: Terms,
        *,
        book: RuleBook | None = None,
        address_kinds: Mapping[str, str] = ADDRESS_KINDS,
    ) -> None:
        self._db = database
        self._terms = terms
        self._book = book or RuleBook()
        self._kinds = address_kinds

    def admit(self, candidates: Sequence[GateCandidate], now: datetime, plan: str = "") -> list[GateDecision]:
        """Decide on ``candidates`` in order, one transaction a chunk of 2,000.

        A candidate that ``plan`` itself has asked for already finds its touch again; one that another plan
        has asked for is lost to ``re_entry`` or what comes before it.
        Raises InputError for a customer the store does not know; earlier chunks stay admitted.
        """
        decisions: list[GateDecision] = []
        for part in chunks(candidates, CHUNK):
            decisions += retried(lambda: self._admit(part, to_s(now), plan))  # noqa: B023
        return decisions

    def code_ends(
        self, candidates: Sequence[GateCandidate], now: datetime, plan: str = ""
    ) -> list[int | None]:
        """Return when the code ends that each of ``candidates`` of ``plan`` would be dealt, were all admitted
        now, in this order; None without one, and for one without an end.

        Looks only: nothing is locked or taken.
        """
        with self._db.read() as connection:
            people = gate_load.find_people(connection, {one.customer_no for one in candidates})
            rules = self._book.rules(connection)
            terms, now_s = rules.under(self._terms, approved_under(connection, plan)), to_s(now)

            def code_end(key: str, expires_s: int | None, issued_s: int | None) -> int | None:
                return rules.code_end_s(key, expires_s, issued_s, terms.place)

            gate_load.load_spending(connection, people, candidates, code_end)
            stock = gate_load.lock_stock(connection, candidates, now_s, code_end, lock=False)
        batch = gate.Batch(
            people=people,
            funds=gate.Funds({}),
            stock=stock,
            now_s=now_s,
            place=terms.place,
            quiet=terms.hours,
        )
        return gate.code_ends(batch, candidates)

    def _admit(self, part: Sequence[GateCandidate], now_s: int, plan: str) -> list[GateDecision]:
        with self._db.write() as connection:
            batch = self._load(connection, part, now_s, plan)
            decisions = gate.decide(batch, part)
            _write(connection, batch, plan)
        return decisions

    def _load(
        self, connection: sa.Connection, candidates: Sequence[GateCandidate], now_s: int, plan: str
    ) -> gate.Batch:
        people = gate_load.lock_people(connection, {one.customer_no for one in candidates})
        kinds = {self._kinds[one.channel] for one in candidates if one.channel in self._kinds}
        shared = co_holders(connection, people, kinds)
        others = {one.other for one in shared} - people.keys()
        near = {**people, **(gate_load.lock_people(connection, others) if others else {})}
        gate_load.load_inboxes(near, shared)
        gate_load.load_permissions(connection, people, shared=shared)
        rules = self._book.rules(connection)
        approved_no = approved_under(connection, plan)
        terms = rules.under(self._terms, approved_no)
        since_s = gate_load.since(candidates, now_s)
        gate_load.load_arms(connection, people, since_s)
        gate_load.load_slots(connection, near, since_s)
        gate_load.load_touches(connection, people, candidates)

        def code_end(key: str, expires_s: int | None, issued_s: int | None) -> int | None:
            return rules.code_end_s(key, expires_s, issued_s, terms.place)

        gate_load.load_spending(connection, people, candidates, code_end)
        return gate.Batch(
            people=people,
            funds=gate_load.lock_funds(connection, _scopes(terms, candidates, now_s)),
            stock=gate_load.lock_stock(connection, candidates, now_s, code_end),
            now_s=now_s,
            place=terms.place,
            plan=plan,
            quiet=terms.hours,
            approved_no=approved_no,
            quotas=terms.quotas,
            assumed=rules.assumed,
            address_kinds=self._kinds,
            standing_still=self._standing_still(connection, rules, now_s, plan),
        )

    def _standing_still(
        self, connection: sa.Connection, rules: Rules, now_s: int, plan: str
    ) -> gate.StandingStill:
        """Return what says whether anybody is touched now; the plan stays as it is until the batch ends."""
        withdrawn = bool(plan) and plan in withdrawn_plans(connection, {plan})
        scopes = paused_scopes(connection)
        today = day_of(from_s(now_s), self._terms.place)
        if not withdrawn and not scopes and not rules.strategies and not rules.archived:
            return lambda _channel, _strategy, _play: None

        @lru_cache(maxsize=1_000)
        def why(channel: str, strategy: str, play: str) -> str | None:
            if withdrawn:
                return Message("{scope} is withdrawn", scope=f"plan:{plan}")
            scope = stops(scopes, channel, strategy)
            if scope:
                return Message("{scope} is paused", scope=scope)
            if (lacking := rules.lacks(strategy, play, channel)) is not None:
                return Message(
                    "{scope} has no {lacking} any more", scope=STRATEGY + strategy, lacking=lacking
                )
            return rules.not_running(strategy, today)

        return why


def _scopes(terms: Terms, candidates: Sequence[GateCandidate], now_s: int) -> set[str]:
    """Return every budget and quota the batch may take from."""
    return gate.day_scopes(terms.quotas, candidates, from_s(now_s), terms.place)


def _write(connection: sa.Connection, batch: gate.Batch, plan: str) -> None:
    _write_draws(connection, batch, plan)
    if batch.admissions:
        first_no = counters.take(connection, "touch_no", len(batch.admissions))
        _write_touches(connection, batch, first_no, plan)
        _take_funds(connection, batch)
        issued = [
            (one.code_no, one.root_no, first_no + place, batch.now_s)
            for place, one in enumerate(batch.admissions)
            if one.new_code
        ]
        update_rows(connection, offer_code, ("code_no",), ("customer_no", "touch_no", "issued_s"), issued)


def _write_draws(connection: sa.Connection, batch: gate.Batch, plan: str) -> None:
    drawn: list[Row] = []
    for draw in batch.draws:
        one = draw.candidate
        place = (draw.root_no, draw.scope, draw.salt, draw.arm)
        drawn.append((*place, one.play, one.variant, batch.now_s, one.strategy_version, plan))
    insert_rows(connection, assignment, ARM_COLUMNS, drawn)
    kept: list[Row] = []
    for held in batch.held_out:
        one = held.candidate
        turn = (one.strategy, one.strategy_version, one.play, one.occurrence)
        kept.append((held.root_no, *turn, held.scope, batch.now_s, plan))
    upsert_rows(connection, held_out, HELD_COLUMNS, kept, "ON CONFLICT DO NOTHING")


_TOUCH = (
    *(
        "touch_no",
        "touch_key",
        "customer_no",
        "strategy",
        "strategy_version",
        "play",
        "occurrence",
        "variant",
    ),
    *(
        "channel",
        "purpose",
        "content",
        "plan",
        "salt",
        "global_round",
        "cost_fen",
        "offer_cost_fen",
        "shares",
    ),
    *("caps", "code_no", "template", "template_version", "language", "variables", "consent_required"),
    "consent_assumed",
    "admitted_s",
    "approved_no",
)
_OUTBOX = ("touch_no", "channel", "state", "due_s", "asked_s", "expires_s", "attempts", "detail")


def _write_touches(connection: sa.Connection, batch: gate.Batch, first_no: int, plan: str) -> None:
    said: dict[tuple[FrequencyCap, ...], str] = {}
    taken: dict[tuple[tuple[str, int], ...], str] = {}
    touches: list[Row] = []
    for place, made in enumerate(batch.admissions):
        one = made.candidate
        if one.caps not in said:
            said[one.caps] = stable_json([asdict(cap) for cap in one.caps])
        caps, share = said[one.caps], tuple(made.shares.items())
        if share not in taken:
            taken[share] = stable_json(dict(share))
        turn = gate.global_round(one) if gate.global_applies(one) else ""
        touches.append(
            (
                *(first_no + place, made.key, made.root_no, one.strategy, one.strategy_version, one.play),
                *(one.occurrence, one.variant, one.channel, one.purpose, one.content, plan),
                *(one.holdout_salt, turn, one.cost_fen, made.offer_cost_fen, taken[share]),
                *(caps, made.code_no, one.template, one.template_version, one.language),
                *(stable_json(dict(one.values)), one.consent_required, one.consent_assumed, batch.now_s),
                batch.approved_no,
            )
        )
    insert_rows(connection, touch, _TOUCH, touches)
    waiting: list[Row] = [
        (first_no + place, made.candidate.channel, "queued", made.due_s, made.asked_s, made.expires_s, 0, "")
        for place, made in enumerate(batch.admissions)
    ]
    insert_rows(connection, outbox, _OUTBOX, waiting)


def _take_funds(connection: sa.Connection, batch: gate.Batch) -> None:
    """Take what the batch spends, each budget by one conditional statement under its lock."""
    amount: Any = sa.bindparam("amount")
    limit: Any = sa.bindparam("limit")
    take = (
        sa.update(budget)
        .where(budget.c.scope == sa.bindparam("which"), budget.c.taken_fen + amount <= limit)
        .values(taken_fen=budget.c.taken_fen + amount, limit_fen=limit)
    )
    for scope, taken in sorted(batch.funds.added.items()):
        values = {"which": scope, "amount": taken, "limit": batch.funds.limits[scope]}
        if connection.execute(take, values).rowcount != 1:
            raise AssertionError(f"budget {scope} would be exceeded: the gate decided on old numbers")
