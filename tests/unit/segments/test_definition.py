"""Segment definitions and the order they are refreshed in."""

import pytest

from koipond.rules import default_catalog, parse
from koipond.segments.definition import SegmentDefinition, from_mapping
from koipond.segments.order import check_references, levels

CATALOG = default_catalog("CNY")
BODY = {
    "key": "past_own_cycle",
    "owner": "crm-team",
    "name": {"zh": "超过自己的复购周期", "en": "Past their own cycle"},
    "rule": "at_risk or lifecycle = dormant",
}


def segment(key: str, rule: str) -> SegmentDefinition:
    return SegmentDefinition(key=key, owner="crm", rule=parse(rule, CATALOG))


def test_a_definition_reads_and_writes_back_the_same_body() -> None:
    definition, findings = from_mapping(BODY, CATALOG)
    assert findings == []
    assert definition is not None
    assert definition.to_mapping(CATALOG) == BODY
    again, _ = from_mapping(definition.to_mapping(CATALOG), CATALOG)
    assert again == definition


def test_the_json_form_of_a_rule_is_written_back_as_text() -> None:
    body = {**BODY, "rule": {"field": "lifecycle", "op": "=", "value": "dormant"}, "stale_after_days": 3}
    definition, findings = from_mapping(body, CATALOG)
    assert findings == []
    assert definition is not None
    assert definition.to_mapping(CATALOG) == {**BODY, "rule": "lifecycle = dormant", "stale_after_days": 3}


def test_every_mistake_of_a_definition_is_a_finding_with_its_line() -> None:
    body = {"key": "Bad Key", "rul": "x", "rule": "lifecyle = dormant", "refresh": "hourly", "name": 3}
    lines = {("rule",): 4, ("refresh",): 5}
    definition, findings = from_mapping(
        body, CATALOG, file="segments/x.yaml", line_of=lambda p: lines.get(p, 1)
    )
    assert definition is None
    assert [(f.code, f.line) for f in findings] == [
        ("unknown_key", 1),
        ("bad_value", 1),
        ("owner_missing", 1),
        ("bad_value", 1),
        ("bad_value", 5),
        ("bad_rule", 4),
    ]
    assert "did you mean 'rule'?" in findings[0].fix
    assert findings[-1].message == "unknown field 'lifecyle' (column 1 of the rule)"
    assert findings[-1].file == "segments/x.yaml"


@pytest.mark.parametrize("stale_after_days", [-1, 367, True, "1", 1.5])
def test_the_age_allowed_is_a_small_whole_number(stale_after_days: object) -> None:
    _, findings = from_mapping({**BODY, "stale_after_days": stale_after_days}, CATALOG)
    assert [finding.code for finding in findings] == ["bad_value"]


def test_parents_come_before_those_that_name_them() -> None:
    definitions = [
        segment("grandchild", "segment child or segment base"),
        segment("child", "segment base and member"),
        segment("base", "member"),
        segment("other", "friend"),
    ]
    assert [[d.key for d in level] for level in levels(definitions)] == [
        ["base", "other"],
        ["child"],
        ["grandchild"],
    ]


def test_a_circle_and_an_unknown_segment_are_findings_and_in_no_level() -> None:
    definitions = [
        segment("a", "segment b"),
        segment("b", "not segment a"),
        segment("c", "segment vpi"),
        segment("vip", "member"),
        segment("downstream", "segment a or member"),
    ]
    assert [[d.key for d in level] for level in levels(definitions)] == [["vip"]]
    findings = check_references(definitions)
    assert [(f.file, f.code) for f in findings] == [
        ("segments/a.yaml", "segment_cycle"),
        ("segments/b.yaml", "segment_cycle"),
        ("segments/c.yaml", "unknown_reference"),
    ]
    assert findings[0].message == "'a' contains itself: a → b → a"
    assert findings[2].fix == "did you mean 'vip'?"


def test_a_segment_may_not_name_itself() -> None:
    assert check_references([segment("a", "segment a")])[0].message == "'a' contains itself: a → a"
