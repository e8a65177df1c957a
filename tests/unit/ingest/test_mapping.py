"""Columns of real exports find their fields; what is unclear is asked."""

import pytest

from koipond.ingest.mapping import choose_mapping, plain_name
from koipond.ingest.model import KINDS, ImportRequest
from koipond.kernel import InputError


@pytest.mark.parametrize(
    ("columns", "mapping"),
    [
        (
            "InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country",
            "customer_id=CustomerID order_id=InvoiceNo at=InvoiceDate unit_price=UnitPrice quantity=Quantity "
            "sku=StockCode",
        ),
        (
            "household_id store_id basket_id product_id quantity sales_value retail_disc coupon_disc week "
            "transaction_timestamp",
            "customer_id=household_id order_id=basket_id at=transaction_timestamp amount=sales_value "
            "quantity=quantity sku=product_id store=store_id",
        ),
        (
            "订单号 会员号 下单时间 实付金额 数量 单价 商品编码 门店 导购 订单状态 优惠金额",
            "customer_id=会员号 order_id=订单号 at=下单时间 amount=实付金额 unit_price=单价 quantity=数量 "
            "discount=优惠金额 sku=商品编码 store=门店 staff=导购 status=订单状态",
        ),
        (
            "No_Pesanan ID_Pelanggan Tanggal_Pesanan Total_Bayar Kode_Produk Toko Status_Pesanan No_HP",
            "customer_id=ID_Pelanggan phone=No_HP order_id=No_Pesanan at=Tanggal_Pesanan amount=Total_Bayar "
            "sku=Kode_Produk store=Toko status=Status_Pesanan",
        ),
        (
            "TRANSACTION_DT CUSTOMER_ID ORDER_ID PRODUCT_SUBCLASS PRODUCT_ID AMOUNT ASSET SALES_PRICE",
            "customer_id=CUSTOMER_ID order_id=ORDER_ID at=TRANSACTION_DT amount=AMOUNT "
            "unit_price=SALES_PRICE sku=PRODUCT_ID",
        ),
        ("order_id user_id date total", "customer_id=user_id order_id=order_id at=date amount=total"),
    ],
)
def test_order_files_of_many_shops(columns: str, mapping: str) -> None:
    chosen = choose_mapping("orders", columns.split(), {}, "f.csv")
    assert " ".join(f"{field}={column}" for field, column in chosen.shown().items()) == mapping
    assert chosen.others == ()


def test_case_width_spaces_and_punctuation_do_not_matter() -> None:
    assert plain_name(" Customer　ＩＤ_no. ") == "customeridno"


def test_further_columns_of_events_and_customers_are_kept() -> None:
    chosen = choose_mapping("events", ["user_id", "event", "timestamp", "platform"], {}, "f.csv")
    assert chosen.others == ("platform",)
    assert "name" in chosen
    assert "sku" not in chosen


def test_a_field_may_be_left_out_and_an_id_joined() -> None:
    columns = ["user_id", "date", "time", "amount", "status"]
    told = {"order_id": "user_id+date", "at": "date", "status": ""}
    chosen = choose_mapping("orders", columns, told, "f.csv")
    assert chosen.columns["order_id"] == ("user_id", "date")
    assert "status" not in chosen
    assert chosen.identifying == {"user_id"}
    with pytest.raises(InputError, match="only an id may be joined"):
        choose_mapping("orders", columns, told | {"at": "date+time"}, "f.csv")


def test_a_column_with_a_plus_in_its_name_is_one_column() -> None:
    columns = ["a+b", "user_id", "date", "amount"]
    assert choose_mapping("orders", columns, {"order_id": "a+b"}, "f").columns["order_id"] == ("a+b",)


def test_clear_names_come_before_weak_ones() -> None:
    columns = ["user_id", "order_id", "下单时间", "付款时间", "amount", "total"]
    chosen = choose_mapping("orders", columns, {}, "f.csv")
    assert (chosen.columns["at"], chosen.columns["amount"]) == (("下单时间",), ("amount",))


def test_the_amount_of_a_whole_order_is_not_taken_for_that_of_a_line() -> None:
    columns = ["user_id", "order_id", "date", "qty", "price", "order_total"]
    assert "amount" not in choose_mapping("orders", columns, {}, "f.csv")
    chosen = choose_mapping("orders", [c for c in columns if c not in ("qty", "price")], {}, "f.csv")
    assert chosen.columns["amount"] == ("order_total",)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_names_what_it_lacks(kind: str) -> None:
    with pytest.raises(InputError, match=r"(?s)f\.csv: no column for .*the columns are: foo, bar"):
        choose_mapping(kind, ["foo", "bar"], {}, "f.csv")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "invoices"}, "choose one of orders, events"),
        ({"decimal": "x"}, "--decimal"),
        ({"decimal": " "}, "--decimal ' '"),
        ({"decimal": ".", "thousands": "."}, "must differ"),
        ({"thousands": "_"}, "--thousands"),
        ({"date_format": "dym"}, "--date-format"),
        ({"source": "a:b"}, "--source"),
        ({"statuses": {"K9": "good"}}, "--status K9=good"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ImportRequest(**{"kind": "orders", **options})  # type: ignore[arg-type]
