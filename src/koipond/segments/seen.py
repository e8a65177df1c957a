"""What a rule names that no fact holds (从未出现): said beside the count, so that 0 is no answer.

Case U06: a trait, an event, a property or a value that was never seen; a trait compared with what none of its
values is. Reads only what the rule names.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from koipond.facts.ports import IbisTable
from koipond.rules import Comparison, Facts, Field, Holds, In, Measure, Property, Rule, Trait, walk
from koipond.rules.catalog import closest
from koipond.rules.labels import FACT_COLUMN_LABELS, FACT_LABELS, LANGS, Label, Lang, label
from koipond.rules.sources import dated, facts_of, operand_of, unfold
from koipond.rules.tree import FactKind, Value
from koipond.segments.asked import ISO, Asked, type_of
from koipond.segments.code_rows import redeemed
from koipond.segments.fact_rows import fact_rows
from koipond.segments.scope import Scope

What = Literal["trait", "value", "bought", "held", "property", "number", "date", "unlike", "coupons"]
_NEAR_MAX = 2_000
_SAID: Mapping[What, tuple[str, str, str]] = {
    "trait": (
        "没有任何客户有属性“{name}”",
        "no customer has a trait '{name}'",
        "tidak ada pelanggan dengan atribut '{name}'",
    ),
    "property": (
        "没有任何事件带有属性“{name}”",
        "no event has a property '{name}'",
        "tidak ada peristiwa dengan properti '{name}'",
    ),
    "value": (
        "从未有过{column}为“{name}”的{of}",
        "no {of} were ever seen with {column} '{name}'",
        "belum pernah ada {of} dengan {column} '{name}'",
    ),
    "bought": (
        "从未有人买过{column}为“{name}”的商品",
        "nobody ever bought items with {column} '{name}'",
        "belum pernah ada yang membeli barang dengan {column} '{name}'",
    ),
    "held": (
        "没有任何客户的属性“{column}”为“{name}”",
        "no customer was ever seen with trait {column} '{name}'",
        "belum pernah ada pelanggan dengan atribut {column} '{name}'",
    ),
    "unlike": (
        "属性“{name}”的值全是数字或日期，与别的比较不会匹配任何人",
        "trait '{name}' holds numbers or days alone, so comparing it with something else matches nobody",
        "atribut '{name}' hanya berisi angka atau tanggal; perbandingan dengan yang lain tidak cocok"
        " dengan siapa pun",
    ),
    "coupons": (
        "没有任何订单带有优惠券，无法知道哪些券已核销",
        "no order names a coupon, so nobody knows which codes were used",
        "tidak ada pesanan dengan kupon, jadi tidak diketahui kode mana yang dipakai",
    ),
    "number": (
        "属性“{name}”没有一个值是数字，与数字比较不会匹配任何人",
        "trait '{name}' never holds a number, so comparing it with one matches nobody",
        "atribut '{name}' tidak pernah berisi angka; perbandingan dengan angka tidak cocok dengan siapa pun",
    ),
    "date": (
        "属性“{name}”没有一个值是日期，与日期比较不会匹配任何人",
        "trait '{name}' never holds a day, so comparing it with one matches nobody",
        "atribut '{name}' tidak pernah berisi tanggal; perbandingan dengan tanggal tidak cocok"
        " dengan siapa pun",
    ),
}
_NEAR = ("；是否指“{near}”？", "; did you mean '{near}'?", "; maksudnya '{near}'?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """Something that a rule names and no fact holds. ``near``: what it may have meant."""

    what: What
    name: str
    of: str = ""
    column: str = ""
    near: str | None = None

    @property
    def words(self) -> dict[str, str]:
        """It said in each language."""
        pairs = zip(LANGS, _SAID[self.what], _NEAR, strict=True)
        given = {"name": self.name, "near": self.near}
        return {
            lang: (text + (near if self.near else "")).format(
                **given, of=self._label(FACT_LABELS, self.of, lang), column=self._column(lang)
            )
            for lang, text, near in pairs
        }

    def _column(self, lang: Lang) -> str:
        """Return the column as it is written in ``lang``, in English as in rules; a trait keeps its name."""
        return (
            self.column if lang == "en" or not self.of else self._label(FACT_COLUMN_LABELS, self.column, lang)
        )

    @staticmethod
    def _label(labels: Mapping[str, Label], key: str, lang: Lang) -> str:
        return label(labels[key], lang) if key and lang != "en" else key


@dataclass(slots=True)
class _Named:
    """What a rule names: traits with the values compared; of facts the texts and properties."""

    traits: dict[str, list[Asked]] = field(default_factory=dict)
    texts: dict[tuple[FactKind, str], list[str]] = field(default_factory=dict)
    properties: list[str] = field(default_factory=list)
    code_states: bool = False


Shown = Mapping[str, Mapping[str, Any]]
"""Trait that a rule names and somebody has → how many rows, numbers and days it holds."""


def shown_traits(scope: Scope, rule: Rule) -> Shown:
    """Return what the traits that ``rule`` names hold, for `trait_types` and `unseen` of the same rule."""
    asked = _Named()
    _ask_traits(asked, rule)
    return _shown(scope, asked)


def unseen(scope: Scope, rule: Rule, shown: Shown | None = None) -> list[Unseen]:
    """Return what ``rule`` names that the facts of ``scope`` never held. ``shown``: its traits, if known."""
    asked = _Named()
    _ask_traits(asked, rule)
    for _, node in walk(rule):
        for facts in facts_of(node, scope.catalog):
            _ask_facts(asked, facts)
        _ask_latest(asked, scope, node)
    found = [
        *_traits(scope, asked, _shown(scope, asked) if shown is None else shown),
        *_texts(scope, asked),
        *_properties(scope, asked),
    ]
    if asked.code_states and redeemed(scope, fact_rows(scope, "orders")) is None:
        found.append(Unseen(what="coupons", name=""))
    return found


def trait_types(scope: Scope, rule: Rule, shown: Shown) -> dict[str, str]:
    """Return trait → number or date for traits whose every value is one, when ``rule`` compares them amiss.

    ``shown``: what they hold. Read with these types (`Catalog.trait_types`) the rule is an error that says
    what to compare with. What `koipond.yaml` declares, texts among them, is left to the catalog.
    """
    asked = _Named()
    _ask_traits(asked, rule)
    types = {}
    for name, row in shown.items():
        type_ = type_of(row)
        suits = not type_ or all(one.suits(type_) for one in asked.traits[name])
        if not suits and name not in scope.catalog.trait_types:
            types[name] = type_
    return types


def _ask_traits(asked: _Named, rule: Rule) -> None:
    for _, node in walk(rule):
        operand = operand_of(node)
        of = dated(operand) if operand is not None else None
        if isinstance(of, Trait):
            asked.traits.setdefault(of.name, []).extend(_asked(node))


def _ask_latest(asked: _Named, scope: Scope, node: Rule) -> None:
    """Take down which store, staff, channel … the last fact is said to have: `last_store = "X"`."""
    operand = operand_of(node)
    of = unfold(operand, scope.catalog) if operand is not None else None
    if not isinstance(of, Measure) or of.how != "latest" or of.column is None or not _values(node):
        return
    if scope.catalog.facts[of.facts.kind].columns[of.column].type == "text" and not _is_open(node):
        texts = [value for value in _values(node) if isinstance(value, str)]
        asked.texts.setdefault((of.facts.kind, of.column), []).extend(texts)


def _ask_facts(asked: _Named, facts: Facts) -> None:
    for condition in facts.where:
        if isinstance(condition, Holds):
            continue  # asked as facts of its own
        if isinstance(condition.operand, Property):
            asked.properties.append(condition.operand.name)
        elif (facts.kind, condition.operand) == ("codes", Field(name="state")):
            asked.code_states = True
        elif isinstance(condition.operand, Field) and not _is_open(condition):
            texts = [value for value in _values(condition) if isinstance(value, str)]
            asked.texts.setdefault((facts.kind, condition.operand.name), []).extend(texts)


def _is_open(condition: Rule) -> bool:
    """Say whether values that were never seen are in order: ``channel != "shop"``."""
    return isinstance(condition, Comparison) and condition.op != "="


def _values(node: Rule) -> tuple[Value, ...]:
    if isinstance(node, Comparison):
        return (node.value,)
    return node.values if isinstance(node, In) else ()


def _asked(node: Rule) -> list[Asked]:
    op = node.op if isinstance(node, Comparison) else "="
    return [Asked(op, value) for value in _values(node)]


def _shown(scope: Scope, asked: _Named) -> Shown:
    if not asked.traits:
        return {}
    table = scope.reader.table("traits")
    rows = table.filter(table.name.isin(list(asked.traits)))
    counts = rows.group_by("name").agg(
        rows=rows.count(), numbers=rows.number_value.count(), days=rows.text_value.re_search(ISO).sum()
    )
    return {row["name"]: row for row in _frame(scope, counts)}


def _traits(scope: Scope, asked: _Named, found: Shown) -> Iterator[Unseen]:
    if not asked.traits:
        return
    table = scope.reader.table("traits")
    known = _known(scope, table, "name") if asked.traits.keys() - found.keys() else ()
    for name, values in asked.traits.items():
        if name not in found:
            yield Unseen(what="trait", name=name, near=closest(name, known))
        elif not found[name]["numbers"] and any(isinstance(one.value, int | float) for one in values):
            yield Unseen(what="number", name=name)
        elif not found[name]["days"] and any(isinstance(one.value, date) for one in values):
            yield Unseen(what="date", name=name)
        elif (type_ := type_of(found[name])) and not all(one.suits(type_) for one in values):
            yield Unseen(what="unlike", name=name)
        else:
            yield from _held(scope, table.filter(table.name == name), name, values)


def _held(scope: Scope, rows: IbisTable, name: str, asked: Sequence[Asked]) -> Iterator[Unseen]:
    """Yield the values that trait ``name`` is said to equal and that none of its ``rows`` holds."""
    wanted = list(dict.fromkeys(one.value for one in asked if one.op == "="))
    numbers = [value for value in wanted if isinstance(value, int | float)]
    texts = [str(value) for value in wanted if not isinstance(value, int | float)]
    missing: list[str] = []
    for column, values in (("number_value", [*map(float, numbers)]), ("text_value", texts)):
        if values:
            seen = _frame(scope, rows.filter(rows[column].isin(values)).select(value=rows[column]).distinct())
            held = {row["value"] for row in seen}
            missing += [
                f"{value:.15g}" if isinstance(value, float) else value
                for value in values
                if value not in held
            ]
    known = _known(scope, rows, "text_value") if missing and texts else ()
    for text in missing:  # a day is not misspelt
        near = closest(text, known) if text in wanted else None
        yield Unseen(what="held", name=text, column=name, near=near)


def _texts(scope: Scope, asked: _Named) -> Iterator[Unseen]:
    tables: dict[FactKind, IbisTable] = {}
    for (kind, column), texts in asked.texts.items():
        stored = scope.catalog.facts[kind].columns[column].column
        wanted = list(dict.fromkeys(texts))
        if not wanted:
            continue
        if kind not in tables:
            tables[kind] = fact_rows(scope, kind)
        rows = tables[kind]
        seen = _frame(scope, rows.filter(rows[stored].isin(wanted)).select(value=rows[stored]).distinct())
        held = {row["value"] for row in seen}
        missing = [text for text in wanted if text not in held]
        known = _known(scope, rows, stored) if missing else ()
        for text in missing:
            what: What = "bought" if kind == "items" else "value"
            yield Unseen(what=what, name=text, of=kind, column=column, near=closest(text, known))


def _known(scope: Scope, rows: IbisTable, column: str) -> tuple[str, ...]:
    values = rows.filter(rows[column].notnull()).select(value=rows[column]).distinct()
    return tuple(sorted(row["value"] for row in _frame(scope, values.limit(_NEAR_MAX))))


def _properties(scope: Scope, asked: _Named) -> Iterator[Unseen]:
    if not asked.properties:
        return
    rows = fact_rows(scope, "events")
    names = dict.fromkeys(asked.properties)
    held = {
        f"p{place}": rows.properties.cast("json")[name].notnull().sum() for place, name in enumerate(names)
    }
    [row] = _frame(scope, rows.aggregate(**held))
    for place, name in enumerate(names):
        if not row[f"p{place}"]:
            yield Unseen(what="property", name=name)


def _frame(scope: Scope, expression: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scope.reader.frame(expression).to_pylist()
    return found
