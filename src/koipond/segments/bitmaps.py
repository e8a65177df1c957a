"""Sets of customers (人群包) as roaring bitmaps of customer_no, and rules that are nothing but sets."""

from array import array
from collections.abc import Mapping
from functools import reduce
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
    """Return who, within ``everyone``, satisfies a rule of sets; raise KeyError when one is missing."""
    if isinstance(rule, And):
        return reduce(lambda a, b: a & b, _ordered(rule, segments, lists, everyone))
    if isinstance(rule, Or):
        return BitMap.union(*(combine(part, segments, lists, everyone) for part in rule.parts))
    if isinstance(rule, Not):
        return everyone - combine(rule.part, segments, lists, everyone)
    if isinstance(rule, InSegment):
        return segments[rule.key]
    if isinstance(rule, InList):
        return lists[rule.key] & everyone
    assert isinstance(rule, Everyone)
    return everyone


def _ordered(
    rule: And, segments: Mapping[str, BitMap], lists: Mapping[str, BitMap], everyone: BitMap
) -> list[BitMap]:
    """Return the parts, smallest first: every later step then has little left to look at."""
    return sorted((combine(part, segments, lists, everyone) for part in rule.parts), key=len)
