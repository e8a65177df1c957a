"""The words of the one-line form in Chinese and Indonesian (规则用语). Data, and how they are found.

Whatever the language, the order of words is that of the grammar; `Calendar` windows and those counted in days
also have the order people say them in: ``近90天``, ``90 hari terakhir``.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from koipond.rules.labels import Lang
from koipond.rules.windows import Calendar, Unit

_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # canonical: Chinese, Indonesian; the first of each is written, all are read
        "and": ("且 并且 和 与", "dan"),
        "or": ("或 或者", "atau"),
        "not": ("非 不是", "bukan tidak"),
        "in": ("属于 在", "termasuk"),
        "is": ("为", "adalah"),
        "known": ("已知", "diketahui"),
        "missing": ("缺失 未知", "kosong"),
        "between": ("介于", "antara"),
        "contains": ("包含 含", "memuat"),
        "starts": ("开头为 开头是", "diawali"),
        "ends": ("结尾为 结尾是", "diakhiri"),
        "with": ("含", "dengan"),
        "segment": ("人群", "segmen"),
        "list": ("名单", "daftar"),
        "trait": ("属性", "atribut"),
        "tag": ("标签", "label"),
        "property": ("事件属性", "properti"),
        "everyone": ("所有人", "semua"),
        "bought": ("买过", "membeli"),
        "not_bought": ("没买过 没有买过 未买过", "tidak_membeli"),
        "sample": ("抽样", "sampel"),
        "sequence": ("先后", "urutan"),
        "then": ("然后 之后", "lalu"),
        "no": ("没有 无", "tanpa"),
        "within": ("限", "dalam"),
        "anniversary": ("周年", "ulang_tahun"),
        "top": ("前", "teratas"),
        "of": ("于", "dari"),
        "last": ("近 最近 过去", "terakhir"),
        "next": ("未来 今后", "mendatang"),
        "from": ("从", "dari"),
        "to": ("至 到", "sampai"),
        "since": ("自", "sejak"),
        "until": ("截至", "hingga"),
        "ever": ("累计", "selamanya"),
        "days": ("天 日", "hari"),
        "ago": ("前", "lalu"),
        "count": ("次数", "jumlah"),
        "sum": ("合计", "total"),
        "average": ("平均", "rata_rata"),
        "share": ("占比", "porsi"),
        "latest": ("末次", "terbaru"),
        "days_since_last": ("距末次天数", "hari_sejak_terakhir"),
        "days_since_first": ("距首次天数", "hari_sejak_pertama"),
        "orders": ("订单", "pesanan"),
        "items": ("商品", "barang"),
        "events": ("事件", "peristiwa"),
        "touches": ("触达", "sentuhan"),
        "responses": ("回应", "tanggapan"),
        "refunds": ("退款 退货", "pengembalian"),
        "pending": ("待付款", "belum_dibayar"),
        "codes": ("领券 券码", "kode"),
        "birthday": ("生日", "hari_lahir"),
    }
)
_DAYS_MEASURE = ("天数", "hari")  # as a measure; as a unit: 天

_PERIODS: tuple[Unit, ...] = ("week", "month", "year")
_ID_PERIODS: tuple[tuple[str, Unit], ...] = (("minggu", "week"), ("bulan", "month"), ("tahun", "year"))
CALENDARS: Mapping[tuple[str, ...], Calendar] = MappingProxyType(
    {
        ("today",): Calendar(unit="day"),
        ("yesterday",): Calendar(unit="day", shift=-1),
        ("tomorrow",): Calendar(unit="day", shift=1),
        **{
            (word, unit): Calendar(unit=unit, shift=shift)
            for unit in _PERIODS
            for word, shift in (("last", -1), ("this", 0), ("next", 1))
        },
        ("今天",): Calendar(unit="day"),
        ("昨天",): Calendar(unit="day", shift=-1),
        ("明天",): Calendar(unit="day", shift=1),
        ("上周",): Calendar(unit="week", shift=-1),
        ("本周",): Calendar(unit="week"),
        ("下周",): Calendar(unit="week", shift=1),
        ("上月",): Calendar(unit="month", shift=-1),
        ("本月",): Calendar(unit="month"),
        ("下月",): Calendar(unit="month", shift=1),
        ("去年",): Calendar(unit="year", shift=-1),
        ("今年",): Calendar(unit="year"),
        ("明年",): Calendar(unit="year", shift=1),
        ("hari", "ini"): Calendar(unit="day"),
        ("kemarin",): Calendar(unit="day", shift=-1),
        ("besok",): Calendar(unit="day", shift=1),
        **{
            (word, which): Calendar(unit=unit, shift=shift)
            for word, unit in _ID_PERIODS
            for which, shift in (("lalu", -1), ("ini", 0), ("depan", 1))
        },
    }
)
"""Words → the calendar window they name."""

SPOKEN: Mapping[str, Mapping[Lang, tuple[str, ...]]] = {
    word: {"zh": tuple(zh.split()), "en": (word,), "id": tuple(id_.split())}
    for word, (zh, id_) in _WORDS.items()
}


def _meanings() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word, spoken in SPOKEN.items():
        for text in (*spoken["zh"], *spoken["id"]):
            found.setdefault(text, []).append(word)
    for text in _DAYS_MEASURE:
        found.setdefault(text, []).append("days")
    return {text: tuple(dict.fromkeys(words)) for text, words in found.items()}


SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(_meanings())
"""A word in another language → the words of the grammar that it may stand for, by place."""
KEYWORDS = frozenset(
    {
        *("and", "or", "not", "in", "segment", "list", "trait", "tag", "everyone"),
        *("且", "并且", "或", "或者", "非", "不是", "属于", "人群", "名单", "属性", "标签", "所有人"),
        *("dan", "atau", "bukan"),
        *("is", "between", "contains", "starts", "ends", "true", "false", "then", "no"),
        *("orders", "items", "events", "touches", "responses", "property", "bought", "sample", "sequence"),
        *("last", "from", "since", "until", "ever"),
    }
)
"""Names that are written in quotes when they are values: people misread them, the grammar does not."""

_WINDOW_END = "|".join(sorted("".join(words) for words in CALENDARS if len(words) == 1 and words[0] > "z"))
_FUSED = (
    (re.compile(r"(近|最近|过去)([0-9]+)(天|日)(?:内|里)?"), ("last", 2, "days")),
    (re.compile(r"(近|最近|过去)([0-9]+)(天|日)(?:内|里)?(没有?买过|未买过|买过)"), ("last", 2, "days", 4)),
    (re.compile(r"(未来|今后)([0-9]+)(天|日)(?:内|里)?"), ("next", 2, "days")),
    (re.compile(r"(.+?)?前([0-9]+)"), (1, "top", 2)),
    (re.compile(rf"(.+?)在({_WINDOW_END})"), (1, "in", 2)),
)


def meanings(text: str) -> tuple[str, ...]:
    """Return the words of the grammar that ``text`` may stand for, itself first."""
    return (text, *SYNONYMS.get(text, ()))


def spoken(word: str, lang: Lang) -> str:
    """Return ``word`` of the grammar in ``lang``."""
    return SPOKEN[word][lang][0] if word in SPOKEN else word


def days_measure(lang: Lang) -> str:
    """Return how the measure ``days`` is called in ``lang``."""
    return {"zh": _DAYS_MEASURE[0], "en": "days", "id": _DAYS_MEASURE[1]}[lang]


def calendar_words(window: Calendar, lang: Lang) -> str:
    """Return what a calendar window is called in ``lang``."""
    names = [" ".join(words) for words, found in CALENDARS.items() if found == window]
    return names[{"en": 0, "zh": 1, "id": 2}[lang]]


def parts(name: str) -> list[str] | None:
    """Return the words that a Chinese name written without blanks is made of, None when it is one word."""
    for pattern, made in _FUSED:
        if (match := pattern.fullmatch(name)) is not None:
            groups = [match.group(part) if isinstance(part, int) else part for part in made]
            return [part for part in groups if part]
    return None
