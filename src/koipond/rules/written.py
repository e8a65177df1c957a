"""Words of a rule in what is said of it (规则用语的引用): as the text form of a language writes them."""

from collections.abc import Iterable, Mapping

from koipond.kernel import Message, joined
from koipond.rules.catalog import FactSpec, FieldSpec
from koipond.rules.catalog import spoken as name_in
from koipond.rules.labels import LANGS, Lang, label
from koipond.rules.vocabulary import days_measure, spoken


class Written(str):
    """A word of a rule. As text it is English; `in_language` writes it as that text form does."""

    texts: Mapping[Lang, str]

    def __new__(cls, word: str, texts: Mapping[Lang, str]) -> "Written":
        """Return ``word`` with what it is in each language."""
        made = super().__new__(cls, word)
        made.texts = texts
        return made

    def in_language(self, language: Lang) -> str:
        """Return the word as rules in ``language`` write it."""
        return self.texts.get(language, str(self))


def keyword(word: str) -> str:
    """Return a word of the grammar; a sign stands as it is."""
    return Written(word, {lang: spoken(word, lang) for lang in LANGS})


def keywords(words: Iterable[str]) -> Message:
    """Return words of the grammar as a list."""
    return joined(", ", [keyword(word) for word in words])


def measure_word(how: str) -> str:
    """Return the name of a measure: days that are counted have a word of their own."""
    return Written(how, {lang: days_measure(lang) for lang in LANGS}) if how == "days" else keyword(how)


def measure_words(hows: Iterable[str]) -> Message:
    """Return names of measures as a list."""
    return joined(", ", [measure_word(how) for how in hows])


def name_of(spec: FieldSpec) -> str:
    """Return the name of a field or of a column of facts; a trait has but its own."""
    if not any(spec.labels):
        return spec.name
    return Written(spec.name, {lang: name_in(spec, lang, lambda _: spec) for lang in LANGS})


def columns(facts: FactSpec, names: Iterable[str]) -> Message:
    """Return columns of ``facts`` as a list."""
    return joined(", ", [name_of(facts.columns[name]) for name in names])


def choices(spec: FieldSpec) -> Message:
    """Return the values of ``spec`` as a list."""
    shown = [
        Written(code, {**{lang: label(labels, lang) for lang in LANGS}, "en": code})
        for code, labels in spec.choices.items()
    ]
    return joined(", ", shown)
