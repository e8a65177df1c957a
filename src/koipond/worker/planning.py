"""Plan, approve, admit (计划与放行): from the applied strategies to touches in the outbox.

A plan is an estimate over the warehouse; its candidates are published. Sending asks the gate in the store for
each touch of an approved plan, in chunks; a killed send goes on where it stopped, because the gate knows what
it admitted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import ibis

from koipond.bootstrap import App
from koipond.facts.ports import IbisTable, Reader
from koipond.kernel import InputError, Message, day_of, joined, listed, local_time
from koipond.outreach.quiet import next_allowed
from koipond.segments.day_members import DayMembers
from koipond.segments.snapshot import present_profile
from koipond.store.pauses import Pause
from koipond.store.plans import StoredPlan
from koipond.strategy.model import CodeList, Strategy
from koipond.strategy.plan import (
    Audience,
    CodesLeft,
    Plan,
    PlanRequest,
    drawn_arms,
    freeze_holdout,
    gate_candidates,
    gather,
    make_plan,
)
from koipond.strategy.plan.audiences import SegmentAudiences
from koipond.strategy.plan.context import Context
from koipond.worker.code_ends import early_ends, end_text
from koipond.worker.flags import tell_flags
from koipond.worker.kept_candidates import CANDIDATES, keep_candidates
from koipond.worker.stricter import InForce, in_force
from koipond.worker.syncing import copy_permissions


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What the gate made of a plan: touches queued, and candidates it blocked by reason.

    ``queued`` are all touches the plan has, ``new`` those this very run admitted. ``moved``: strategy → its
    version in the plan and the one applied now, None when it is archived.
    """

    queued: int
    new: int
    deferred: int
    blocked: Mapping[str, int]
    moved: Mapping[str, tuple[int, int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePlan:
    """A plan already made, under the definitions and settings it was made and approved with."""

    plan: StoredPlan
    app: App
    strategies: Sequence[Strategy]

    def tighter(self, now: App, reader: Reader) -> InForce | None:
        """Return the caps and waits in force by now that its touches keep to as well; None when they are the
        approved ones."""
        same = now.settings.policy == self.app.settings.policy and not self.moved(now)
        return None if same else in_force(now, reader, self.plan.as_of)

    def moved(self, now: App) -> dict[str, tuple[int, int | None]]:
        """Return the strategies that were changed or archived since, with both versions."""
        applied = {key: one.version for key, one in now.definitions.strategies.items()}
        versions = {one.key: one.version for one in self.strategies}
        return {
            key: (version, applied.get(key))
            for key, version in versions.items()
            if applied.get(key) != version
        }


def made_under(app: App, key: str) -> MadePlan:
    """Return plan ``key`` with what was in force when it was made; raise InputError for an unknown plan."""
    plan = app.store.plans.get(key)
    then = app.at(plan.definition_version)
    return MadePlan(plan=plan, app=then, strategies=chosen(then, sorted(plan.strategies)))


def plan_touches(app: App, keys: Sequence[str], as_of: date | None) -> Plan:
    """Plan the applied strategies ``keys`` (all when empty), publish the candidates, keep the numbers.

    Raises InputError for an unknown strategy or when none is applied, BusyError when another process writes.
    """
    strategies = chosen(app, keys)
    day, now = app.observation_day(as_of), app.clock.now()
    with app.warehouse.write("plan") as writer:
        draft = app.store.plans.make(
            as_of=day,
            strategies={strategy.key: strategy.version for strategy in strategies},
            definition_version=app.definitions.number,
            warehouse_version=writer.version,
            now=now,
        )
        copy_permissions(app, writer)  # who said no since the refresh, or by an import of others' addresses
        present_profile(writer, app.layers, day)
        freeze_holdout(writer, day)
        made = make_plan(
            writer, audiences_of(app, writer, day), request_of(app, draft.key, day, strategies, afresh=True)
        )
        made = replace(made, notes=(*made.notes, *_early_ends(app, strategies)))
        keep_candidates(writer, made, day, app.store.plans.unfinished())
        writer.publish()
    app.store.plans.finish(draft.key, made.to_dict())
    return made


def admit_plan(app: App, key: str) -> Admission:
    """Ask the gate for every touch of the approved plan ``key``; record the arms it drew.

    Texts, offers and budgets are those it was approved with. Raises RefusedError when nobody approved it.
    """
    app.store.plans.require_approved(key)
    made = made_under(app, key)
    now, queued, new, deferred = app.clock.now(), 0, 0, 0
    blocked: Counter[str] = Counter()
    gate = app.gate()
    with app.warehouse.read() as reader:
        if not reader.has(CANDIDATES):  # no plan ever had anybody
            app.store.plans.end(key, now)
            return Admission(queued=0, new=0, deferred=0, blocked={}, moved=made.moved(app))
        tell_flags(app, reader)
        known, rows = known_again(made, reader)
        app.store.arms.record(
            reader.frame(drawn_arms(known, rows)),
            salt=known.request.salt,
            occurrence=made.plan.as_of.isoformat(),
            now=now,
        )
        tighter = made.tighter(app, reader)
        for chunk in gate_candidates(known, rows):
            asked = chunk if tighter is None else [tighter.tightened(one) for one in chunk]
            for decision in gate.admit(asked, now, plan=key):
                if decision.reason is not None:
                    blocked[str(decision.reason)] += 1
                    continue
                queued += 1
                new += decision.new
                deferred += decision.due_at is not None and decision.due_at > now
    app.store.plans.end(key, now)
    return Admission(queued=queued, new=new, deferred=deferred, blocked=dict(blocked), moved=made.moved(app))


def known_again(made: MadePlan, reader: Reader) -> tuple[Context, IbisTable]:
    """Return what a plan was made of, and its candidates; there must be some.

    The candidates tell what the gate is asked, so profile and segments are read only for those that do not.
    """
    app, key, day = made.app, made.plan.key, made.plan.as_of
    audiences = _AudiencesWhenAsked(app=app, reader=reader, day=day)
    known = gather(reader, audiences, request_of(app, key, day, made.strategies))
    return known, reader.table(CANDIDATES).filter(ibis._.plan == key)


@dataclass(frozen=True, kw_only=True)
class _AudiencesWhenAsked:
    """Who is in the applied segments on ``day``; the profile is made ready when the first is asked for."""

    app: App
    reader: Reader
    day: date

    @cached_property
    def _audiences(self) -> SegmentAudiences:
        present_profile(self.reader, self.app.layers, self.day)
        return audiences_of(self.app, self.reader, self.day)

    def audience(self, segment: str) -> Audience:
        """Return the members of ``segment`` and whether they are fresh."""
        return self._audiences.audience(segment)


def request_of(
    app: App, plan: str, day: date, strategies: Sequence[Strategy], *, afresh: bool = False
) -> PlanRequest:
    """Return what to plan: applied definitions, the workspace's policy, channels and zone.

    ``afresh``: also what holds at this moment alone, which a plan already made is not measured by again: what
    is paused, and who has had the day's turn.
    """
    settings, runtime = app.settings, app.definitions
    return PlanRequest(
        plan=plan,
        as_of=day,
        now=app.clock.now(),
        zone=settings.zone,
        salt=settings.id or settings.key,
        strategies=tuple(strategies),
        templates=runtime.templates,
        template_versions=runtime.template_versions,
        offers=runtime.offers,
        codes=codes_left(app, strategies),
        policy=settings.policy,
        channels=app.sheets,
        global_holdout_rate=settings.defaults.global_holdout_rate,
        default_margin_bp=settings.defaults.default_margin_bp,
        language=settings.language,
        currency=settings.currency,
        brand=settings.name,
        definition_version=app.definitions.number,
        **(_of_this_moment(app, day, strategies) if afresh else {}),
    )


def _of_this_moment(app: App, day: date, strategies: Sequence[Strategy]) -> dict[str, Any]:
    keys, turn = [strategy.key for strategy in strategies], day.isoformat()
    return {
        "had": app.store.touches.had(turn, keys),
        "held_out": app.store.touches.held_out(turn, keys),
        "paused": {one.scope: paused_since(app, one) for one in app.store.pauses.all()},
    }


def paused_since(app: App, pause: Pause) -> str:
    """Return since when and by whom something is paused, as people read it."""
    since = Message(
        "since {local_time} by {author}", local_time=local_time(pause.since, app.zone), author=pause.author
    )
    return joined(": ", (since, pause.reason)) if pause.reason else since


def _early_ends(app: App, strategies: Sequence[Strategy]) -> list[str]:
    """Return where the codes that ``strategies`` give end before their offers say (case U04)."""
    keys = _code_lists(strategies)
    return [
        end_text(row)
        for row in early_ends(app, {k: o for k, o in app.definitions.offers.items() if k in keys})
    ]


def _code_lists(strategies: Sequence[Strategy]) -> set[str]:
    arms = [arm for strategy in strategies for play in strategy.plays for arm in play.arms()]
    return {arm.offer.code_list for arm in arms if arm.offer.code_list is not None}


def codes_left(app: App, strategies: Sequence[Strategy]) -> dict[str, CodesLeft]:
    """Return the codes of every list that ``strategies`` give codes of; a list without any has none left."""
    keys = _code_lists(strategies)
    if not keys:
        return {}
    at = next_allowed(app.clock.now(), app.settings.policy.quiet, app.zone)  # when they are really told
    left = {stock.list_key: stock.left for stock in app.store.codes.stock(at)}
    people = app.store.codes.people(keys, at, app.store.code_end(app.zone))
    over = {key for key in keys if _is_over(app.definitions.offers.get(key), day_of(at, app.zone))}
    return {
        key: CodesLeft(left=0, lapsed=[*held, *lapsed])
        if key in over
        else CodesLeft(left=left.get(key, 0), held=held, lapsed=lapsed)
        for key, (held, lapsed) in people.items()
    }


def _is_over(offer: CodeList | None, day: date) -> bool:
    return offer is not None and offer.expires_on is not None and offer.expires_on < day


def audiences_of(app: App, reader: Reader, day: date) -> SegmentAudiences:
    """Return who is in the applied segments on ``day``."""
    scope = app.scope(reader, day)
    days = DayMembers(scope, app.definitions.segments)
    return SegmentAudiences(scope=scope, days=days, definitions=app.definitions.segments)


def chosen(app: App, keys: Sequence[str]) -> list[Strategy]:
    """Return the applied strategies ``keys``, all when empty; raise InputError for one not applied."""
    applied = app.definitions.strategies
    if not applied:
        raise InputError("no strategy is applied; run: koipond playbook add NAME, then: koipond apply")
    if unknown := sorted(set(keys) - set(applied)):
        raise InputError(
            "no strategy {unknown} is applied; there is {applied}",
            unknown=listed(unknown),
            applied=listed(sorted(applied)),
        )
    return [applied[key] for key in sorted(keys or applied)]
