"""The JSON form of a rule."""

import pytest

from koipond.rules import RuleError, default_catalog, from_dict, parse, to_dict

CATALOG = default_catalog("CNY")


def test_the_json_form_is_plain_and_in_stored_units() -> None:
    rule = parse("lifecycle = dormant and not money_365d >= 200", CATALOG)
    assert to_dict(rule) == {
        "and": [
            {"field": "lifecycle", "op": "=", "value": "dormant"},
            {"not": {"field": "money_365d", "op": ">=", "value": 20_000}},
        ]
    }


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        ({"and": [{"field": "member", "op": "=", "value": True}]}, "", "'and' joins at least two"),
        ({"and": [{"field": "x", "op": "=", "value": 1}] * 2}, "0", "unknown field 'x'"),
        ({"not": {"field": "grade", "op": ">", "value": "core"}}, "0", "'>' does not fit"),
        ({"field": "grade", "op": "=", "value": 7}, "", "7 is no value of 'grade'"),
        ({"field": "grade", "op": "~", "value": 7}, "", "no comparison '~'"),
        ({"field": "grade"}, "", "not a condition"),
        ({"and": [], "or": []}, "", "'and' stands alone"),
        ("member", "", "a condition is an object"),
        ({"segment": 3}, "", "a text was expected"),
        ({"sample": {"first": 0, "end": 10_001, "salt": "s"}}, "", "a sample lies between"),
        (
            {"measure": {"facts": {"of": "order"}, "how": "count"}, "op": "=", "value": 1},
            "",
            "no 'order' here",
        ),
        ({"measure": {"facts": {"of": "orders"}, "how": "avg"}, "op": "=", "value": 1}, "", "no 'avg' here"),
    ],
)
def test_a_wrong_json_form_is_told_with_the_path_of_its_node(data: object, path: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        from_dict(data, CATALOG)
    assert caught.value.problems[0].path == path
    assert caught.value.problems[0].message.startswith(message)


def test_every_wrong_node_is_reported() -> None:
    wrong = {"field": "nope", "op": "=", "value": 1}
    with pytest.raises(RuleError) as caught:
        from_dict({"or": [wrong, {"not": wrong}]}, CATALOG)
    assert [problem.path for problem in caught.value.problems] == ["0", "1.0"]
