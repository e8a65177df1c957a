"""Hostile values and texts, drawn by a seeded generator: the same seed gives the same cases everywhere."""

import json
import random
from collections.abc import Callable
from typing import Any

MARKS = ("13912345678", "planted.marker@x.example", "110105194912310021", "6222021234567890")
"""Identifiers planted in every kind of file: nowhere afterwards in clear."""

FORMS = (
    *("139-1234-5678", "１３９１２３４５６７８", "+86 139 1234 5678", "139\u200b1234\u200b5678"),
    *("(139) 1234.5678", "planted.marker＠x.example", "tel:13912345678", "1101051949 12310021"),
    *("6222-0212-3456-7890", "1.3912345678E+10", "13,912,345,678", "139+1234+5678", "139_1234_5678"),
    *("GB82 WEST 1234 5698 7654 32", "passport E12345678", "3174012304567890", "٠١٣٩١٢٣٤٥٦٧٨"),
    *("planted.marker(at)x(dot)example", "planted.marker%40x.example", "planted.marker&#64;x.example"),
    *("cGxhbnRlZC5tYXJrZXJAeC5leGFtcGxl", "110 105 1949 1231 002X", "12.345.678.9-012.345"),
    *("openid=oZ7xQa-9bTc3_KdLe5MfNg2HiPjR", "planted.marker @ x . example"),
)
"""The same as people and programs write it: wherever it was put, it does not stand so afterwards."""

NUMBERS = (
    *(
        "0",
        "-0",
        "1",
        "-1",
        "1.005",
        "1,5",
        "1.234,56",
        "1e3",
        "1e400",
        "-1e-400",
        "9" * 18,
        "9" * 45,
        "0x10",
    ),
    *(
        "NaN",
        "inf",
        "-inf",
        "1_000",
        "½",
        "٣",
        "¥5",
        "Rp 10.000",
        "(5)",
        "5-",
        "+5",
        "--5",
        "1.2.3",
        ".",
        "-",
        "%",
    ),
    *("99999999999", "100000000000.01", "0." + "1" * 60, "1 000", "1'000", "１２", "5%", "", " "),
)
INSTANTS = (
    *("2025-01-01", "2025-01-01 10:00:00", "2025-01-01T10:00:00Z", "2025-01-01T10:00:00+99:00", "0000-00-00"),
    *(
        "2025-02-30",
        "9999-12-31",
        "0001-01-01",
        "1735696800",
        "1735696800123",
        "31/12/2025",
        "12/31/2025",
        "soon",
    ),
    *(
        "2025-01-01T10:00:00-14:01",
        "2025-01-01 24:00:00",
        "2025-01-01 23:59:60",
        "-2025-01-01",
        "20250101",
        "",
    ),
)
WORDS = (
    *(
        "paid",
        "pending",
        "refunded",
        "cancelled",
        "已付款",
        "yes",
        "no",
        "all",
        "*",
        "sms",
        "email",
        "riddle",
        "1",
    ),
    *("true", "", "null", "NaN", "-", "marketing", "全部", "unsubscribed", "stop", "granted", "denied"),
)
TEXTS = (
    *(
        "",
        " ",
        "x",
        "a,b",
        'q"t',
        "it's",
        "a\nb",
        "a\r\nb",
        "\t",
        "\\",
        "\x00",
        "\ufeff",
        "\u2028",
        "\u202e",
        "💥" * 3,
    ),
    *(
        "=1+1",
        "@SUM(A1)",
        "$.a[0]",
        "{{ x }}",
        "{% for %}",
        "<script>alert(1)</script>",
        "'; DROP TABLE x; --",
    ),
    *(
        "%0d%0a",
        "../../etc/passwd",
        "x" * 3_000,
        "𝟙",
        "é",
        "é",
        "x0",
        "customer_no",
        "_gone",
        "NULL",
        "${HOME}",
    ),
)


class Draw:
    """Draws of one case."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self, *pools: Any) -> Any:
        return self.random.choice(self.random.choice(pools))

    def chance(self, rate: float) -> bool:
        return self.random.random() < rate

    def text(self) -> str:
        if self.chance(0.25):
            form = str(self.one(MARKS, FORMS))
            return str(self.random.choice(("{}", "{}", "{}", "call {} now", "a/{}", "{}!"))).format(form)
        if self.chance(0.2):
            size = self.random.randrange(1, 12)
            return "".join(
                chr(self.random.choice((9, 32, 34, 44, 65, 97, 233, 0x4E00, 0x1F600))) for _ in range(size)
            )
        return str(self.one(TEXTS, WORDS, NUMBERS, INSTANTS))

    def tree(self, depth: int = 0) -> Any:
        """A JSON value of any shape."""
        kind = self.random.randrange(8 if depth < 4 else 5)
        makers: tuple[Callable[[], Any], ...] = (
            self.text,
            lambda: self.random.randrange(-(10**9), 10**9),
            lambda: self.random.random() * 10**9,
            lambda: None,
            lambda: self.chance(0.5),
            lambda: [self.tree(depth + 1) for _ in range(self.random.randrange(4))],
            lambda: {self.text(): self.tree(depth + 1) for _ in range(self.random.randrange(4))},
            lambda: {self.text(): self.tree(depth + 1)},
        )
        return makers[kind]()

    def damaged(self, data: bytes) -> bytes:
        """``data`` with bytes cut out, doubled, changed or put in."""
        for _ in range(self.random.randrange(4)):
            if not data:
                break
            place = self.random.randrange(len(data))
            size = self.random.randrange(1, 40)
            how = self.random.randrange(5)
            if how == 0:
                data = data[:place]
            elif how == 1:
                data = data[:place] + data[place + size :]
            elif how == 2:
                data = data[:place] + data[place : place + size] * 3 + data[place + size :]
            elif how == 3:
                data = data[:place] + self.random.randbytes(size % 5 + 1) + data[place + 1 :]
            else:
                data = (
                    data[:place]
                    + self.random.choice((b'"', b"\r", b"\n", b",", b"\x00", b"\xff\xfe"))
                    + data[place:]
                )
        return data


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
