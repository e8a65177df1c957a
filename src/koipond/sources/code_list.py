"""Code lists as shops export them (券码文件): the first column, no header, quotes, guards (B08)."""

import re
from pathlib import Path

from koipond.ingest.list_rows import unguarded
from koipond.ingest.mapping import plain_name
from koipond.ingest.privacy import shown_name
from koipond.kernel import InputError
from koipond.sources.text import list_lines

_FIRST = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^,;\t|]*))')
_HEADERS = frozenset(
    plain_name(name)
    for name in (
        *(
            "code",
            "codes",
            "coupon",
            "coupon code",
            "coupon codes",
            "voucher",
            "voucher code",
            "discount code",
        ),
        *("promo code", "promotion code", "gift code", "kode", "kode kupon", "kode voucher", "kode promo"),
        *("券码", "优惠券码", "优惠码", "兑换码", "券号", "卡密", "优惠券编码", "折扣码", "代金券码"),
    )
)


def read_codes(path: Path, most: int) -> list[tuple[int, str]]:
    """Return line and code of each line of a UTF-8 file of at most ``most`` codes.

    Raises InputError for a file that is none. Which codes cannot be told apart, the store says.
    """
    found: list[tuple[int, str]] = []
    for line, text in list_lines(path, most, "code"):
        match = _FIRST.match(unguarded(text))
        assert match is not None  # it matches the empty text
        code = (match[2] if match[1] is None else match[1].replace('""', '"')).strip()
        if not found and plain_name(code) in _HEADERS:
            continue
        found.append((line, unguarded(code)))
    if not found:
        raise InputError("{path}: holds a header and no code; write one code a line", path=shown_name(path))
    return found
