"""Numbers as people write them: which marks they use, and what they are worth."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koipond.ingest.numbers import Marks, choose_marks, multiply, number_reading, read_number, to_units
from koipond.ingest.shapes import column_shapes
from koipond.kernel import InputError, to_minor
from koipond.warehouse import ParquetReader

REUSED = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(
    reader: ParquetReader, *texts: str | None, decimal: str | None = None, thousands: str | None = None
) -> tuple[Marks, list[int | None]]:
    """Return the marks chosen for one column and its values in hundredths."""
    rows = list(range(2, 2 + len(texts)))
    table = reader.stage("t", pa.table({"row": rows, "a": pa.array(texts, pa.string())}))
    shapes = column_shapes(reader, table, "a", what="numbers")
    marks = choose_marks({"a": shapes}, decimal, thousands, "f.csv")
    value = read_number(table["a"], number_reading(shapes, marks))
    found = reader.frame(table.select("row", value=to_units(value, 2)).order_by("row"))
    return marks, found.column("value").to_pylist()


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (("1,234.50", "7"), [123450, 700]),
        (("1.234,50", "7"), [123450, 700]),
        (("1 234,5", "0,05"), [123450, 5]),
        (("1'234.5", "12'345'678"), [123450, 1234567800]),
        (("12.5", "1.234"), [1250, 123]),
        (("0.350", "1.234"), [35, 123]),
        (("1.234.567", "12"), [123456700, 1200]),
        (("1,234,567.8", "0"), [123456780, 0]),
        (("¥12", "￥-8.5", "$1,000.00", "12元", "Rp 3", "USD 4.2"), [1200, -850, 100000, 1200, 300, 420]),
        (("(3.20)", "-3.20", "3.20-", "−3.20", "+3.20"), [-320, -320, -320, -320, 320]),
        (("1e-2", "1E3", "2.5e0", "-1e1"), [1, 100000, 250, -1000]),
        ((".5", "5.", "-.5"), [50, 500, -50]),
        (("2.675", "-2.675", "1.005", "0.0049"), [268, -268, 101, 0]),
        (("0.30000000000000004", "1.39"), [30, 139]),
        (("Rp150.000,-", "Rp75.500,-", "Rp1.250.000,-"), [15000000, 7550000, 125000000]),
        (("CHF 12.-", "CHF 3.50", "-4.--", "(5.–)"), [1200, 350, -400, -500]),
        (("1.250,00-", "99,-", "7-"), [-125000, 9900, -700]),
        (("1,23,456.00", "12,34,56,789.5", "1,000", "99"), [12345600, 12345678950, 100000, 9900]),
        (("₹1,299.00", "₹399", "Rs. 12"), [129900, 39900, 1200]),
        (("120.000 ₫", "1.250.000 ₫"), [12000000, 125000000]),
        (("R$ 1.299,00", "R$ 39,90"), [129900, 3990]),
        (("12,800円", "980円", "1,234,567円"), [1280000, 98000, 123456700]),
        (("5 kr.", "3,5 zł", "7 руб.", "฿9", "NT$8"), [500, 350, 700, 900, 800]),
        (("12 XQZ", "ABC 5", "7"), [None, None, 700]),
        (("12", None, "x", "1-2", "--3", "1.2.3"), [1200, None, None, None, None, None]),
    ],
)
def test_what_is_written_is_what_is_read(
    reader: ParquetReader, texts: tuple[str | None, ...], values: list[int | None]
) -> None:
    assert read(reader, *texts)[1] == values


@pytest.mark.parametrize("texts", [("1.234", "5.678"), ("1,234",), ("12,345", "7", "1,000")])
def test_two_readings_that_differ_stop_the_import(reader: ParquetReader, texts: tuple[str, ...]) -> None:
    with pytest.raises(
        InputError, match=r"f\.csv: row 2, a: .* pass --decimal '\.' or --decimal ','.*--thousands"
    ):
        read(reader, *texts)


def test_what_the_operator_says_decides(reader: ParquetReader) -> None:
    assert read(reader, "1.234", decimal=",") == (Marks(",", "."), [123400])
    assert read(reader, "1.234", decimal=".") == (Marks(".", ","), [123])
    assert read(reader, "1.234", thousands=".") == (Marks(",", "."), [123400])
    assert read(reader, "1,234", thousands="") == (Marks(".", ""), [None])


def test_two_ways_in_one_column_are_told_with_their_rows(reader: ParquetReader) -> None:
    with pytest.raises(InputError, match=r"row 3 a '1,234\.50' and row 4 a '1\.234,50'"):
        read(reader, "7", "1,234.50", "1.234,50")


def test_a_column_of_words_is_no_column_of_numbers(reader: ParquetReader) -> None:
    words = [f"{'abcdefghij'[i % 10]}{chr(0x4E00 + i)}" for i in range(20_002)]
    with pytest.raises(InputError, match="the column for a holds no numbers"):
        read(reader, *words)


@REUSED
@given(
    st.lists(st.decimals(-(10**9), 10**9, places=4), min_size=1, max_size=20),
    st.sampled_from([(".", ","), (",", "."), (".", " "), (",", "'"), (".", "")]),
)
def test_formatted_numbers_read_back(
    reader: ParquetReader, values: list[Decimal], marks: tuple[str, str]
) -> None:
    point, group = marks
    anchor = Decimal("1234567.8912")  # a value that only one reading fits
    texts = [
        f"{value:,.4f}".replace(",", "G").replace(".", point).replace("G", group)
        for value in (anchor, *values)
    ]
    _, found = read(reader, *texts)
    assert found == [to_minor(value, "CNY") for value in (anchor, *values)]


@REUSED
@given(
    st.lists(
        st.tuples(st.decimals(-(10**4), 10**4, places=3), st.decimals(0, 10**6, places=5)),
        min_size=1,
        max_size=20,
    )
)
def test_products_are_exact_and_rounded_half_away_from_zero(
    reader: ParquetReader, pairs: list[tuple[Decimal, Decimal]]
) -> None:
    columns = {"q": [f"{q:f}" for q, _ in pairs], "p": [f"{p:f}" for _, p in pairs]}
    table = reader.stage("t", pa.table({"row": list(range(len(pairs))), **columns}))
    readings = {
        name: number_reading(column_shapes(reader, table, name, what="numbers"), Marks(".", ""))
        for name in ("q", "p")
    }
    values = {name: read_number(table[name], reading) for name, reading in readings.items()}
    product: Any = multiply(values["q"], readings["q"], values["p"], readings["p"])
    found = reader.frame(table.select("row", v=to_units(product, 2)).order_by("row")).column("v").to_pylist()
    assert found == [to_minor(q * p, "CNY") for q, p in pairs]


def test_products_with_too_many_digits_are_null(reader: ParquetReader) -> None:
    texts = pa.table({"row": [2], "a": ["123456789012345678.123"], "b": ["0.123456789012345678"]})
    table = reader.stage("t", texts)
    left, right = (
        number_reading(column_shapes(reader, table, name, what="numbers"), Marks(".", "")) for name in "ab"
    )
    product = multiply(read_number(table["a"], left), left, read_number(table["b"], right), right)
    assert reader.frame(table.select(v=product)).column("v").to_pylist() == [None]
