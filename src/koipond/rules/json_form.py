"""The JSON form of a rule: plain dicts, values in stored units; reads back to an equal tree."""

from collections.abc import Mapping
from collections.abc import Sequence as Sequence_
from datetime import date
from typing import Any, TypeVar

from koipond.kernel import InputError
from koipond.rules.catalog import Catalog
from koipond.rules.check import check
from koipond.rules.problems import Problem, RuleError
from koipond.rules.tree import (
    DEPTH_MAX,
    FACT_KINDS,
    HOWS,
    MATCHES,
    OPS,
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

Word = TypeVar("Word", bound=str)


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
        "window": _window_out(rule.window),
    }


def _condition_out(node: Condition) -> dict[str, Any]:
    named = _operand_out(node.operand)
    if isinstance(node, Comparison):
        return {**named, "op": node.op, "value": _value_out(node.value)}
    if isinstance(node, In):
        return {**named, "op": "in", "value": [_value_out(value) for value in node.values]}
    if isinstance(node, Match):
        return {**named, "op": node.how, "value": node.text}
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
    measure = {"facts": _facts_out(operand.facts), "how": operand.how, "window": _window_out(operand.window)}
    return {"measure": {**measure, "column": operand.column} if operand.column else measure}


def _facts_out(facts: Facts) -> dict[str, Any]:
    return {"of": facts.kind, "where": [_condition_out(condition) for condition in facts.where]}


def _window_out(window: Window) -> dict[str, Any] | None:
    if window is None:
        return None
    if isinstance(window, LastDays):
        return {"last_days": window.days}
    if isinstance(window, DaysAgo):
        return {"from_days_ago": window.first, "to_days_ago": window.last}
    ends = {"since": window.first, "until": window.last}
    return {name: day.isoformat() for name, day in ends.items() if day is not None}


def _value_out(value: Value) -> Any:
    return {"day": value.isoformat()} if isinstance(value, date) else value


def _rule_in(data: Any, path: str, problems: list[Problem]) -> Rule:
    try:
        return _read_rule(data, path, problems)
    except InputError as error:
        problems.append(Problem(message=str(error), fix="see docs/reference/rules.md", path=path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"not a condition ({type(error).__name__}: {error})"
        problems.append(Problem(message=message, fix="see docs/reference/rules.md", path=path))
    return Everyone()


def _read_rule(data: Any, path: str, problems: list[Problem]) -> Rule:
    if path.count(".") >= DEPTH_MAX:
        raise InputError(f"too deeply nested: at most {DEPTH_MAX} deep")
    if not isinstance(data, Mapping):
        raise InputError(f"a condition is an object, not {data!r}")
    for word, joined in (("and", And), ("or", Or)):
        if word in data:
            _only(data, word)
            parts = [
                _rule_in(part, _below(path, place), problems) for place, part in enumerate(_list(data[word]))
            ]
            return joined(parts=tuple(parts))
    if "not" in data:
        _only(data, "not")
        return Not(part=_rule_in(data["not"], _below(path, 0), problems))
    return _read_leaf(data)


def _read_leaf(data: Mapping[str, Any]) -> Rule:
    if "everyone" in data:
        return Everyone()
    if "segment" in data:
        return InSegment(key=_text(data["segment"]))
    if "list" in data:
        return InList(key=_text(data["list"]))
    if "sample" in data:
        sample = data["sample"]
        return HashSample(
            first=_whole(sample["first"]), end=_whole(sample["end"]), salt=_text(sample["salt"])
        )
    if "sequence" in data:
        return _sequence_in(data["sequence"])
    return _condition_in(data)


def _sequence_in(data: Mapping[str, Any]) -> Sequence:
    return Sequence(
        first=_facts_in(data["first"]),
        then=_facts_in(data["then"]),
        within_days=_whole(data["within_days"]),
        missing=bool(data.get("missing", False)),
        window=_window_in(data.get("window")),
    )


def _condition_in(data: Mapping[str, Any]) -> Condition:
    operand = _operand_in(data)
    op = data["op"]
    if op == "known":
        return Known(operand=operand)
    if op == "in":
        return In(operand=operand, values=tuple(_value_in(value) for value in _list(data["value"])))
    if op in MATCHES:
        return Match(operand=operand, how=op, text=_text(data["value"]))
    if op in OPS:
        return Comparison(operand=operand, op=op, value=_value_in(data["value"]))
    raise InputError(f"no comparison '{op}': use {', '.join((*OPS, 'in', 'known', *MATCHES))}")


def _operand_in(data: Mapping[str, Any]) -> Operand:
    if "field" in data:
        return Field(name=_text(data["field"]))
    if "trait" in data:
        return Trait(name=_text(data["trait"]))
    if "tag" in data:
        return Tag(group=_text(data["tag"]))
    if "property" in data:
        return Property(name=_text(data["property"]))
    if "measure" not in data:
        raise InputError("name a field, trait, tag, property or measure")
    measure = data["measure"]
    column = measure.get("column")
    return Measure(
        facts=_facts_in(measure["facts"]),
        how=_word(measure["how"], HOWS),
        column=None if column is None else _text(column),
        window=_window_in(measure.get("window")),
    )


def _facts_in(data: Mapping[str, Any]) -> Facts:
    where = tuple(_condition_in(condition) for condition in _list(data.get("where", [])))
    return Facts(kind=_word(data["of"], FACT_KINDS), where=where)


def _window_in(data: Mapping[str, Any] | None) -> Window:
    if data is None:
        return None
    if "last_days" in data:
        return LastDays(days=_whole(data["last_days"]))
    if "from_days_ago" in data:
        return DaysAgo(first=_whole(data["from_days_ago"]), last=_whole(data["to_days_ago"]))
    ends = [date.fromisoformat(data[name]) if name in data else None for name in ("since", "until")]
    return Between(first=ends[0], last=ends[1])


def _value_in(value: Any) -> Value:
    if isinstance(value, Mapping):
        return date.fromisoformat(value["day"])
    if isinstance(value, str | bool | int | float):
        return value
    raise InputError(f"{value!r} is no value")


def _only(data: Mapping[str, Any], word: str) -> None:
    if len(data) != 1:
        raise InputError(f"'{word}' stands alone, not beside {', '.join(sorted(set(data) - {word}))}")


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list | tuple):
        raise InputError(f"a list was expected, not {data!r}")
    return list(data)


def _text(data: Any) -> str:
    if not isinstance(data, str):
        raise InputError(f"a text was expected, not {data!r}")
    return data


def _word(data: Any, known: Sequence_[Word]) -> Word:
    for word in known:
        if data == word:
            return word
    raise InputError(f"no '{data}' here: use {', '.join(map(str, known))}")


def _whole(data: Any) -> int:
    if not isinstance(data, int) or isinstance(data, bool):
        raise InputError(f"a whole number was expected, not {data!r}")
    return data


def _below(path: str, place: int) -> str:
    return f"{path}.{place}" if path else str(place)
