"""How far the facts reach, in words (数据新鲜度的词): one line below every answer that read facts.

Apart from `koipond.insights.freshness`, which reads them: every command imports the words, few the engine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from koipond.insights.words import Language

OLD_DAYS = 7
"""From so many days on, the age of a source's newest fact is a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    newest: str
    none: str
    kinds: Mapping[str, str]
    today: str
    one_day: str
    days: str
    old: str
    then: str
    between: str


_WORDS: MappingProxyType[Language, _Words] = MappingProxyType(
    {
        "en": _Words(
            newest="Newest facts: ",
            none="No orders, refunds or events are imported yet.",
            kinds={"orders": "orders", "refunds": "refunds", "events": "events"},
            today="today",
            one_day="1 day old",
            days="{n} days old",
            old=" (old: import newer ones)",
            then=", ",
            between="; ",
        ),
        "zh": _Words(
            newest="最新数据：",
            none="尚未导入订单、退款或行为数据。",
            kinds={"orders": "订单", "refunds": "退款", "events": "行为"},
            today="今天",
            one_day="1 天前",
            days="{n} 天前",
            old="（较旧，请导入新数据）",
            then="，",
            between="；",
        ),
        "id": _Words(
            newest="Fakta terbaru: ",
            none="Belum ada pesanan, pengembalian, atau peristiwa yang diimpor.",
            kinds={"orders": "pesanan", "refunds": "pengembalian", "events": "peristiwa"},
            today="hari ini",
            one_day="1 hari lalu",
            days="{n} hari lalu",
            old=" (lama: impor yang lebih baru)",
            then=", ",
            between="; ",
        ),
    }
)


def facts_line(rows: Sequence[Mapping[str, Any]], language: Language = "en") -> str:
    """Return one line on ``rows`` of `fact_rows`: kind, source, newest day and its age."""
    word = _WORDS[language]
    if not rows:
        return word.none
    said = []
    for row in rows:
        age = row["age_days"]
        old = word.old if age >= OLD_DAYS else ""
        text = word.today if age == 0 else word.one_day if age == 1 else word.days.format(n=age)
        name = f"{word.kinds[row['kind']]} {row['source']}".strip()
        said.append(f"{name} {row['newest_on']}{word.then}{text}{old}")
    return word.newest + word.between.join(said)
