"""Tag groups (标签组): typed, given by rules with a time to live, or by hand. Pure. Source: design §6.

key: interest                                   key: purchase_purpose
owner: crm-team                                 owner: service-team
name: {zh: 兴趣, en: Interest, id: Minat}        name: {zh: 购买目的, en: Purpose, id: Tujuan}
source: auto                                    source: manual
ttl_days: 90                                    type: text
tags:                                           values: [gift, self_use]
  - {value: coffee, rule: 'bought(…)'}          review_after_days: 180
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, get_args

from koipond.kernel import Finding, InputError, Message, epoch_day, joined
from koipond.rules import Catalog, InSegment, Rule, Tag, Top, to_text, walk
from koipond.rules.catalog import closest
from koipond.segments.definition import BodyCheck, LineOf
from koipond.segments.ports import TagChange

TagSource = Literal["auto", "manual"]
TagType = Literal["text", "number", "day"]
TTL_DAYS_MAX = 3_650
TAGS_MAX = 100
_KEYS = (
    "key",
    "owner",
    "name",
    "source",
    "type",
    "exclusive",
    "ttl_days",
    "review_after_days",
    "tags",
    "values",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule:
    """One automatic tag: whoever satisfies ``rule`` has it."""

    value: str
    rule: Rule
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagGroup:
    """A group of tags. ``version``: the applied version, 0 before the first apply.

    ``exclusive``: a customer has at most one of them, the first whose rule holds (or the last given by hand).
    ``ttl_days``: an automatic tag stays that long after its rule last held; 0 = falls with the rule.
    ``values``: what may be given by hand; empty = anything of the type. ``review_after_days``: a tag given by
    hand longer ago than this is to be looked at again.
    """

    key: str
    owner: str
    source: TagSource
    names: Mapping[str, str] = field(default_factory=dict)
    type: TagType = "text"
    exclusive: bool = False
    ttl_days: int = 0
    review_after_days: int = 365
    rules: tuple[TagRule, ...] = ()
    values: tuple[str, ...] = ()
    version: int = 0

    def to_mapping(self, catalog: Catalog) -> dict[str, Any]:
        """Return the canonical body of the file: defaults left out."""
        body: dict[str, Any] = {"key": self.key, "owner": self.owner, "name": dict(self.names)}
        body["source"] = self.source
        plain = TagGroup(key="", owner="", source="auto")
        for name in ("type", "exclusive", "ttl_days", "review_after_days"):
            if getattr(self, name) != getattr(plain, name):
                body[name] = getattr(self, name)
        if self.rules:
            body["tags"] = [_tag_body(tag, catalog) for tag in self.rules]
        if self.values:
            body["values"] = list(self.values)
        return body


def _tag_body(tag: TagRule, catalog: Catalog) -> dict[str, Any]:
    name = {"name": dict(tag.names)} if tag.names else {}
    return {"value": tag.value, **name, "rule": to_text(tag.rule, catalog)}


def tag_group_from(
    body: Mapping[str, Any],
    catalog: Catalog,
    *,
    file: str = "",
    line_of: LineOf = lambda _: 0,
    version: int = 0,
) -> tuple[TagGroup | None, list[Finding]]:
    """Return the tag group that ``body`` defines, or None and everything that is wrong with it."""
    check = BodyCheck(body=body, file=file, line_of=line_of)
    check.known_keys(_KEYS)
    source = check.choice("source", get_args(TagSource), "")
    group = TagGroup(
        key=check.key(),
        owner=check.text(
            "owner", Message("name who answers for it: 'owner: crm-team'"), code="owner_missing"
        ),
        names=check.names(),
        source="manual" if source == "manual" else "auto",
        type=check.choice("type", get_args(TagType), "text"),  # type: ignore[arg-type]
        exclusive=_flag(check, "exclusive"),
        ttl_days=check.whole("ttl_days", 0, TTL_DAYS_MAX, 0),
        review_after_days=check.whole("review_after_days", 1, TTL_DAYS_MAX, 365),
        rules=_rules(check, catalog) if source == "auto" else (),
        values=_values(check) if source == "manual" else (),
        version=version,
    )
    for name in ("values",) if source == "auto" else ("tags", "ttl_days"):
        if name in body:
            check.wrong(
                (name,),
                Message("'{name}' has no meaning in a group given {by}", name=name, by=_by(source)),
                Message("remove it"),
            )
    return (None if check.findings else group), check.findings


def _by(source: str) -> str:
    return Message("by rules") if source == "auto" else Message("by hand")


def _flag(check: BodyCheck, name: str) -> bool:
    value = check.body.get(name, False)
    if not isinstance(value, bool):
        check.wrong(
            (name,),
            Message("'{name}' is true or false, not {value!r}", name=name, value=value),
            Message("correct the value"),
        )
    return value is True


def _rules(check: BodyCheck, catalog: Catalog) -> tuple[TagRule, ...]:
    listed = check.body.get("tags")
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not 1 <= len(listed) <= TAGS_MAX:
        fix = Message("write 'tags: [{value: coffee, rule: …}]'")
        check.wrong(
            ("tags",),
            Message("'tags' is no list of 1 to {tags_max} tags", tags_max=TAGS_MAX),
            fix,
            "missing_key",
        )
        return ()
    found: list[TagRule] = []
    for place, body in enumerate(listed):
        tag = _one_rule(check, catalog, body, ("tags", place))
        if tag is not None and tag.value in {other.value for other in found}:
            check.wrong(
                ("tags", place),
                Message("'{value}' stands twice", value=tag.value),
                Message("join the two rules by 'or'"),
            )
        if tag is not None:
            found.append(tag)
    return tuple(found)


def _one_rule(check: BodyCheck, catalog: Catalog, body: Any, place: tuple[str | int, ...]) -> TagRule | None:
    if not isinstance(body, Mapping):
        check.wrong(place, Message("a tag is a mapping"), Message("write {value: coffee, rule: …}"))
        return None
    inner = BodyCheck(body=body, file=check.file, line_of=lambda sub: check.line_of((*place, *sub)))
    inner.known_keys(("value", "name", "rule"))
    value, names = inner.text("value", Message("name the tag: 'value: coffee'")), inner.names()
    rule = inner.rule(catalog, body.get("rule"), ("rule",))
    for _, node in walk(rule) if rule else ():
        names_one = isinstance(node, InSegment) or (isinstance(node, Top) and node.segment is not None)
        if names_one or isinstance(getattr(node, "operand", None), Tag):
            fix = Message("write the condition out; segments and tags are refreshed after this rule is read")
            inner.wrong(("rule",), Message("the rule of a tag names a segment or a tag"), fix, "bad_rule")
    check.findings += inner.findings
    return TagRule(value=value, rule=rule, names=names) if rule and not inner.findings else None


def _values(check: BodyCheck) -> tuple[str, ...]:
    values = check.body.get("values", [])
    is_list = isinstance(values, Sequence) and not isinstance(values, str)
    if is_list and all(isinstance(value, str) and value for value in values):
        return tuple(values)
    check.wrong(
        ("values",), Message("'values' is no list of texts"), Message("write 'values: [gift, self_use]'")
    )
    return ()


def number_of(group: TagGroup, value: str) -> float | None:
    """Return ``value`` as the number it stands for in a numeric group."""
    return float(value) if group.type == "number" else None


def check_change(group: TagGroup, change: TagChange) -> None:
    """Raise InputError naming everything that keeps ``change`` from being made by hand (S06)."""
    wrong: list[str] = []
    if group.source != "manual":
        wrong.append(Message("'{key}' is given by rules, not by hand", key=group.key))
    if not change.author.strip():
        wrong.append(Message("name the author"))
    if not change.reason.strip():
        wrong.append(Message("give a reason"))
    if change.value is not None:
        wrong += _wrong_value(group, change.value)
    if wrong:
        raise InputError(
            "tag '{tag_group}' of customer {customer_no}: {wrong}",
            tag_group=change.tag_group,
            customer_no=change.customer_no,
            wrong=joined("; ", wrong),
        )


def _wrong_value(group: TagGroup, value: str) -> list[str]:
    if group.values and value not in group.values:
        near = closest(value, group.values)
        hint = (
            Message("did you mean '{near}'?", near=near)
            if near
            else Message("use {values}", values=joined(", ", group.values))
        )
        return [Message("'{value}' is none of its values; {hint}", value=value, hint=hint)]
    try:
        if group.type == "day":
            epoch_day(date.fromisoformat(value))
        if group.type == "number" and not abs(float(value)) <= 1e308:
            raise ValueError
    except ValueError:
        return [Message("'{value}' is no {kind}", value=value, kind=group.type)]
    return [] if value else [Message("the value is empty")]
