"""Tag groups: definitions, refresh with a time to live, history, manual tags."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from koipond.facts.ports import Writer
from koipond.kernel import InputError
from koipond.rules import default_catalog, parse
from koipond.segments.count import count_rule
from koipond.segments.ports import ManualTag, TagChange
from koipond.segments.scope import Scope
from koipond.segments.tag_definition import TagGroup, TagRule, check_change, tag_group_from
from koipond.segments.tag_refresh import read_tag_states, refresh_tags
from koipond.segments.tag_report import TagFreshness, tag_report
from koipond.testing.facts import warehouse_of

CATALOG = default_catalog("CNY")
DAY = 17_000
NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
PROFILE = pa.schema(
    [
        ("customer_no", pa.int32()),
        ("customer_uid", pa.string()),
        ("member", pa.bool_()),
        ("friend", pa.bool_()),
        ("profiling_refused", pa.bool_()),
    ]
)
BODY = {
    "key": "interest",
    "owner": "crm-team",
    "name": {"zh": "兴趣"},
    "source": "auto",
    "exclusive": True,
    "ttl_days": 30,
    "tags": [
        {"value": "coffee", "name": {"zh": "咖啡"}, "rule": 'bought(category = "coffee", last 90 days)'},
        {"value": "tea", "rule": 'bought(category = "tea", last 90 days)'},
    ],
}
PURPOSE = TagGroup(key="purpose", owner="service", source="manual", values=("gift", "self_use"))


def test_a_group_reads_and_writes_back_the_same_body() -> None:
    group, findings = tag_group_from(BODY, CATALOG)
    assert findings == []
    assert group is not None
    assert group.to_mapping(CATALOG) == BODY
    manual, findings = tag_group_from(PURPOSE.to_mapping(CATALOG), CATALOG)
    assert findings == []
    assert manual == PURPOSE


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"source": "rules"}, "bad_value", "'source' is never 'rules'"),
        ({"tags": []}, "missing_key", "'tags' is no list of 1 to 100 tags"),
        ({"tags": [{"value": "a"}]}, "missing_key", "'rule' is missing"),
        ({"tags": [{"value": "a", "rule": "membr"}]}, "bad_rule", "unknown field 'membr'"),
        ({"tags": [{"value": "a", "rule": "segment x"}]}, "bad_rule", "the rule of a tag names a segment"),
        ({"tags": [{"value": "a", "rule": "tag.b = c"}]}, "bad_rule", "the rule of a tag names a segment"),
        ({"tags": [{"value": "a", "rule": "member"}] * 2}, "bad_value", "'a' stands twice"),
        ({"values": ["x"]}, "bad_value", "'values' has no meaning in a group given by rules"),
        ({"exclusive": "yes"}, "bad_value", "'exclusive' is true or false"),
        ({"ttl_day": 3}, "unknown_key", "unknown key 'ttl_day'"),
    ],
)
def test_each_mistake_of_a_group_is_a_finding(changes: dict[str, Any], code: str, message: str) -> None:
    group, findings = tag_group_from({**BODY, **changes}, CATALOG)
    assert group is None
    assert findings[0].code == code
    assert findings[0].message.startswith(message)


def change(**changes: Any) -> TagChange:
    base = {"customer_no": 1, "tag_group": "purpose", "value": "gift", "author": "li", "reason": "said so"}
    return TagChange(**{**base, **changes})


def test_a_tag_given_by_hand_needs_author_reason_and_a_known_value() -> None:
    check_change(PURPOSE, change())
    check_change(PURPOSE, change(value=None))
    with pytest.raises(InputError, match="name the author; give a reason; 'gft' is none of its values"):
        check_change(PURPOSE, change(author="", reason=" ", value="gft"))
    with pytest.raises(InputError, match="given by rules"):
        check_change(TagGroup(key="interest", owner="a", source="auto"), change())
    height = TagGroup(key="height", owner="a", source="manual", type="number")
    check_change(height, change(value="170.5"))
    for wrong in ("tall", "nan", "inf"):
        with pytest.raises(InputError, match="is no number"):
            check_change(height, change(value=wrong))
    born = TagGroup(key="born", owner="a", source="manual", type="day")
    check_change(born, change(value="2000-02-29"))
    with pytest.raises(InputError, match="is no day"):
        check_change(born, change(value="2001-02-29"))


def auto(key: str, *tags: tuple[str, str], **rest: Any) -> TagGroup:
    rules = tuple(TagRule(value=value, rule=parse(rule, CATALOG)) for value, rule in tags)
    return TagGroup(**{"key": key, "owner": "crm", "source": "auto", "rules": rules, "version": 1, **rest})


@contextmanager
def writing(folder: Path) -> Iterator[Writer]:
    with warehouse_of(folder).write("refresh") as writer:
        yield writer


def refresh(
    writer: Writer,
    day: int,
    people: dict[int, str],
    groups: Sequence[TagGroup],
    manual: Sequence[ManualTag] = (),
    **scope: Any,
) -> list[tuple[int, str, str]]:
    """Refresh on ``day``; ``people``: number → letters of m(ember), f(riend), r(efused). Return the tags."""
    rows = [
        {
            "customer_no": no,
            "customer_uid": f"u{no}",
            "member": "m" in letters,
            "friend": "f" in letters,
            "profiling_refused": "r" in letters,
        }
        for no, letters in people.items()
    ]
    writer.replace("profile", writer.stage("_profile", pa.Table.from_pylist(rows, PROFILE)))
    at = Scope(reader=writer, as_of_day=day, catalog=CATALOG, **scope)
    refresh_tags(writer, groups, at, manual, NOW)
    if not writer.has("tags"):
        return []
    tags = writer.frame(writer.table("tags")).to_pylist()
    return sorted((tag["customer_no"], tag["tag_group"], tag["text_value"]) for tag in tags)


def history(writer: Writer) -> list[tuple[int, str, str, int, str]]:
    rows = writer.frame(writer.table("tag_history")).to_pylist()
    return sorted(
        (row["day"], row["text_value"], row["change"], row["customer_no"], row["cause"]) for row in rows
    )


def test_a_tag_without_a_time_holds_exactly_while_its_rule_does(tmp_path: Path) -> None:
    group = auto("kind", ("member", "member"), ("friend", "friend"))
    with writing(tmp_path) as writer:
        assert refresh(writer, DAY, {0: "mf", 1: "", 2: "mr"}, [group]) == [
            (0, "kind", "friend"),
            (0, "kind", "member"),
        ]
        assert refresh(writer, DAY + 1, {0: "f", 1: "m"}, [group]) == [
            (0, "kind", "friend"),
            (1, "kind", "member"),
        ]
        assert history(writer) == [
            (DAY, "friend", "added", 0, "rule"),
            (DAY, "member", "added", 0, "rule"),
            (DAY + 1, "member", "added", 1, "rule"),
            (DAY + 1, "member", "removed", 0, "rule"),
        ]
        tags = writer.frame(writer.table("tags")).to_pylist()
        assert {tag["text_value"]: tag["from_day"] for tag in tags} == {"friend": DAY, "member": DAY + 1}


def test_a_tag_with_a_time_lingers_and_then_expires(tmp_path: Path) -> None:
    group = auto("kind", ("member", "member"), ttl_days=3)
    with writing(tmp_path) as writer:
        assert refresh(writer, DAY, {0: "m"}, [group])
        assert refresh(writer, DAY + 1, {0: "m"}, [group])
        assert refresh(writer, DAY + 4, {0: ""}, [group])
        assert refresh(writer, DAY + 5, {0: ""}, [group]) == []
        assert history(writer) == [
            (DAY, "member", "added", 0, "rule"),
            (DAY + 5, "member", "expired", 0, "rule"),
        ]


def test_who_refuses_profiling_loses_automatic_tags_at_once(tmp_path: Path) -> None:
    group = auto("kind", ("member", "member"), ttl_days=30)
    with writing(tmp_path) as writer:
        assert refresh(writer, DAY, {0: "m"}, [group])
        assert refresh(writer, DAY + 1, {0: "mr"}, [group]) == []


def test_an_exclusive_group_gives_the_first_tag_that_fits_and_a_new_one_ends_the_old(tmp_path: Path) -> None:
    group = auto("kind", ("member", "member"), ("friend", "friend"), exclusive=True, ttl_days=9)
    with writing(tmp_path) as writer:
        assert refresh(writer, DAY, {0: "mf", 1: "f"}, [group]) == [
            (0, "kind", "member"),
            (1, "kind", "friend"),
        ]
        assert refresh(writer, DAY + 1, {0: "f", 1: ""}, [group]) == [
            (0, "kind", "friend"),
            (1, "kind", "friend"),
        ]


def test_a_changed_or_dropped_definition_is_the_cause_of_what_it_ends(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        refresh(
            writer,
            DAY,
            {0: "m"},
            [auto("kind", ("member", "member"), ttl_days=9), auto("b", ("x", "member"))],
        )
        changed = auto("kind", ("friend", "friend"), ttl_days=9, version=2)
        assert refresh(writer, DAY + 1, {0: "m"}, [changed]) == []
        assert history(writer)[2:] == [
            (DAY + 1, "member", "removed", 0, "definition"),
            (DAY + 1, "x", "removed", 0, "definition"),
        ]


def test_a_failing_group_keeps_its_tags_and_hurts_no_other(tmp_path: Path) -> None:
    kind, other = auto("kind", ("member", "member")), auto("other", ("friend", "friend"))
    with writing(tmp_path) as writer:
        refresh(writer, DAY, {0: "mf"}, [kind, other])
        broken = auto("kind", ("member", "grade = core"), version=2)
        assert refresh(writer, DAY + 1, {0: ""}, [broken, other]) == [(0, "kind", "member")]
        states = read_tag_states(writer)
    assert states["kind"].error is not None
    assert (states["kind"].version, states["kind"].as_of_day) == (1, DAY)
    assert (states["other"].error, states["other"].as_of_day) == (None, DAY + 1)


def test_tags_given_by_hand_hold_until_their_day_and_rules_read_them(tmp_path: Path) -> None:
    def given(no: int, group: str, value: str, until_day: int | None = None) -> ManualTag:
        return ManualTag(
            customer_no=no,
            tag_group=group,
            value=value,
            author="li",
            reason="said so",
            from_day=DAY - 5,
            until_day=until_day,
            at=NOW,
        )

    manual = [
        given(0, "purpose", "gift"),
        given(1, "purpose", "gift", until_day=DAY - 1),
        given(1, "height", "170.5", until_day=DAY),
        given(1, "no_such_group", "x"),
    ]
    height = TagGroup(key="height", owner="a", source="manual", type="number")
    with writing(tmp_path) as writer:
        tags = refresh(writer, DAY, {0: "", 1: "", 2: ""}, [PURPOSE, height], manual)
        assert tags == [(0, "purpose", "gift"), (1, "height", "170.5")]
        scope = Scope(reader=writer, as_of_day=DAY, catalog=CATALOG)
        assert count_rule(scope, parse("tag.purpose = gift", CATALOG))["count"] == 1
        assert count_rule(scope, parse("tag.height > 170", CATALOG))["count"] == 1
        assert count_rule(scope, parse("not tag.purpose = gift", CATALOG))["count"] == 2


def test_a_workspace_without_tags_refreshes_to_none(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        assert refresh(writer, DAY, {0: "m"}, []) == []


def reported(writer: Writer, day: int, groups: Sequence[TagGroup]) -> dict[tuple[str, str], TagFreshness]:
    scope = Scope(reader=writer, as_of_day=day, catalog=CATALOG)
    return {(line.tag_group, line.value): line for line in tag_report(scope, groups)}


def test_the_report_says_which_tags_are_out_of_date_or_say_nothing(tmp_path: Path) -> None:
    kind = auto("kind", ("member", "member"), ("nobody", "not everyone"), ("all", "everyone"), ttl_days=10)
    given = ManualTag(
        customer_no=2,
        tag_group="purpose",
        value="gift",
        author="li",
        reason="said so",
        from_day=DAY - 400,
        until_day=None,
        at=NOW,
    )
    people = {0: "m", 1: "m", 2: "", 3: "mr"}
    with writing(tmp_path) as writer:
        refresh(writer, DAY - 40, people, [kind, PURPOSE], [given])
        refresh(writer, DAY - 4, people, [kind, PURPOSE], [given])
        refresh(writer, DAY, {**people, 1: ""}, [kind, PURPOSE], [given])
        report = reported(writer, DAY, [kind, PURPOSE])
        later = reported(writer, DAY + 2, [auto("kind", ("member", "member"), version=2)])
    member = report["kind", "member"]
    assert (member.holders, member.lingering, member.expiring) == (2, 1, 1)
    assert (member.gained, member.lost, member.issues) == (0, 0, ())
    assert member.oldest_on == "2016-07-14"
    assert report["kind", "nobody"].issues == ("nobody",)
    assert report["kind", "all"].issues == ("nearly_everybody",)
    assert (report["purpose", "gift"].review_due, report["purpose", "gift"].issues) == (1, ("review_due",))
    assert report["purpose", "self_use"].issues == ("nobody",)
    assert later["kind", "member"].issues == ("definition_changed", "too_old")


def test_a_group_never_refreshed_is_reported_as_such(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        refresh(writer, DAY, {0: "m"}, [])
        report = reported(writer, DAY, [auto("kind", ("member", "member"))])
    assert report["kind", "member"].issues == ("never_refreshed",)
    assert report["kind", "member"].to_dict()["holders"] == 0
