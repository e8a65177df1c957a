"""Read and write single values (取值) of the one-line form: stored units inside, people's units outside."""

from datetime import date
from decimal import Decimal

from koipond.kernel import Message
from koipond.rules.catalog import FieldSpec, choice_code, choice_names, closest
from koipond.rules.check import did_you_mean
from koipond.rules.cursor import Cursor
from koipond.rules.labels import Lang, label
from koipond.rules.lexer import Token, is_name, quote
from koipond.rules.operand_types import INT64_MAX, wanted
from koipond.rules.tree import BUCKETS, Value
from koipond.rules.vocabulary import KEYWORDS
from koipond.rules.written import choices, name_of

_TRUE, _FALSE = ("true", "是", "ya"), ("false", "否", "tidak")


def value(cursor: Cursor, spec: FieldSpec | None) -> Value:
    """Read one value of the type of ``spec`` and return it in stored units."""
    token = cursor.word
    if token.kind in ("end", "sign", "year_day"):
        raise cursor.failed(Message("{shown} where a value was expected", shown=cursor.shown()))
    if spec is not None and spec.holds and token.kind != {"date": "day"}.get(spec.holds, spec.holds):
        return _wrong(cursor, spec, cursor.take())
    if token.kind == "day":
        day = cursor.day(Message("a day"))
        return day if spec is None or spec.type in ("day", "any") else _wrong(cursor, spec, token)
    cursor.take()
    if spec is None:
        return token.text
    if spec.type in ("number", "money"):
        return _number(cursor, spec, token)
    if spec.type == "choice":
        return _choice(cursor, spec, token)
    if spec.type == "flag":
        return token.text in _TRUE if token.text in (*_TRUE, *_FALSE) else _wrong(cursor, spec, token)
    if spec.type == "any" and token.kind == "number":
        return _plain_number(cursor, token)
    return token.text if spec.type in ("text", "any") else _wrong(cursor, spec, token)


def percent(cursor: Cursor) -> int:
    """Read a share such as ``10%`` and return it in parts of 10,000."""
    token = cursor.expect_kind("number", Message("a share such as 10%"))
    cursor.expect("%")
    buckets = Decimal(token.text) * BUCKETS / 100
    if buckets != buckets.to_integral_value() or not 0 <= buckets <= BUCKETS:
        raise cursor.failed(
            Message("{text}% is no share", text=token.text),
            Message("use 0% to 100% with at most 2 decimals"),
            token.at,
        )
    return int(buckets)


def percent_text(buckets: int) -> str:
    """Return a share in parts of 10,000 as it is written."""
    whole, rest = divmod(buckets, 100)
    return f"{whole}.{rest:02d}%" if rest else f"{whole}%"


def _number(cursor: Cursor, spec: FieldSpec, token: Token) -> Value:
    if token.kind != "number":
        return _wrong(cursor, spec, token)
    shift = (
        spec.digits - 2 if spec.type == "number" and spec.digits > 1 and cursor.accepts("%") else spec.digits
    )
    stored = Decimal(token.text).scaleb(shift)
    if abs(stored) > INT64_MAX:
        cursor.problem(
            Message("{text} is too large", text=token.text), Message("use a smaller number"), token.at
        )
        return 0
    if stored != stored.to_integral_value():
        at_most = (
            Message("with at most {shift} decimals", shift=shift) if shift else Message("without decimals")
        )
        cursor.problem(
            Message("{text} is too exact", text=token.text),
            Message("write '{name}' {at_most}", name=name_of(spec), at_most=at_most),
            token.at,
        )
        return 0
    return int(stored)


def _plain_number(cursor: Cursor, token: Token) -> Value:
    exact = Decimal(token.text)
    if exact == exact.to_integral_value() and abs(exact) <= INT64_MAX:
        return int(exact)
    if abs(exact) > Decimal("1e308"):
        cursor.problem(
            Message("{text} is too large", text=token.text), Message("use a smaller number"), token.at
        )
        return 0
    return float(exact)


def _choice(cursor: Cursor, spec: FieldSpec, token: Token) -> Value:
    code = choice_code(spec, token.text)
    if code is None:
        near = did_you_mean(
            closest(token.text, choice_names(spec)), Message("use {known}", known=choices(spec))
        )
        cursor.problem(
            Message("'{name}' is never '{text}'", name=name_of(spec), text=token.text), near, token.at
        )
        return next(iter(spec.choices))
    return code


def _wrong(cursor: Cursor, spec: FieldSpec, token: Token) -> Value:
    cursor.problem(
        Message("'{text}' is no value of '{name}'", text=token.text, name=name_of(spec)),
        Message("give {wanted}", wanted=wanted(spec)),
        token.at,
    )
    return ""  # the problem is recorded: the tree is never used


def value_text(spec: FieldSpec, given: Value, lang: Lang = "en") -> str:
    """Return ``given``, in stored units, as it is written."""
    if isinstance(given, bool):
        return (_TRUE if given else _FALSE)[{"en": 0, "zh": 1, "id": 2}[lang]]
    if isinstance(given, str):
        return _choice_text(spec, given, lang) if spec.type == "choice" else quote(given)
    if isinstance(given, date):
        return given.isoformat()
    if isinstance(given, int) and spec.percent:
        return _percent_text(Decimal(given).scaleb(2 - spec.digits))
    if isinstance(given, int) and spec.digits:
        return format(Decimal(given).scaleb(-spec.digits), "f")
    if isinstance(given, float) and given.is_integer() and abs(given) <= INT64_MAX:
        return str(int(given))
    return repr(given)


def _percent_text(share: Decimal) -> str:
    return f"{share.normalize():f}%"


def _choice_text(spec: FieldSpec, code: str, lang: Lang) -> str:
    shown = label(spec.choices[code], lang)
    if lang == "en" or choice_code(spec, shown) != code:
        return name_text(code)
    return name_text(shown)


def name_text(text: str) -> str:
    """Return a key or a name as it is written: in quotes when it would read as something else."""
    return text if is_name(text) and text not in KEYWORDS else quote(text)
