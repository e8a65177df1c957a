"""Data quality (数据质量): what imports kept and put aside, and people whose behaviour looks unreal (S03).

People rules only flag. An operator confirms or clears each; the confirmed are left out of layers and reports,
which name how many. Thresholds are a definition value.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import pyarrow as pa

from koipond.facts.orders import is_paid
from koipond.facts.ports import IbisTable, Query, Reader, Warehouse
from koipond.facts.schemas import FACTS
from koipond.ingest.archive import as_facts
from koipond.ingest.model import ROW_RULES
from koipond.ingest.ports import PeopleVerdicts
from koipond.kernel import Clock, InputError, any_of, joined

PEOPLE_RULES = ("test_account", "reward_chaser", "abnormal_frequency")
VERDICTS = ("confirmed", "cleared")
_READ = ("orders", "events", "traits", "customers")


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRules:
    """When a person looks unreal.

    test_account: a trait, the shop's id, or an order's channel, store, staff, coupon or number begins with
    one of ``test_words``, or at least ``test_orders_min`` orders, none above ``test_amount_fen_max`` (next
    to nothing), unless they are those of a reward chaser. reward_chaser (薅羊毛): at least
    ``reward_orders_min`` paid orders, all within ``reward_days_max`` days of joining (else of the first),
    ``reward_discounted_share`` of them discounted, together by at least ``reward_discount_rate`` of their
    gross; or as many orders for next to nothing, that share of them with a coupon or discounted; or
    ``reward_tiny_orders_min`` of these, whatever made them cheap. abnormal_frequency: more than
    ``day_orders_max`` paid orders or ``day_events_max`` events on one day.
    """

    test_words: tuple[str, ...] = ("test", "demo", "测试", "内部", "uji coba")
    test_orders_min: int = 3
    test_amount_fen_max: int = 1
    reward_orders_min: int = 3
    reward_days_max: int = 30
    reward_discounted_share: float = 0.9
    reward_discount_rate: float = 0.5
    reward_tiny_orders_min: int = 10
    day_orders_max: int = 10
    day_events_max: int = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """All imports in force together. ``flagged``: people by rule who still count and nobody decided on."""

    imports: int
    read: int
    kept: int
    quarantined: Mapping[str, int]
    flagged: Mapping[str, int]
    confirmed: Mapping[str, int]
    left_out: int  # people confirmed by any rule

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values, in the shape of an import's result."""
        return {
            "read": self.read,
            "kept": self.kept,
            "quarantined": dict(self.quarantined),
            "flagged": dict(self.flagged),
            "confirmed": dict(self.confirmed),
            "left_out": self.left_out,
            "imports": self.imports,
        }


def flagged_people(reader: Reader, rules: QualityRules, test_ids: Sequence[int] = ()) -> IbisTable:
    """Return (rule, customer_no) of everybody whom a people rule fits.

    ``test_ids``: customers whose id at the shop begins with a test word; ids are known to the store alone.
    """
    named = _named_as_test(reader, rules, test_ids)
    tiny = _tiny(reader, rules)
    chasers = _tiny_chasers(tiny, rules).anti_join(named, "customer_no")
    found = {
        "test_account": named.union(tiny.select("customer_no").anti_join(chasers, "customer_no")),
        "reward_chaser": _reward_chasers(reader, rules).select("customer_no").union(chasers),
        "abnormal_frequency": _abnormal(reader, rules),
    }
    parts = [
        people.select(rule=ibis.literal(rule), customer_no=people["customer_no"]).distinct()
        for rule, people in found.items()
    ]
    return ibis.union(*parts)


def count_flagged(reader: Reader, rules: QualityRules) -> dict[str, int]:
    """Return how many people each rule fits; rules that fit nobody are left out."""
    for dataset in _READ:
        reader.table(dataset)  # a query that was compiled before finds its tables by name

    def counted(_: Mapping[str, Any]) -> IbisTable:
        people = flagged_people(reader, rules)
        return people.group_by("rule").agg(people=people.count())

    counts = reader.frame(Query(key=f"flagged:{rules!r}", build=counted)).to_pylist()
    found = {row["rule"]: int(row["people"]) for row in counts}
    return {rule: found[rule] for rule in PEOPLE_RULES if rule in found}


def test_word(rules: QualityRules) -> str:
    """Return the pattern of what begins with a test word, for Python and for the engines."""
    words = "|".join(rules.test_words)
    return rf"(?i)^\s*(?:{words})(?:$|[^a-z])"


def read_quality(
    reader: Reader, rules: QualityRules, verdicts: PeopleVerdicts, test_ids: Sequence[int] = ()
) -> QualityReport:
    """Add up all imports in force (of a file imported twice, the later) and the people flagged now.

    Whom somebody confirmed, by whatever rule, is counted once: as left out (case U14).
    """
    imports = reader.table("imports")
    newest = imports.group_by("kind", "source", "fingerprint").agg(import_no=imports["import_no"].max())
    rows = reader.frame(imports.semi_join(newest, "import_no").select("read", "kept", "result")).to_pylist()
    aside: Counter[str] = Counter()
    for row in rows:
        aside.update(json.loads(row["result"])["quarantined"])
    decided = _decided(verdicts)
    people = reader.frame(flagged_people(reader, rules, test_ids)).to_pylist()
    out = {no for (_, no), verdict in decided.items() if verdict == "confirmed"}
    flagged = Counter(
        p["rule"]
        for p in people
        if (p["rule"], p["customer_no"]) not in decided and p["customer_no"] not in out
    )
    confirmed = Counter(rule for (rule, _), verdict in decided.items() if verdict == "confirmed")
    return QualityReport(
        imports=len(rows),
        read=sum(row["read"] for row in rows),
        kept=sum(row["kept"] for row in rows),
        quarantined={rule: aside[rule] for rule in ROW_RULES if aside[rule]},
        flagged={rule: flagged[rule] for rule in PEOPLE_RULES if flagged[rule]},
        confirmed=dict(confirmed),
        left_out=len(out),
    )


def decide_people(
    rule: str,
    customer_nos: Sequence[int],
    verdict: str,
    *,
    by: str,
    warehouse: Warehouse,
    verdicts: PeopleVerdicts,
    clock: Clock,
) -> int:
    """Record an operator's ``verdict`` (confirmed, cleared), publish who is left out; return the changes."""
    if rule not in PEOPLE_RULES:
        raise InputError(
            "no people rule '{rule}'; rules are {people_rules}",
            rule=rule,
            people_rules=joined(", ", PEOPLE_RULES),
        )
    if verdict not in VERDICTS:
        raise InputError("no verdict '{verdict}'; say {verdicts}", verdict=verdict, verdicts=any_of(VERDICTS))
    with warehouse.write(f"decide {rule}") as writer:
        changed = verdicts.decide(rule, customer_nos, verdict=verdict, by=by, now=clock.now())
        decided = _decided(verdicts).items()
        out = [{"rule": rule, "customer_no": no} for (rule, no), said in decided if said == "confirmed"]
        table = writer.stage("people_left_out", pa.Table.from_pylist(out, schema=FACTS["left_out"]))
        writer.replace("left_out", as_facts("left_out", table).order_by("customer_no"))
        writer.publish()
    return changed


def _decided(verdicts: PeopleVerdicts) -> dict[tuple[str, int], str]:
    return {(row["rule"], row["customer_no"]): row["verdict"] for row in verdicts.current().to_pylist()}


def _named_as_test(reader: Reader, rules: QualityRules, test_ids: Sequence[int]) -> IbisTable:
    orders, traits, pattern = reader.table("orders"), reader.table("traits"), test_word(rules)
    texts = ("order_id", "channel", "store", "staff", "coupon")
    named = orders.filter(ibis.or_(*(orders[name].re_search(pattern) for name in texts)))
    said = traits.filter(traits["text_value"].re_search(pattern))
    parts = [table.select("customer_no") for table in (named, said)]
    if test_ids:
        numbers = pa.table({"customer_no": pa.array(sorted(set(test_ids)), pa.int32())})
        parts.append(reader.stage("_test_ids", numbers))
    return ibis.union(*parts).distinct()


def _tiny(reader: Reader, rules: QualityRules) -> IbisTable:
    """Return who has several orders and never paid more than next to nothing, and how many were reduced."""
    orders = reader.table("orders")
    cheaper = (orders["coupon"].fill_null("") != "") | (orders["discount_fen"] > 0)
    tiny = orders.group_by("customer_no").agg(
        count=orders.count(), most=orders["net_fen"].max(), reduced=cheaper.ifelse(1, 0).sum()
    )
    return tiny.filter((tiny["count"] >= rules.test_orders_min) & (tiny["most"] <= rules.test_amount_fen_max))


def _tiny_chasers(tiny: IbisTable, rules: QualityRules) -> IbisTable:
    """Return those of `_tiny` who go for what is given away: tests have no coupons, nor so many orders."""
    rewarded = tiny["reduced"] >= rules.reward_discounted_share * tiny["count"]
    many = tiny["count"] >= rules.reward_tiny_orders_min
    return tiny.filter((rewarded & (tiny["count"] >= rules.reward_orders_min)) | many).select("customer_no")


def _reward_chasers(reader: Reader, rules: QualityRules) -> IbisTable:
    orders = _paid(reader)
    joined = reader.table("customers").select("customer_no", "joined_day")
    sums = orders.group_by("customer_no").agg(
        count=orders.count(),
        discounted=(orders["discount_fen"] > 0).sum(),
        discount=orders["discount_fen"].sum(),
        gross=orders["gross_fen"].sum(),
        first=orders["day"].min(),
        last=orders["day"].max(),
    )
    sums = sums.left_join(joined, "customer_no")
    start = sums["joined_day"].coalesce(sums["first"])
    return sums.filter(
        (sums["count"] >= rules.reward_orders_min)
        & (sums["last"] - start <= rules.reward_days_max)
        & (sums["discounted"] >= rules.reward_discounted_share * sums["count"])
        & (sums["discount"] >= rules.reward_discount_rate * sums["gross"])
        & (sums["gross"] > 0)
    )


def _abnormal(reader: Reader, rules: QualityRules) -> IbisTable:
    parts = []
    for table, most in (
        (_paid(reader), rules.day_orders_max),
        (reader.table("events"), rules.day_events_max),
    ):
        days = table.group_by("customer_no", "day").agg(count=table.count())
        parts.append(days.filter(days["count"] > most).select("customer_no"))
    return ibis.union(*parts)


def _paid(reader: Reader) -> IbisTable:
    orders = reader.table("orders")
    return orders.filter(is_paid(orders))
