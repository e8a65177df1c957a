"""A misspelt name is mended in the language in which it was typed."""

import pytest

from koipond.kernel import InputError
from koipond.rules import default_catalog, parse

CATALOG = default_catalog("CNY")


@pytest.mark.parametrize(
    ("rule", "meant"),
    [
        ("生命周其 = 休眠期", "生命周期"),
        ("生命周期 = 休眠其", "休眠"),
        ('items(商品明 = "茶").count(ever) >= 1', "商品名"),
        ('items(nama_produkk = "teh").count(ever) >= 1', "nama_produk"),
        ("orders.sum(jumlah_bersihh, ever) >= 1", "jumlah_bersih"),
        ("pesanann.jumlah(ever) >= 1", "pesanan"),
        ("tanggal_pembelian_terakir >= 2026-01-01", "tanggal_pembelian_terakhir"),
        ("lifecycle = dormnt", "dormant"),
        ("ordrs.count(ever) >= 1", "orders"),
    ],
)
def test_the_name_meant_is_one_of_the_language_typed(rule: str, meant: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(rule, CATALOG)
    assert f"did you mean '{meant}'" in str(caught.value)
