"""Write the one-line form; `parse` reads it back to an equal tree."""

from datetime import date
from decimal import Decimal

from koipond.rules.catalog import Catalog, FactSpec, FieldSpec
from koipond.rules.check import INT64_MAX, check, resolve
from koipond.rules.cursor import KEYWORDS
from koipond.rules.lexer import is_name, quote
from koipond.rules.problems import RuleError
from koipond.rules.tree import (
    And,
    Between,
    Comparison,
    Condition,
    DaysAgo,
    Everyone,
    Facts,
    Field,
    HashSample,
    In,
    InList,
    InSegment,
    Known,
    LastDays,
    Match,
    Measure,
    Not,
    Operand,
    Or,
    Property,
    Rule,
    Sequence,
    Tag,
    Trait,
    Value,
    Window,
)


def to_text(rule: Rule, catalog: Catalog) -> str:
    """Return ``rule`` on one line; raise RuleError when it names what the catalogue lacks."""
    if problems := check(rule, catalog):
        raise RuleError(problems)
    return _rule(rule, catalog)


def _rule(rule: Rule, catalog: Catalog) -> str:
    if isinstance(rule, And | Or):
        word = " and " if isinstance(rule, And) else " or "
        return word.join(_inner(part, catalog) for part in rule.parts)
    if isinstance(rule, Not):
        return f"not {_inner(rule.part, catalog)}"
    return _leaf(rule, catalog)


def _inner(rule: Rule, catalog: Catalog) -> str:
    text = _rule(rule, catalog)
    return f"({text})" if isinstance(rule, And | Or) else text


def _leaf(rule: Rule, catalog: Catalog) -> str:
    if isinstance(rule, Everyone):
        return "everyone"
    if isinstance(rule, InSegment):
        return f"segment {_name(rule.key)}"
    if isinstance(rule, InList):
        return f"list {_name(rule.key)}"
    if isinstance(rule, HashSample):
        first = f"{_percent(rule.first)} to " if rule.first else ""
        return f"sample({first}{_percent(rule.end)}, {quote(rule.salt)})"
    if isinstance(rule, Sequence):
        no = "no " if rule.missing else ""
        steps = f"{_facts(rule.first, catalog)} then {no}{_facts(rule.then, catalog)}"
        window = f", {window_text(rule.window)}" if rule.window else ""
        return f"sequence({steps} within {days_text(rule.within_days)}{window})"
    assert isinstance(rule, Comparison | In | Known | Match)
    return _condition(rule, catalog, None)


def _condition(node: Condition, catalog: Catalog, within: FactSpec | None) -> str:
    if isinstance(node, Comparison) and (bought := _bought(node, catalog)):
        return bought
    spec = resolve(node.operand, catalog, within)
    assert isinstance(spec, FieldSpec)
    name = operand_text(node.operand, catalog)
    if isinstance(node, Known):
        return f"{name} is known"
    if isinstance(node, Match):
        return f"{name} {node.how} {quote(node.text)}"
    if isinstance(node, In):
        return f"{name} in ({', '.join(value_text(spec, value) for value in node.values)})"
    if spec.type == "flag" and node.value is True:
        return name
    return f"{name} {node.op} {value_text(spec, node.value)}"


def _bought(node: Comparison, catalog: Catalog) -> str | None:
    measure = node.operand
    if not isinstance(measure, Measure) or (measure.facts.kind, measure.how) != ("items", "count"):
        return None
    if (node.op, node.value) != (">=", 1):
        return None
    parts = _filters(measure.facts, catalog)
    return f"bought({', '.join([*parts, window_text(measure.window)] if measure.window else parts)})"


def operand_text(operand: Operand, catalog: Catalog) -> str:
    """Return what a comparison names."""
    if isinstance(operand, Field):
        return operand.name
    if isinstance(operand, Trait):
        return f"trait.{_name(operand.name)}"
    if isinstance(operand, Tag):
        return f"tag.{_name(operand.group)}"
    if isinstance(operand, Property):
        return f"property.{_name(operand.name)}"
    arguments = [part for part in (operand.column, window_text(operand.window)) if part]
    return f"{_facts(operand.facts, catalog)}.{operand.how}({', '.join(arguments)})"


def _facts(facts: Facts, catalog: Catalog) -> str:
    parts = _filters(facts, catalog)
    return f"{facts.kind}({', '.join(parts)})" if parts else facts.kind


def _filters(facts: Facts, catalog: Catalog) -> list[str]:
    spec = catalog.facts[facts.kind]
    parts = [_condition(condition, catalog, spec) for condition in facts.where]
    if facts.where and spec.positional:
        first = facts.where[0]
        if (
            isinstance(first, Comparison)
            and first.op == "="
            and first.operand == Field(name=spec.positional)
            and isinstance(first.value, str)
        ):
            parts[0] = quote(first.value)
    return parts


def window_text(window: Window) -> str:
    """Return a window; empty for ever."""
    if window is None:
        return ""
    if isinstance(window, LastDays):
        return f"last {days_text(window.days)}"
    if isinstance(window, DaysAgo):
        return f"from {window.first} to {window.last} days ago"
    assert isinstance(window, Between)
    if window.first is None:
        return f"until {window.last}"
    return f"since {window.first}" if window.last is None else f"between {window.first} and {window.last}"


def value_text(spec: FieldSpec, value: Value) -> str:
    """Return ``value``, in stored units, as it is written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _name(value) if spec.type == "choice" else quote(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and spec.digits:
        return format(Decimal(value).scaleb(-spec.digits), "f")
    if isinstance(value, float) and value.is_integer() and abs(value) <= INT64_MAX:
        return str(int(value))
    return repr(value)


def days_text(days: int) -> str:
    """Return ``1 day``, ``7 days``."""
    return "1 day" if days == 1 else f"{days} days"


def _percent(buckets: int) -> str:
    whole, rest = divmod(buckets, 100)
    return f"{whole}.{rest:02d}%" if rest else f"{whole}%"


def _name(text: str) -> str:
    return text if is_name(text) and text not in KEYWORDS else quote(text)
