"""Order exports of shop platforms go in unaided: made-up rows under the headers that the platforms write."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.ingest.test_order_amounts import nets

from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace


@dataclass(frozen=True)
class Export:
    """A made-up file, and what it comes to: order → net in minor units, order → status,"
    " number of people."""

    text: str
    net: dict[str, int]
    status: dict[str, str]
    people: int
    lines: str = ""
    zone: str = "Asia/Shanghai"
    currency: str = "CNY"
    region: str = "CN"


TAOBAO = Export(
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,"
    "收货人姓名,联系电话,联系手机,"
    "订单创建时间,订单付款时间,宝贝标题,宝贝种类,物流单号,宝贝总数量,店铺名称,订单关闭原因,退款金额\n"
    "=\"2100000000000000001\",tb_a,***,50.00,5.00,55.00,55.00,交易成功,张*,'-,'13800000001,"
    "2025-03-01 10:00:00,"
    "2025-03-01 10:01:00,茶 杯,2,,5,茶店,订单未关闭,0.00元\n"
    '="2100000000000000002",tb_b,***,20.00,0.00,20.00,20.00,卖家已发货，等待买家确认,李*,\'-,'
    "'13800000002,2025-03-02 10:00:00,"
    "2025-03-02 10:01:00,茶,1,,2,茶店,订单未关闭,5.00元\n"
    "=\"2100000000000000003\",tb_a,***,10.00,0.00,10.00,0.00,等待买家付款,张*,'-,'13800000001,"
    "2025-03-03 10:00:00,,茶,1,,1,"
    "茶店,订单未关闭,0.00元\n"
    "=\"2100000000000000004\",tb_c,***,10.00,0.00,10.00,0.00,交易关闭,王*,'-,'13800000003,"
    "2025-03-04 10:00:00,,茶,1,,1,"
    "茶店,买家未付款,0.00元\n",
    {
        "2100000000000000001": 5_500,
        "2100000000000000002": 1_500,
        "2100000000000000003": 0,
        "2100000000000000004": 0,
    },
    {
        "2100000000000000001": "paid",
        "2100000000000000002": "paid",
        "2100000000000000003": "pending",
        "2100000000000000004": "cancelled",
    },
    3,
    lines="订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码\n"
    '="2100000000000000001",茶,10.00,2,T1,,,,交易成功,T1\n="2100000000000000001",杯,10.00,3,C1,,,,'
    "交易成功,C1\n"
    '="2100000000000000002",茶,10.00,2,T1,,,,卖家已发货，等待买家确认,T1\n'
    '="2100000000000000003",茶,10.00,1,T1,,,,等待买家付款,T1\n="2100000000000000004",茶,10.00,1,T1,'
    ",,,交易关闭,T1\n",
)
JD = Export(
    "订单号,商品ID,商品名称,订购数量,支付方式,下单时间,京东价,订单金额,结算金额,余额支付,应付金额,"
    "订单状态,订单类型,下单帐号,"
    "客户姓名,客户地址,联系电话,订单备注,货号\n"
    "301,1001,茶,2,在线支付,2025-03-01 10:00:00,10.00,50.00,50.00,0.00,45.00,完成,SOP,jd_a,张*,,"
    "138****0001,,T1\n"
    "301,1002,杯,3,在线支付,2025-03-01 10:00:00,10.00,50.00,50.00,0.00,45.00,完成,SOP,jd_a,张*,,"
    "138****0001,,C1\n"
    "302,1001,茶,1,在线支付,2025-03-02 10:00:00,10.00,10.00,10.00,0.00,10.00,等待确认收货,SOP,jd_b,"
    "李*,,138****0002,,T1\n"
    "303,1001,茶,1,在线支付,2025-03-03 10:00:00,10.00,10.00,10.00,0.00,10.00,等待付款,SOP,jd_b,李*,"
    ",138****0002,,T1\n"
    "304,1001,茶,1,在线支付,2025-03-04 10:00:00,10.00,10.00,10.00,0.00,10.00,(删除)等待出库,SOP,"
    "jd_b,李*,,138****0002,,T1\n"
    "305,1001,茶,1,在线支付,2025-03-05 10:00:00,10.00,10.00,10.00,0.00,10.00,等待出库,SOP,jd_b,李*,"
    ",138****0002,,T1\n",
    {"301": 4_500, "302": 1_000, "303": 1_000, "304": 1_000, "305": 1_000},
    {"301": "paid", "302": "paid", "303": "pending", "304": "cancelled", "305": "paid"},
    2,
)
DOUDIAN = Export(
    "主订单编号,子订单编号,选购商品,商品规格,商品数量,商品ID,商家编码,商品单价,订单应付金额,运费,"
    "优惠总金额,支付方式,收件人,"
    "收件人手机号,订单提交时间,订单完成时间,支付完成时间,APP渠道,订单状态,订单类型,达人昵称,"
    "售后状态,取消原因\n"
    "6901\t,69011\t,茶,,2,1001,T1,10.00,18.00,0.00,2.00,支付宝,张*,13800000001,2025-03-01 10:00:00,"
    ",2025-03-01 10:01:00,抖音,"
    "已完成,普通订单,-,-,\n"
    "6901\t,69012\t,杯,,3,1002,C1,10.00,30.00,0.00,0.00,支付宝,张*,13800000001,2025-03-01 10:00:00,"
    ",2025-03-01 10:01:00,抖音,"
    "已完成,普通订单,-,退款成功,\n"
    "6902\t,69021\t,茶,,1,1001,T1,10.00,10.00,0.00,0.00,,李*,13800000002,2025-03-02 10:00:00,,,"
    "抖音,待支付,普通订单,-,-,\n"
    "6903\t,69031\t,茶,,1,1001,T1,10.00,10.00,0.00,0.00,,李*,13800000002,2025-03-03 10:00:00,,,"
    "抖音,已关闭,普通订单,-,-,"
    "超时未支付\n"
    "6904\t,69041\t,茶,,1,1001,T1,10.00,10.00,0.00,0.00,微信,李*,13800000002,2025-03-04 10:00:00,,"
    "2025-03-04 10:01:00,抖音,"
    "备货中,普通订单,-,售后关闭,\n",
    {"6901": 1_800, "6902": 1_000, "6903": 1_000, "6904": 1_000},
    {"6901": "paid", "6902": "pending", "6903": "cancelled", "6904": "paid"},
    2,
)
YOUZAN = Export(
    "订单号,订单状态,订单类型,订单创建时间,买家付款时间,交易成功时间,全部商品名称,商品种类数,"
    "订单商品总件数,商品金额合计,运费,"
    "店铺优惠合计,应收订单金额,订单实付金额,买家昵称,买家手机号,收货人,收货人手机号,订单退款状态,"
    "订单已退款金额\n"
    "E2025030110001,交易完成,普通订单,2025-03-01 10:00:00,2025-03-01 10:01:00,,茶;杯,2,5,50.00,"
    "5.00,0.00,55.00,55.00,甲,13800000001,"
    "张*,13900000001,无退款,0.00\n"
    "E2025030210002,已发货,普通订单,2025-03-02 10:00:00,2025-03-02 10:01:00,,茶,1,2,20.00,0.00,"
    "0.00,20.00,20.00,乙,13800000002,李*,"
    "13900000002,部分退款,5.00\n"
    "E2025030310003,待付款,普通订单,2025-03-03 10:00:00,,,茶,1,1,10.00,0.00,0.00,10.00,0.00,甲,"
    "13800000001,张*,13900000001,,0.00\n"
    "E2025030410004,交易关闭,普通订单,2025-03-04 10:00:00,2025-03-04 10:01:00,,茶,1,1,10.00,0.00,"
    "0.00,10.00,10.00,甲,13800000001,张*,"
    "13900000001,全额退款,10.00\n",
    {"E2025030110001": 5_500, "E2025030210002": 1_500, "E2025030310003": 0, "E2025030410004": 1_000},
    {
        "E2025030110001": "paid",
        "E2025030210002": "paid",
        "E2025030310003": "pending",
        "E2025030410004": "cancelled",
    },
    2,
)
WEIMOB = Export(
    "订单编号,订单状态,下单时间,付款时间,客户昵称,客户手机号,商品名称,商品编码,规格,商品数量,"
    "商品售价,订单实付金额,维权状态,退款金额\n"
    "W1,已完成,2025-03-01 10:00:00,2025-03-01 10:01:00,甲,13800000001,茶,T1,,2,10.00,55.00,,\n"
    ",,,,,,杯,C1,,3,10.00,,,\n"
    "W2,待发货,2025-03-02 10:00:00,2025-03-02 10:01:00,乙,13800000002,茶,T1,,2,10.00,20.00,退款成功,20.00\n"
    "W3,待支付,2025-03-03 10:00:00,,甲,13800000001,茶,T1,,1,10.00,10.00,,\n"
    "W4,已取消,2025-03-04 10:00:00,,甲,13800000001,茶,T1,,1,10.00,10.00,,\n",
    {"W1": 5_500, "W2": 0, "W3": 1_000, "W4": 1_000},
    {"W1": "paid", "W2": "paid", "W3": "pending", "W4": "cancelled"},
    2,
)
SHOPIFY = Export(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,"
    "Currency,Subtotal,Shipping,"
    "Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem compare at price,Lineitem sku,Billing Name,Billing Phone,Cancelled at,"
    "Payment Method,"
    "Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Id,Tags,Source,Lineitem discount,Phone\n"
    "#1001,a@example.com,paid,2025-03-01 10:01:00 +0700,fulfilled,,no,USD,50.00,5.00,0.00,55.00,,0.00,std,"
    "2025-03-01 10:00:00 +0700,2,Tea,10.00,,T1,A,,,card,0.00,V,0.00,,,4001,,web,0.00,\n"
    "#1001,a@example.com,,,,,,,,,,,,,,2025-03-01 10:00:00 +0700,3,Cup,10.00,,C1,,,,,,V,,,,,,,0.00,\n"
    "#1002,b@example.com,partially_refunded,2025-03-02 10:01:00 +0700,fulfilled,,no,USD,20.00,0.00,"
    "0.00,20.00,,0.00,std,"
    "2025-03-02 10:00:00 +0700,2,Tea,10.00,,T1,B,,,card,5.00,V,0.00,,,4002,,web,0.00,\n"
    "#1003,a@example.com,pending,,unfulfilled,,no,USD,10.00,0.00,0.00,10.00,,0.00,std,"
    "2025-03-03 10:00:00 +0700,1,Tea,10.00,,T1,A,,,bank,0.00,V,10.00,,,4003,,web,0.00,\n"
    "#1004,b@example.com,voided,,unfulfilled,,no,USD,10.00,0.00,0.00,10.00,,0.00,std,"
    "2025-03-04 10:00:00 +0700,1,Tea,10.00,,T1,B,,2025-03-04 11:00:00 +0700,bank,0.00,V,0.00,,,"
    "4004,,web,0.00,\n",
    {"#1001": 5_500, "#1002": 1_500, "#1003": 1_000, "#1004": 1_000},
    {"#1001": "paid", "#1002": "paid", "#1003": "pending", "#1004": "cancelled"},
    2,
    zone="Asia/Jakarta",
    currency="USD",
    region="ID",
)
WOO = Export(
    "Order Number,Order Status,Order Date,Customer Note,First Name (Billing),Last Name (Billing),"
    "Email (Billing),"
    "Phone (Billing),Payment Method Title,Cart Discount Amount,Order Subtotal Amount,Shipping Method Title,"
    "Order Shipping Amount,Order Refund Amount,Order Total Amount,Order Total Tax Amount,SKU,"
    "Item #,Item Name,"
    "Quantity (- Refund),Item Cost,Coupon Code,Discount Amount,Discount Amount Tax\n"
    "501,Completed,2025-03-01 10:00,,A,A,a@example.com,,Card,0,50.00,Flat,5.00,0,55.00,0,T1,1,Tea,"
    "2,10.00,,0,0\n"
    "501,Completed,2025-03-01 10:00,,A,A,a@example.com,,Card,0,50.00,Flat,5.00,0,55.00,0,C1,2,Cup,"
    "3,10.00,,0,0\n"
    "502,Processing,2025-03-02 10:00,,B,B,b@example.com,,Card,0,20.00,Flat,0,5.00,20.00,0,T1,1,Tea,"
    "2,10.00,,0,0\n"
    "503,On hold,2025-03-03 10:00,,A,A,a@example.com,,Bank,0,10.00,Flat,0,0,10.00,0,T1,1,Tea,1,10.00,,0,0\n"
    "504,wc-failed,2025-03-04 10:00,,A,A,a@example.com,,Bank,0,10.00,Flat,0,0,10.00,0,T1,1,Tea,1,"
    "10.00,,0,0\n"
    "505,wc-refunded,2025-03-05 10:00,,A,A,a@example.com,,Bank,0,10.00,Flat,0,0,10.00,0,T1,1,Tea,1,"
    "10.00,,0,0\n",
    {"501": 5_500, "502": 1_500, "503": 1_000, "504": 1_000, "505": 0},
    {"501": "paid", "502": "paid", "503": "pending", "504": "cancelled", "505": "paid"},
    2,
    zone="Europe/Amsterdam",
    currency="EUR",
    region="NL",
)
SHOPEE = Export(
    "No. Pesanan,Status Pesanan,Alasan Pembatalan,Status Pembatalan/ Pengembalian,No. Resi,Opsi Pengiriman,"
    "Waktu Pesanan Dibuat,Waktu Pembayaran Dilakukan,Metode Pembayaran,SKU Induk,Nama Produk,"
    "Nomor Referensi SKU,"
    "Nama Variasi,Harga Awal,Harga Setelah Diskon,Jumlah,Returned quantity,Total Harga Produk,Total Diskon,"
    "Jumlah Produk di Pesan,Ongkos Kirim Dibayar oleh Pembeli,Total Pembayaran,Perkiraan Ongkos Kirim,"
    "Username (Pembeli),Nama Penerima,No. Telepon,Kota/Kabupaten,Provinsi,Waktu Pesanan Selesai\n"
    "250301A,Selesai,,,JX1,Reguler,2025-03-01 10:00,2025-03-01 10:01,Transfer,T,Teh,T1,,12.000,"
    "10.000,2,0,20.000,4.000,5,"
    "5.000,55.000,5.000,ani,A***,******01,KOTA A,JAWA,2025-03-05 10:00\n"
    "250301A,Selesai,,,JX1,Reguler,2025-03-01 10:00,2025-03-01 10:01,Transfer,C,Cangkir,C1,,10.000,"
    "10.000,3,0,30.000,0,5,"
    "5.000,55.000,5.000,ani,A***,******01,KOTA A,JAWA,2025-03-05 10:00\n"
    "250302B,Perlu Dikirim,,,,Reguler,2025-03-02 10:00,2025-03-02 10:01,COD,T,Teh,T1,,10.000,"
    "10.000,1,0,10.000,0,1,0,10.000,0,"
    "budi,B***,******02,KOTA B,JAWA,\n"
    "250303C,Batal,Habis,,,Reguler,2025-03-03 10:00,,COD,T,Teh,T1,,10.000,10.000,1,0,10.000,0,1,0,"
    "10.000,0,budi,B***,******02,"
    "KOTA B,JAWA,\n"
    "250304D,Belum Bayar,,,,Reguler,2025-03-04 10:00,,Transfer,T,Teh,T1,,10.000,10.000,1,0,10.000,"
    "0,1,0,10.000,0,budi,B***,"
    "******02,KOTA B,JAWA,\n"
    "250305E,Telah Dikirim,,,JX5,Reguler,2025-03-05 10:00,2025-03-05 10:01,COD,T,Teh,T1,,10.000,"
    "10.000,1,0,10.000,0,1,0,10.000,"
    "0,budi,B***,******02,KOTA B,JAWA,\n",
    {
        "250301A": 5_500_000,
        "250302B": 1_000_000,
        "250303C": 1_000_000,
        "250304D": 1_000_000,
        "250305E": 1_000_000,
    },
    {"250301A": "paid", "250302B": "paid", "250303C": "cancelled", "250304D": "pending", "250305E": "paid"},
    2,
    zone="Asia/Jakarta",
    currency="IDR",
    region="ID",
)
SHOPEE_EN = Export(
    "Order ID,Order Status,Cancel reason,Return / Refund Status,Tracking Number*,"
    "Order Creation Date,Order Paid Time,"
    "Parent SKU Reference No.,Product Name,SKU Reference No.,Variation Name,Original Price,"
    "Deal Price,Quantity,"
    "Product Subtotal,Grand Total,Username (Buyer),Receiver Name,Phone Number,Country,Order Complete Time\n"
    "2503A,Completed,,,X,2025-03-01 10:00,2025-03-01 10:01,T,Tea,T1,,10.00,10.00,2,20.00,55.00,ann,A,,SG,\n"
    "2503A,Completed,,,X,2025-03-01 10:00,2025-03-01 10:01,C,Cup,C1,,10.00,10.00,3,30.00,55.00,ann,A,,SG,\n"
    "2503B,To ship,,,,2025-03-02 10:00,2025-03-02 10:01,T,Tea,T1,,10.00,10.00,1,10.00,10.00,bob,B,,SG,\n"
    "2503C,Unpaid,,,,2025-03-03 10:00,,T,Tea,T1,,10.00,10.00,1,10.00,10.00,bob,B,,SG,\n"
    "2503D,Shipping,,,X,2025-03-04 10:00,2025-03-04 10:01,T,Tea,T1,,10.00,10.00,1,10.00,10.00,bob,B,,SG,\n",
    {"2503A": 5_500, "2503B": 1_000, "2503C": 1_000, "2503D": 1_000},
    {"2503A": "paid", "2503B": "paid", "2503C": "pending", "2503D": "paid"},
    2,
    zone="Asia/Singapore",
    currency="SGD",
    region="SG",
)
TOKOPEDIA = Export(
    "Laporan Penjualan,,,,,,,,,,,,\nNama Toko,Toko Teh,,,,,,,,,,,\n,,,,,,,,,,,,\n"
    "Nomor,Nomor Invoice,Tanggal Pembayaran,Status Terakhir,Nama Produk,Nomor SKU,"
    "Jumlah Produk Dibeli,Harga Jual (IDR),"
    "Total Penjualan (IDR),Kode Kupon Toko Yang Digunakan,Nama Pembeli,No Telp Pembeli,Provinsi\n"
    "1,INV/20250313/MPL/1,13-03-2025 10:00:00,Pesanan Selesai,Teh,T1,2,10000,50000,,Ani,"
    "6281200000001,Jawa\n"
    ",INV/20250313/MPL/1,13-03-2025 10:00:00,Pesanan Selesai,Cangkir,C1,3,10000,50000,,Ani,"
    "6281200000001,Jawa\n"
    "2,INV/20250314/MPL/2,14-03-2025 10:00:00,Pesanan Dikirim,Teh,T1,1,10000,10000,,Budi,"
    "6281200000002,Jawa\n"
    "3,INV/20250315/MPL/3,15-03-2025 10:00:00,Dibatalkan Pembeli,Teh,T1,1,10000,10000,,Budi,"
    "6281200000002,Jawa\n",
    {"INV/20250313/MPL/1": 5_000_000, "INV/20250314/MPL/2": 1_000_000, "INV/20250315/MPL/3": 1_000_000},
    {"INV/20250313/MPL/1": "paid", "INV/20250314/MPL/2": "paid", "INV/20250315/MPL/3": "cancelled"},
    2,
    zone="Asia/Jakarta",
    currency="IDR",
    region="ID",
)
EXPORTS = {
    "taobao": TAOBAO,
    "jd": JD,
    "doudian": DOUDIAN,
    "youzan": YOUZAN,
    "weimob": WEIMOB,
    "shopify": SHOPIFY,
    "woocommerce": WOO,
    "shopee": SHOPEE,
    "shopee_en": SHOPEE_EN,
    "tokopedia": TOKOPEDIA,
}


@pytest.mark.parametrize("platform", EXPORTS)
def test_the_export_of_a_platform_goes_in_unaided(tmp_path: Path, platform: str) -> None:
    export = EXPORTS[platform]
    space = MemoryWorkspace(
        tmp_path / "w", zone_name=export.zone, currency=export.currency, region=export.region
    )
    lines = space.write("lines.csv", export.lines) if export.lines else None
    result = space.load("orders", space.write("orders.csv", export.text), lines=lines)
    assert result.quarantined == {}
    assert nets(space) == export.net
    assert {row["order_id"]: row["status"] for row in space.rows("orders")} == export.status
    assert len({row["customer_no"] for row in space.rows("orders")}) == export.people
    if platform not in ("youzan",):
        assert {"T1", "C1"} == {row["sku"] for row in space.rows("order_lines")}


def test_a_refund_state_without_an_order_state_counts(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path / "w")
    text = (
        "订单号,会员号,下单时间,实付金额,退款状态\n1,a,2025-03-01,5,退款成功\n"
        "2,a,2025-03-02,7,\n3,a,2025-03-03,9,退款中\n"
    )
    result = space.load("orders", space.write("o.csv", text))
    assert nets(space) == {"1": 0, "2": 700, "3": 900}
    assert any("'退款中' (1)" in remark and "--status" in remark for remark in result.remarks)
    space.load("orders", space.write("o.csv", text), statuses={"退款中": "refunded"})
    assert nets(space) == {"1": 0, "2": 700, "3": 0}


def test_a_share_of_the_price_that_is_not_read_is_said(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path / "w")
    text = "订单号,会员号,下单时间,数量,单价,折扣率,{}\n1,a,2025-03-01,1,10,0.85,8.5\n"
    result = space.load("orders", space.write("o.csv", text.format("实付金额")))
    assert nets(space) == {"1": 850}
    assert any(remark.startswith("折扣率 was not read") for remark in result.remarks)
    with pytest.raises(InputError, match="--map discount_rate=折扣率"):
        space.load("orders", space.write("o.csv", text.format("备注")))
    space.load("orders", space.write("o.csv", text.format("备注")), {"discount_rate": ""})
    assert nets(space) == {"1": 1_000}
    space.load("orders", space.write("o.csv", text.format("备注")), {"discount_rate": "折扣率"})
    assert nets(space) == {"1": 150}
