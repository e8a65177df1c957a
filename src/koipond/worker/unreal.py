"""People who look unreal (异常客户): who they are, by which rule, and what an operator decided about them."""

from collections.abc import Collection
from typing import Any

import ibis

from koipond.bootstrap import App
from koipond.facts.ports import Reader
from koipond.facts.tables import read_facts
from koipond.ingest import PEOPLE_RULES, QualityReport, decide_people, flagged_people, read_quality
from koipond.ingest.quality import test_word
from koipond.kernel import InputError, joined, local_time


def quality_now(app: App, reader: Reader) -> QualityReport:
    """Return what imports kept and put aside, and who looks unreal, by the shop's id too."""
    return read_quality(reader, app.quality_rules, app.store.verdicts, _test_ids(app))


def flagged_rows(app: App, rule: str | None) -> list[dict[str, Any]]:
    """Return everybody whom ``rule`` (None: any) fits or somebody decided on, with what he bought.

    ``verdict`` is None while nobody decided. Raises InputError for an unknown rule.
    """
    if rule is not None and rule not in PEOPLE_RULES:
        raise InputError(
            "no people rule '{rule}'; rules are {people_rules}",
            rule=rule,
            people_rules=joined(", ", PEOPLE_RULES),
        )
    with app.warehouse.read() as reader:
        fits = _fits(app, reader)
        decided = {
            (row["rule"], row["customer_no"]): row["verdict"]
            for row in app.store.verdicts.current().to_pylist()
        }
        wanted = sorted(key for key in fits | decided.keys() if rule in (None, key[0]))
        bought = _bought(reader, {no for _, no in wanted})
    told = {(v.rule, v.customer_no): v for v in app.store.verdicts.of({no for _, no in wanted})}
    rows = []
    for key in wanted:
        verdict = told.get(key)
        at = None if verdict is None else local_time(verdict.at, app.zone)
        row = {"customer_no": key[1], "rule": key[0], "fits": key in fits, **bought.get(key[1], _NOTHING)}
        row |= {"verdict": decided.get(key), "by": verdict.by if verdict else None, "at": at}
        rows.append(row)
    return rows


_NOTHING = {"orders": 0, "money_fen": 0, "first_on": None, "last_on": None}


def decide(app: App, rule: str, people: Collection[int] | None, verdict: str, by: str) -> tuple[int, int]:
    """Record ``verdict`` for ``people``; return how many there were, and how many it changed.

    None = all whom ``rule`` fits, but to confirm them all leaves alone whom somebody has cleared, and to
    clear them all also clears whom it fits no more. Those named need not be flagged: an operator may know
    better.
    """
    if people is None:
        people = _all_of(app, rule, verdict)
    changed = decide_people(
        rule,
        sorted(people),
        verdict,
        by=by,
        warehouse=app.warehouse,
        verdicts=app.store.verdicts,
        clock=app.machine,
    )
    return len(people), changed


def _fits(app: App, reader: Reader) -> set[tuple[str, int]]:
    rows = reader.frame(flagged_people(reader, app.quality_rules, _test_ids(app))).to_pylist()
    return {(row["rule"], row["customer_no"]) for row in rows}


def _test_ids(app: App) -> list[int]:
    return app.store.people.with_shop_id(test_word(app.quality_rules))


def _bought(reader: Reader, people: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return customer → orders, money and days of all that he ordered, under his own number."""
    facts = read_facts(reader)
    if facts.orders is None or not people:
        return {}
    mine = facts.orders.filter(facts.orders.customer_no.isin(sorted(people)))
    sums = mine.group_by("customer_no").agg(
        orders=mine.count(),
        money_fen=mine.net_fen.sum(),
        first_on=_date(mine.day.min()),
        last_on=_date(mine.day.max()),
    )
    found: list[dict[str, Any]] = reader.frame(sums).to_pylist()
    return {row.pop("customer_no"): {**row, "money_fen": int(row["money_fen"])} for row in found}


def _all_of(app: App, rule: str, verdict: str) -> set[int]:
    with app.warehouse.read() as reader:
        fits = {number for found, number in _fits(app, reader) if found == rule}
    decided: dict[str, set[int]] = {"confirmed": set(), "cleared": set()}
    for row in app.store.verdicts.current().to_pylist():
        if row["rule"] == rule:
            decided[row["verdict"]].add(row["customer_no"])
    return fits - decided["cleared"] if verdict == "confirmed" else fits | decided["confirmed"]


def _date(day: Any) -> Any:
    return (ibis.date("1970-01-01") + day.as_interval("D")).strftime("%Y-%m-%d")
