"""Single values in words (取值的说法)."""

from datetime import date
from decimal import Decimal

from koipond.kernel import Amount
from koipond.rules.catalog import FieldSpec
from koipond.rules.labels import Lang, label
from koipond.rules.phrases import Phrases, number
from koipond.rules.tree import Value


def value_words(spec: FieldSpec, value: Value, say: Phrases, currency: str, lang: Lang) -> str:
    """Return a value, in stored units, as people say it."""
    if isinstance(value, str):
        return label(spec.choices[value], lang) if spec.type == "choice" else say.quote.format(value)
    if isinstance(value, date):
        return say.day(value)
    if isinstance(value, float):
        return number(Decimal(repr(value)), say)
    exact = Decimal(int(value)).scaleb(-spec.digits)
    if spec.percent:
        return f"{number((exact * 100).normalize(), say)}%"
    if spec.type != "money":
        return number(exact.normalize() if spec.digits else exact, say)
    return Amount(int(value), currency).in_language(lang)


def share_words(buckets: int, say: Phrases) -> str:
    """Return a share in parts of 10,000 as people say it."""
    return f"{number((Decimal(buckets) / 100).normalize(), say)}%"
