"""Explain one customer (为什么): a plan for him alone, or the rows of a plan that was made.

The same code that plans answers, so the answer cannot differ from what would happen. Alone, nobody competes
for budgets and quotas; with the rows of a plan, its own reasons count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from koipond.facts.ports import Reader
from koipond.kernel import InputError
from koipond.outreach.model import Reason
from koipond.outreach.ports import Permissions
from koipond.outreach.words import budget_words, channel_words, purpose_words
from koipond.rules.titles import title
from koipond.segments.definition import SegmentDefinition
from koipond.segments.scope import Scope
from koipond.strategy.model import EVERYONE
from koipond.strategy.plan.context import Context
from koipond.strategy.plan.details import INBOX
from koipond.strategy.plan.make import gather, make_plan
from koipond.strategy.plan.model import AudienceReader, PlanRequest
from koipond.strategy.plan.task import PlayTask
from koipond.strategy.why.model import Explanation, PlayAnswer, SegmentProof
from koipond.strategy.why.numbers import Person, numbers, person
from koipond.strategy.why.proof import failed, in_no_segment, prove
from koipond.strategy.why.words import SENTENCES, VARIANT, said

Row = Mapping[str, Any]


def explain(
    reader: Reader,
    audiences: AudienceReader,
    request: PlanRequest,
    scope: Scope,
    segments: Mapping[str, SegmentDefinition],
    customer_no: int,
    *,
    planned: Sequence[Row] | None = None,
    permissions: Permissions | None = None,
    beside: Sequence[int] = (),
) -> Explanation:
    """Explain what ``request`` does for ``customer_no``, the number of a survivor.

    ``planned``: the customer's rows of a plan already made (columns of CANDIDATES). ``permissions``: what the
    gate knows of them now, which tells their own noes from those of the address. ``beside``: who shares an
    address with them. Raises InputError for a
    customer whom the warehouse does not know.
    """
    alone = replace(request, only_customer=customer_no, beside=tuple(beside))
    _require_known(reader, customer_no)
    rows = planned
    if rows is None:
        made = make_plan(reader, audiences, alone).candidates
        rows = reader.frame(made.filter(made.customer_no == customer_no)).to_pylist()
    known = gather(reader, audiences, alone)
    who = person(known, customer_no, permissions)
    proofs = _proofs(known, scope, segments, customer_no)
    found = {(row["strategy"], row["play"]): row for row in rows}
    answers = [
        _answer(who, play, found.get((play.strategy.key, play.play.key)), proofs, segments)
        for play in known.plays
    ]
    return Explanation(
        customer_no=customer_no,
        as_of=request.as_of,
        plan=request.plan if planned is not None else None,
        segments=tuple(proofs.values()),
        plays=tuple(answers),
    )


def _require_known(reader: Reader, customer_no: int) -> None:
    people = reader.table("customers")
    if not int(reader.scalar(people.filter(people.customer_no == customer_no).count())):
        raise InputError(
            "there is no customer {customer_no} in the warehouse; run: koipond refresh",
            customer_no=customer_no,
        )


def _proofs(
    known: Context, scope: Scope, segments: Mapping[str, SegmentDefinition], customer_no: int
) -> dict[str, SegmentProof]:
    wanted = sorted({arm.arm.audience for play in known.plays for arm in play.arms} - {EVERYONE})
    return {key: prove(scope, segments[key], customer_no) for key in wanted if key in segments}


def _answer(
    who: Person,
    play: PlayTask,
    row: Row | None,
    proofs: Mapping[str, SegmentProof],
    segments: Mapping[str, SegmentDefinition],
) -> PlayAnswer:
    if row is None:
        return _outside(play, proofs, segments)
    if row["reason"] is None:
        return _touched(who, play, row)
    reason = Reason(row["reason"])
    made = numbers(who, play, reason, row["detail"], row)
    name = "holdout_global" if reason is Reason.HOLDOUT and row["detail"] == "global" else str(reason)
    if made.get("of_address") or row["detail"] == INBOX:
        name = f"{reason}_at_address"
    if "unsent" in made:
        name = "re_entry_unsent"
    if "lapsed" in made:
        name = "budget_code_lapsed" if made["lapsed"] else "budget_codes"
    return PlayAnswer(
        strategy=play.strategy.key,
        name=title(play.strategy.name, play.strategy.key),
        play=play.play.key,
        outcome="left_in_peace",
        reason=reason,
        detail=row["detail"],
        channel=row["channel"],
        variant=row["variant"],
        numbers=made,
        words=said(SENTENCES[name], **_in_words(made, _detail(who, segments, reason, row["detail"]))),
    )


def _detail(who: Person, segments: Mapping[str, SegmentDefinition], reason: Reason, detail: str) -> Any:
    """Return the detail of a reason as the brand calls it."""
    if reason is Reason.STALE_SEGMENT:
        return _named(segments, detail)
    if reason is Reason.PRIORITY_LOST:
        names = {one.key: one.name for one in who.known.request.strategies}
        return title(names.get(detail, {}), detail)
    return budget_words(detail) if reason is Reason.BUDGET else detail


def _in_words(made: Mapping[str, Any], detail: Any) -> dict[str, Any]:
    """Return what a sentence is made of: the detail, the channel and the purpose as they are called."""
    words: dict[str, Any] = {"detail": detail, "channel": channel_words(made["channel"])}
    if "purpose" in made:
        words["purpose"] = purpose_words(made["purpose"])
    return {**made, **words}


def _touched(who: Person, play: PlayTask, row: Row) -> PlayAnswer:
    variant = said(VARIANT, variant=row["variant"]) if row["variant"] else ""
    due = who.shown(row["due_s"])
    return PlayAnswer(
        strategy=play.strategy.key,
        name=title(play.strategy.name, play.strategy.key),
        play=play.play.key,
        outcome="touch",
        reason=None,
        detail="",
        channel=row["channel"],
        variant=row["variant"],
        numbers={"due_at": due, "cost_fen": row["cost_fen"], "offer_cost_fen": row["offer_cost_fen"]},
        words=said(
            SENTENCES["touch"], due_at=due, channel=channel_words(row["channel"]), variant_words=variant
        ),
    )


def _named(segments: Mapping[str, SegmentDefinition], key: str) -> dict[str, str]:
    """Return what the brand calls a segment."""
    return title(segments[key].names if key in segments else {}, key)


def _outside(
    play: PlayTask, proofs: Mapping[str, SegmentProof], segments: Mapping[str, SegmentDefinition]
) -> PlayAnswer:
    """Answer for somebody outside the audience: what keeps them out."""
    audience = play.arms[0].arm.audience
    proof = proofs.get(audience)
    apart = proof is None or proof.member  # the rule holds, yet the customer is in no audience
    why = in_no_segment() if proof is None or apart else failed(proof)
    return PlayAnswer(
        strategy=play.strategy.key,
        name=title(play.strategy.name, play.strategy.key),
        play=play.play.key,
        outcome="not_in_audience",
        reason=None,
        detail=audience,
        channel="",
        variant="",
        numbers={"audience": audience},
        words=said(SENTENCES["not_in_audience"], audience=_named(segments, audience), failed_words=why),
    )
