"""From a plan's rows to what the gate is asked (闸门请求), and to the arms that were drawn.

Rows come from the published dataset `candidates`, so that sending needs no plan in memory: only the same
request, made again from the applied versions.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis

from koipond.experiments.assignment import HOLDOUT
from koipond.facts.ports import IbisTable
from koipond.kernel import day_bounds, zone
from koipond.outreach.model import BudgetLine, FrequencyCap, GateCandidate, Reason
from koipond.strategy.plan.candidates import policy_mark
from koipond.strategy.plan.context import Context, any_of
from koipond.strategy.plan.model import PlanRequest
from koipond.strategy.plan.permissions import agreed_on, cap_group
from koipond.strategy.plan.task import ArmTask, PlayTask
from koipond.strategy.plan.ways import caps_by_group
from koipond.strategy.variables import plan_wide_values, spoken_values

CHUNK = 5_000
LIFE_HOURS = 48
"""A touch that could not go out for two days is stale news: it expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    play: PlayTask
    arm: ArmTask


def gate_candidates(known: Context, rows: IbisTable, *, chunk: int = CHUNK) -> Iterator[list[GateCandidate]]:
    """Yield the touches of ``rows`` (columns of CANDIDATES) as the gate is asked for them, in chunks.

    They come by customer number, as previews show them: codes are dealt in that order.
    ``known`` is that of the same request (`gather`). Which caps hold for whom, and of whom a consent is
    assumed, the rows tell; when they do not (`tells_all`), the segments of the present policy do.
    """
    people = known.reader.table("customers").select("customer_no", "customer_uid")
    touches = rows.filter(rows.reason.isnull())
    if not tells_all(known, rows):
        touches = touches.drop(*({"cap_group", "agreed"} & {*touches.columns}))
        touches = touches.mutate(cap_group=_group(known, touches), agreed=_agreed(known, touches))
    touches = touches.inner_join(people, "customer_no")
    touches = touches.order_by("customer_no", "strategy", "play")  # who is dealt which code is no accident
    arms = {
        (play.strategy.key, play.play.key, task.arm.name): _Arm(play=play, arm=task)
        for play in known.plays
        for task in play.arms
    }
    for batch in known.reader.batches(touches, chunk):
        yield [_candidate(known, arms, row) for row in batch.to_pylist()]


def drawn_arms(known: Context, rows: IbisTable) -> IbisTable:
    """Return the arms that a plan drew: one row for each customer and strategy whose candidate reached the
    hold-out check, touched or not (design §8), with the columns scope, customer_no, arm, play, variant,
    strategy_version and plan. A strategy's candidate that the global hold-out keeps back has no arm of it.
    """
    held = rows.filter((rows.reason == str(Reason.HOLDOUT)) & (rows.detail == rows.strategy))
    free = rows.filter(rows.drew & (rows.reason.isnull() | (rows.reason != str(Reason.HOLDOUT))))
    marketing = [play.play.key for play in known.plays if play.play.purpose == "marketing"]
    both = held.mutate(arm=ibis.literal(HOLDOUT)).union(free.mutate(arm=ibis.literal("touch")))
    both = both.filter(both.play.isin(marketing))
    first = ibis.row_number().over(
        group_by=["strategy", "customer_no"], order_by=[both.reason.notnull(), both.play]
    )
    ranked = both.mutate(place=first)
    return ranked.filter(ranked.place == 0).select(
        "customer_no", "arm", "play", "variant", "strategy_version", "plan", scope=ranked.strategy
    )


def tells_all(known: Context, rows: IbisTable) -> bool:
    """Say whether ``rows`` tell the cap group and the assumed consent of their touches.

    Not those of an earlier release, and not those of a plan made under another policy than the present one.
    """
    if "policy" not in rows.columns:
        return False
    other = rows.policy.isnull() | (rows.policy != policy_mark(known.request.policy))
    touches = rows.filter(rows.reason.isnull() & other)
    return not int(known.reader.scalar(touches.count()))


def _group(known: Context, touches: IbisTable) -> Any:
    group = cap_group(known, touches)
    return ibis.literal(0) if group is None else group


def _agreed(known: Context, touches: IbisTable) -> Any:
    """Return whether the gate must see a consent (`agreed_on`) for the channel and purpose of each touch."""
    checks = []
    for channel in sorted(known.channels):
        for purpose in sorted({play.play.purpose for play in known.plays}):
            agreed = agreed_on(known, touches, channel, purpose)
            if agreed is not None:
                plays = [play for play in known.plays if play.play.purpose == purpose]
                here = any_of(
                    (touches.strategy == play.strategy.key) & (touches.play == play.play.key)
                    for play in plays
                )
                checks.append(((touches.channel == channel) & here, agreed))
    return ibis.cases(*checks, else_=True) if checks else ibis.literal(True)


def _candidate(
    known: Context, arms: Mapping[tuple[str, str, str], _Arm], row: Mapping[str, Any]
) -> GateCandidate:
    found = arms[(row["strategy"], row["play"], row["variant"])]
    request, strategy, arm = known.request, found.play.strategy, found.arm
    sheet = known.channels[row["channel"]]
    due = datetime.fromtimestamp(row["due_s"], UTC)
    template = request.templates[arm.arm.script]
    assumed = sheet.consent == "required" and not row["agreed"]
    return GateCandidate(
        customer_no=row["customer_no"],
        customer_uid=row["customer_uid"],
        strategy=strategy.key,
        strategy_version=strategy.version,
        play=row["play"],
        occurrence=request.as_of.isoformat(),
        variant=row["variant"],
        channel=row["channel"],
        purpose=found.play.play.purpose,
        content=arm.content,
        due_at=due,
        expires_at=_expires(request, found.play, due),
        cost_fen=row["cost_fen"],
        offer_cost_fen=arm.offer_cost_fen,  # the gate knows whose code is new
        caps=caps_for(known, found.play, row["cap_group"]),
        budgets=tuple(
            BudgetLine(scope=scope, limit_fen=limit)
            for scope, limit in strategy.budget.lines(strategy.key, request.as_of)
        ),
        consent_required=sheet.consent == "required" and row["agreed"],
        consent_assumed=request.policy.assumed_consent[sheet.channel] if assumed else "",
        address_required=sheet.address_kind is not None,
        re_entry_days=strategy.re_entry_days,
        duplicate_content_days=request.policy.duplicate_content_days,
        holdout_global_rate=known.global_arms.buckets[HOLDOUT] / 10_000,
        holdout_global_start=known.global_arms.start,
        holdout_strategy_rate=strategy.holdout_rate if found.play.play.purpose == "marketing" else 0.0,
        holdout_salt=request.salt,
        code_list=arm.arm.offer.code_list,
        per_customer_limit_fen=strategy.budget.per_customer_fen,
        template=template.key,
        template_version=request.template_versions.get(template.key, 0),
        language=row["language"],
        values=_values(request, arm, row),
    )


def caps_for(known: Context, play: PlayTask, group: int) -> tuple[FrequencyCap, ...]:
    """Return the caps that hold for a member of ``group`` (-1 exempt, 0 default, else a capped group)."""
    if group < 0:
        return ()
    purpose = play.play.purpose
    own = tuple(cap for cap in play.strategy.caps if cap.purpose == purpose)
    return (*dict(caps_by_group(known, purpose))[group], *own)


def _expires(request: PlanRequest, play: PlayTask, due: datetime) -> datetime:
    expires = due + timedelta(hours=LIFE_HOURS)
    if play.strategy.ends_on is not None:
        _, end = day_bounds(play.strategy.ends_on, zone(request.zone))
        expires = min(expires, max(end, due))
    return expires


def _values(request: PlanRequest, arm: ArmTask, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template values: what the plan froze of the customer, and what holds for the whole arm."""
    personal = json.loads(row["values"]) if row["values"] else {}
    offer = request.offers.get(arm.arm.offer.code_list or "")
    values = spoken_values(personal, request.as_of, row["language"], request.currency)
    wide = plan_wide_values(
        brand=request.brand,
        url=arm.arm.landing.url,
        offer=offer,
        on=request.as_of,
        language=row["language"],
        currency=request.currency,
    )
    return {**values, **wide}
