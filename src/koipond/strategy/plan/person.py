"""One row a customer (客户状态) with all that does not depend on the candidate, kept for the whole plan."""

import ibis

from koipond.experiments.assignment import HOLDOUT
from koipond.facts.ports import IbisTable
from koipond.strategy.plan.arms import in_arm
from koipond.strategy.plan.context import Context, joined
from koipond.strategy.plan.counts import add_counts, zone_numbers
from koipond.strategy.plan.history import add_history
from koipond.strategy.plan.people import considered
from koipond.strategy.plan.permissions import add_channels, add_group
from koipond.strategy.plan.ways import add_ways
from koipond.strategy.variables import PROFILE

VALUE = "value_365d_fen"
"""Who comes first when a budget or a quota does not reach for all: the net value of the last 365 days."""
ORDERS, MONEY = "orders_365d", "money_365d_fen"
PEOPLE = "_plan_people"
_CHECKED = ("suppressed_", "reachable_", "consent_", "n_")


def people_table(known: Context) -> IbisTable:
    """Return one row for each considered customer, kept in the reader: who he is, what he has had, how each
    way of the plan ends for him (`ways`), and what he lacks of the texts (``lacks_<requirement>``).
    """
    table = add_channels(known, considered(known))
    table = add_history(known, table)
    table = add_ways(known, add_counts(known, add_group(known, table)))
    table = table.select(*(name for name in table.columns if not name.startswith(_CHECKED)))
    if any(play.play.purpose == "marketing" for play in known.plays):
        out = in_arm(known.global_arms, HOLDOUT, table.customer_uid, duckdb=known.duckdb)
        table = table.mutate(held_out=out)
    return known.reader.cache(PEOPLE, _add_lacks(known, _add_person(known, table)))


def _add_person(known: Context, table: IbisTable) -> IbisTable:
    """Add ``zone_no``, ``tongue`` (the place of his language, from 1), ``trait_<name>`` and the columns of
    the profile that this plan looks at."""
    reader, used = known.reader, known.used_variables
    if known.zones:
        table = joined(table, zone_numbers(known), {"zone_no": 0})
    if known.languages:
        spoken = known.facts.newest_trait("language", "language")
        cases = [(spoken.language == name, place + 1) for place, name in enumerate(known.languages)]
        tongue = spoken.select("customer_no", tongue=ibis.cases(*cases, else_=0).cast("int16"))
        table = joined(table, tongue, {"tongue": 0})
    if reader.has("traits"):
        for path in sorted(path for path in used if path.startswith("trait.")):
            name = path.removeprefix("trait.")
            table = joined(table, known.facts.newest_trait(name, f"trait_{name}"))
    wanted = {PROFILE[path].column for path in used if path in PROFILE}
    wanted |= {VALUE, ORDERS, MONEY} if _needs_money(known) else set()
    if not wanted or not reader.has("profile"):
        return table
    profile = reader.table("profile")
    columns = sorted(wanted & set(profile.columns))
    return joined(table, profile.select("customer_no", *columns)) if columns else table


def _needs_money(known: Context) -> bool:
    """Say whether anything may run out, so that customers stand in the order of their value."""
    limited = any(channel.quota_per_day is not None for channel in known.channels.values())
    shared = known.reader.has("inboxes")
    return limited or shared or bool(known.code_lists) or any(play.cost_max_fen for play in known.plays)


def _add_lacks(known: Context, table: IbisTable) -> IbisTable:
    """Add ``lacks_<requirement>``: the place, from 1, of the first variable the customer has no value for."""
    added = {}
    for number, paths in enumerate(known.requirements):
        absent = [
            (table[column].isnull() if column in table.columns else ibis.literal(True), place)
            for place, path in enumerate(paths, 1)
            for column in [column_of(path)]
        ]
        added[f"lacks_{number}"] = ibis.cases(*absent, else_=0).cast("int16")
    return table.mutate(**added) if added else table


def column_of(path: str) -> str:
    """Return the column of the people table that holds the variable ``path``."""
    return PROFILE[path].column if path in PROFILE else f"trait_{path.removeprefix('trait.')}"
