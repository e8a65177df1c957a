"""Arms as expressions (分组): hold-outs and variants drawn by one hash. Source: science D6."""

from functools import reduce
from typing import Any

import ibis

from koipond.experiments.assignment import Arms
from koipond.kernel.ids import BUCKETS

Expr = Any
"""An Ibis value expression; Ibis ships no types."""

_HEX = "0123456789abcdef"


def bucket_of(salt: str, scope: str, customer_uid: Expr, *, duckdb: bool) -> Expr:
    """Return `koipond.kernel.hash_bucket` of a column of uids."""
    return bucket_after(ibis.literal(f"{salt}|{scope}|"), customer_uid, duckdb=duckdb)


def bucket_after(prefix: Expr, customer_uid: Expr, *, duckdb: bool) -> Expr:
    """Return the bucket of uids; ``prefix`` is salt and scope as the hash reads them, with a | after each.

    DuckDB reads ``0x`` texts as numbers, at a third of the cost; elsewhere each hex digit is read by its
    place in a literal.
    """
    digest = prefix.concat(customer_uid).hexdigest("md5")
    if duckdb:
        return ibis.literal("0x").concat(digest.substr(0, 8)).cast("int64") % BUCKETS
    digits = [ibis.literal(_HEX).find(digest.substr(place, 1)) for place in range(8)]
    high, low = (reduce(lambda left, digit: left * 16 + digit, part) for part in (digits[:4], digits[4:]))
    return (high * (16**4 % BUCKETS) + low) % BUCKETS  # within 32 bits: Spark's LOCATE is no wider


def in_arm(arms: Arms, arm: str, customer_uid: Expr, *, duckdb: bool) -> Expr:
    """Return whether a customer is in ``arm``."""
    bucket = bucket_of(arms.salt, arms.scope, customer_uid, duckdb=duckdb)
    pieces = [bucket.between(first, last) for name, first, last in arms.ranges() if name == arm]
    return reduce(lambda a, b: a | b, pieces) if pieces else ibis.literal(False)
