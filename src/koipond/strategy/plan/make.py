"""Make a plan (触达计划): whom each play touches, how, at what cost, and why the others are left in peace.

Set-based over the warehouse, in four steps: one row a customer with all that no strategy changes, one row a
candidate with the checks that look at him alone, one pass in which the plays choose, and the candidates in
words. Only rows grow with the number of strategies, never a statement. Source: design §7.
"""

from collections.abc import Sequence

from koipond.facts.ports import Reader
from koipond.facts.tables import count_left_out, read_facts
from koipond.strategy.model import EVERYONE
from koipond.strategy.plan.candidates import candidates
from koipond.strategy.plan.cells import Cell, cells, cost_of_cell
from koipond.strategy.plan.checks import candidate_rows
from koipond.strategy.plan.competition import compete
from koipond.strategy.plan.context import Audiences, Context, Facts
from koipond.strategy.plan.details import detail_of, notes, reason_of
from koipond.strategy.plan.due import due_s
from koipond.strategy.plan.holdout import global_arms
from koipond.strategy.plan.model import AudienceReader, Loss, Plan, PlanRequest, PlayCount
from koipond.strategy.plan.person import people_table
from koipond.strategy.plan.task import PlayTask, cap_tasks, play_tasks

OUTCOMES = "_plan_outcomes"


def make_plan(reader: Reader, audiences: AudienceReader, request: PlanRequest) -> Plan:
    """Return the plan of ``request``; its candidates stay in ``reader`` until it is closed.

    Raises InputError for an unknown channel, template or offer. Considered = touches + losses.
    """
    known = gather(reader, audiences, request)
    people = people_table(known)
    found, customers = compete(known, people, reader.frame(candidate_rows(known, people)))
    outcomes = reader.stage(OUTCOMES, found)
    del found
    counted = cells(known, outcomes)
    return Plan(
        plan=request.plan,
        as_of=request.as_of,
        definition_version=request.definition_version,
        warehouse_version=reader.version,
        customers=customers,
        plays=tuple(_play_count(known, play, counted) for play in known.plays),
        losses=_losses(known, counted),
        notes=notes(known, counted),
        candidates=candidates(known, people, outcomes, counted),
        left_out=count_left_out(reader),
    )


def gather(reader: Reader, audiences: AudienceReader, request: PlanRequest) -> Context:
    """Return everything a plan needs; raise InputError for an unknown channel, template or offer."""
    plays = play_tasks(request)
    facts = Facts(reader=reader, tables=read_facts(reader))
    policy = request.policy
    wanted = {arm.arm.audience for play in plays for arm in play.arms} - {EVERYONE}
    wanted |= {*policy.capped_groups, *policy.exempt_segments, *policy.assumed_consent.values()}
    return Context(
        reader=reader,
        facts=facts,
        request=request,
        plays=plays,
        caps=cap_tasks(request),
        audiences=Audiences(reader=audiences, segments=tuple(sorted(wanted))),
        global_arms=global_arms(reader, request),
        duckdb=reader.table("customers").get_backend().name == "duckdb",
    )


def _play_count(known: Context, play: PlayTask, counted: Sequence[Cell]) -> PlayCount:
    mine = [cell for cell in counted if known.bids[cell.bid].play is play]
    touched = [cell for cell in mine if cell.touched]
    now_s = int(known.request.now.timestamp())
    return PlayCount(
        strategy=play.strategy.key,
        play=play.play.key,
        considered=sum(cell.candidates for cell in mine),
        touches=sum(cell.candidates for cell in touched),
        deferred=sum(cell.candidates for cell in touched if due_s(known, play, cell.zone_no) > now_s),
        cost_fen=sum(cell.candidates * cost_of_cell(known, cell) for cell in touched),
    )


def _losses(known: Context, counted: Sequence[Cell]) -> tuple[Loss, ...]:
    """Return the losses in the order of the checks, then by what is behind them, then by play."""
    sums: dict[tuple[int, int, int, str], int] = {}
    for cell in counted:
        if not cell.touched:
            bid = known.bids[cell.bid]
            detail = detail_of(known, bid, reason_of(cell.reason), cell.detail)
            what = (cell.reason, cell.detail, bid.play.number, detail)
            sums[what] = sums.get(what, 0) + cell.candidates
    return tuple(
        Loss(
            strategy=known.plays[number].strategy.key,
            play=known.plays[number].play.key,
            reason=reason_of(reason),
            detail=detail,
            candidates=n,
        )
        for (reason, _, number, detail), n in sorted(sums.items())
    )
