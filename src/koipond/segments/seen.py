"""What a rule names that no fact holds (从未出现): said beside the count, so that 0 is no answer.

Case U06: a trait, an event, a property or a value that was never seen; a trait compared with what none of its
values is. Reads only what the rule names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from koipond.ingest.ports import IbisTable
from koipond.rules import Comparison, Facts, Field, Holds, In, Property, Rule, Trait, walk
from koipond.rules.catalog import closest
from koipond.rules.labels import FACT_COLUMN_LABELS, FACT_LABELS, LANGS, Label, Lang, label
from koipond.rules.sources import dated, facts_of, operand_of
from koipond.rules.tree import Condition, FactKind, Value
from koipond.segments.code_rows import redeemed
from koipond.segments.fact_rows import fact_rows
from koipond.segments.scope import Scope

What = Literal["trait", "value", "property", "number", "date", "coupons"]
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
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
        "从未有{of}的{column}为“{name}”",
        "no {of} were ever seen with {column} '{name}'",
        "{of} dengan {column} '{name}' belum pernah ada",
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
        """Return the column as it is written in ``lang``, in English as in rules."""
        return self.column if lang == "en" else self._label(FACT_COLUMN_LABELS, self.column, lang)

    @staticmethod
    def _label(labels: Mapping[str, Label], key: str, lang: Lang) -> str:
        return label(labels[key], lang) if key and lang != "en" else key


@dataclass(slots=True)
class _Asked:
    """What a rule names: traits with the values compared; of facts the texts and properties."""

    traits: dict[str, list[Value]] = field(default_factory=dict)
    texts: dict[tuple[FactKind, str], list[str]] = field(default_factory=dict)
    properties: list[str] = field(default_factory=list)
    code_states: bool = False


def unseen(scope: Scope, rule: Rule) -> list[Unseen]:
    """Return what ``rule`` names that the facts of ``scope`` never held; empty when nothing is."""
    asked = _Asked()
    for _, node in walk(rule):
        for facts in facts_of(node, scope.catalog):
            _ask_facts(asked, facts)
        operand = operand_of(node)
        of = dated(operand) if operand is not None else None
        if isinstance(of, Trait):
            asked.traits.setdefault(of.name, []).extend(_values(node))
    found = [*_traits(scope, asked), *_texts(scope, asked), *_properties(scope, asked)]
    if asked.code_states and redeemed(scope, fact_rows(scope, "orders")) is None:
        found.append(Unseen(what="coupons", name=""))
    return found


def _ask_facts(asked: _Asked, facts: Facts) -> None:
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


def _is_open(condition: Condition) -> bool:
    """Say whether values that were never seen are in order: ``channel != "shop"``."""
    return isinstance(condition, Comparison) and condition.op != "="


def _values(node: Rule) -> tuple[Value, ...]:
    if isinstance(node, Comparison):
        return (node.value,)
    return node.values if isinstance(node, In) else ()


def _traits(scope: Scope, asked: _Asked) -> Iterator[Unseen]:
    if not asked.traits:
        return
    table = scope.reader.table("traits")
    rows = table.filter(table.name.isin(list(asked.traits)))
    days = rows.text_value.re_search(_ISO).sum()
    found = {
        row["name"]: row
        for row in _frame(scope, rows.group_by("name").agg(numbers=rows.number_value.count(), days=days))
    }
    known = _known(scope, table, "name") if asked.traits.keys() - found.keys() else ()
    for name, values in asked.traits.items():
        if name not in found:
            yield Unseen(what="trait", name=name, near=closest(name, known))
        elif not found[name]["numbers"] and any(isinstance(value, int | float) for value in values):
            yield Unseen(what="number", name=name)
        elif not found[name]["days"] and any(isinstance(value, date) for value in values):
            yield Unseen(what="date", name=name)


def _texts(scope: Scope, asked: _Asked) -> Iterator[Unseen]:
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
            yield Unseen(what="value", name=text, of=kind, column=column, near=closest(text, known))


def _known(scope: Scope, rows: IbisTable, column: str) -> tuple[str, ...]:
    values = rows.filter(rows[column].notnull()).select(value=rows[column]).distinct()
    return tuple(sorted(row["value"] for row in _frame(scope, values.limit(_NEAR_MAX))))


def _properties(scope: Scope, asked: _Asked) -> Iterator[Unseen]:
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
