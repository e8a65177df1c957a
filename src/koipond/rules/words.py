"""Read a rule in words (规则的文字说明), in zh, en or id; never fails for a rule the catalogue fits."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from koipond.rules.catalog import Catalog, FactSpec, FieldSpec
from koipond.rules.check import check
from koipond.rules.labels import FACT_COLUMN_LABELS, FLAG_PHRASES, Lang, label
from koipond.rules.operand_types import resolve
from koipond.rules.operands import BIRTHDAY
from koipond.rules.phrases import Phrases
from koipond.rules.phrases_en import EN
from koipond.rules.phrases_id import ID
from koipond.rules.phrases_zh import ZH
from koipond.rules.problems import RuleError
from koipond.rules.spacing import spaced, spaced_out
from koipond.rules.titles import title
from koipond.rules.tree import (
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
    Op,
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
from koipond.rules.value_speech import share_words, value_words
from koipond.rules.window_speech import span_words
from koipond.rules.windows import Window

_OPPOSITE: Mapping[Op, Op] = MappingProxyType(
    {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
)
PHRASES: Mapping[Lang, Phrases] = MappingProxyType({"zh": ZH, "en": EN, "id": ID})


def words(rule: Rule, lang: Lang, catalog: Catalog) -> str:
    """Return what ``rule`` says, as one phrase; raise RuleError when it names what the catalogue lacks."""
    if problems := check(rule, catalog):
        raise RuleError(problems)
    text = _Speaker(lang, catalog).rule(rule)
    return spaced_out(text) if lang == "zh" else text


class _Speaker:
    """Fills the patterns of one language."""

    def __init__(self, lang: Lang, catalog: Catalog) -> None:
        self.lang: Lang = lang
        self.catalog = catalog
        self.say: Phrases = PHRASES[lang]

    def rule(self, rule: Rule) -> str:
        if isinstance(rule, And | Or):
            joiner = self.say.and_ if isinstance(rule, And) else self.say.or_
            return spaced(joiner, [self._inner(part) for part in rule.parts])
        if isinstance(rule, Not):
            return self._negated(rule.part)
        return self._leaf(rule)

    def _inner(self, rule: Rule) -> str:
        text = self.rule(rule)
        return self.say.group.format(text) if isinstance(rule, And | Or) else text

    def _negated(self, part: Rule) -> str:
        if isinstance(part, Known) and not isinstance(part.operand, Tag):
            return self.say.missing.format(label=self._operand(part.operand))
        if isinstance(part, InSegment):
            return self.say.not_segment.format(key=self._title(part))
        if isinstance(part, InList):
            return self.say.not_list.format(key=self._title(part))
        if isinstance(part, Comparison):
            if isinstance(part.operand, Field) and part.value is True:
                return label(FLAG_PHRASES[part.operand.name][1], self.lang)
            if (measure := _happened(part)) is not None:
                return self._count(measure, happened=False)
            if isinstance(part.operand, Measure) and part.operand.how == "count":  # which is never unknown
                return self.rule(replace(part, op=_OPPOSITE[part.op]))
        return self.say.not_.format(self.rule(part))

    def _leaf(self, rule: Rule) -> str:
        if isinstance(rule, Everyone):
            return self.say.everyone
        if isinstance(rule, InSegment):
            return self.say.segment.format(key=self._title(rule))
        if isinstance(rule, InList):
            return self.say.list_.format(key=self._title(rule))
        if isinstance(rule, HashSample):
            pattern = self.say.slice_ if rule.first else self.say.sample
            shares = {
                name: share_words(value, self.say)
                for name, value in (("first", rule.first), ("end", rule.end))
            }
            return pattern.format(salt=self._quoted(rule.salt), **shares)
        if isinstance(rule, Sequence):
            return self._sequence(rule)
        if isinstance(rule, Top):
            return self._top(rule)
        assert isinstance(rule, Condition)
        return self._condition(rule, None)

    def _top(self, rule: Top) -> str:
        label_, share = self._operand(rule.operand), share_words(rule.buckets, self.say)
        if rule.segment is None:
            return self.say.in_top.format(label=label_, share=share)
        key = self._quoted(self.catalog.title("segment", rule.segment, self.lang))
        return self.say.in_top_of.format(label=label_, share=share, key=key)

    def _sequence(self, rule: Sequence) -> str:
        pattern = self.say.not_followed if rule.missing else self.say.followed
        within = self.say.within.format(days=rule.within_days) if rule.within_days else self.say.same_day
        return pattern.format(
            window=self._window(rule.window),
            first=self._facts(rule.first),
            then=self._facts(rule.then),
            within=within,
        )

    def _condition(self, node: Condition, within: FactSpec | None) -> str:
        spec = resolve(node.operand, self.catalog, within)
        assert isinstance(spec, FieldSpec)
        if isinstance(node.operand, Tag) and isinstance(node, Comparison | In):
            values = (node.value,) if isinstance(node, Comparison) else node.values
            if isinstance(node, In) or node.op == "=":
                name = self._quoted(self.catalog.title("tag", node.operand.group, self.lang))
                shown = tuple(self._tag_value(node.operand.group, value) for value in values)
                return self.say.has_tag.format(name=name, values=self._values(spec, shown))
        if isinstance(node, Comparison):
            return self._comparison(node, spec)
        name = self._operand(node.operand)
        if isinstance(node, InDays):
            first, *rest = (span_words(span, self.say) for span in node.spans)
            spans = self.say.last_or.join([first, *(span.lstrip() for span in rest)])
            return self.say.in_days.format(label=name, spans=spans)
        if isinstance(node, In):
            return self.say.is_in.format(label=name, values=self._values(spec, node.values))
        if isinstance(node, Match):
            return self.say.matches[node.how].format(label=name, text=self._quoted(node.text))
        return self.say.known.format(label=name)

    def _comparison(self, node: Comparison, spec: FieldSpec) -> str:
        if spec.type == "flag":
            assert isinstance(node.operand, Field)
            text = label(FLAG_PHRASES[node.operand.name][0 if node.value else 1], self.lang)
            return text if node.value else self.say.surely.format(text)
        if isinstance(node.operand, Measure) and node.operand.how == "count":
            if _happened(node) is not None:
                return self._count(node.operand, happened=True)
            if (node.op, node.value) in (("=", 0), ("<", 1), ("<=", 0)):
                return self._count(node.operand, happened=False)
            pattern = self.say.happenings[node.operand.facts.kind].count_ops[node.op]
            return pattern.format(n=self._value(spec, node.value), **self._counted(node.operand))
        ops = self.say.text_ops if isinstance(node.value, str) else self.say.number_ops
        if isinstance(node.value, date):
            ops = self.say.day_ops
        label_ = self._operand(node.operand)
        return ops[node.op].format(label=label_, value=self._value(spec, node.value))

    def _count(self, measure: Measure, *, happened: bool) -> str:
        how = self.say.happenings[measure.facts.kind]
        pattern = how.some if happened else how.none if measure.window is not None else how.never
        return pattern.format(**self._counted(measure))

    def _counted(self, measure: Measure) -> dict[str, str]:
        """Return what a pattern takes of ``measure``: the facts, alone and as what was done; the window."""
        facts, how = self._facts(measure.facts), self.say.happenings[measure.facts.kind]
        return {
            "facts": facts,
            "counted": how.counted.format(facts=facts),
            "on_days": how.on_days.format(facts=facts),
            "window": self._window(measure.window),
        }

    def _operand(self, operand: Operand) -> str:
        if isinstance(operand, Trait):
            return self.say.trait.format(
                name=self._quoted(self.catalog.title("trait", operand.name, self.lang))
            )
        if isinstance(operand, Tag):
            return self.say.tag.format(name=self._quoted(self.catalog.title("tag", operand.group, self.lang)))
        if isinstance(operand, Property):
            return self.say.property.format(name=self._quoted(operand.name))
        if isinstance(operand, Measure):
            return self._measure(operand)
        if isinstance(operand, Ratio):
            return self.say.ratio.format(top=self._measure(operand.top), bottom=self._measure(operand.bottom))
        if isinstance(operand, Anniversary):
            if operand == BIRTHDAY:
                return self.say.birthday
            return self.say.anniversary.format(label=self._operand(operand.of))
        if operand.name in self.catalog.fields:
            spec = self.catalog.fields[operand.name]
            return operand.name if spec.type == "flag" else label(spec.labels, self.lang)
        return operand.name

    def _measure(self, measure: Measure) -> str:
        column = label(FACT_COLUMN_LABELS[measure.column], self.lang) if measure.column else ""
        return self.say.measures[measure.how].format(column=column, **self._counted(measure))

    def _facts(self, facts: Facts) -> str:
        spec = self.catalog.facts[facts.kind]
        name = self.say.facts[facts.kind]
        rest = list(facts.where)
        if rest and spec.positional and _names(rest[0], spec.positional):
            first = rest.pop(0)
            assert isinstance(first, Comparison)
            name = self.say.named[facts.kind].format(name=self._quoted(str(first.value)))
        if not rest:
            return name
        filters = self.say.filter_and.join(self._filter(condition, spec) for condition in rest)
        return self.say.filtered.format(facts=name, filters=filters)

    def _filter(self, condition: Filter, spec: FactSpec) -> str:
        if isinstance(condition, Holds):
            return self.say.holding.format(lines=self._facts(Facts(kind="items", where=condition.where)))
        return _Column(self.lang, self.catalog)._condition(condition, spec)

    def _window(self, window: Window) -> str:
        if window is None:
            return ""
        return span_words(window, self.say)

    def _values(self, spec: FieldSpec, values: tuple[Value, ...]) -> str:
        shown = [self._value(spec, value) for value in values]
        return shown[0] if len(shown) == 1 else self.say.comma.join(shown[:-1]) + self.say.last_or + shown[-1]

    def _value(self, spec: FieldSpec, value: Value) -> str:
        return value_words(spec, value, self.say, self.catalog.currency, self.lang)

    def _title(self, named: InSegment | InList) -> str:
        kind = "segment" if isinstance(named, InSegment) else "list"
        return self._quoted(self.catalog.title(kind, named.key, self.lang))

    def _tag_value(self, group: str, value: Value) -> Value:
        """Return what the brand calls a value of a tag."""
        if not isinstance(value, str):
            return value
        names = self.catalog.titles.get(("tag value", f"{group}:{value}"))
        return title(names, value)[self.lang] if names else value

    def _quoted(self, text: str) -> str:
        return self.say.quote.format(text)


class _Column(_Speaker):
    """Names the columns of facts instead of the fields of customers."""

    def _condition(self, node: Condition, within: FactSpec | None) -> str:
        spec = resolve(node.operand, self.catalog, within)
        assert isinstance(spec, FieldSpec)
        name = self._operand(node.operand)
        if isinstance(node, In):
            return self.say.column_in.format(label=name, values=self._values(spec, node.values))
        if isinstance(node, Comparison) and node.op == "=":
            return self.say.column_is.format(label=name, value=self._value(spec, node.value))
        return super()._condition(node, within)

    def _operand(self, operand: Operand) -> str:
        if isinstance(operand, Field):
            return label(FACT_COLUMN_LABELS[operand.name], self.lang)
        return super()._operand(operand)


def _happened(node: Comparison) -> Measure | None:
    """Return the measure of a count that asks for at least one."""
    measure = node.operand
    is_count = isinstance(measure, Measure) and measure.how == "count"
    asks_one = (node.op, node.value) in ((">=", 1), (">", 0))
    return measure if is_count and asks_one and isinstance(measure, Measure) else None


def _names(condition: Filter, column: str) -> bool:
    return (
        isinstance(condition, Comparison) and condition.op == "=" and condition.operand == Field(name=column)
    )
