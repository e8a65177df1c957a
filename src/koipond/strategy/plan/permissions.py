"""What a customer allows, by channel and purpose, and which group he is capped in."""

import ibis

from koipond.facts.ports import IbisTable
from koipond.outreach.consent import ALL
from koipond.outreach.ports import ChannelSheet
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.context import Context


def add_channels(known: Context, table: IbisTable) -> IbisTable:
    """Add ``suppressed_``, ``reachable_``, ``consent_<channel>_<purpose>`` and ``agreed_<channel>_<purpose>``
    where they matter.

    A refusal shuts a channel that needs no consent, too.
    """
    reader, number = known.reader, table.customer_no
    alone = known.request.only_customer is not None  # whose permissions may come from the store itself
    added: dict[str, Expr] = {}
    for channel in known.channels.values():
        if alone or reader.has("suppressions"):
            rows = known.facts.rows("suppressions")
            hit = rows.filter(rows.channel.isin(["*", channel.channel]))
            added[f"suppressed_{channel.channel}"] = number.isin(hit.customer_no)
        if channel.address_kind:
            rows = known.facts.rows("reachable")
            have = rows.filter(rows.channel == channel.channel)
            added[f"reachable_{channel.channel}"] = number.isin(have.customer_no)
        for purpose in purposes(known, channel):
            if channel.consent == "required" or alone or reader.has("consents"):
                added[f"consent_{channel.channel}_{purpose}"] = _consent(known, table, channel, purpose)
            if (agreed := agreed_on(known, table, channel.channel, purpose)) is not None:
                added[f"agreed_{channel.channel}_{purpose}"] = agreed
    return table.mutate(**added) if added else table


def purposes(known: Context, channel: ChannelSheet) -> list[str]:
    """Return the purposes of the plays that may use ``channel``."""
    return sorted({play.play.purpose for play in known.plays if channel in play.channels})


def _consent(known: Context, table: IbisTable, channel: ChannelSheet, purpose: str) -> Expr:
    number = table.customer_no
    if channel.consent != "required":
        return ~number.isin(who_said(known, channel.channel, purpose, granted=False))
    given = number.isin(who_said(known, channel.channel, purpose, granted=True))
    assumed = known.request.policy.assumed_consent.get(channel.channel)
    members = known.audiences[assumed].members if assumed else None
    if members is None:
        return given
    refused = number.isin(who_said(known, channel.channel, purpose, granted=False))
    return given | (number.isin(members.customer_no) & ~refused)


def agreed_on(known: Context, table: IbisTable, channel: str, purpose: str) -> Expr | None:
    """Return whether the gate must see a consent of the customers in ``table``: of whom it was really given
    by, and of whom it is not assumed for. None = of everybody.
    """
    segment = known.request.policy.assumed_consent.get(channel)
    members = known.audiences[segment].members if segment else None
    if members is None:
        return None
    given = table.customer_no.isin(who_said(known, channel, purpose, granted=True))
    return given | table.customer_no.notin(members.customer_no)


def who_said(known: Context, channel: str, purpose: str, *, granted: bool) -> Expr:
    """Return customer_no of whom a yes, or a no, holds at a place; who said nothing is in neither.

    The narrowest statement decides, as in `koipond.outreach.consent.find`.
    """
    rows = known.facts.rows("consents")
    rows = rows.filter(rows.channel.isin([channel, ALL]) & rows.purpose.isin([purpose, ALL]))
    narrow = (rows.channel == channel).cast("int8") * 4 + (rows.purpose == purpose).cast("int8") * 2
    ranked = rows.group_by("customer_no").aggregate(said=(narrow + (~rows.granted).cast("int8")).max())
    return ranked.filter(ranked.said % 2 == int(not granted)).customer_no


def cap_group(known: Context, table: IbisTable) -> Expr | None:
    """Return the group of the customers in ``table``: -1 exempt, 0 the default caps, else the number of the
    capped group. None = 0 for everybody.
    """
    policy = known.request.policy
    numbered = [(-1, segment) for segment in policy.exempt_segments]
    numbered += [(number + 1, segment) for number, segment in enumerate(known.groups)]
    cases = [
        (table.customer_no.isin(members.customer_no), number)
        for number, segment in numbered
        if (members := known.audiences[segment].members) is not None
    ]
    return ibis.cases(*cases, else_=0).cast("int16") if cases else None


def add_group(known: Context, table: IbisTable) -> IbisTable:
    """Add ``cap_group`` where anybody is in one."""
    group = cap_group(known, table)
    return table if group is None else table.mutate(cap_group=group)
