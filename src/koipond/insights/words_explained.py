"""Words that explain a report: what is known, raw and adjusted, variants, cost; zh, en, id."""

from types import MappingProxyType

EXPLAINED: MappingProxyType[str, MappingProxyType[str, str]] = MappingProxyType(
    {
        "en": MappingProxyType(
            {
                "unseen": "Window ends after the newest order",
                "first_unseen": (
                    "The first outcome window ended on {on}, but no order after {known} is known: import "
                    "newer orders."
                ),
                "no_orders": (
                    "No order is imported, so nothing is known of what anybody bought: import orders."
                ),
                "outcomes_known_to": "Outcomes known to",
                "raw": "Raw difference",
                "adjusted": "Adjusted difference",
                "raw_note": (
                    "Raw is the plain difference of the groups. Adjusted takes out what the groups had "
                    "already bought differently in the weeks before the draw; its interval, p and lift "
                    "are those to trust."
                ),
                "raw_only_note": (
                    "Nothing was adjusted: nobody bought before the draw, or all alike, so raw and "
                    "adjusted are the same."
                ),
                "variant": "Variant",
                "money_each": "Revenue per customer",
                "spending": "What it cost",
                "spending_counted": "Those who count, in their windows",
                "spending_to_date": "Everybody to date",
                "touches": "Touches sent",
                "message_cost": "Messages",
                "issued": "Codes issued",
                "redeemed": "Codes redeemed",
                "redeemed_later": "Redeemed after the window",
                "code_expired": "Codes expired unused",
                "code_open": "Codes still open",
                "offer_cost": "Cost of redeemed codes",
                "offer_cost_all": (
                    "Cost of all issued codes (no order names a coupon, so nobody knows which were used)"
                ),
                "liability": "Open liability",
                "cost_sum": "Cost",
                "unknown_count": "not known",
            }
        ),
        "zh": MappingProxyType(
            {
                "unseen": "窗口结束于最新订单之后",
                "first_unseen": "首个观察窗口已于 {on} 结束，但 {known} 之后没有订单数据：请导入新订单。",
                "no_orders": "尚未导入订单，无法得知客户的购买情况：请导入订单。",
                "outcomes_known_to": "结果统计至",
                "raw": "原始差值",
                "adjusted": "校正后差值",
                "raw_note": (
                    "原始差值是两组的直接相减；校正后差值扣除了两组在分组前已有的购买差异，区间、p 值和相"
                    "对提升均以校正后为准。"
                ),
                "raw_only_note": "未作校正：分组前无人购买或购买情况相同，原始差值与校正后差值一致。",
                "variant": "版本",
                "money_each": "人均成交额",
                "spending": "成本明细",
                "spending_counted": "统计人群（各自窗口内）",
                "spending_to_date": "截至目前全部",
                "touches": "已发送触达",
                "message_cost": "消息成本",
                "issued": "已发券",
                "redeemed": "已核销",
                "redeemed_later": "窗口后核销",
                "code_expired": "过期未用",
                "code_open": "未核销且有效",
                "offer_cost": "已核销券成本",
                "offer_cost_all": "全部已发券成本（订单中没有券信息，无法得知哪些已核销）",
                "liability": "未核销负债",
                "cost_sum": "成本合计",
                "unknown_count": "未知",
            }
        ),
        "id": MappingProxyType(
            {
                "unseen": "Jendela berakhir setelah pesanan terbaru",
                "first_unseen": (
                    "Jendela hasil pertama berakhir pada {on}, tetapi tidak ada pesanan setelah {known}: "
                    "impor pesanan yang lebih baru."
                ),
                "no_orders": (
                    "Belum ada pesanan yang diimpor, jadi tidak diketahui apa yang dibeli siapa pun: "
                    "impor pesanan."
                ),
                "outcomes_known_to": "Hasil diketahui sampai",
                "raw": "Selisih mentah",
                "adjusted": "Selisih disesuaikan",
                "raw_note": (
                    "Mentah adalah selisih langsung antara kelompok. Disesuaikan menghilangkan perbedaan "
                    "pembelian kelompok sebelum pengundian; interval, p, dan kenaikannya yang patut "
                    "dipercaya."
                ),
                "raw_only_note": (
                    "Tidak ada yang disesuaikan: tak seorang pun membeli sebelum pengundian, atau "
                    "semuanya sama, sehingga keduanya sama."
                ),
                "variant": "Varian",
                "money_each": "Pendapatan per pelanggan",
                "spending": "Rincian biaya",
                "spending_counted": "Yang dihitung, dalam jendelanya",
                "spending_to_date": "Semua sampai sekarang",
                "touches": "Sentuhan terkirim",
                "message_cost": "Pesan",
                "issued": "Kode diterbitkan",
                "redeemed": "Kode dipakai",
                "redeemed_later": "Dipakai setelah jendela",
                "code_expired": "Kode kedaluwarsa",
                "code_open": "Kode masih berlaku",
                "offer_cost": "Biaya kode yang dipakai",
                "offer_cost_all": (
                    "Biaya semua kode terbit (tidak ada pesanan yang menyebut kupon, jadi tidak "
                    "diketahui mana yang dipakai)"
                ),
                "liability": "Kewajiban terbuka",
                "cost_sum": "Biaya",
                "unknown_count": "tidak diketahui",
            }
        ),
    }
)
