"""One meaning on every engine: each kind of condition on DuckDB and Spark against the in-memory reading."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from koipond.kernel import epoch_day, zone
from koipond.rules import Cell, Person, Rule, Top, default_catalog, holds, parse, to_ibis, walk
from koipond.rules.catalog import FieldSpec
from koipond.rules.ibis_reading import RuleTables
from koipond.rules.memory import number_of
from koipond.rules.ranking import cut_of
from koipond.rules.tree import FACT_KINDS
from koipond.warehouse import Engine

CATALOG = default_catalog("CNY", zone("Europe/Amsterdam"))
AS_OF = date(2017, 6, 1)
DAY = epoch_day(AS_OF)
PEOPLE = 60

RULES = [
    "lifecycle = dormant and rfm_level in (high, mid)",
    "not lifecycle != dormant",
    "days_since_last_purchase >= 30 or last_purchase_on < 2017-05-01",
    "money_365d >= 20 and not member",
    "member = false or friend is missing",
    "repurchase_cycle_days between 1 and 20.5",
    'trait.city = "Shanghai" or trait.city starts with "é" or trait.age >= 30.5',
    'trait.city < "Z" and trait.city is known',
    "trait.born >= 2000-01-01",
    "tag.interest = coffee or tag.score > 3",
    "not tag.interest in (coffee, tea)",
    "orders.count(last 90 days) >= 2 and orders.sum(net, last 365 days) > 10",
    'orders(channel in ("web", "shop"), net >= 5).count(from 60 to 10 days ago) = 0',
    "orders(weekday in (6, 7)).days() >= 1",
    "orders.days_since_last() < 20 or orders.days_since_first(since 2017-04-01) >= 40",
    'bought(category contains "a", last 30 days)',
    "items.sum(quantity) >= 0.01",
    'events("View", property.plan = "pro").count(last 60 days) >= 1',
    "events(property.price > 2.5).count() >= 1",
    'sequence(events("View") then orders within 7 days)',
    'sequence(events("View") then no orders within 3 days, last 60 days)',
    'touches(channel = "email").count(last 30 days) >= 1 and responses("clicked").count() = 0',
    "segment vip and not list guests",
    'sample(30%, "s") or sample(50% to 62.5%, "é")',
    "average_order_value > 20 and coupon_share >= 50%",
    'orders(channel = "web").share(last 60 days) >= 33.34%',
    "orders.sum(net) / items.sum(amount, last 60 days) <= 0.75",
    'last_store in ("web", "中") or orders.latest(hour, last 90 days) >= 12',
    "orders(hour >= 20).count() >= 1",
    'orders(with items(sku = "web"), with items(category in ("shop", "中"))).count() >= 1',
    "trait.born in since 2000-01-01 and last_purchase_on in (05-01 to 06-10, 02-29)",
    "anniversary(trait.born) in next 220 days",
    "anniversary(first_purchase_on) in last month",
    "orders(day in (04-15 to 05-10, 2017-05-20 to 2017-05-25)).count() >= 1",
    "money_365d in top 12.5% or money_365d in top 20% of segment vip",
    "average_order_value in top 30% and not trait.age in top 50%",
    "refunds.sum(amount, last 60 days) > 10 or pending.count(this month) = 1",
    "codes(state = open).count() >= 1",
]


def _value(chance: random.Random, spec: FieldSpec) -> Any:
    if chance.random() < 0.2:
        return None
    if spec.type == "flag":
        return chance.random() < 0.5
    if spec.column.endswith("day"):
        return DAY - chance.randrange(120)
    if spec.type == "choice":
        return chance.choice(sorted(spec.choices))
    if spec.type == "text":
        return chance.choice(["web", "shop", "email", "coffee", "View", "clicked", "中"])
    return chance.randrange(5_000) * (20_000 if spec.digits == 6 else 1)


def _person(chance: random.Random, no: int) -> Person:
    facts: dict[Any, list[dict[str, Any]]] = {}
    for kind, spec in CATALOG.facts.items():
        facts[kind] = []
        for _ in range(chance.randrange(4)):
            row = {c.column: _value(chance, c) for c in spec.columns.values() if c.column != "day"}
            row["day"] = DAY - chance.randrange(-3, 70)
            row["at_s"] = row["day"] * 86_400 + chance.choice([0, 1, 43_200, 79_199, 79_200])
            if kind in ("orders", "items"):
                row["order_no"] = no * 10 + chance.randrange(2)
            if kind == "events":
                plan = chance.choice(["pro", "free", 3, None])
                row["properties"] = json.dumps({"plan": plan, "price": chance.choice([1, 2.75, "9"])})
            facts[kind].append(row)
    cities = ["Shanghai", "Zürich", "évian", "中山", "\uffff", "😀"]
    age = float(chance.randrange(60))
    return Person(
        customer_uid=f"u{no}",
        profile={spec.column: _value(chance, spec) for spec in CATALOG.fields.values()}
        | {"customer_no": no, "customer_uid": f"u{no}"},
        traits={
            "city": Cell(text=chance.choice(cities)),
            "age": Cell(text=str(age), number=age),
            "born": Cell(text=chance.choice(["1999-12-31", "2000-01-01", "--01-01", "soon"])),
        }
        if chance.random() < 0.8
        else {},
        tags=[("interest", Cell(text=t)) for t in ("coffee", "tea") if chance.random() < 0.4]
        + [("score", Cell(text="4", number=4.0))] * (chance.random() < 0.3),
        facts=facts,
        segments=frozenset({"vip"} if chance.random() < 0.5 else ()),
        lists=frozenset({"guests"} if chance.random() < 0.5 else ()),
    )


@pytest.fixture(scope="module")
def people() -> list[Person]:
    chance = random.Random(7)
    return [_person(chance, no) for no in range(PEOPLE)]


_TYPES = {"text": pa.string(), "choice": pa.string(), "flag": pa.bool_()}


def _type(spec: FieldSpec) -> pa.DataType:
    return _TYPES.get(spec.type) or (pa.int32() if spec.column.endswith("day") else pa.int64())


def _rows(people: list[Person], read: Callable[[Person], Any]) -> list[dict[str, Any]]:
    return [{"customer_no": no, **row} for no, person in enumerate(people) for row in read(person)]


def tables_of(stage: Callable[[str, pa.Table], Any], people: list[Person]) -> RuleTables:
    """Stage ``people`` on an engine."""
    number = ("customer_no", pa.int32())
    value = [("text_value", pa.string()), ("number_value", pa.float64())]

    def table(name: str, rows: list[dict[str, Any]], columns: list[tuple[str, pa.DataType]]) -> Any:
        schema = pa.schema(list(dict([number, *columns]).items()))
        return stage(name, pa.Table.from_pylist(rows, schema))

    facts = {}
    for kind in FACT_KINDS:
        columns = [(spec.column, _type(spec)) for spec in CATALOG.facts[kind].columns.values()]
        columns += [("at_s", pa.int64()), ("properties", pa.string()), ("order_no", pa.int64())]
        facts[kind] = table(kind, _rows(people, lambda person, kind=kind: person.facts[kind]), columns)
    traits = _rows(
        people,
        lambda person: [
            {
                "name": name,
                "text_value": cell.text if newest else "Shanghai",
                "number_value": cell.number if newest else 99.0,
                "at_s": newest,
                "source": "crm",
                "import_no": 1,
            }
            for name, cell in person.traits.items()
            for newest in (0, 1)
        ],
    )
    origin = [("name", pa.string()), ("at_s", pa.int64()), ("source", pa.string()), ("import_no", pa.int32())]
    tags = _rows(
        people,
        lambda person: [
            {"tag_group": group, "text_value": cell.text, "number_value": cell.number}
            for group, cell in person.tags
        ],
    )
    profile = [dict(person.profile) for person in people]
    return RuleTables(
        profile=table("profile", profile, [(spec.column, _type(spec)) for spec in CATALOG.fields.values()]),
        facts=facts,
        traits=table("traits", traits, [*origin, *value]),
        tags=table("tags", tags, [("tag_group", pa.string()), *value]),
        segments={"vip": table("vip", [r for r in _rows(people, _once) if _in(people, r, "vip")], [])},
        lists={"guests": table("guests", [r for r in _rows(people, _once) if _in(people, r, "guests")], [])},
    )


def _once(_: Person) -> list[dict[str, Any]]:
    return [{}]


def _in(people: list[Person], row: dict[str, Any], key: str) -> bool:
    person = people[row["customer_no"]]
    return key in person.segments | person.lists


def cut_among(node: Rule, people: list[Person]) -> float | None:
    if not isinstance(node, Top):
        return None
    crowd = [one for one in people if node.segment is None or node.segment in one.segments]
    return cut_of([number_of(node.operand, one, DAY, CATALOG) for one in crowd], node.buckets)


def check(
    people: list[Person],
    stage: Callable[[str, pa.Table], Any],
    run: Callable[[Any], pa.Table],
) -> None:
    """Assert that an engine finds for each rule exactly whom the in-memory reading finds."""
    trees = {f"rule_{place}": parse(text, CATALOG) for place, text in enumerate(RULES)}
    found = run(to_ibis(trees, tables_of(stage, people), DAY, CATALOG)).to_pylist()
    assert len(found) == len(people)
    for name, text in zip(trees, RULES, strict=True):
        cuts = {node: cut for _, node in walk(trees[name]) if (cut := cut_among(node, people)) is not None}
        ranked = [replace(person, cuts=cuts) for person in people]
        expected = {no for no, person in enumerate(ranked) if holds(trees[name], person, DAY, CATALOG)}
        assert {row["customer_no"] for row in found if row[name]} == expected, text
        assert 0 < len(expected) < len(people), f"this rule tells nobody apart: {text}"


def test_duckdb(people: list[Person], tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    try:
        check(people, engine.stage, engine.frame)
    finally:
        engine.close()


@pytest.mark.spark
@pytest.mark.slow
def test_spark(people: list[Person], spark: Any) -> None:
    check(people, spark.stage, spark.frame)
