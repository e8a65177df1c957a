"""Sets of customers (人群包) as roaring bitmaps of customer_no, and rules that are nothing but sets."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from koipond.rules import And, Everyone, InList, InSegment, Not, Or, Rule, walk

NUMBERS = pa.schema({"customer_no": pa.int32()})


def from_numbers(numbers: Any) -> BitMap:
    """Return the set of the whole numbers in a numpy or Arrow array."""
    values = numbers.to_numpy(zero_copy_only=False) if hasattr(numbers, "to_numpy") else numbers
    ordered = np.sort(np.asarray(values, dtype=np.uint32))  # unordered rows make the bitmap slow to build
    return BitMap(array("I", ordered.tobytes()))


def to_numbers(members: BitMap) -> pa.Array:
    """Return ``members`` in order, as int32."""
    return pa.array(np.frombuffer(members.to_array(), dtype=np.uint32).astype(np.int32))


def to_table(members: BitMap) -> pa.Table:
    """Return ``members`` as a table of customer_no."""
    return pa.table([to_numbers(members)], schema=NUMBERS)


def is_set_algebra(rule: Rule) -> bool:
    """Say whether ``rule`` is made of segments and lists alone, so that no table need be read."""
    leaves = [node for _, node in walk(rule) if not isinstance(node, And | Or | Not)]
    return all(isinstance(leaf, InSegment | InList | Everyone) for leaf in leaves)


def combine(
    rule: Rule, segments: Mapping[str, BitMap], lists: Mapping[str, BitMap], everyone: BitMap
) -> BitMap:
    """Return who, within ``everyone``, satisfies a rule of sets; raise KeyError when one is missing.

    The result may be one of the sets given: never change it in place. The sets of segments are taken to
    lie within ``everyone``; lists are cut to it. A complement is carried as a sign and built at the end.
    """
    found = _signed(rule, segments, lists, everyone)
    return everyone - found.members if found.negated else found.members


@dataclass(frozen=True, slots=True)
class _Signed:
    """A set, or everyone but it."""

    members: BitMap
    negated: bool = False


def _signed(
    rule: Rule, segments: Mapping[str, BitMap], lists: Mapping[str, BitMap], everyone: BitMap
) -> _Signed:
    if isinstance(rule, And | Or):
        parts = [_signed(part, segments, lists, everyone) for part in rule.parts]
        return (
            _intersection(parts) if isinstance(rule, And) else _not(_intersection([_not(p) for p in parts]))
        )
    if isinstance(rule, Not):
        return _not(_signed(rule.part, segments, lists, everyone))
    if isinstance(rule, InSegment):
        return _Signed(segments[rule.key])
    if isinstance(rule, InList):
        return _Signed(lists[rule.key] & everyone)
    assert isinstance(rule, Everyone)
    return _Signed(BitMap(), negated=True)


def _not(found: _Signed) -> _Signed:
    return _Signed(found.members, not found.negated)


def _intersection(parts: Sequence[_Signed]) -> _Signed:
    """Intersect the plain sets, smallest first, and take the union of the negated ones away."""
    plain = sorted((part.members for part in parts if not part.negated), key=len)
    without = [part.members for part in parts if part.negated]
    if not plain:
        return _Signed(BitMap.union(*without), negated=True)
    left = plain[0]
    for other in plain[1:]:
        left = left & other  # `&=` takes five times as long in pyroaring 1.2
    if without:
        left = left - (without[0] if len(without) == 1 else BitMap.union(*without))
    return _Signed(left)
