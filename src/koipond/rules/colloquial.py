"""What is typed without brackets (口语): ``近90天买过护肤没买彩妆``, and the rule it stands for.

Such a text is not read: nothing says whether 护肤 is a category or part of a product's name, nor where a name
ends. It is advised instead, in the operator's own words, so that it only needs to be taken over.
"""

import re

from koipond.kernel import Message
from koipond.rules.lexer import quote
from koipond.rules.problems import Problem

_WINDOW = (
    r"(?:(?:近|最近|过去)\s*(?P<last>[0-9]+)\s*[天日](?:之?内|里)?"
    r"|(?P<within>[0-9]+)\s*[天日](?:之?内|里)|(?P<named>今天|昨天|本周|上周|本月|上月|今年|去年))"
)
_HEAD = re.compile(
    rf"(?:{_WINDOW}\s*)?(?:(?P<no>没有?购?买过?|未购?买过?)|(?:购?买过|购?买了))\s*(?![\s(（])"
)
_PEOPLE = r"的?(?:人|客户|顾客|用户|会员)|的"
_GOODS = re.compile(
    rf"""[“"](?P<quoted>[^”"]+)[”"]|(?P<bare>(?:(?!且|并且|或|(?:{_PEOPLE})$)[^\s,，、;；。()（）"“”=<>!%.:：])+)"""
)
_JOINT = re.compile(r"(?:但是?|却|又|而且?|并且?|同时|和|与|还|也)$")
_LINK = re.compile(r"[\s,，;；]*(?P<word>或者?)?(?:但是?|却|又|而且?|且|并且?|同时|和|与|还|也)?[\s,，;；]*")


def with_brackets(text: str) -> tuple[str, int] | None:
    """Return the rule that ``text`` may stand for, and where its first clause begins; None: it has none."""
    heads = list(_HEAD.finditer(text))
    written, at, window = "", 0, ""
    for place, head in enumerate(heads):
        stop = heads[place + 1].start() if place + 1 < len(heads) else len(text)
        goods = _GOODS.match(text, head.end(), stop)
        if goods is None:
            return None
        written += _between(text[at : head.start()], is_first=place == 0)
        window = _window_of(head) or window
        name = goods["quoted"] or goods["bare"]
        at = goods.end()
        if goods["bare"] and at == stop and place + 1 < len(heads):
            name = _JOINT.sub("", name) or name
        written += f"{window}{'没买过' if head['no'] else '买过'}(类目 = {quote(name)})"
    if not heads:
        return None
    rest = re.sub(rf"^(?:{_PEOPLE})$", "", text[at:].strip())
    rest = re.sub(r"^(且|并且|或者?)(?=\S)", r"\1 ", rest)
    return f"{written} {rest}".strip(), heads[0].start()


def advice(rule: str, at: int) -> Problem:
    """Return what is wrong with a rule that stands for ``rule``, from character ``at`` on."""
    return Problem(
        message=Message("what was bought stands without brackets"),
        fix=Message(
            "write {rule}; if a word is part of a product's name and no category: 商品名 包含 in place of"
            " 类目 =",
            rule=rule,
        ),
        at=at,
    )


def _window_of(head: re.Match[str]) -> str:
    days = head["last"] or head["within"]
    return f"近{days}天" if days else f"{head['named']} " if head["named"] else ""


def _between(text: str, *, is_first: bool) -> str:
    """Return what links a clause to what stands before it."""
    link = _LINK.fullmatch(text)
    if is_first or link is None:
        return f"{text.rstrip()} " if text.strip() else ""
    return " 或 " if link["word"] else " 且 "
