"""Make a plan (触达计划): whom each play touches, how, at what cost, and why the others are left in peace.

Set-based over the warehouse: one wide expression for all plays, materialised once; numbers are counted from
it, limits cut it, and the candidates are read off it when they are written. Source: design §7.
"""

from collections.abc import Sequence

from koipond.ingest.ports import IbisTable, Reader
from koipond.profiles.facts import count_left_out, read_facts
from koipond.strategy.model import EVERYONE
from koipond.strategy.plan.candidates import candidates
from koipond.strategy.plan.cells import Cell, cost_of_cell
from koipond.strategy.plan.codes import outcome
from koipond.strategy.plan.contact import contact_table
from koipond.strategy.plan.details import detail_of, notes, split
from koipond.strategy.plan.due import due_s
from koipond.strategy.plan.holdout import global_arms
from koipond.strategy.plan.known import Facts, Known
from koipond.strategy.plan.model import Audience, AudienceReader, Loss, Plan, PlanRequest, PlayCount
from koipond.strategy.plan.person import VALUE, column_of
from koipond.strategy.plan.rounds import settle
from koipond.strategy.plan.task import PlayTask, cap_tasks, places, play_tasks

MAX_ZONES = 500
WIDE = "plan_wide"


def make_plan(reader: Reader, audiences: AudienceReader, request: PlanRequest) -> Plan:
    """Return the plan of ``request``; its candidates stay in ``reader`` until it is closed.

    Raises InputError for an unknown channel, template or offer. Considered = touches + losses.
    """
    known = gather(reader, audiences, request)
    table, counted = settle(known, reader.cache(WIDE, _wide(known)))
    return Plan(
        plan=request.plan,
        as_of=request.as_of,
        definition_version=request.definition_version,
        warehouse_version=reader.version,
        customers=int(reader.scalar(table.count())),
        plays=tuple(_play_count(known, play, counted) for play in known.plays),
        losses=_losses(known, counted),
        notes=notes(known, counted),
        candidates=candidates(known, table, counted),
        left_out=count_left_out(reader),
    )


def gather(reader: Reader, audiences: AudienceReader, request: PlanRequest) -> Known:
    """Look up everything a plan needs before its first large query."""
    plays = play_tasks(request)
    facts = Facts(reader=reader, tables=read_facts(reader))
    zones = _distinct(facts, "zone")
    asked = _distinct(facts, "language")
    spoken = {language for template in request.templates.values() for language in template.texts}
    return Known(
        reader=reader,
        facts=facts,
        request=request,
        plays=plays,
        caps=cap_tasks(request),
        audiences=_audiences(audiences, request, plays),
        global_arms=global_arms(reader, request),
        zones=zones,
        places=places(request, zones),
        languages=tuple(language for language in asked if language in spoken),
        duckdb=reader.table("customers").get_backend().name == "duckdb",
    )


def _distinct(facts: Facts, trait: str) -> tuple[str, ...]:
    if not facts.has("traits"):
        return ()
    found = facts.newest_trait(trait, "text").select("text").distinct().order_by("text").limit(MAX_ZONES)
    return tuple(row["text"] for row in facts.reader.frame(found).to_pylist())


def _audiences(
    audiences: AudienceReader, request: PlanRequest, plays: Sequence[PlayTask]
) -> dict[str, Audience]:
    wanted = {arm.arm.audience for play in plays for arm in play.arms} - {EVERYONE}
    policy = request.policy
    wanted |= {*policy.capped_groups, *policy.exempt_segments, *policy.assumed_consent.values()}
    return {segment: audiences.audience(segment) for segment in sorted(wanted)}


def _wide(known: Known) -> IbisTable:
    contact = contact_table(known)
    kept = ["customer_no"]
    kept += [name for name in contact.columns if name.startswith("holds_")]
    kept += [name for name in ("zone_no", "language", VALUE) if name in contact.columns]
    personal = sorted({column_of(path) for path in known.used_variables()} & set(contact.columns))
    columns = {name: contact[name] for name in dict.fromkeys([*kept, *personal])}
    for play in known.plays:
        found = outcome(known, play, contact)
        n = play.number
        columns |= {f"member_{n}": contact[f"member_{n}"], f"code_{n}": found.code, f"arm_{n}": found.arm}
        columns |= {f"channel_{n}": found.channel, f"late_{n}": found.late}
    return contact.select(**columns)


def _play_count(known: Known, play: PlayTask, counted: Sequence[Cell]) -> PlayCount:
    mine = [cell for cell in counted if cell.play == play.number]
    touched = [cell for cell in mine if cell.code == 0]
    now_s = int(known.request.now.timestamp())
    return PlayCount(
        strategy=play.strategy.key,
        play=play.play.key,
        considered=sum(cell.candidates for cell in mine),
        touches=sum(cell.candidates for cell in touched),
        deferred=sum(cell.candidates for cell in touched if due_s(known, play, cell.zone) > now_s),
        cost_fen=sum(cell.candidates * cost_of_cell(play, cell) for cell in touched),
    )


def _losses(known: Known, counted: Sequence[Cell]) -> tuple[Loss, ...]:
    sums: dict[tuple[int, int], int] = {}
    for cell in counted:
        if cell.code != 0:
            sums[(cell.code, cell.play)] = sums.get((cell.code, cell.play), 0) + cell.candidates
    return tuple(
        Loss(
            strategy=known.plays[number].strategy.key,
            play=known.plays[number].play.key,
            reason=split(what)[0],
            detail=detail_of(known, known.plays[number], what),
            candidates=n,
        )
        for (what, number), n in sorted(sums.items())
    )
