"""What a text, a zone or a ranking needs to know about a person: traits and columns of the profile."""

from koipond.ingest.ports import IbisTable
from koipond.strategy.plan.counts import zone_numbers
from koipond.strategy.plan.known import Known, joined
from koipond.strategy.variables import PROFILE

VALUE = "value_365d_fen"
"""Who comes first when a budget or a quota does not reach for all: the net value of the last 365 days."""
ORDERS, MONEY = "orders_365d", "money_365d_fen"


def add_person(known: Known, table: IbisTable) -> IbisTable:
    """Add ``zone_no``, ``language``, ``trait_<name>`` and the profile columns that this plan looks at."""
    reader, used = known.reader, known.used_variables()
    if known.zones:
        table = joined(table, zone_numbers(known), {"zone_no": 0})
    if known.languages:
        table = joined(table, known.facts.newest_trait("language", "language"))
    if reader.has("traits"):
        for path in sorted(path for path in used if path.startswith("trait.")):
            name = path.removeprefix("trait.")
            table = joined(table, known.facts.newest_trait(name, f"trait_{name}"))
    wanted = {PROFILE[path].column for path in used if path in PROFILE}
    if any(play.cost_max_fen for play in known.plays) or _limited(known):
        wanted |= {VALUE, ORDERS, MONEY}
    if not wanted or not reader.has("profile"):
        return table
    profile = reader.table("profile")
    columns = sorted(wanted & set(profile.columns))
    return joined(table, profile.select("customer_no", *columns)) if columns else table


def column_of(path: str) -> str:
    """Return the column of the wide table that holds the variable ``path``."""
    return PROFILE[path].column if path in PROFILE else f"trait_{path.removeprefix('trait.')}"


def _limited(known: Known) -> bool:
    return any(channel.quota_per_day is not None for channel in known.channels.values())
