import hashlib
from decimal import Decimal

import pytest

from koipond.kernel import InputError, hash_bucket, minor_digits, require_currency, stable_json, to_minor


def test_money_is_rounded_half_away_from_zero() -> None:
    assert to_minor(Decimal("2.675"), "CNY") == 268
    assert to_minor(Decimal("-2.675"), "CNY") == -268
    assert to_minor(Decimal("1500.5"), "JPY") == 1501
    assert to_minor(Decimal("1.0005"), "KWD") == 1001


@pytest.mark.parametrize(
    ("code", "digits"), [("JPY", 0), ("KRW", 0), ("VND", 0), ("IDR", 2), ("CNY", 2), ("KWD", 3), ("BHD", 3)]
)
def test_currencies_in_use_have_their_minor_digits(code: str, digits: int) -> None:
    assert (require_currency(code), minor_digits(code)) == (code, digits)


@pytest.mark.parametrize("code", ["XXZ", "RMB", "XXX", "XAU", "DEM", "cny", ""])
def test_what_is_no_currency_in_use_is_refused_with_the_fix(code: str) -> None:
    with pytest.raises(InputError, match=f"'{code}' is no currency in use.*CNY, IDR or USD"):
        require_currency(code)


def test_the_bucket_is_the_documented_hash() -> None:
    digest = hashlib.md5(b"s|global|u1").hexdigest()
    assert hash_bucket("s", "global", "u1") == int(digest[:8], 16) % 10_000


def test_stable_json_does_not_depend_on_key_order() -> None:
    assert stable_json({"b": 1, "a": "中"}) == stable_json({"a": "中", "b": 1}) == '{"a":"中","b":1}'
