"""What is known about each considered customer, as one wide expression: one pass for each fact table.

Column names are numbered so that keys cannot clash: ``again_<strategy>``, ``duplicate_<content>``,
``n_<counter>`` …; channel columns carry the channel's key.
"""

import ibis

from koipond.ingest.ports import IbisTable
from koipond.outreach.consent import ALL
from koipond.outreach.gate import GLOBAL
from koipond.outreach.ports import ChannelSheet
from koipond.strategy.plan.arms import Expr
from koipond.strategy.plan.counts import add_counts
from koipond.strategy.plan.inboxes import touches
from koipond.strategy.plan.known import Known, joined
from koipond.strategy.plan.person import add_person
from koipond.strategy.plan.scope import scope
from koipond.strategy.plan.stock import add_stock, staged_people
from koipond.strategy.plan.task import DAY_S


def contact_table(known: Known) -> IbisTable:
    """Return one row for each considered customer with all that the checks look at."""
    table = _add_channels(known, scope(known))
    table = _add_history(known, table)
    table = _add_spent(known, table)
    table = add_stock(known, _add_groups(known, table))
    return add_person(known, add_counts(known, table))


def _add_channels(known: Known, table: IbisTable) -> IbisTable:
    """Add ``suppressed_``, ``reachable_`` and ``consent_<channel>_<purpose>`` where they matter.

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
        if channel.consent == "required" or alone or reader.has("consents"):
            for purpose in sorted({p.play.purpose for p in known.plays if channel in p.channels}):
                added[f"consent_{channel.channel}_{purpose}"] = _consent(known, table, channel, purpose)
    return table.mutate(**added) if added else table


def _consent(known: Known, table: IbisTable, channel: ChannelSheet, purpose: str) -> Expr:
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


def who_said(known: Known, channel: str, purpose: str, *, granted: bool) -> Expr:
    """Return customer_no of whom a yes, or a no, holds at a place; who said nothing is in neither.

    The narrowest statement decides, as in `koipond.outreach.consent.find`.
    """
    rows = known.facts.rows("consents")
    rows = rows.filter(rows.channel.isin([channel, ALL]) & rows.purpose.isin([purpose, ALL]))
    narrow = (rows.channel == channel).cast("int8") * 4 + (rows.purpose == purpose).cast("int8") * 2
    ranked = rows.group_by("customer_no").aggregate(said=(narrow + (~rows.granted).cast("int8")).max())
    return ranked.filter(ranked.said % 2 == int(not granted)).customer_no


def _add_history(known: Known, table: IbisTable) -> IbisTable:
    """Add ``again_``, ``drawn_holdout_``, ``drawn_touch_`` by strategy and ``duplicate_`` by content."""
    request, reader, number = known.request, known.reader, table.customer_no
    now_s = int(request.now.timestamp())
    added: dict[str, Expr] = {}
    had = touches(known) if reader.has("touches") else None
    drawn = known.facts.rows("assignments") if reader.has("assignments") else None
    for place, strategy in enumerate(request.strategies):
        if had is not None and strategy.re_entry_days:
            since = had.at_s > now_s - strategy.re_entry_days * DAY_S
            mine = had.filter((had.strategy == strategy.key) & since)
            added[f"again_{place}"] = number.isin(mine.customer_no)
        if drawn is not None:
            for arm in ("holdout", "touch"):
                mine = drawn.filter((drawn.scope == strategy.key) & (drawn.arm == arm))
                added[f"drawn_{arm}_{place}"] = number.isin(mine.customer_no)
    if had is not None and request.policy.duplicate_content_days:
        recent = had.filter(had.at_s > now_s - request.policy.duplicate_content_days * DAY_S)
        for place, content in enumerate(known.contents):
            added[f"duplicate_{place}"] = number.isin(recent.filter(recent.content == content).customer_no)
    added |= _turns(known, table)
    return table.mutate(**added) if added else table


def _turns(known: Known, table: IbisTable) -> dict[str, Expr]:
    """Return ``had_<play>``, ``held_by_strategy_<play>`` and ``held_by_global_<play>``: who has had the day's
    turn of the play, or was held out of it. The gate counts a turn once, whatever the version or waits."""
    added: dict[str, Expr] = {}
    for play in known.plays:
        key, n = (play.strategy.key, play.play.key), play.number
        groups = {f"had_{n}": known.request.had.get(key, ())}
        for which, name in ((GLOBAL, "global"), (play.strategy.key, "strategy")):
            groups[f"held_by_{name}_{n}"] = known.request.held_out.get((*key, which), ())
        for name, people in groups.items():
            if people:
                added[name] = table.customer_no.isin(staged_people(known, name, people).customer_no)
    return added


def _add_spent(known: Known, table: IbisTable) -> IbisTable:
    """Add ``spent_<strategy>``: a customer's cost so far, where a cap per customer could bind."""
    if not known.reader.has("touches"):
        return table
    rows = known.facts.rows("touches")
    for place, strategy in enumerate(known.request.strategies):
        costly = any(play.cost_max_fen for play in known.plays if play.strategy.key == strategy.key)
        if strategy.budget.per_customer_fen is None or not costly:
            continue
        mine = rows.filter((rows.strategy == strategy.key) & (rows.cost_fen > 0))
        spent = mine.group_by("customer_no").aggregate(
            **{f"spent_{place}": mine.cost_fen.sum().cast("int64")}
        )
        table = joined(table, spent, {f"spent_{place}": 0})
    return table


def _add_groups(known: Known, table: IbisTable) -> IbisTable:
    """Add ``cap_group``: -1 exempt, 0 the default caps, else the number of the capped group."""
    policy = known.request.policy
    numbered = [(-1, segment) for segment in policy.exempt_segments]
    numbered += [(number + 1, segment) for number, segment in enumerate(known.groups)]
    cases = [
        (table.customer_no.isin(members.customer_no), number)
        for number, segment in numbered
        if (members := known.audiences[segment].members) is not None
    ]
    return table.mutate(cap_group=ibis.cases(*cases, else_=0).cast("int16")) if cases else table
