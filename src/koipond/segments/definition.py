"""Segment definitions (人群定义): one file a segment, all mistakes as findings. Pure. Source: design §6.

key: past_own_cycle
owner: crm-team
name: {zh: 超过自己的复购周期, en: Past their own cycle, id: Melewati siklusnya sendiri}
rule: at_risk or lifecycle = dormant
refresh: always          # or manual: only when named
stale_after_days: 1      # older members block sending
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from koipond.kernel import Finding, Message, any_of, joined
from koipond.rules import Catalog, Rule, RuleError, from_dict, list_keys, parse, segment_keys, to_text
from koipond.rules.catalog import closest
from koipond.rules.labels import LANGS

Refresh = Literal["always", "manual"]
KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
STALE_DAYS_MAX = 366
_KEYS = ("key", "owner", "name", "rule", "refresh", "stale_after_days")

LineOf = Callable[[tuple[str | int, ...]], int]
"""Where a place of the file stands: `Source.line` of the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDefinition:
    """A rule with a key. ``version``: the applied version, 0 before the first apply."""

    key: str
    owner: str
    rule: Rule
    names: Mapping[str, str] = field(default_factory=dict)
    refresh: Refresh = "always"
    stale_after_days: int = 1
    version: int = 0

    @property
    def parents(self) -> tuple[str, ...]:
        """Segments that the rule names."""
        return segment_keys(self.rule)

    @property
    def lists(self) -> tuple[str, ...]:
        """Lists that the rule names."""
        return list_keys(self.rule)

    def to_mapping(self, catalog: Catalog) -> dict[str, Any]:
        """Return the canonical body of the file: defaults left out, the rule on one line."""
        body: dict[str, Any] = {"key": self.key, "owner": self.owner, "name": dict(self.names)}
        body["rule"] = to_text(self.rule, catalog)
        if self.refresh != "always":
            body["refresh"] = self.refresh
        if self.stale_after_days != 1:
            body["stale_after_days"] = self.stale_after_days
        return body


def from_mapping(
    body: Mapping[str, Any],
    catalog: Catalog,
    *,
    file: str = "",
    line_of: LineOf = lambda _: 0,
    version: int = 0,
) -> tuple[SegmentDefinition | None, list[Finding]]:
    """Return the segment that ``body`` defines, or None and everything that is wrong with it."""
    check = BodyCheck(body=body, file=file, line_of=line_of)
    check.known_keys(_KEYS)
    key = check.key()
    owner = check.text("owner", Message("name who answers for it: 'owner: crm-team'"), code="owner_missing")
    names = check.names()
    refresh = check.choice("refresh", get_args(Refresh), "always")
    stale = check.whole("stale_after_days", 0, STALE_DAYS_MAX, 1)
    rule = check.rule(catalog, body.get("rule"), ("rule",))
    if check.findings or rule is None:
        return None, check.findings
    return SegmentDefinition(
        key=key,
        owner=owner,
        rule=rule,
        names=names,
        refresh=refresh,  # type: ignore[arg-type]
        stale_after_days=stale,
        version=version,
    ), []


@dataclass(slots=True, kw_only=True)
class BodyCheck:
    """Reads the plain values of a definition and notes what is wrong with them."""

    body: Mapping[str, Any]
    file: str
    line_of: LineOf
    findings: list[Finding] = field(default_factory=list)

    def wrong(self, place: tuple[str | int, ...], message: str, fix: str, code: str = "bad_value") -> None:
        line = self.line_of(place)
        self.findings.append(Finding(file=self.file, line=line, code=code, message=message, fix=fix))

    def known_keys(self, known: Sequence[str]) -> None:
        for name in self.body:
            if name not in known:
                near = closest(str(name), tuple(known))
                fix = (
                    Message("did you mean '{near}'?", near=near)
                    if near
                    else Message("use {known}", known=joined(", ", known))
                )
                self.wrong((name,), Message("unknown key '{name}'", name=name), fix, "unknown_key")

    def key(self) -> str:
        key = self.text("key", "add 'key: its_name'")
        if key and not KEY.fullmatch(key):
            self.wrong(
                ("key",),
                Message("'{key}' is no key", key=key),
                Message("use small letters, digits and _, a letter first"),
            )
        return key

    def text(self, name: str, fix: str, code: str = "missing_key") -> str:
        value = self.body.get(name)
        if isinstance(value, str) and value.strip():
            return value
        self.wrong(
            (name,),
            Message("'{name}' is missing", name=name)
            if value is None
            else Message("'{name}' is no text", name=name),
            fix,
            code,
        )
        return ""

    def names(self) -> dict[str, str]:
        value = self.body.get("name", {})
        if isinstance(value, str):
            return dict.fromkeys(LANGS, value)
        if isinstance(value, Mapping) and all(
            lang in LANGS and isinstance(t, str) for lang, t in value.items()
        ):
            return dict(value)
        self.wrong(
            ("name",),
            Message("'name' is neither a text nor texts by language"),
            Message("write {zh: …, en: …, id: …}"),
        )
        return {}

    def choice(self, name: str, known: Sequence[str], default: str) -> str:
        value = self.body.get(name, default)
        if value in known:
            return str(value)
        self.wrong(
            (name,),
            Message("'{name}' is never {value!r}", name=name, value=value),
            Message("use {known}", known=any_of(known)),
        )
        return default

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        value = self.body.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.wrong(
            (name,),
            Message("'{name}' is not a whole number of {low} to {high}", name=name, low=low, high=high),
            Message("correct the value"),
        )
        return default

    def rule(self, catalog: Catalog, value: Any, place: tuple[str | int, ...]) -> Rule | None:
        """Read a rule in its text or JSON form."""
        if not isinstance(value, str | Mapping):
            self.wrong(
                place,
                Message("'rule' is missing"),
                Message("say who is in it: 'rule: lifecycle = dormant'"),
                "missing_key",
            )
            return None
        try:
            return parse(value, catalog) if isinstance(value, str) else from_dict(value, catalog)
        except RuleError as error:
            line = self.line_of(place)
            self.findings += [problem.finding(self.file, line) for problem in error.problems]
            return None
