"""Who is considered at all: each customer in the audience of some play, with flags ``member_<play>``."""

from collections.abc import Callable

import ibis

from koipond.experiments.assignment import arms_of_shares
from koipond.ingest.ports import IbisTable
from koipond.profiles.facts import without_unreal
from koipond.strategy.model import EVERYONE, SLOTS
from koipond.strategy.plan.arms import Expr, arm_number
from koipond.strategy.plan.known import Known, any_of
from koipond.strategy.plan.task import PlayTask


def scope(known: Known) -> IbisTable:
    """Return customer_no, customer_uid, staff, minor and the flag ``member_<play>`` of each play."""
    people = _people(known)
    segments = sorted({arm.arm.audience for play in known.plays for arm in play.arms})
    if len(segments) == 1 and segments[0] != EVERYONE:
        members = known.audiences[segments[0]].members
        if members is None:
            people = people.filter(ibis.literal(False))
        else:
            people = people.filter(~people.refused).semi_join(members, "customer_no")
        return _flagged(known, people, lambda _: ibis.literal(True)).drop("refused")
    flags = {f"in_{number}": _inside(known, people, segment) for number, segment in enumerate(segments)}
    people = people.mutate(**flags)
    people = _flagged(known, people, lambda segment: people[f"in_{segments.index(segment)}"])
    people = people.filter(any_of(people[f"member_{play.number}"] for play in known.plays))
    return people.drop("refused", *flags)


def variant_number(known: Known, play: PlayTask, slot: int, customer_uid: Expr) -> Expr:
    """Return the place of the variant of ``slot`` to which a customer is drawn, once and for all."""
    names = dict(play.play.tested())[slot]
    name = f"{play.strategy.key}/{play.play.key}/{SLOTS[slot]}"
    arms = arms_of_shares(known.request.salt, name, dict.fromkeys(names, 1.0))
    return arm_number(arms, customer_uid, duckdb=known.duckdb)


def _people(known: Known) -> IbisTable:
    people = known.reader.table("customers")
    if known.request.only_customer is not None:
        people = people.filter(people.customer_no.isin([known.request.only_customer, *known.request.beside]))
    if known.reader.has("identity_links"):
        people = people.anti_join(known.reader.table("identity_links"), "customer_no")
    people = without_unreal(known.facts.tables, people)
    return people.select(
        "customer_no",
        "customer_uid",
        staff=people.staff.fill_null(False),
        minor=people.minor.fill_null(False),
        refused=people.profiling_refused.fill_null(False),
    )


def _flagged(known: Known, people: IbisTable, inside: Callable[[str], Expr]) -> IbisTable:
    """Add ``member_<play>``; an audience under test takes of each variant only those drawn to it."""
    flags = {}
    for play in known.plays:
        segments = list(play.play.audience.variants.values())
        if len(segments) == 1:
            flags[f"member_{play.number}"] = inside(segments[0])
            continue
        drawn = variant_number(known, play, 0, people.customer_uid)
        parts = [(drawn == place) & inside(segment) for place, segment in enumerate(segments)]
        flags[f"member_{play.number}"] = any_of(parts)
    return people.mutate(**flags)


def _inside(known: Known, people: IbisTable, segment: str) -> Expr:
    if segment == EVERYONE:
        return _reachable(known, people)
    members = known.audiences[segment].members
    if members is None:
        return ibis.literal(False)
    return people.customer_no.isin(members.customer_no) & ~people.refused


def _reachable(known: Known, people: IbisTable) -> Expr:
    channels = known.channels
    if not all(channel.address_kind for channel in channels.values()):
        return ibis.literal(True)
    rows = known.facts.rows("reachable")
    return people.customer_no.isin(rows.filter(rows.channel.isin(sorted(channels))).customer_no)
