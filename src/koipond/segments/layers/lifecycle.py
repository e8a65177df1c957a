"""Lifecycle (S11) on the shrunk personal repurchase cycle. Source: science D3, B7.

c = exp((w·ln g0 + Σ ln gap) / (w + number of gaps)), w = ``prior_gaps``; kept in micro-days so that every
engine compares whole numbers. Stages are compared through the days on which they begin, so only the clock
moves them.

With one purchase day c is the population's, a whole or half number of days, and its multiples fall on days:
there the formula is evaluated as written, in doubles, once for all (`alone_days`). exp(ln 28) is a hair
below 28, so 84 days count as more than three cycles of 28: the counts of science D7 are taken so.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from koipond.facts.ports import IbisTable
from koipond.kernel import Message
from koipond.profiles.activity import FIRST_DAYS
from koipond.segments.layers.fields import Fields

STAGES = ("prospect", "intro", "growth", "mature", "dormant", "churned")
FLAGS = ("at_risk", "due", "one_time_buyer", "never_bought")
MICRO = 10**6
NANO = 10**9
MILLI = 1000
_FAR = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleDefinition:
    """Where the stages begin, in thousandths of the personal cycle (``…_milli``) and in whole days."""

    at_risk_milli: int = 2000  # at risk when more than 2 cycles have passed
    dormant_milli: int = 3000
    churned_milli: int = 5000
    due_from_milli: int = 800
    due_to_milli: int = 1200
    growth_days_max: int = 3  # purchase days; more is mature
    never_bought_after_days: int = 90
    prior_gaps: int = 3
    default_cycle_days: int = 30  # g0 while nobody has come back yet

    @staticmethod
    def read(fields: Fields) -> "LifecycleDefinition":
        """Take the definition from ``fields``; mistakes are left in ``fields.findings``."""
        of = LifecycleDefinition()
        far = {"low": 1, "high": 1000 * MILLI}
        made = LifecycleDefinition(
            at_risk_milli=fields.thousandths("at_risk_cycles", of.at_risk_milli, **far),
            dormant_milli=fields.thousandths("dormant_cycles", of.dormant_milli, **far),
            churned_milli=fields.thousandths("churned_cycles", of.churned_milli, **far),
            due_from_milli=fields.thousandths("due_from_cycles", of.due_from_milli, **far),
            due_to_milli=fields.thousandths("due_to_cycles", of.due_to_milli, **far),
            growth_days_max=fields.whole("growth_days_max", of.growth_days_max, low=1, high=1000),
            never_bought_after_days=fields.whole(
                "never_bought_after_days", of.never_bought_after_days, low=0, high=36_500
            ),
            prior_gaps=fields.whole("prior_gaps", of.prior_gaps, low=0, high=1000),
            default_cycle_days=fields.whole("default_cycle_days", of.default_cycle_days, low=1, high=36_500),
        )
        if not made.at_risk_milli <= made.dormant_milli <= made.churned_milli:
            fix = Message("Let at_risk_cycles ≤ dormant_cycles ≤ churned_cycles")
            fields.refuse("dormant_cycles", Message("the stages are out of order"), fix)
        if made.due_from_milli > made.due_to_milli:
            fields.refuse(
                "due_to_cycles", Message("due ends before it begins"), "Let due_from_cycles ≤ due_to_cycles"
            )
        return made

    def to_mapping(self) -> dict[str, Any]:
        """Return the canonical body of layers/lifecycle.yaml."""
        cycles = ("at_risk", "dormant", "churned", "due_from", "due_to")
        days = ("growth_days_max", "never_bought_after_days", "prior_gaps", "default_cycle_days")
        return {f"{name}_cycles": _plain(getattr(self, f"{name}_milli")) for name in cycles} | {
            name: getattr(self, name) for name in days
        }


def _plain(milli: int) -> int | float:
    return milli // MILLI if milli % MILLI == 0 else milli / MILLI


def cycle_microdays(rows: IbisTable, definition: LifecycleDefinition, ln_g0_nano: Any) -> Any:
    """Return the personal cycle in micro-days; null without a purchase day."""
    weight = definition.prior_gaps
    gaps = rows.purchase_days - 1
    mean = (ln_g0_nano * weight + rows.ln_gaps_nano) / ibis.greatest(gaps + weight, 1)
    cycle = ((mean / float(NANO)).exp() * float(MICRO)).round().cast("int64")
    if weight == 0:  # without a prior, one purchase says nothing: the population's cycle stands in
        alone = ((ln_g0_nano / float(NANO)).exp() * float(MICRO)).round().cast("int64")
        cycle = ibis.ifelse(gaps > 0, cycle, alone)
    return ibis.cases((rows.purchase_days > 0, cycle))


EDGES = ("at_risk", "dormant", "churned", "due_from", "due_to")


def alone_days(g0: float, definition: LifecycleDefinition) -> dict[str, int]:
    """Return, for a customer with one purchase day, the first whole day since then past each edge.

    ``due_from`` is the first day with at least that many cycles; the others the first with more.
    """
    weight = definition.prior_gaps or 1
    cycle = math.exp(weight * math.log(g0) / weight)
    days = {}
    for name in EDGES:
        cycles = getattr(definition, f"{name}_milli") / MILLI
        day = max(0, int(cycles * cycle) - 1)
        while day / cycle < cycles or (day / cycle == cycles and name != "due_from"):
            day += 1
        days[f"alone_{name}_days"] = day
    return days


def with_days(rows: IbisTable, definition: LifecycleDefinition, values: Mapping[str, Any]) -> IbisTable:
    """Add cycle_microdays and the days on which stages and flags begin: due_from_day, due_to_day, _*_day.

    ``values``: ln_g0_nano and the `alone_days`.
    """
    rows = rows.mutate(cycle_microdays=cycle_microdays(rows, definition, values["ln_g0_nano"]))

    def first(name: str) -> Any:
        scaled = rows.cycle_microdays * getattr(definition, f"{name}_milli")
        beyond = (scaled - 1 if name == "due_from" else scaled) // (MILLI * MICRO) + 1
        days = ibis.ifelse(rows.purchase_days == 1, values[f"alone_{name}_days"], beyond)
        return (rows.last_purchase_day + days).cast("int32")

    return rows.mutate(
        due_from_day=first("due_from"),
        due_to_day=first("due_to") - 1,
        _at_risk_day=first("at_risk"),
        _dormant_day=first("dormant"),
        _churned_day=first("churned"),
    )


def _by(day: Any, as_of: Any) -> Any:
    return ibis.coalesce(day <= as_of, False)


def related(rows: IbisTable, as_of: Any) -> Any:
    """Say whether a customer has a relation: friend, member, registered, or any event."""
    return rows.friend | rows.member | _by(rows.event_day, as_of) | _by(rows.joined_day, as_of)


def first_fact_day(rows: IbisTable) -> Any:
    """Return the day of the earliest fact of any kind of somebody who never bought, null without any."""
    days = [ibis.coalesce(rows[name], _FAR) for name in FIRST_DAYS]
    return ibis.least(*days).nullif(_FAR).cast("int32")


def relation_day(rows: IbisTable) -> Any:
    """Return since when there is a relation: the joining day, else the earliest fact of any kind."""
    return ibis.coalesce(rows.joined_day, first_fact_day(rows))


def known(rows: IbisTable, as_of: Any) -> Any:
    """Say who belongs to the population of ``as_of``: bought, joined or has any fact by then.

    Somebody without a dated fact (a line of a customers file) always does: nothing says since when.
    """
    first = first_fact_day(rows)
    undated = first.isnull() & rows.joined_day.isnull()
    return (rows.purchase_days > 0) | undated | _by(rows.joined_day, as_of) | _by(first, as_of)


def columns(rows: IbisTable, definition: LifecycleDefinition, as_of: Any) -> Mapping[str, Any]:
    """Return the stage and the four flags of rows that went through `with_days`."""
    bought = rows.purchase_days > 0
    relation = related(rows, as_of)
    due = (as_of >= rows.due_from_day) & (as_of <= rows.due_to_day)
    at_risk = (as_of >= rows["_at_risk_day"]) & (as_of < rows["_dormant_day"])
    old = relation_day(rows) + definition.never_bought_after_days < as_of
    return {
        "lifecycle": ibis.cases(
            (~bought & ~relation, "prospect"),
            (~bought, "intro"),
            (as_of >= rows["_churned_day"], "churned"),
            (as_of >= rows["_dormant_day"], "dormant"),
            (rows.purchase_days <= definition.growth_days_max, "growth"),
            else_="mature",
        ),
        "at_risk": ibis.coalesce(bought & at_risk, False),
        "due": ibis.coalesce(bought & due, False),
        "one_time_buyer": rows.purchase_days == 1,
        "never_bought": ibis.coalesce(~bought & relation & old, False),
    }


def edges(rows: IbisTable, definition: LifecycleDefinition) -> list[Any]:
    """Return the days on which a stage or a flag changes by the clock."""
    unbought = rows.purchase_days == 0
    return [
        rows.due_from_day,
        rows.due_to_day + 1,
        rows["_at_risk_day"],
        rows["_dormant_day"],
        rows["_churned_day"],
        ibis.cases((unbought, rows.joined_day)),
        ibis.cases((unbought, relation_day(rows) + definition.never_bought_after_days + 1)),
    ]
