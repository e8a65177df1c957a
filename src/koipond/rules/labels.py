"""Names of fields, facts and values in zh, en, id. The terms are those of docs/glossary.md."""

from types import MappingProxyType

from koipond.kernel import LANGUAGES, Language

Lang = Language
LANGS = LANGUAGES
Label = tuple[str, str, str]
"""(zh, en, id)."""


def label(texts: Label, lang: Lang) -> str:
    """Return the text of ``texts`` in ``lang``."""
    return texts[LANGS.index(lang)]


FIELD_LABELS: MappingProxyType[str, Label] = MappingProxyType(
    {
        "customer_no": ("客户编号", "customer number", "nomor pelanggan"),
        "customer_uid": ("客户标识", "customer uid", "uid pelanggan"),
        "first_purchase_on": ("首购日", "first purchase day", "tanggal pembelian pertama"),
        "last_purchase_on": ("最近购买日", "last purchase day", "tanggal pembelian terakhir"),
        "days_since_first_purchase": (
            "距首购的天数",
            "days since the first purchase",
            "jumlah hari sejak pembelian pertama",
        ),
        "days_since_last_purchase": (
            "距上次购买的天数",
            "days since the last purchase",
            "jumlah hari sejak pembelian terakhir",
        ),
        "purchase_days": ("累计购买天数", "purchase days", "jumlah hari pembelian"),
        "orders_365d": ("近 365 天订单数", "orders in the last 365 days", "pesanan dalam 365 hari terakhir"),
        "money_365d": (
            "近 365 天消费金额",
            "money spent in the last 365 days",
            "belanja dalam 365 hari terakhir",
        ),
        "value_365d": ("近 365 天净价值", "net value of the last 365 days", "nilai bersih 365 hari terakhir"),
        "repurchase_cycle_days": (
            "复购周期天数",
            "repurchase cycle in days",
            "siklus pembelian ulang (hari)",
        ),
        "due_from_on": ("复购到期开始日", "first day of being due", "hari pertama jatuh tempo beli ulang"),
        "due_to_on": ("复购到期结束日", "last day of being due", "hari terakhir jatuh tempo beli ulang"),
        "days_until_due": (
            "距复购到期的天数",
            "days until due",
            "jumlah hari menuju jatuh tempo beli ulang",
        ),
        "r_score": ("R 分", "R score", "skor R"),
        "f_score": ("F 分", "F score", "skor F"),
        "m_score": ("M 分", "M score", "skor M"),
        "rfm_cell": ("RFM 分层", "RFM cell", "sel RFM"),
        "rfm_level": ("RFM 等级", "RFM level", "tingkat RFM"),
        "lifecycle": ("生命周期", "lifecycle stage", "tahap siklus hidup"),
        "aipl": ("AIPL 阶段", "AIPL stage", "tahap AIPL"),
        "grade": ("客户分级", "value grade", "kelas nilai"),
        "held_grade": ("当前等级（保级）", "held grade", "kelas nilai yang dipegang"),
        "average_order_value": ("客单价", "average order value", "nilai rata-rata pesanan"),
        "coupon_share": ("用券订单占比", "share of orders with a coupon", "porsi pesanan berkupon"),
        "last_store": ("最近门店", "store of the last order", "toko pesanan terakhir"),
        "last_staff": ("最近导购", "staff of the last order", "staf pesanan terakhir"),
        "last_channel": ("最近渠道", "channel of the last order", "kanal pesanan terakhir"),
    }
)

FLAG_PHRASES: MappingProxyType[str, tuple[Label, Label]] = MappingProxyType(
    {
        "staff": (("是员工", "is staff", "adalah staf"), ("不是员工", "is not staff", "bukan staf")),
        "at_risk": (
            ("处于预流失", "is at risk", "berisiko pergi"),
            ("未处于预流失", "is not at risk", "tidak berisiko pergi"),
        ),
        "due": (
            ("复购到期", "is due to buy again", "sudah waktunya membeli lagi"),
            ("未到复购期", "is not due to buy again", "belum waktunya membeli lagi"),
        ),
        "one_time_buyer": (
            ("是一次客", "is a one-time buyer", "adalah pembeli sekali"),
            ("不是一次客", "is not a one-time buyer", "bukan pembeli sekali"),
        ),
        "never_bought": (
            ("久未首购", "joined long ago and never bought", "lama bergabung tanpa pernah membeli"),
            ("没有久未首购", "is not a long-time non-buyer", "bukan anggota lama tanpa pembelian"),
        ),
        "member": (
            ("是会员", "is a member", "adalah anggota"),
            ("不是会员", "is not a member", "bukan anggota"),
        ),
        "friend": (
            ("是企微好友", "is a WeCom friend", "adalah teman WeCom"),
            ("不是企微好友", "is not a WeCom friend", "bukan teman WeCom"),
        ),
        "follower": (
            ("关注了公众号", "follows the account", "mengikuti akun"),
            ("未关注公众号", "does not follow the account", "tidak mengikuti akun"),
        ),
        "minor": (
            ("是未成年人", "is a minor", "di bawah umur"),
            ("不是未成年人", "is not a minor", "tidak di bawah umur"),
        ),
        "profiling_refused": (
            ("拒绝画像", "refuses profiling", "menolak pembuatan profil"),
            ("未拒绝画像", "does not refuse profiling", "tidak menolak pembuatan profil"),
        ),
    }
)

_GRADES: MappingProxyType[str, Label] = MappingProxyType(
    {
        "core": ("核心", "core", "inti"),
        "key": ("重要", "key", "penting"),
        "regular": ("普通", "regular", "biasa"),
        "fringe": ("长尾", "fringe", "pinggiran"),
    }
)

CHOICES: MappingProxyType[str, MappingProxyType[str, Label]] = MappingProxyType(
    {
        "lifecycle": MappingProxyType(
            {
                "prospect": ("潜客", "prospect", "calon pelanggan"),
                "intro": ("引入期", "introduction", "pengenalan"),
                "growth": ("成长期", "growth", "pertumbuhan"),
                "mature": ("成熟期", "mature", "matang"),
                "dormant": ("休眠期", "dormant", "tertidur"),
                "churned": ("流失期", "churned", "hilang"),
            }
        ),
        "aipl": MappingProxyType(
            {
                "aware": ("认知", "aware", "sadar"),
                "interest": ("兴趣", "interest", "tertarik"),
                "purchase": ("购买", "purchase", "membeli"),
                "loyal": ("忠诚", "loyal", "setia"),
            }
        ),
        "grade": _GRADES,
        "held_grade": _GRADES,
        "rfm_level": MappingProxyType(
            {"high": ("高", "high", "tinggi"), "mid": ("中", "mid", "sedang"), "low": ("低", "low", "rendah")}
        ),
        "rfm_cell": MappingProxyType(
            {
                "important_value": ("重要价值", "important: value", "penting: bernilai"),
                "important_develop": ("重要发展", "important: develop", "penting: dikembangkan"),
                "important_keep": ("重要保持", "important: keep", "penting: dipertahankan"),
                "important_retain": ("重要挽留", "important: retain", "penting: direbut kembali"),
                "general_value": ("一般价值", "general: value", "umum: bernilai"),
                "general_develop": ("一般发展", "general: develop", "umum: dikembangkan"),
                "general_keep": ("一般保持", "general: keep", "umum: dipertahankan"),
                "general_retain": ("一般挽留", "general: retain", "umum: direbut kembali"),
                "outside": ("窗口外", "outside the window", "di luar jendela"),
            }
        ),
    }
)

CODE_STATES: MappingProxyType[str, Label] = MappingProxyType(
    {
        "open": ("未核销", "open", "belum dipakai"),
        "redeemed": ("已核销", "redeemed", "sudah dipakai"),
        "expired": ("已过期", "expired", "kedaluwarsa"),
    }
)
"""What becomes of a code that was issued."""

CHOICE_ALIASES: MappingProxyType[str, MappingProxyType[str, str]] = MappingProxyType(
    {
        "lifecycle": MappingProxyType(
            {
                "引入": "intro",
                "成长": "growth",
                "成熟": "mature",
                "沉睡": "dormant",
                "休眠": "dormant",
                "沉睡期": "dormant",
                "流失": "churned",
            }
        ),
        "rfm_cell": MappingProxyType({"深耕": "important_develop", "唤回": "important_keep"}),
    }
)

FIELD_ALIASES: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "lifecycle": ("生命周期阶段", "lifecycle_stage"),
        "aipl": ("AIPL", "aipl_stage"),
        "grade": ("value_grade", "价值等级"),
        "held_grade": ("保级分级", "保有分级", "当前等级"),
        "rfm_level": ("RFM等级",),
        "rfm_cell": ("RFM分层",),
        "member": ("会员",),
        "friend": ("好友", "企微好友"),
        "follower": ("粉丝",),
        "staff": ("员工",),
        "at_risk": ("预流失", "预警", "流失预警"),
        "due": ("复购到期",),
        "one_time_buyer": ("一次客",),
        "never_bought": ("久未首购",),
        "minor": ("未成年人",),
        "days_since_last_purchase": ("recency_days", "距上次购买天数"),
        "days_since_first_purchase": ("距首购天数",),
        "purchase_days": ("购买天数",),
        "orders_365d": ("近365天订单数",),
        "money_365d": ("近365天消费金额", "消费金额", "消费"),
        "value_365d": ("近365天净价值",),
        "repurchase_cycle_days": ("复购周期",),
        "average_order_value": ("aov",),
        "coupon_share": ("用券率",),
        "last_store": ("门店",),
        "last_staff": ("导购",),
        "last_channel": ("渠道",),
    }
)

FACT_LABELS: MappingProxyType[str, Label] = MappingProxyType(
    {
        "orders": ("订单", "orders", "pesanan"),
        "items": ("购买的商品", "items bought", "barang yang dibeli"),
        "events": ("事件", "events", "peristiwa"),
        "touches": ("触达", "touches", "sentuhan"),
        "responses": ("触达回应", "responses", "tanggapan"),
        "refunds": ("退款", "refunds", "pengembalian"),
        "pending": ("待付款订单", "pending orders", "pesanan belum dibayar"),
        "codes": ("领券", "codes", "kode"),
    }
)

FACT_COLUMN_LABELS: MappingProxyType[str, Label] = MappingProxyType(
    {
        "amount": ("金额", "amount", "jumlah uang"),
        "category": ("品类", "category", "kategori"),
        "channel": ("渠道", "channel", "kanal"),
        "cost": ("成本", "cost", "biaya"),
        "coupon": ("优惠券", "coupon", "kupon"),
        "day": ("日期", "day", "tanggal"),
        "discount": ("优惠金额", "discount", "potongan"),
        "gross": ("原价金额", "gross amount", "jumlah kotor"),
        "hour": ("下单钟点", "hour of day", "jam"),
        "kind": ("类型", "kind", "jenis"),
        "list": ("券码批次", "list", "daftar"),
        "name": ("名称", "name", "nama"),
        "net": ("实付金额", "net amount", "jumlah bersih"),
        "play": ("打法", "play", "permainan"),
        "product": ("商品名", "product name", "nama produk"),
        "purpose": ("目的", "purpose", "tujuan"),
        "quantity": ("数量", "quantity", "kuantitas"),
        "sku": ("商品编码", "SKU", "SKU"),
        "source": ("来源", "source", "sumber"),
        "staff": ("导购", "staff", "staf"),
        "state": ("状态", "state", "status"),
        "store": ("门店", "store", "toko"),
        "strategy": ("策略", "strategy", "strategi"),
        "variant": ("版本", "variant", "varian"),
        "weekday": ("星期（1–7）", "weekday (1–7)", "hari dalam pekan (1–7)"),
    }
)

FACT_COLUMN_ALIASES: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "category": ("类目", "分类", "品类", "类别"),
        "coupon": ("优惠券", "券", "券码"),
        "day": ("日期", "下单日期"),
        "hour": ("钟点", "小时", "下单钟点"),
        "net": ("实付金额", "实付"),
        "product": ("商品名", "商品名称"),
        "sku": ("商品编码", "编码", "货号"),
        "weekday": ("星期", "周几", "hari_pekan"),
    }
)
"""Further names of the columns of facts; the first in Chinese is the one that is written."""

FLAG_NAMES: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "staff": ("员工", "staf"),
        "at_risk": ("预流失", "berisiko"),
        "due": ("复购到期", "jatuh_tempo"),
        "one_time_buyer": ("一次客", "pembeli_sekali"),
        "never_bought": ("久未首购", "belum_membeli"),
        "member": ("会员", "anggota"),
        "friend": ("企微好友", "teman"),
        "follower": ("粉丝", "pengikut"),
        "minor": ("未成年人", "di_bawah_umur"),
        "profiling_refused": ("拒绝画像", "menolak_profil"),
    }
)
"""What a flag is called in the one-line form, in Chinese and Indonesian."""


def one_word(text: str, lang: Lang) -> str:
    """Return a label as one word of the one-line form: without blanks in Chinese, joined by _ elsewhere."""
    return text.replace(" ", "" if lang == "zh" else "_").replace("-", "_")
