"""Write the one-line form, in the words of a language; `parse` reads it back to an equal tree."""

from koipond.rules.catalog import Catalog, FactSpec, FieldSpec, spoken
from koipond.rules.check import check
from koipond.rules.labels import Lang
from koipond.rules.lexer import quote
from koipond.rules.operand_types import resolve
from koipond.rules.operands import BIRTHDAY
from koipond.rules.problems import RuleError
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
    Operand,
    Or,
    Property,
    Ratio,
    Rule,
    Sequence,
    Tag,
    Top,
    Trait,
)
from koipond.rules.values import name_text, percent_text, value_text
from koipond.rules.vocabulary import days_measure
from koipond.rules.vocabulary import spoken as word_in
from koipond.rules.window_words import days_text, span_text, window_text
from koipond.rules.windows import Between, Span, Yearly


def to_text(rule: Rule, catalog: Catalog, lang: Lang = "en") -> str:
    """Return ``rule`` on one line; raise RuleError when it names what the catalogue lacks.

    ``en`` is the canonical form, which is stored; the others read back to the same tree.
    """
    if problems := check(rule, catalog):
        raise RuleError(problems)
    return _Writer(catalog, lang).rule(rule)


class _Writer:
    """Writes in the words of one language."""

    def __init__(self, catalog: Catalog, lang: Lang) -> None:
        self.catalog = catalog
        self.lang: Lang = lang

    def word(self, word: str) -> str:
        return word_in(word, self.lang)

    def rule(self, rule: Rule) -> str:
        if isinstance(rule, And | Or):
            word = self.word("and" if isinstance(rule, And) else "or")
            return f" {word} ".join(self._inner(part) for part in rule.parts)
        if isinstance(rule, Not):
            return f"{self.word('not')} {self._inner(rule.part)}"
        return self._leaf(rule)

    def _inner(self, rule: Rule) -> str:
        text = self.rule(rule)
        return f"({text})" if isinstance(rule, And | Or) else text

    def _leaf(self, rule: Rule) -> str:
        if isinstance(rule, Everyone):
            return self.word("everyone")
        if isinstance(rule, InSegment):
            return f"{self.word('segment')} {name_text(rule.key)}"
        if isinstance(rule, InList):
            return f"{self.word('list')} {name_text(rule.key)}"
        if isinstance(rule, HashSample):
            first = f"{percent_text(rule.first)} {self.word('to')} " if rule.first else ""
            return f"{self.word('sample')}({first}{percent_text(rule.end)}, {quote(rule.salt)})"
        if isinstance(rule, Sequence):
            return self._sequence(rule)
        if isinstance(rule, Top):
            blank = "" if self.lang == "zh" else " "
            among = f"{self.word('in')} {self.word('top')}{blank}{percent_text(rule.buckets)}"
            top = f"{self._operand(rule.operand)} {among}"
            segment = rule.segment
            of = (
                f" {self.word('of')} {self.word('segment')} {name_text(segment)}"
                if segment is not None
                else ""
            )
            return top + of
        assert isinstance(rule, Condition)
        return self._condition(rule, None)

    def _sequence(self, rule: Sequence) -> str:
        no = f"{self.word('no')} " if rule.missing else ""
        steps = f"{self._facts(rule.first)} {self.word('then')} {no}{self._facts(rule.then)}"
        window = f", {window_text(rule.window, self.lang)}" if rule.window else ""
        within = f"{self.word('within')} {days_text(rule.within_days, self.lang)}"
        return f"{self.word('sequence')}({steps} {within}{window})"

    def _condition(self, node: Condition, within: FactSpec | None) -> str:
        if isinstance(node, Comparison) and (bought := self._bought(node)):
            return bought
        spec = resolve(node.operand, self.catalog, within)
        assert isinstance(spec, FieldSpec)
        name = self._operand(node.operand, within)
        if isinstance(node, Known):
            return f"{name} {'is ' if self.lang == 'en' else ''}{self.word('known')}"
        if isinstance(node, Match):
            return f"{name} {self._how(node)} {quote(node.text)}"
        if isinstance(node, InDays):
            return f"{name} {self.word('in')} {self._spans(node.spans)}"
        if isinstance(node, In):
            values = ", ".join(value_text(spec, value, self.lang) for value in node.values)
            return f"{name} {self.word('in')} ({values})"
        if spec.type == "flag" and node.value is True:
            return name
        return f"{name} {node.op} {value_text(spec, node.value, self.lang)}"

    def _how(self, node: Match) -> str:
        return node.how if self.lang == "en" else self.word(node.how.split()[0])

    def _spans(self, spans: tuple[Span, ...]) -> str:
        only = spans[0]
        if len(spans) == 1 and not isinstance(only, Yearly) and not _closed(only):
            return span_text(only, self.lang)
        return f"({', '.join(self._element(one) for one in spans)})"

    def _element(self, found: Span) -> str:
        if isinstance(found, Between) and _closed(found):
            return f"{found.first} {self.word('to')} {found.last}"
        return span_text(found, self.lang)

    def _bought(self, node: Comparison) -> str | None:
        measure = node.operand
        if not isinstance(measure, Measure) or (measure.facts.kind, measure.how) != ("items", "count"):
            return None
        if (node.op, node.value) != (">=", 1):
            return None
        parts = self._filters(measure.facts)
        parts += [window_text(measure.window, self.lang)] if measure.window else []
        return f"{self.word('bought')}({', '.join(parts)})"

    def _operand(self, operand: Operand, within: FactSpec | None = None) -> str:
        if isinstance(operand, Field):
            if within is not None:
                return spoken(within.columns[operand.name], self.lang, within.find)
            return spoken(self.catalog.fields[operand.name], self.lang, self.catalog.find)
        if isinstance(operand, Trait):
            return f"{self.word('trait')}.{name_text(operand.name)}"
        if isinstance(operand, Tag):
            return f"{self.word('tag')}.{name_text(operand.group)}"
        if isinstance(operand, Property):
            return f"{self.word('property')}.{name_text(operand.name)}"
        if isinstance(operand, Ratio):
            return f"{self._measure(operand.top)} / {self._measure(operand.bottom)}"
        if isinstance(operand, Anniversary):
            if operand == BIRTHDAY and within is None:
                return self.word("birthday")
            return f"{self.word('anniversary')}({self._operand(operand.of, within)})"
        return self._measure(operand)

    def _measure(self, measure: Measure) -> str:
        spec = self.catalog.facts[measure.facts.kind]
        column = spoken(spec.columns[measure.column], self.lang, spec.find) if measure.column else ""
        arguments = [part for part in (column, window_text(measure.window, self.lang)) if part]
        how = days_measure(self.lang) if measure.how == "days" else self.word(measure.how)
        return f"{self._facts(measure.facts)}.{how}({', '.join(arguments)})"

    def _facts(self, facts: Facts) -> str:
        parts = self._filters(facts)
        kind = self.word(facts.kind)
        return f"{kind}({', '.join(parts)})" if parts else kind

    def _filters(self, facts: Facts) -> list[str]:
        spec = self.catalog.facts[facts.kind]
        parts = [self._filter(condition, spec) for condition in facts.where]
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

    def _filter(self, condition: Filter, spec: FactSpec) -> str:
        if isinstance(condition, Holds):
            lines = Facts(kind="items", where=condition.where)
            return f"{self.word('with')} {self._facts(lines)}"
        return self._condition(condition, spec)


def _closed(found: Span) -> bool:
    return isinstance(found, Between) and found.first is not None and found.last is not None
