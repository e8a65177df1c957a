"""What words in a file mean: order states, truth values, consents. The words themselves: words.toml."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

from koipond.ingest.mapping import plain_name

PAID, PENDING, CANCELLED, REFUNDED = "paid", "pending", "cancelled", "refunded"
PARTLY = "partially_refunded"
STATUSES = (PAID, PENDING, CANCELLED, REFUNDED, PARTLY)
TOTALS = (
    *(
        "合计",
        "总计",
        "小计",
        "总合计",
        "本页合计",
        "本页小计",
        "汇总",
        "共计",
        "合计:",
        "合计：",
        "总计:",
        "总计：",
    ),
    *(
        "total",
        "totals",
        "grand total",
        "sub total",
        "subtotal",
        "sub-total",
        "sum",
        "total:",
        "sums",
        "overall total",
    ),
    *("jumlah", "total keseluruhan", "grand total:", "jumlah total", "sub jumlah", "subjumlah", "jumlah:"),
)
"""What the first cell of a row of totals says, in lower case."""


@cache
def word_table(name: str) -> Mapping[str, str]:
    """Return plain word → meaning of table ``name``: status, truth, consent, channel, purpose or all."""
    text = resources.files("koipond.ingest").joinpath("words.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    used = [tables["truth"], tables[name]] if name == "consent" else [tables[name]]
    return {
        plain_name(word): meaning for table in used for meaning, listed in table.items() for word in listed
    }


def meanings(values: Iterable[str], table: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Return value → meaning for those of ``values`` that ``told`` or ``table`` knows."""
    found = {}
    said = {plain_name(word): meaning for word, meaning in told.items()}
    for value in values:
        meaning = told.get(value) or said.get(plain_name(value)) or table.get(plain_name(value))
        if meaning is not None:
            found[value] = meaning
    return found
