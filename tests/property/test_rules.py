"""A rule means the same in Ibis, in memory and in its written forms (BAR-R2)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koipond.kernel import epoch_day, zone
from koipond.rules import (
    And,
    Anniversary,
    Between,
    Calendar,
    Cell,
    Comparison,
    DaysAgo,
    Everyone,
    Facts,
    Field,
    HashSample,
    Holds,
    In,
    InDays,
    InList,
    InSegment,
    Known,
    LastDays,
    Match,
    Measure,
    NextDays,
    Not,
    Or,
    Person,
    Property,
    Ratio,
    Rule,
    Sequence,
    Tag,
    Top,
    Trait,
    Yearly,
    default_catalog,
    from_dict,
    holds,
    parse,
    to_dict,
    to_text,
    walk,
    words,
)
from koipond.rules.catalog import FactSpec, FieldSpec
from koipond.rules.cursor import Cursor
from koipond.rules.ibis_reading import RuleTables, to_ibis
from koipond.rules.labels import LANGS, Lang
from koipond.rules.lexer import tokens
from koipond.rules.memory import number_of
from koipond.rules.operand_types import resolve
from koipond.rules.parser import read_rule
from koipond.rules.ranking import cut_of
from koipond.rules.tree import FACT_KINDS, OPS
from koipond.rules.windows import UNITS
from koipond.warehouse import Engine

CATALOG = default_catalog("CNY", zone("Europe/Amsterdam"))  # hours that are not UTC's, with summer time
AS_OF = date(2017, 6, 1)
DAY = epoch_day(AS_OF)
TEXTS = ["a", "b", "ab", "B", "", "é", "中", "￿", "😀", 'q"', "\\n", "it's", "100%", "a\nb", "007"]
NAMES = ["x", "last", "home city", "中文"]
KEYS = ["vip", "and", "two words"]

texts = st.sampled_from(TEXTS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4
)
small = st.integers(-3, 6)
days = st.integers(-8, 3).map(lambda n: AS_OF + timedelta(days=n))
numbers = small | st.sampled_from([0.5, -1.25, 1e-7, 3e20]) | st.floats(-1e6, 1e6)
windows = (
    st.none()
    | st.integers(1, 9).map(lambda n: LastDays(days=n))
    | st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda p: DaysAgo(first=max(p), last=min(p)))
    | st.tuples(days, days).map(lambda p: Between(first=min(p), last=max(p)))
    | days.map(lambda d: Between(first=d, last=None))
    | days.map(lambda d: Between(first=None, last=d))
    | st.builds(Calendar, unit=st.sampled_from(UNITS), shift=st.sampled_from([-1, 0]))
)
year_days = st.sampled_from([(5, 30), (6, 1), (6, 3), (2, 28), (2, 29), (12, 31), (1, 1)])
closed = (
    st.integers(1, 400).map(lambda n: LastDays(days=n))
    | st.integers(1, 400).map(lambda n: NextDays(days=n))
    | st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda p: DaysAgo(first=max(p), last=min(p)))
    | st.tuples(days, days).map(lambda p: Between(first=min(p), last=max(p)))
    | st.builds(Calendar, unit=st.sampled_from(UNITS), shift=st.sampled_from([-1, 0, 1]))
    | st.builds(Yearly, first=year_days, last=year_days)
)
any_span = (
    closed | days.map(lambda d: Between(first=d, last=None)) | days.map(lambda d: Between(first=None, last=d))
)


def in_days(operand: Any, spans: st.SearchStrategy[Any] = any_span) -> st.SearchStrategy[Any]:
    found = st.lists(spans, min_size=1, max_size=3).map(tuple)
    return st.builds(InDays, operand=st.just(operand), spans=found)


def values_of(spec: FieldSpec) -> st.SearchStrategy[Any]:
    if spec.type == "text":
        return texts
    if spec.type == "choice":
        return st.sampled_from(sorted(spec.choices))
    if spec.type == "day":
        return days
    return texts | numbers | days if spec.type == "any" else small


def conditions(operand: Any, spec: FieldSpec) -> st.SearchStrategy[Any]:
    if spec.type == "flag":
        return st.booleans().map(lambda v: Comparison(operand=operand, op="=", value=v)) | st.just(
            Known(operand=operand)
        )
    ops = ("=", "!=") if spec.type == "choice" else tuple(OPS)
    if isinstance(operand, Tag):
        ops = tuple(op for op in ops if op != "!=")
    found = [
        st.builds(Comparison, operand=st.just(operand), op=st.sampled_from(ops), value=values_of(spec)),
        st.builds(
            In,
            operand=st.just(operand),
            values=st.lists(values_of(spec), min_size=1, max_size=3).map(tuple),
        ),
        st.just(Known(operand=operand)),
    ]
    if spec.type in ("day", "any") and not isinstance(operand, Tag):
        found.append(in_days(operand))
    if spec.type in ("text", "any"):
        hows = st.sampled_from(["contains", "starts with", "ends with"])
        found.append(st.builds(Match, operand=st.just(operand), how=hows, text=texts))
    return st.one_of(found)


ANY = FieldSpec(name="any", type="any", column="")
NUMBER = FieldSpec(name="days", type="number", column="")


def filters(spec: FactSpec) -> st.SearchStrategy[Any]:
    columns = st.sampled_from(sorted(spec.columns)).flatmap(
        lambda name: conditions(Field(name=name), spec.columns[name])
    )
    anniversary = in_days(Anniversary(of=Field(name="day")), closed)
    if spec.kind == "orders":
        lines = st.lists(filters(CATALOG.facts["items"]), min_size=1, max_size=2)
        return columns | anniversary | lines.map(lambda found: Holds(where=tuple(found)))
    if spec.kind != "events":
        return columns | anniversary
    return columns | st.sampled_from(NAMES).flatmap(lambda name: conditions(Property(name=name), ANY))


def facts(spec: FactSpec) -> st.SearchStrategy[Facts]:
    return st.lists(filters(spec), max_size=2).map(lambda found: Facts(kind=spec.kind, where=tuple(found)))


plain_facts = st.sampled_from(FACT_KINDS).map(lambda kind: Facts(kind=kind))
any_facts = plain_facts | st.sampled_from(FACT_KINDS).flatmap(lambda kind: facts(CATALOG.facts[kind]))


@st.composite
def measured(draw: st.DrawFn) -> Any:
    spec = CATALOG.facts[draw(st.sampled_from(FACT_KINDS))]
    hows = ["count", "days", "days_since_last", "days_since_first", "share", "latest"]
    how = draw(st.sampled_from(hows + (["sum", "average"] if spec.sums else [])))
    column = draw(st.sampled_from(spec.sums)) if how in ("sum", "average") else None
    column = draw(st.sampled_from(sorted(spec.columns))) if how == "latest" else column
    measure = Measure(facts=draw(facts(spec)), how=how, column=column, window=draw(windows))
    return draw(conditions(measure, spec.columns[column] if column else NUMBER))


def plain(draw: st.DrawFn) -> Measure:
    """A measure that can be divided."""
    spec = CATALOG.facts[draw(st.sampled_from(FACT_KINDS))]
    column = draw(st.sampled_from([None, *spec.sums]))
    how = draw(st.sampled_from(["count", "days"])) if column is None else "sum"
    return Measure(facts=draw(facts(spec)), how=how, column=column, window=draw(windows))


@st.composite
def divided(draw: st.DrawFn) -> Any:
    ratio = Ratio(top=plain(draw), bottom=plain(draw))
    spec = resolve(ratio, CATALOG)
    assert isinstance(spec, FieldSpec)
    return draw(conditions(ratio, spec))


@st.composite
def topped(draw: st.DrawFn) -> Any:
    numbers = [name for name, spec in CATALOG.fields.items() if spec.type in ("number", "money")]
    ranked = draw(
        st.sampled_from(numbers).map(lambda name: Field(name=name))
        | st.sampled_from(NAMES).map(lambda name: Trait(name=name))
    )
    buckets = draw(st.integers(1, 10_000))
    return Top(operand=ranked, buckets=buckets, segment=draw(st.none() | st.sampled_from(KEYS)))


anniversaries = st.sampled_from(
    [Trait(name=name) for name in [*NAMES, "birthday"]] + [Field(name="last_purchase_on")]
).flatmap(lambda of: in_days(Anniversary(of=of), closed))


leaves = st.one_of(
    st.sampled_from(sorted(CATALOG.fields)).flatmap(
        lambda name: conditions(Field(name=name), CATALOG.fields[name])
    ),
    measured(),
    divided(),
    topped(),
    anniversaries,
    st.sampled_from(NAMES).flatmap(lambda name: conditions(Trait(name=name), ANY)),
    st.sampled_from(NAMES).flatmap(lambda name: conditions(Tag(group=name), ANY)),
    st.builds(
        Sequence,
        first=any_facts,
        then=any_facts,
        within_days=st.integers(0, 4),
        missing=st.booleans(),
        window=windows,
    ),
    st.sampled_from(KEYS).map(lambda key: InSegment(key=key)),
    st.sampled_from(KEYS).map(lambda key: InList(key=key)),
    st.tuples(st.integers(0, 9_999), st.integers(1, 10_000), texts).map(
        lambda p: HashSample(first=min(p[0], p[1] - 1), end=p[1], salt=p[2])
    ),
    st.just(Everyone()),
)


def joined(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return (
        parts.map(lambda p: And(parts=p))
        | parts.map(lambda p: Or(parts=p))
        | inner.map(lambda part: Not(part=part))
    )


rules: st.SearchStrategy[Rule] = st.recursive(leaves, joined, max_leaves=8)

day_numbers = st.integers(DAY - 8, DAY + 2)


def column_values(spec: FieldSpec) -> st.SearchStrategy[Any]:
    if spec.type == "flag":
        return st.none() | st.booleans()
    if spec.column.endswith("_day"):
        return st.none() | day_numbers
    return st.none() | (values_of(spec) if spec.type in ("text", "choice") else small)


profile_rows = st.fixed_dictionaries(
    {spec.column: column_values(spec) for spec in CATALOG.fields.values() if spec.column != "customer_no"}
    | {"customer_uid": st.sampled_from(["u1", "u2", "0123abc"])}
)
properties = st.none() | st.dictionaries(
    st.sampled_from(NAMES),
    texts
    | numbers
    | numbers.map(str)
    | st.sampled_from(["3\n", " 3", "1e2", "٣"])
    | st.booleans()
    | st.none()
    | st.just([1]),
    max_size=2,
).map(lambda found: json.dumps(found, ensure_ascii=False))
yearless = days.map(lambda day: f"-{day.isoformat()[4:]}")
cells = st.builds(
    Cell, text=st.none() | texts | days.map(str) | yearless, number=st.none() | numbers.map(float)
)


@st.composite
def fact_rows(draw: st.DrawFn, spec: FactSpec) -> dict[str, Any]:
    row = {c.column: draw(column_values(c)) for c in spec.columns.values() if c.column != "day"}
    row["day"] = draw(day_numbers)
    row["at_s"] = row["day"] * 86_400 + draw(st.integers(0, 2) | st.integers(0, 86_399))
    if spec.kind in ("orders", "items"):
        row["order_no"] = draw(st.integers(0, 3))
    if spec.kind == "events":
        row["properties"] = draw(properties)
    return row


def row_lists(kind: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(fact_rows(CATALOG.facts[kind]), max_size=5)


persons = st.builds(
    lambda profile, **rest: Person(customer_uid=profile["customer_uid"], profile=profile, **rest),
    profile=profile_rows,
    traits=st.dictionaries(st.sampled_from(NAMES), cells, max_size=3),
    tags=st.lists(st.tuples(st.sampled_from(NAMES), cells), max_size=3),
    facts=st.fixed_dictionaries({kind: row_lists(kind) for kind in FACT_KINDS}),
    segments=st.frozensets(st.sampled_from(KEYS)),
    lists=st.frozensets(st.sampled_from(KEYS)),
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = Engine(tmp_path_factory.mktemp("spill"))
    yield opened
    opened.close()


_TYPES = {"text": pa.string(), "choice": pa.string(), "flag": pa.bool_(), "money": pa.int64()}


def arrow_type(spec: FieldSpec) -> pa.DataType:
    return _TYPES.get(spec.type) or (pa.int32() if spec.column.endswith("day") else pa.int64())


def profile_table(people: list[Person]) -> pa.Table:
    schema = {spec.column: arrow_type(spec) for spec in CATALOG.fields.values()} | {"customer_no": pa.int32()}
    rows = [{**person.profile, "customer_no": no} for no, person in enumerate(people)]
    return pa.Table.from_pylist(rows, pa.schema(list(schema.items())))


def fact_table(kind: str, people: list[Person]) -> pa.Table:
    schema = {spec.column: arrow_type(spec) for spec in CATALOG.facts[kind].columns.values()}
    schema |= {"customer_no": pa.int32(), "at_s": pa.int64()}
    if kind == "events":
        schema["properties"] = pa.string()
    if kind in ("orders", "items"):
        schema["order_no"] = pa.int64()
    rows = [
        {**row, "customer_no": no, **({"order_no": 10 * no + row["order_no"]} if "order_no" in row else {})}
        for no, person in enumerate(people)
        for row in person.facts[kind]
    ]
    return pa.Table.from_pylist(rows, pa.schema(list(schema.items())))


def trait_table(people: list[Person]) -> pa.Table:
    """Return each trait as the newest of two values: the older one must never be seen."""
    rows = [
        {
            "customer_no": no,
            "name": name,
            "text_value": cell.text if newest else "a",
            "number_value": cell.number if newest else 1.0,
            "at_s": 10 + newest,
            "source": "s",
            "import_no": 1,
        }
        for no, person in enumerate(people)
        for name, cell in person.traits.items()
        for newest in (0, 1)
    ]
    schema = {"customer_no": pa.int32(), "name": pa.string(), "text_value": pa.string()}
    schema |= {
        "number_value": pa.float64(),
        "at_s": pa.int64(),
        "source": pa.string(),
        "import_no": pa.int32(),
    }
    return pa.Table.from_pylist(rows, pa.schema(list(schema.items())))


def tag_table(people: list[Person]) -> pa.Table:
    rows = [
        {"customer_no": no, "tag_group": group, "text_value": cell.text, "number_value": cell.number}
        for no, person in enumerate(people)
        for group, cell in person.tags
    ]
    schema = [("customer_no", pa.int32()), ("tag_group", pa.string()), ("text_value", pa.string())]
    return pa.Table.from_pylist(rows, pa.schema([*schema, ("number_value", pa.float64())]))


def members(engine: Engine, name: str, numbers: list[int]) -> Any:
    return engine.stage(name, pa.table({"customer_no": pa.array(numbers, pa.int32())}))


def tables_of(engine: Engine, people: list[Person]) -> RuleTables:
    return RuleTables(
        profile=engine.stage("profile", profile_table(people)),
        facts={kind: engine.stage(kind, fact_table(kind, people)) for kind in FACT_KINDS},
        traits=engine.stage("traits", trait_table(people)),
        tags=engine.stage("tags", tag_table(people)),
        segments={
            key: members(engine, f"s{place}", [no for no, p in enumerate(people) if key in p.segments])
            for place, key in enumerate(KEYS)
        },
        lists={
            key: members(engine, f"l{place}", [no for no, p in enumerate(people) if key in p.lists])
            for place, key in enumerate(KEYS)
        },
    )


def cut_among(node: Rule, people: list[Person]) -> float | None:
    if not isinstance(node, Top):
        return None
    crowd = [one for one in people if node.segment is None or node.segment in one.segments]
    return cut_of([number_of(node.operand, one, DAY, CATALOG) for one in crowd], node.buckets)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    people=st.lists(persons, min_size=1, max_size=6),
    trees=st.lists(rules, min_size=1, max_size=6).flatmap(
        lambda trees: st.lists(leaves, max_size=12).map(lambda found: trees + found)
    ),
)
def test_the_ibis_and_the_in_memory_reading_agree(
    engine: Engine, people: list[Person], trees: list[Rule]
) -> None:
    named = {f"rule_{place}": tree for place, tree in enumerate(trees)}
    frame = engine.frame(to_ibis(named, tables_of(engine, people), DAY, CATALOG))
    read = {row["customer_no"]: row for row in frame.to_pylist()}
    assert len(read) == len(people)
    numbered_people = [
        replace(person, profile={**person.profile, "customer_no": no}) for no, person in enumerate(people)
    ]
    cuts = {
        node: cut for tree in trees for _, node in walk(tree) if (cut := cut_among(node, numbered_people))
    }
    for no, person in enumerate(numbered_people):
        numbered = replace(person, cuts=cuts)
        for name, tree in named.items():
            assert read[no][name] is holds(tree, numbered, DAY, CATALOG), to_text(tree, CATALOG)


@settings(max_examples=120, deadline=None)
@given(tree=rules, lang=st.sampled_from(LANGS))
def test_the_text_form_reads_back_to_the_same_tree(tree: Rule, lang: Lang) -> None:
    """In the words of every language."""
    text = to_text(tree, CATALOG, lang)
    assert parse(text, CATALOG) == tree
    assert to_text(parse(text, CATALOG), CATALOG, lang) == text
    assert "\n" not in text


@settings(max_examples=120, deadline=None)
@given(tree=rules)
def test_the_json_form_reads_back_to_the_same_tree(tree: Rule) -> None:
    assert from_dict(json.loads(json.dumps(to_dict(tree))), CATALOG) == tree


@settings(max_examples=120, deadline=None)
@given(tree=rules)
def test_words_can_be_found_for_any_tree_in_every_language(tree: Rule) -> None:
    for lang in LANGS:
        assert words(tree, lang, CATALOG)


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                "and",
                "or",
                "not",
                "(",
                ")",
                "lifecycle",
                "=",
                "dormant",
                "orders",
                ".count",
                "(last",
                "3",
                "days)",
                '"x',
            ]
        ),
        max_size=12,
    ).map(" ".join)
)
def test_reading_any_text_ends_in_a_tree_or_a_list_of_problems(text: str) -> None:
    words, found = tokens(text)
    cursor = Cursor(words=words, catalog=CATALOG, problems=found)
    tree = read_rule(cursor)
    assert cursor.word.kind == "end"
    if not cursor.problems:
        assert parse(text, CATALOG) == tree
    assert all(0 <= (problem.at or 0) <= len(text) for problem in cursor.problems)
