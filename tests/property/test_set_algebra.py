"""Rules of nothing but sets: bitmaps agree with plain Python sets."""

from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from koipond.rules import And, Everyone, InList, InSegment, Not, Or, Rule
from koipond.segments.bitmaps import combine

PEOPLE = frozenset(range(12))
subsets = st.frozensets(st.sampled_from(sorted(PEOPLE)))
leaves = st.one_of(
    st.sampled_from("abc").map(lambda key: InSegment(key=key)),
    st.just(InList(key="l")),
    st.just(Everyone()),
)


def joined(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    parts = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.one_of(
        parts.map(lambda p: And(parts=p)), parts.map(lambda p: Or(parts=p)), inner.map(lambda p: Not(part=p))
    )


rules: st.SearchStrategy[Rule] = st.recursive(leaves, joined, max_leaves=12)


def plain(rule: Rule, sets: dict[str, frozenset[int]]) -> frozenset[int]:
    if isinstance(rule, And):
        return frozenset.intersection(*(plain(part, sets) for part in rule.parts))
    if isinstance(rule, Or):
        return frozenset.union(*(plain(part, sets) for part in rule.parts))
    if isinstance(rule, Not):
        return PEOPLE - plain(rule.part, sets)
    return sets[rule.key] & PEOPLE if isinstance(rule, InSegment | InList) else PEOPLE


@settings(max_examples=200, deadline=None)
@given(rule=rules, a=subsets, b=subsets, c=subsets, listed=st.frozensets(st.integers(0, 20)))
def test_bitmaps_agree_with_plain_sets_and_leave_their_sources_alone(
    rule: Rule, a: frozenset[int], b: frozenset[int], c: frozenset[int], listed: frozenset[int]
) -> None:
    bitmaps = {"a": BitMap(a), "b": BitMap(b), "c": BitMap(c)}
    lists = {"l": BitMap(listed)}
    found = combine(rule, bitmaps, lists, BitMap(PEOPLE))
    assert set(found) == plain(rule, {"a": a, "b": b, "c": c, "l": listed})
    assert [set(bitmaps[key]) for key in "abc"] == [a, b, c]
    assert set(lists["l"]) == listed
