"""Who is considered at all: each customer in the audience of some play, with the set of segments he is in."""

import ibis

from koipond.facts.ports import IbisTable
from koipond.facts.tables import without_unreal
from koipond.strategy.model import EVERYONE
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.bits import balanced_union, bit_of, bit_sets, word_of, words_of
from koipond.strategy.plan.context import Context, any_of

MEMBER = "member"
"""The set of segments (`Context.segments`) in which a customer is."""


def considered(known: Context) -> IbisTable:
    """Return customer_no, customer_uid, staff, minor and the set `MEMBER` of everybody in some audience."""
    people, words = _people(known), words_of(MEMBER, len(known.segments))
    members = _members(known)
    everyone = EVERYONE in known.segments
    if members is not None and not everyone:
        found = people.filter(~people.refused).inner_join(members, "customer_no")
        return found.drop("refused")
    if members is not None:
        both = people.left_join(members, "customer_no")
        # who refuses profiling is in no segment
        flags = {word: (~both.refused).ifelse(both[word].fill_null(0), 0) for word in words}
    else:
        both, flags = people, dict.fromkeys(words, ibis.literal(0, type="int64"))
    if everyone:
        place = known.segments.index(EVERYONE)
        word = words[word_of(place)]
        flags[word] = flags[word] | _reachable(known, both).ifelse(bit_of(place), 0).cast("int64")
    kept = ("customer_no", "customer_uid", "staff", "minor", "refused")
    found = both.select(*(both[name] for name in kept), **flags)
    return found.filter(any_of(found[word] != 0 for word in words)).drop("refused")


def _people(known: Context) -> IbisTable:
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


def _members(known: Context) -> IbisTable | None:
    """Return customer_no and the set `MEMBER` of who is in any segment; None when none was ever computed."""
    parts = [
        members.select(
            "customer_no",
            word=ibis.literal(word_of(number), type="int8"),
            bit=ibis.literal(bit_of(number), type="int64"),
        )
        for number, segment in enumerate(known.segments)
        if segment != EVERYONE and (members := known.audiences[segment].members) is not None
    ]
    return bit_sets(balanced_union(parts), {MEMBER: None}, len(known.segments)) if parts else None


def _reachable(known: Context, people: IbisTable) -> Expr:
    channels = known.channels
    if not all(channel.address_kind for channel in channels.values()):
        return ibis.literal(True)
    rows = known.facts.rows("reachable")
    return people.customer_no.isin(rows.filter(rows.channel.isin(sorted(channels))).customer_no)
