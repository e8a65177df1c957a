"""Refreshing segments over a real warehouse."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyroaring import BitMap

from koipond.facts.ports import Writer
from koipond.kernel import InputError
from koipond.rules import default_catalog, parse
from koipond.segments.bitmaps import combine, from_numbers, is_set_algebra, to_table
from koipond.segments.definition import Refresh, SegmentDefinition
from koipond.segments.membership import members, refresh_segments
from koipond.segments.scope import Scope
from koipond.segments.segment_state import SegmentState, read_states, stale
from koipond.testing.facts import warehouse_of
from koipond.testing.groups import MemoryLists

CATALOG = default_catalog("CNY")
DAY = 17_000
NOW = datetime(2026, 1, 1, 3, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, tzinfo=UTC)
PROFILE = pa.schema(
    [
        ("customer_no", pa.int32()),
        ("customer_uid", pa.string()),
        ("lifecycle", pa.string()),
        ("member", pa.bool_()),
        ("profiling_refused", pa.bool_()),
    ]
)


def profiles(*rows: tuple[int, str | None, bool, bool]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "customer_no": no,
                "customer_uid": f"u{no}",
                "lifecycle": lifecycle,
                "member": member,
                "profiling_refused": refused,
            }
            for no, lifecycle, member, refused in rows
        ],
        PROFILE,
    )


PEOPLE = profiles(
    (0, "dormant", True, False),
    (1, "dormant", False, False),
    (2, "growth", True, False),
    (3, None, True, False),
    (4, "dormant", True, True),
)


def segment(key: str, rule: str, version: int = 1, refresh: Refresh = "always") -> SegmentDefinition:
    return SegmentDefinition(
        key=key, owner="crm", rule=parse(rule, CATALOG), version=version, refresh=refresh
    )


@contextmanager
def writing(folder: Path, people: pa.Table = PEOPLE) -> Iterator[Writer]:
    with warehouse_of(folder).write("refresh") as writer:
        writer.replace("profile", writer.stage("_profile", people))
        yield writer


def refresh(writer: Writer, *definitions: SegmentDefinition, **scope: Any) -> dict[str, SegmentState]:
    only = scope.pop("only", None)
    now = scope.pop("now", NOW)
    at = Scope(**{"reader": writer, "as_of_day": DAY, "catalog": CATALOG, **scope})
    return {state.key: state for state in refresh_segments(writer, definitions, at, now, only=only)}


def numbers(state: SegmentState) -> list[int]:
    return [] if state.members is None else list(state.members)


def test_members_are_written_with_version_day_and_count(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        refresh(writer, segment("dormant", "lifecycle = dormant", version=7))
        state = read_states(writer)["dormant"]
    assert numbers(state) == [0, 1]
    assert (state.version, state.as_of_day, state.count, state.error) == (7, DAY, 2, None)
    assert state.refreshed_s == state.tried_s == int(NOW.timestamp())


def test_segments_of_segments_are_their_rules_put_in_place(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        states = refresh(
            writer,
            segment("rest", "not segment dormant_members"),
            segment("dormant_members", "segment dormant and member"),
            segment("dormant", "lifecycle = dormant"),
            segment("either", "segment rest or segment dormant"),
        )
    assert numbers(states["dormant_members"]) == [0]
    assert numbers(states["rest"]) == [1, 2, 3]
    assert numbers(states["either"]) == [0, 1, 2, 3]


def test_who_may_be_in_no_segment_is_in_none_not_even_by_list_or_negation(tmp_path: Path) -> None:
    lists = MemoryLists(guests=[0, 3, 4, 99])
    with writing(tmp_path) as writer:
        states = refresh(
            writer,
            segment("guests", "list guests"),
            segment("mixed", "list guests and member"),
            segment("others", "not list guests"),
            lists=lists,
            excluded=BitMap([3]),
        )
    assert numbers(states["guests"]) == [0]
    assert numbers(states["mixed"]) == [0]
    assert numbers(states["others"]) == [1, 2]


def test_one_failing_segment_keeps_its_members_and_hurts_only_those_that_name_it(tmp_path: Path) -> None:
    good, child = segment("good", "member"), segment("child", "segment bad")
    with writing(tmp_path) as writer:
        refresh(writer, good, child, segment("bad", "list guests"), lists=MemoryLists(guests=[1]))
        broken = segment("bad", "list nobody_made", version=2)
        states = refresh(writer, good, child, broken, lists=MemoryLists(), now=LATER)
    assert (states["good"].error, numbers(states["good"])) == (None, [0, 2, 3])
    assert states["bad"].error == "there is no list 'nobody_made'"
    assert (numbers(states["bad"]), states["bad"].version) == ([1], 1)
    assert (states["bad"].refreshed_s, states["bad"].tried_s) == (
        int(NOW.timestamp()),
        int(LATER.timestamp()),
    )
    assert states["child"].error == "segment 'bad', which it names, failed"


def test_a_column_that_is_not_there_fails_its_own_segment_alone(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        states = refresh(writer, segment("a", "member"), segment("b", "grade = core"))
    assert numbers(states["a"]) == [0, 2, 3]
    assert states["b"].error is not None


def test_a_circle_is_an_error_of_each_segment_in_it(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        states = refresh(writer, segment("a", "segment b"), segment("b", "segment a"), segment("c", "member"))
    assert (
        states["a"].error
        == states["b"].error
        == ("it names a segment that is not there, or itself through others")
    )
    assert states["c"].error is None


def test_manual_segments_wait_until_they_are_named_but_lose_who_now_refuses(tmp_path: Path) -> None:
    manual = segment("manual", "lifecycle = dormant", refresh="manual")
    with writing(tmp_path) as writer:
        assert refresh(writer, manual)["manual"].members is None
        assert numbers(refresh(writer, manual, only=["manual"])["manual"]) == [0, 1]
        now_refusing = profiles((0, "dormant", True, True), (1, "growth", True, False))
        writer.replace("profile", writer.stage("_profile", now_refusing))
        assert numbers(refresh(writer, manual, now=LATER)["manual"]) == [1]


def test_a_segment_no_longer_defined_is_dropped(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        refresh(writer, segment("a", "member"), segment("b", "member"))
        refresh(writer, segment("b", "member"))
        assert list(read_states(writer)) == ["b"]


def test_a_killed_refresh_changes_nothing(tmp_path: Path) -> None:
    warehouse = warehouse_of(tmp_path)
    with warehouse.write("refresh") as writer:
        writer.replace("profile", writer.stage("_profile", PEOPLE))
        refresh(writer, segment("a", "member"))
        writer.publish()
    with warehouse.write("refresh") as writer:
        refresh(writer, segment("a", "not member"))
    with warehouse.read() as reader:
        assert numbers(read_states(reader)["a"]) == [0, 2, 3]


def test_members_of_a_rule_that_is_no_segment(tmp_path: Path) -> None:
    with writing(tmp_path) as writer:
        scope = Scope(reader=writer, as_of_day=DAY, catalog=CATALOG, members={"vip": BitMap([0, 1, 4])})
        assert list(members(scope, parse("segment vip and member", CATALOG))) == [0]
        assert list(members(scope, parse("segment vip", CATALOG))) == [0, 1]
        with pytest.raises(InputError, match="never refreshed"):
            members(scope, parse("segment other", CATALOG))


def state(**changes: Any) -> SegmentState:
    return SegmentState(
        **{"key": "a", "version": 1, "as_of_day": DAY, "members": BitMap([1]), "refreshed_s": 1, **changes}
    )


@pytest.mark.parametrize(
    ("found", "day", "code"),
    [
        (state(), DAY, None),
        (state(), DAY + 1, None),
        (state(), DAY + 2, "too_old"),
        (state(), DAY - 1, "of_a_later_day"),
        (None, DAY, "never_refreshed"),
        (state(members=None, as_of_day=None), DAY, "never_refreshed"),
        (state(error="boom"), DAY, "failed"),
        (state(version=2), DAY, "definition_changed"),
    ],
)
def test_stale_members_say_why(found: SegmentState | None, day: int, code: str | None) -> None:
    why = stale(segment("a", "member"), found, day)
    assert (why.code if why else None) == code


def test_set_algebra_needs_no_table() -> None:
    segments = {"a": BitMap([1, 2, 3]), "b": BitMap([2, 3, 4]), "c": BitMap([3])}
    everyone = BitMap(range(6))
    rule = parse("segment a and segment b and not segment c or list l", CATALOG)
    assert is_set_algebra(rule)
    assert list(combine(rule, segments, {"l": BitMap([5, 9])}, everyone)) == [2, 5]
    assert not is_set_algebra(parse("segment a and member", CATALOG))


def test_numbers_in_any_order_become_one_set() -> None:
    found = from_numbers(pa.array([5, 1, 3, 1], pa.int32()))
    assert list(found) == [1, 3, 5]
    assert to_table(found).column("customer_no").to_pylist() == [1, 3, 5]
