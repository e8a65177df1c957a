"""The JSON form of a rule: plain dicts, values in stored units; reads back to an equal tree."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from koipond.kernel import InputError, Message
from koipond.rules.catalog import Catalog
from koipond.rules.check import check
from koipond.rules.json_values import a_list, a_text, a_whole, a_word, below, only
from koipond.rules.json_windows import span_in, span_out, window_in, window_out
from koipond.rules.operand_types import IN_DAYS
from koipond.rules.problems import Problem, RuleError
from koipond.rules.tree import (
    DEPTH_MAX,
    FACT_KINDS,
    HOWS,
    MATCHES,
    OPS,
    And,
    Anniversary,
    Comparison,
    Condition,
    Everyone,
    Facts,
    Field,
    Filter,
    HashSample,
    Holds,
    In,
    InDays,
    InList,
    InSegment,
    Known,
    Match,
    Measure,
    Not,
    Operand,
    Or,
    Property,
    Ratio,
    Rule,
    Sequence,
    Tag,
    Top,
    Trait,
    Value,
)

IN_TOP = "in top"


def to_dict(rule: Rule) -> dict[str, Any]:
    """Return ``rule`` as plain values."""
    if isinstance(rule, And | Or):
        return {"and" if isinstance(rule, And) else "or": [to_dict(part) for part in rule.parts]}
    if isinstance(rule, Not):
        return {"not": to_dict(rule.part)}
    if isinstance(rule, Everyone):
        return {"everyone": True}
    if isinstance(rule, InSegment):
        return {"segment": rule.key}
    if isinstance(rule, InList):
        return {"list": rule.key}
    if isinstance(rule, HashSample):
        return {"sample": {"first": rule.first, "end": rule.end, "salt": rule.salt}}
    if isinstance(rule, Sequence):
        return {"sequence": _sequence_out(rule)}
    if isinstance(rule, Top):
        top = {"buckets": rule.buckets, "segment": rule.segment}
        return {**_operand_out(rule.operand), "op": IN_TOP, "value": top}
    return _condition_out(rule)


def from_dict(data: Any, catalog: Catalog) -> Rule:
    """Return the tree of ``data``; raise RuleError with every mistake and the path of its node."""
    problems: list[Problem] = []
    rule = _rule_in(data, "", problems)
    if not problems:
        problems = check(rule, catalog)
    if problems:
        raise RuleError(problems)
    return rule


def _sequence_out(rule: Sequence) -> dict[str, Any]:
    return {
        "first": _facts_out(rule.first),
        "then": _facts_out(rule.then),
        "within_days": rule.within_days,
        "missing": rule.missing,
        "window": window_out(rule.window),
    }


def _condition_out(node: Condition) -> dict[str, Any]:
    named = _operand_out(node.operand)
    if isinstance(node, Comparison):
        return {**named, "op": node.op, "value": _value_out(node.value)}
    if isinstance(node, In):
        return {**named, "op": "in", "value": [_value_out(value) for value in node.values]}
    if isinstance(node, Match):
        return {**named, "op": node.how, "value": node.text}
    if isinstance(node, InDays):
        return {**named, "op": IN_DAYS, "value": [span_out(span) for span in node.spans]}
    return {**named, "op": "known"}


def _operand_out(operand: Operand) -> dict[str, Any]:
    if isinstance(operand, Field):
        return {"field": operand.name}
    if isinstance(operand, Trait):
        return {"trait": operand.name}
    if isinstance(operand, Tag):
        return {"tag": operand.group}
    if isinstance(operand, Property):
        return {"property": operand.name}
    if isinstance(operand, Anniversary):
        return {"anniversary": _operand_out(operand.of)}
    if isinstance(operand, Ratio):
        return {"ratio": {"top": _measure_out(operand.top), "bottom": _measure_out(operand.bottom)}}
    return {"measure": _measure_out(operand)}


def _measure_out(measure: Measure) -> dict[str, Any]:
    made = {"facts": _facts_out(measure.facts), "how": measure.how, "window": window_out(measure.window)}
    return {**made, "column": measure.column} if measure.column else made


def _facts_out(facts: Facts) -> dict[str, Any]:
    return {"of": facts.kind, "where": [_filter_out(condition) for condition in facts.where]}


def _filter_out(condition: Filter) -> dict[str, Any]:
    if isinstance(condition, Holds):
        return {"with": [_condition_out(one) for one in condition.where]}
    return _condition_out(condition)


def _value_out(value: Value) -> Any:
    return {"day": value.isoformat()} if isinstance(value, date) else value


def _rule_in(data: Any, path: str, problems: list[Problem]) -> Rule:
    try:
        return _read_rule(data, path, problems)
    except InputError as error:
        problems.append(Problem(message=str(error), fix=Message("see docs/reference/rules.md"), path=path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = Message("not a condition ({name}: {error})", name=type(error).__name__, error=error)
        problems.append(Problem(message=message, fix=Message("see docs/reference/rules.md"), path=path))
    return Everyone()


def _read_rule(data: Any, path: str, problems: list[Problem]) -> Rule:
    if path.count(".") >= DEPTH_MAX:
        raise InputError("too deeply nested: at most {depth_max} deep", depth_max=DEPTH_MAX)
    if not isinstance(data, Mapping):
        raise InputError("a condition is an object, not {data!r}", data=data)
    for word, joined in (("and", And), ("or", Or)):
        if word in data:
            only(data, word)
            parts = [
                _rule_in(part, below(path, place), problems) for place, part in enumerate(a_list(data[word]))
            ]
            return joined(parts=tuple(parts))
    if "not" in data:
        only(data, "not")
        return Not(part=_rule_in(data["not"], below(path, 0), problems))
    return _read_leaf(data)


def _read_leaf(data: Mapping[str, Any]) -> Rule:
    if "everyone" in data:
        return Everyone()
    if "segment" in data:
        return InSegment(key=a_text(data["segment"]))
    if "list" in data:
        return InList(key=a_text(data["list"]))
    if "sample" in data:
        sample = data["sample"]
        return HashSample(
            first=a_whole(sample["first"]), end=a_whole(sample["end"]), salt=a_text(sample["salt"])
        )
    if "sequence" in data:
        return _sequence_in(data["sequence"])
    if data.get("op") == IN_TOP:
        top = data["value"]
        segment = top.get("segment")
        return Top(
            operand=_operand_in(data),
            buckets=a_whole(top["buckets"]),
            segment=None if segment is None else a_text(segment),
        )
    return _condition_in(data)


def _sequence_in(data: Mapping[str, Any]) -> Sequence:
    return Sequence(
        first=_facts_in(data["first"]),
        then=_facts_in(data["then"]),
        within_days=a_whole(data["within_days"]),
        missing=bool(data.get("missing", False)),
        window=window_in(data.get("window")),
    )


def _condition_in(data: Mapping[str, Any]) -> Condition:
    operand = _operand_in(data)
    op = data["op"]
    if op == "known":
        return Known(operand=operand)
    if op == "in":
        return In(operand=operand, values=tuple(_value_in(value) for value in a_list(data["value"])))
    if op == IN_DAYS:
        return InDays(operand=operand, spans=tuple(span_in(span) for span in a_list(data["value"])))
    if op in MATCHES:
        return Match(operand=operand, how=op, text=a_text(data["value"]))
    if op in OPS:
        return Comparison(operand=operand, op=op, value=_value_in(data["value"]))
    known = (*OPS, "in", IN_DAYS, IN_TOP, "known", *MATCHES)
    raise InputError("no comparison '{op}': use {known}", op=op, known=", ".join(known))


def _operand_in(data: Mapping[str, Any]) -> Operand:
    if "field" in data:
        return Field(name=a_text(data["field"]))
    if "trait" in data:
        return Trait(name=a_text(data["trait"]))
    if "tag" in data:
        return Tag(group=a_text(data["tag"]))
    if "property" in data:
        return Property(name=a_text(data["property"]))
    if "anniversary" in data:
        of = _operand_in(data["anniversary"])
        if not isinstance(of, Trait | Field):
            raise InputError("an anniversary is that of a trait or a field")
        return Anniversary(of=of)
    if "ratio" in data:
        ratio = data["ratio"]
        return Ratio(top=_measure_in(ratio["top"]), bottom=_measure_in(ratio["bottom"]))
    if "measure" not in data:
        raise InputError("name a field, trait, tag, property, measure, ratio or anniversary")
    return _measure_in(data["measure"])


def _measure_in(measure: Mapping[str, Any]) -> Measure:
    column = measure.get("column")
    return Measure(
        facts=_facts_in(measure["facts"]),
        how=a_word(measure["how"], HOWS),
        column=None if column is None else a_text(column),
        window=window_in(measure.get("window")),
    )


def _facts_in(data: Mapping[str, Any]) -> Facts:
    where = tuple(_filter_in(condition) for condition in a_list(data.get("where", [])))
    return Facts(kind=a_word(data["of"], FACT_KINDS), where=where)


def _filter_in(data: Mapping[str, Any]) -> Filter:
    if "with" in data:
        return Holds(where=tuple(_condition_in(one) for one in a_list(data["with"])))
    return _condition_in(data)


def _value_in(value: Any) -> Value:
    if isinstance(value, Mapping):
        return date.fromisoformat(value["day"])
    if isinstance(value, str | bool | int | float):
        return value
    raise InputError("{value!r} is no value", value=value)
