from collections import Counter
from datetime import date, timedelta
from fractions import Fraction

import pytest

from koipond.experiments.assignment import (
    HOLDOUT,
    Arms,
    arm_after_merge,
    arms_of_shares,
    global_holdout,
    holdout_rate,
    rotation_of,
)
from koipond.kernel import InputError, hash_bucket

UIDS = [f"customer-{i}" for i in range(40_000)]


def test_the_arm_follows_from_the_hash_of_science_d6() -> None:
    arms = arms_of_shares("salt", "recall", {"control": 0.1, "coupon": 0.45, "letter": 0.45})
    assert arms.buckets == {"control": 1000, "coupon": 4500, "letter": 4500}
    for uid in UIDS[:200]:
        bucket = hash_bucket("salt", "recall", uid)
        expected = "control" if bucket < 1000 else "coupon" if bucket < 5500 else "letter"
        assert arms.arm_of(uid) == expected


def test_arms_have_their_shares_and_scopes_are_independent() -> None:
    one = arms_of_shares("salt", "recall", {"control": 1, "sent": 1})
    two = arms_of_shares("salt", "welcome", {"control": 1, "sent": 1})
    table = Counter((one.arm_of(uid), two.arm_of(uid)) for uid in UIDS)
    for count in table.values():
        assert count == pytest.approx(len(UIDS) / 4, abs=4.5 * (len(UIDS) * 3 / 16) ** 0.5)


def test_ranges_for_sql_say_the_same_as_the_function() -> None:
    arms = Arms(salt="s", scope="x", buckets={"a": 4000, "b": 6000}, start=9500)
    assert arms.ranges() == (("a", 9500, 9999), ("a", 0, 3499), ("b", 3500, 9499))
    for arm, first, last in arms.ranges():
        assert {arms.arm_at(first), arms.arm_at(last), arms.arm_at((first + last) // 2)} == {arm}
    assert sum(last - first + 1 for _, first, last in arms.ranges()) == 10_000


@pytest.mark.parametrize(
    ("customers", "rate"),
    [
        (0, Fraction(1, 10)),
        (1_000, Fraction(1, 10)),
        (20_000, Fraction(1, 10)),
        (25_000, Fraction(2, 25)),
        (40_000, Fraction(1, 20)),
        (1_000_000, Fraction(1, 20)),
    ],
)
def test_the_global_hold_out_is_5_percent_but_at_least_2000_or_10_percent(
    customers: int, rate: Fraction
) -> None:
    assert holdout_rate(customers) == rate


def test_nobody_is_held_out_in_two_rotations_running() -> None:
    first = global_holdout("s", customers=1_000_000, rotation=228)
    second = global_holdout("s", customers=1_000_000, rotation=229)
    one = {uid for uid in UIDS if first.arm_of(uid) == HOLDOUT}
    two = {uid for uid in UIDS if second.arm_of(uid) == HOLDOUT}
    assert not one & two
    assert len(one) == pytest.approx(0.05 * len(UIDS), abs=200)
    assert len(two) == pytest.approx(0.05 * len(UIDS), abs=200)


def test_over_all_rotations_everybody_is_held_out_once_in_twenty() -> None:
    everyone = [global_holdout("s", customers=10**6, rotation=r) for r in range(20)]
    for uid in UIDS[:200]:
        assert sum(arms.arm_of(uid) == HOLDOUT for arms in everyone) == 1


def test_a_rotation_lasts_90_days() -> None:
    start = date(2026, 1, 1)
    numbers = [rotation_of(start + timedelta(days=i)) for i in range(400)]
    assert set(Counter(numbers[numbers.index(numbers[0] + 1) :][:270]).values()) == {90}


def test_a_merged_customer_is_held_out_when_either_was() -> None:
    assert arm_after_merge(HOLDOUT, "sent") == HOLDOUT
    assert arm_after_merge("sent", "sent") == "sent"
    assert arm_after_merge("coupon", "letter") is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"buckets": {"a": 1}}, "1 buckets together"),
        ({"buckets": {"a": -1, "b": 10_001}}, "arm a has -1"),
        ({"buckets": {"a": 10_000}, "start": 10_000}, "start must be"),
        ({"buckets": {"a": 10_000}, "salt": "a|b"}, "hold no"),
        ({"buckets": {"a": 10_000}, "scope": ""}, "must be given"),
    ],
)
def test_impossible_arms_are_refused(settings, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Arms(**({"salt": "s", "scope": "x"} | settings))


def test_shares_must_be_positive_and_customers_not_negative() -> None:
    with pytest.raises(InputError, match="above 0"):
        arms_of_shares("s", "x", {"a": 1.0, "b": 0.0})
    with pytest.raises(InputError, match="no arm"):
        arms_of_shares("s", "x", {})
    with pytest.raises(InputError, match="cannot be -1"):
        holdout_rate(-1)


def test_assignment_needs_no_numeric_library() -> None:
    import subprocess
    import sys

    code = "import sys, koipond.experiments.assignment; print({'numpy', 'scipy'} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}
    )
    assert found.stdout.strip() == "set()"
