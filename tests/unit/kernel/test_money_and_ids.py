import hashlib
from decimal import Decimal

from koipond.kernel import hash_bucket, stable_json, to_minor


def test_money_is_rounded_half_away_from_zero() -> None:
    assert to_minor(Decimal("2.675"), "CNY") == 268
    assert to_minor(Decimal("-2.675"), "CNY") == -268
    assert to_minor(Decimal("1500.5"), "JPY") == 1501
    assert to_minor(Decimal("1.0005"), "KWD") == 1001


def test_the_bucket_is_the_documented_hash() -> None:
    digest = hashlib.md5(b"s|global|u1").hexdigest()
    assert hash_bucket("s", "global", "u1") == int(digest[:8], 16) % 10_000


def test_stable_json_does_not_depend_on_key_order() -> None:
    assert stable_json({"b": 1, "a": "中"}) == stable_json({"a": "中", "b": 1}) == '{"a":"中","b":1}'
