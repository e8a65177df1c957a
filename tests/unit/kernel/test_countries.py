"""The country whose phones a workspace reads: by zone, else by currency (B13)."""

import pytest

from koipond.kernel.countries import country_of


@pytest.mark.parametrize(
    ("zone", "currency", "country"),
    [
        ("Asia/Shanghai", "CNY", "CN"),
        ("Asia/Jakarta", "IDR", "ID"),
        ("Asia/Makassar", "USD", "ID"),
        ("Europe/Berlin", "EUR", "DE"),
        ("America/Sao_Paulo", "BRL", "BR"),
        ("UTC", "IDR", "ID"),
        ("UTC", "USD", "US"),
        ("Etc/GMT-8", "CNY", "CN"),
        ("UTC", "EUR", "ZZ"),
        ("UTC", "XOF", "ZZ"),
    ],
)
def test_the_zone_tells_and_else_the_currency(zone: str, currency: str, country: str) -> None:
    assert country_of(zone, currency) == country
