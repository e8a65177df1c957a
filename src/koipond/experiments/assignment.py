"""Who is in which arm (分组, 对照组): a hash, so every machine and engine agrees without a table. Pure.

Rule: science D6. The arm follows from the customer's bucket 0..9999; scope is ``global`` or the strategy's
key. This file needs no numeric library.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from koipond.kernel import InputError, Message, epoch_day, hash_bucket, joined

BUCKETS = 10_000
GLOBAL = "global"
HOLDOUT = "holdout"
ROTATION_DAYS = 90
HOLDOUT_RATE = Fraction(1, 20)
HOLDOUT_CUSTOMERS_MIN = 2_000
HOLDOUT_RATE_MAX = Fraction(1, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The arms of one scope and how many of the 10,000 buckets each has, in order.

    ``start`` is the bucket at which the first arm begins (it moves when a hold-out rotates); buckets count on
    from 9999 to 0.
    """

    salt: str
    scope: str
    buckets: Mapping[str, int]
    start: int = 0

    def __post_init__(self) -> None:
        wrong = [
            Message("arm {arm} has {n} buckets", arm=arm, n=n) for arm, n in self.buckets.items() if n < 0
        ]
        if sum(self.buckets.values()) != BUCKETS:
            wrong.append(
                Message(
                    "the arms have {values} buckets together, not {buckets}",
                    values=sum(self.buckets.values()),
                    buckets=BUCKETS,
                )
            )
        if not 0 <= self.start < BUCKETS:
            wrong.append(
                Message("start must be 0 to {buckets}, got {start}", buckets=BUCKETS - 1, start=self.start)
            )
        if not self.salt or not self.scope or "|" in self.salt or "|" in self.scope:
            wrong.append(Message("salt and scope must be given and hold no |"))
        if wrong:
            raise InputError("arms of {scope}: {wrong}", scope=self.scope, wrong=joined("; ", wrong))

    def bucket(self, customer_uid: str) -> int:
        """Return the customer's bucket 0..9999 in this scope."""
        return hash_bucket(self.salt, self.scope, customer_uid)

    def arm_of(self, customer_uid: str) -> str:
        """Return the customer's arm."""
        return self.arm_at(self.bucket(customer_uid))

    def arm_at(self, bucket: int) -> str:
        """Return the arm that owns ``bucket``."""
        place = (bucket - self.start) % BUCKETS
        for arm, size in self.buckets.items():
            if place < size:
                return arm
            place -= size
        raise AssertionError("the buckets of the arms add up to all of them")

    def ranges(self) -> tuple[tuple[str, int, int], ...]:
        """Return (arm, first bucket, last bucket) without wrap-around, for a CASE in SQL."""
        found, first = [], self.start
        for arm, size in self.buckets.items():
            last = first + size - 1
            pieces = [(first, min(last, BUCKETS - 1)), (max(first, BUCKETS), last)]
            found += [(arm, a % BUCKETS, b % BUCKETS) for a, b in pieces if a <= b]
            first = last + 1
        return tuple(found)


def arms_of_shares(salt: str, scope: str, shares: Mapping[str, float]) -> Arms:
    """Return arms with buckets in proportion to ``shares``; what rounding leaves goes to the last arm.

    Raises InputError for shares that are not positive.
    """
    wrong = [
        Message("the share of {arm} must be above 0, got {share}", arm=arm, share=share)
        for arm, share in shares.items()
        if not share > 0
    ]
    if wrong or not shares:
        raise InputError(
            "arms of {scope}: {wrong}", scope=scope, wrong=joined("; ", wrong) or Message("no arm")
        )
    whole = sum(shares.values())
    sizes = {arm: round(BUCKETS * share / whole) for arm, share in shares.items()}
    last = list(sizes)[-1]
    sizes[last] += BUCKETS - sum(sizes.values())
    return Arms(salt=salt, scope=scope, buckets=sizes)


def holdout_rate(customers: int) -> Fraction:
    """Return the global hold-out: 5 %, but at least min(2,000, 10 %) of ``customers`` (science D6)."""
    if customers < 0:
        raise InputError("customers cannot be {customers}", customers=customers)
    if customers == 0:
        return HOLDOUT_RATE_MAX
    return max(HOLDOUT_RATE, min(Fraction(HOLDOUT_CUSTOMERS_MIN, customers), HOLDOUT_RATE_MAX))


def rotation_of(day: date) -> int:
    """Return the number of the 90-day rotation that ``day`` lies in."""
    return epoch_day(day) // ROTATION_DAYS


def global_holdout(salt: str, *, customers: int, rotation: int) -> Arms:
    """Return the global hold-out and the rest for one ``rotation``.

    The held-out window moves on by its own width at each rotation, so nobody is held out twice in a row.
    Freeze ``customers`` at the start of the rotation: the width follows from it.
    """
    width = -(-BUCKETS * holdout_rate(customers).numerator // holdout_rate(customers).denominator)
    return Arms(
        salt=salt,
        scope=GLOBAL,
        buckets={HOLDOUT: width, "program": BUCKETS - width},
        start=rotation * width % BUCKETS,
    )


def arm_after_merge(one: str, two: str) -> str | None:
    """Return the arm of two customers found to be one: held out when either was; None when the arms differ.

    None means: leave the analysis, counted (design §8).
    """
    if HOLDOUT in (one, two):
        return HOLDOUT
    return one if one == two else None
