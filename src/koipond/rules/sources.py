"""What an operand is computed from (操作数的来源): the plain measures behind shares, averages and fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from koipond.rules.catalog import Catalog, FieldSpec
from koipond.rules.tree import (
    Anniversary,
    Condition,
    FactKind,
    Facts,
    Field,
    Holds,
    Measure,
    Operand,
    Ratio,
    Rule,
    Sequence,
    Top,
)

SHARE_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotient:
    """``top`` × 10^``power`` ÷ ``bottom``, in stored units; missing where ``bottom`` is 0 or missing.

    Both readings compute it in 64-bit floating point, in this order: equal to the bit on every engine.
    """

    top: Measure
    bottom: Measure
    power: int


def unfold(operand: Operand, catalog: Catalog) -> Operand:
    """Return what a computed field stands for, any other operand itself."""
    if isinstance(operand, Field) and operand.name in catalog.fields:
        return catalog.fields[operand.name].computed or operand
    return operand


def quotient(operand: Operand, catalog: Catalog) -> Quotient | None:
    """Return ``operand`` as a quotient when it is one: an average, a share or a ratio."""
    if isinstance(operand, Ratio):
        power = (
            ratio_digits(operand, catalog) + _digits(operand.bottom, catalog) - _digits(operand.top, catalog)
        )
        return Quotient(top=operand.top, bottom=operand.bottom, power=power)
    if not isinstance(operand, Measure):
        return None
    count = replace(operand, how="count", column=None)
    if operand.how == "average":
        return Quotient(top=replace(operand, how="sum"), bottom=count, power=0)
    if operand.how == "share":
        whole = replace(count, facts=Facts(kind=operand.facts.kind))
        return Quotient(top=count, bottom=whole, power=SHARE_DIGITS)
    return None


def ratio_digits(ratio: Ratio, catalog: Catalog) -> int:
    """Return with how many decimals a ratio is compared: money by a count is money."""
    return _digits(ratio.top, catalog) if is_money(ratio, catalog) else SHARE_DIGITS


def is_money(ratio: Ratio, catalog: Catalog) -> bool:
    """Say whether a ratio is an amount: money by something that is none."""
    return _type(ratio.top, catalog) == "money" and _type(ratio.bottom, catalog) != "money"


def basic(operand: Operand, catalog: Catalog) -> Iterator[Operand]:
    """Yield the operands without a formula that ``operand`` is computed from."""
    operand = unfold(operand, catalog)
    found = quotient(operand, catalog)
    if found is not None:
        yield from (found.top, found.bottom)
    elif isinstance(operand, Anniversary):
        yield from basic(operand.of, catalog)
    else:
        yield operand


def operand_of(node: Rule) -> Operand | None:
    """Return what a leaf looks at, None for one that looks at no value."""
    return node.operand if isinstance(node, Condition | Top) else None


def facts_of(node: Rule, catalog: Catalog) -> list[Facts]:
    """Return the facts that a leaf reads, those of the lines of orders too."""
    if isinstance(node, Sequence):
        found = [node.first, node.then]
    else:
        operand = operand_of(node)
        parts = [] if operand is None else basic(operand, catalog)
        found = [part.facts for part in parts if isinstance(part, Measure)]
    lines = [one for facts in found for one in facts.where if isinstance(one, Holds)]
    return [*found, *(Facts(kind="items", where=one.where) for one in lines)]


def columns_of(node: Rule, kind: FactKind, catalog: Catalog) -> set[str]:
    """Return the columns of ``kind`` that a leaf names: of filters, sums and the last fact."""
    conditions = [one for facts in facts_of(node, catalog) if facts.kind == kind for one in facts.where]
    found = {dated(one.operand) for one in conditions if not isinstance(one, Holds)}
    names = {operand.name for operand in found if isinstance(operand, Field)}
    operand = operand_of(node)
    for part in [] if operand is None else basic(operand, catalog):
        if isinstance(part, Measure) and part.facts.kind == kind and part.column is not None:
            names.add(part.column)
    return names


def dated(operand: Operand) -> Operand:
    """Return the operand whose day is looked at."""
    return operand.of if isinstance(operand, Anniversary) else operand


def _digits(measure: Measure, catalog: Catalog) -> int:
    return catalog.facts[measure.facts.kind].columns[measure.column].digits if measure.column else 0


def _type(measure: Measure, catalog: Catalog) -> str:
    return catalog.facts[measure.facts.kind].columns[measure.column].type if measure.column else "number"


def tie_breakers(columns: Mapping[str, FieldSpec]) -> list[str]:
    """Return the stored columns that put facts of one instant in order: who is equal in all is one."""
    return sorted({spec.column for spec in columns.values()} - {"at_s", "day"})
