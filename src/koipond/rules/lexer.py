"""Words of the one-line form: names, texts, numbers, days, signs. Full-width signs count too."""

import re
from dataclasses import dataclass
from typing import Literal

from koipond.kernel import Message
from koipond.rules.problems import Problem
from koipond.rules.vocabulary import parts

TEXT_MAX = 100_000

TokenKind = Literal["name", "string", "number", "day", "year_day", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its kind, its meaning (a text without quotes) and where it starts."""

    kind: TokenKind
    text: str
    at: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?!\w)
    |(?P<year_day>[0-9]{2}-[0-9]{2})(?![\w-])
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)(?:(?![\w.])|(?=[\u4e00-\u9fff]))
    |(?P<name>[^\W\d]\w*)
    |(?P<string>"(?:[^"\\]|\\.)*"|“[^”]*”)
    |(?P<sign><=|>=|!=|<>|==|[<>=(),.%/])
    """,
    re.VERBOSE | re.DOTALL,
)
_FRACTION = re.compile(r"\.[0-9]+")
_WIDE = {
    "（": "(",
    "）": ")",
    "，": ",",
    "、": ",",
    "。": ".",
    "％": "%",
    "＝": "=",
    "＞": ">",
    "＜": "<",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
}
_SIGNS = {"<>": "!=", "==": "="}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_CODES = {value: f"\\{code}" for code, value in _ESCAPES.items()}


def tokens(text: str) -> tuple[list[Token], list[Problem]]:
    """Return the words of ``text``, ending with one of kind ``end``, and what could not be read."""
    if len(text) > TEXT_MAX:
        problem = Problem(
            message=Message("{count} characters", count=len(text)),
            fix=Message("keep a rule below {text_max}", text_max=TEXT_MAX),
            at=0,
        )
        return [Token("end", "", 0)], [problem]
    found: list[Token] = []
    problems: list[Problem] = []
    at = 0
    while at < len(text):
        if (wide := _WIDE.get(text[at])) is not None:
            found.append(Token("sign", wide, at))
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            problem, at = _unreadable(text, at)
            problems.append(problem)
            continue
        after_dot = bool(found) and found[-1].text == "." and found[-1].kind == "sign"
        if match.lastgroup == "name" and not after_dot and (pieces := parts(match.group())) is not None:
            found += [_piece(piece, at) for piece in pieces]
            if pieces[-1].isdigit() and (rest := _FRACTION.match(text, match.end())) is not None:
                found[-1] = Token("number", pieces[-1] + rest.group(), at)  # 前0.5%
                at = rest.end()
                continue
        elif match.lastgroup != "space":
            found.append(_token(match, at, problems))
        at = match.end()
    return [*found, Token("end", "", len(text))], problems


def quote(text: str) -> str:
    """Return ``text`` as a quoted text of the one-line form."""
    return '"' + "".join(_CODES.get(char, char) for char in text) + '"'


def is_name(text: str) -> bool:
    """Say whether ``text`` can stand without quotes."""
    match = _TOKEN.fullmatch(text)
    return match is not None and match.lastgroup == "name" and parts(text) is None


def _piece(text: str, at: int) -> Token:
    return Token("number" if text[0] in "0123456789" else "name", text, at)


def _token(match: re.Match[str], at: int, problems: list[Problem]) -> Token:
    kind = match.lastgroup
    text = match.group()
    if kind == "string":
        return Token("string", _unquote(text, at, problems), at)
    if kind == "sign":
        return Token("sign", _SIGNS.get(text, text), at)
    assert kind in ("name", "number", "day", "year_day")
    return Token(kind, text, at)  # type: ignore[arg-type]


def _unquote(text: str, at: int, problems: list[Problem]) -> str:
    body = text[1:-1]
    if text[0] != '"':
        return body

    def one(match: re.Match[str]) -> str:
        char = match.group(1)
        if char not in _ESCAPES:
            known = " ".join(f"\\{code}" for code in _ESCAPES)
            problems.append(
                Problem(
                    message=Message("no escape '\\{char}'", char=char),
                    fix=Message("known: {known}", known=known),
                    at=at,
                )
            )
        return _ESCAPES.get(char, char)

    return re.sub(r"\\(.)", one, body, flags=re.DOTALL)


def _unreadable(text: str, at: int) -> tuple[Problem, int]:
    """Return what is wrong at ``at`` and where to read on."""
    char = text[at]
    if char in '"“':
        return Problem(
            message=Message("a text without an end"), fix=Message("close it with the same quote"), at=at
        ), len(text)
    if char == "'":
        fix = Message('write texts in double quotes: "Shanghai"')
        closing = text.find("'", at + 1)
        return Problem(message=Message("single quotes"), fix=fix, at=at), closing + 1 or len(text)
    number = re.compile(r"-?\w[\w.:/-]*").match(text, at)
    if number is not None:
        fix = Message("write 12, -3, 0.5 or a day such as 2026-01-31")
        return Problem(
            message=Message("'{group}' is neither a number nor a name", group=number.group()), fix=fix, at=at
        ), number.end()
    return Problem(
        message=Message("'{char}' has no meaning here", char=char), fix=Message("remove it"), at=at
    ), at + 1
