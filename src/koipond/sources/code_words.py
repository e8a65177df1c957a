"""What code lists call their columns and the state of a code, and how they write its last day."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise

from koipond.ingest.mapping import plain_name
from koipond.ingest.words import TOTALS, word_table


def _plain(*names: str) -> frozenset[str]:
    return frozenset(plain_name(name) for name in names)


CODE = _plain(
    *("code", "codes", "coupon", "coupons", "coupon code", "coupon codes", "voucher", "vouchers"),
    *("voucher code", "voucher codes", "discount code", "discount codes", "promo code", "promo codes"),
    *("promotion code", "promotion codes", "gift code", "gift codes", "code coupon", "redeem code"),
    *("kode", "kode kupon", "kode voucher", "kode promo", "kode diskon", "kupon"),
    *("券码", "优惠券码", "优惠码", "兑换码", "券号", "卡密", "优惠券编码", "折扣码", "代金券码"),
    *("优惠券号", "优惠券编号", "优惠券代码", "券编码", "券编号", "卡券码", "兑换券码", "核销码", "激活码"),
)
LAST_DAY = _plain(
    *("expires_on", "expires", "expires at", "expire", "expire date", "expired at", "expired date"),
    *("expired on", "expired", "expiry", "expiry date", "expiry time", "expiration", "expiration date"),
    *("expiration time", "exp", "exp date", "date expires", "expires date", "valid until", "valid till"),
    *(
        "valid to",
        "valid thru",
        "valid through",
        "good until",
        "use by",
        "end",
        "ends",
        "end date",
        "end time",
    ),
    *("ends on", "ends at", "ended at", "last day", "last good day"),
    *(
        "有效期",
        "有效期至",
        "有效期到",
        "有效期止",
        "有效期截止",
        "有效期限",
        "有效日期",
        "有效至",
        "有效截止",
    ),
    *("有效截止时间", "有效截止日期", "有效期截止时间", "有效期结束时间", "过期时间", "过期日期", "过期日"),
    *("到期日", "到期日期", "到期时间", "失效时间", "失效日期", "失效日", "截止日期", "截止时间", "截止日"),
    *("结束时间", "结束日期", "使用截止时间", "使用截止日期", "使用有效期", "最后有效日", "最后使用日期"),
    *("berlaku sampai", "berlaku hingga", "berlaku s/d", "berlaku sd", "masa berlaku", "berakhir"),
    *("tanggal berakhir", "tanggal kedaluwarsa", "tanggal kadaluarsa", "tanggal kadaluwarsa", "kedaluwarsa"),
    *("kadaluarsa", "kadaluwarsa", "tanggal expired", "tgl expired", "tgl berakhir", "tgl kedaluwarsa"),
)
STATE = _plain(
    *("status", "state", "code status", "coupon status", "voucher status", "usage status", "use status"),
    *("状态", "券状态", "使用状态", "核销状态", "优惠券状态", "券码状态", "兑换状态", "领取状态", "发放状态"),
    *("status kode", "status kupon", "status voucher", "status pemakaian", "status penggunaan"),
)
USED = _plain(
    *("used", "is used", "redeemed", "is redeemed", "times used", "used count", "usage count"),
    *(
        "已使用",
        "是否使用",
        "是否已使用",
        "是否核销",
        "是否已核销",
        "已核销",
        "使用次数",
        "核销次数",
        "已用次数",
    ),
    *("terpakai", "sudah dipakai", "sudah digunakan", "jumlah pemakaian"),
)
USED_WHEN = _plain(
    *(
        f"{verb} {what}"
        for verb in ("used", "redeemed", "claimed", "consumed")
        for what in (
            "at",
            "on",
            "by",
            "time",
            "date",
            "when",
            "where",
            "order",
            "order id",
            "in order",
            "store",
        )
    ),
    *("redemption time", "redemption date", "date used", "date redeemed", "time used", "last used"),
    *(
        f"{verb}{what}"
        for verb in ("使用", "核销", "兑换", "领取")
        for what in (
            "时间",
            "日期",
            "人",
            "者",
            "门店",
            "订单",
            "订单号",
            "用户",
            "会员",
            "手机号",
        )
    ),
    *(
        f"{what} {verb}"
        for what in ("waktu", "tanggal", "tgl", "jam")
        for verb in (
            "pemakaian",
            "penggunaan",
            "penukaran",
            "dipakai",
            "digunakan",
            "ditukar",
            "diklaim",
        )
    ),
    *(
        f"{verb} {what}"
        for verb in ("dipakai", "digunakan", "ditukar", "diklaim")
        for what in ("oleh", "pada")
    ),
)
"""Columns that say when, by whom or where a code was used: empty while it is free."""
_GONE = _plain(
    *("used", "redeemed", "used up", "claimed", "issued", "assigned", "sent", "given", "sold", "consumed"),
    *("expired", "void", "voided", "invalid", "disabled", "inactive", "cancelled", "canceled", "revoked"),
    *("blocked", "deleted", "archived"),
    *("已使用", "已核销", "已兑换", "已用", "使用过", "用过", "已消费", "已领取", "已发放", "已发", "已领"),
    *(
        "已派发",
        "已售",
        "已过期",
        "过期",
        "已失效",
        "失效",
        "已作废",
        "作废",
        "无效",
        "停用",
        "已停用",
        "禁用",
    ),
    *("已禁用", "冻结", "已冻结", "已撤销", "已删除", "不可用"),
    *("terpakai", "sudah terpakai", "dipakai", "sudah dipakai", "digunakan", "sudah digunakan", "ditukar"),
    *("sudah ditukar", "diklaim", "sudah diklaim", "terkirim", "kedaluwarsa", "kadaluarsa", "kadaluwarsa"),
    *("dibatalkan", "batal", "tidak aktif", "tidak berlaku", "nonaktif"),
)
_FREE = _plain(
    *("", "unused", "not used", "unredeemed", "not redeemed", "active", "available", "valid", "new"),
    *("enabled", "open", "free", "unissued", "not issued", "unassigned", "unclaimed", "ready"),
    *("未使用", "未核销", "未兑换", "未用", "待使用", "待核销", "可用", "可使用", "有效", "正常", "启用"),
    *("未领取", "未发放", "待发放", "待领取", "未领", "未发", "未派发", "未售"),
    *("belum terpakai", "belum dipakai", "belum digunakan", "belum ditukar", "belum diklaim", "aktif"),
    *("tersedia", "berlaku", "baru", "belum dikirim", "未", "belum"),
)
_TICKS = frozenset(("√", "✓", "✔", "v", "x"))  # signs, of which a plain name keeps nothing
_ENDLESS = _plain(
    "", "永久", "永久有效", "长期", "长期有效", "不限", "无", "无限期", "never", "none", "null", "selamanya"
)
NUMBER = _plain("序号", "编号", "行号", "no", "nr", "number", "id", "index", "nomor", "num", "row", "urutan")

_YEAR_FIRST = re.compile(r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日?)")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})")
_TIGHT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_TIME = re.compile(r"(?P<day>.*?[0-9日])(?:T| +)(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)")
_COUNT = re.compile(r"(.*?)([\s:：=]*)([0-9][0-9,.]*)?\s*(?:张|个|条|枚|份|codes?|pcs|kode)?")
_SPAN = re.compile(
    r".+?(?:至|到|~|～|—|–| - | to | s/d | sampai | hingga )+(.+)|[0-9./年月日]{8,11}-([0-9]{4}[./年].+)"
)


def are_counted(cells: Iterable[str]) -> bool:
    """Say whether ``cells`` are running numbers."""
    words = list(cells)
    if not all(word.isdecimal() and len(word) <= 7 for word in words):
        return False
    return all(int(b) - int(a) == 1 for a, b in pairwise(words))


def is_gone(word: str, *, flag: bool) -> bool | None:
    """Say whether ``word`` means that a code is no longer free; None when that is not known.

    ``flag``: the column asks whether, or how often, it was used: yes and 1 are used.
    """
    plain = plain_name(word)
    if flag and plain.isdecimal():
        return int(plain) > 0
    if flag and word.strip().lower() in _TICKS:
        return True
    if flag and (truth := word_table("truth").get(plain)):
        return truth == "true"
    return True if plain in _GONE else False if plain in _FREE else None


def is_used_when(cell: str) -> bool | None:
    """Say whether ``cell`` of a column of `USED_WHEN` names a use; None for a span of days, which may be
    that in which the code is good."""
    plain = plain_name(cell)
    if plain in _FREE or plain in _ENDLESS or not plain.strip("0"):
        return False
    return None if _SPAN.fullmatch(cell.strip()) else True


def is_total(cell: str) -> bool:
    """Say whether ``cell`` says that its line adds up the others."""
    found = _COUNT.fullmatch(cell.strip().lower())
    if found is None or found[1] == "共":
        return found is not None and found[3] is not None
    apart = found[3] is None or found[2] or not found[1].isascii()  # TOTAL50 is a code
    return found[1] in TOTALS and bool(apart)


def is_endless(cell: str) -> bool:
    """Say whether ``cell`` of a column of last days names none."""
    return plain_name(cell) in _ENDLESS


def day_orders(cells: Iterable[str]) -> list[str]:
    """Return the orders, ``dmy`` and ``mdy``, in which every date of ``cells`` that ends in its year reads.

    One of the two alone when both say the same days.
    """
    dates = [found.groups() for cell in cells if (found := _YEAR_LAST.fullmatch(_day_text(cell)[0]))]
    read = {
        order: [_day(y, *((b, a) if order == "dmy" else (a, b))) for a, _, b, y in dates]
        for order in ("dmy", "mdy")
    }
    fitting = [order for order, days in read.items() if None not in days]
    return fitting[:1] if len(fitting) == 2 and read["dmy"] == read["mdy"] else fitting


def last_day(cell: str, orders: list[str]) -> tuple[date, bool] | None:
    """Return the last whole day that ``cell`` names, and whether a time of day cost the code a day.

    Of a span the end counts. None: it is no date, or one that can be read in two orders.
    """
    text, time = _day_text(cell)
    day = None
    if found := _YEAR_FIRST.fullmatch(text):
        day = _day(found[1], found[3] or found[5], found[4] or found[6])
    elif found := _TIGHT.fullmatch(text):
        day = _day(*found.groups())
    elif (found := _YEAR_LAST.fullmatch(text)) and len(orders) == 1:
        first, _, second, year = found.groups()
        day = _day(year, *((second, first) if orders == ["dmy"] else (first, second)))
    if day is None:
        return None
    early = bool(time) and not time.startswith("23:59") and not time.startswith("24:00")
    return day - timedelta(days=1) if early else day, early


def _day_text(cell: str) -> tuple[str, str]:
    """Return the day and the time in ``cell``."""
    text = cell.strip()
    if span := _SPAN.fullmatch(text):
        text = (span[1] or span[2]).strip()
    found = _TIME.fullmatch(text)
    return (found["day"].strip(), found["time"]) if found else (text, "")


def _day(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2199 else None
