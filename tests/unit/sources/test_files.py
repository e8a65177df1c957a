"""Every kind of file, whole and damaged: what is read, and what is said about the rest."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from encodings import aliases
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from koipond.kernel import InputError
from koipond.sources import open_file
from koipond.sources.text import list_lines

HEADER = "id,name,amount\n"
CHINESE = "会员号,商品,金额\n1,茉莉花茶（大）,12.5\n2,龙井,3\n"


def rows(path: Path, **options: Any) -> list[dict[str, Any]]:
    source = open_file(path, **options)
    return [row for batch in source.batches(source.columns) for row in batch.to_pylist()]


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def workbook(path: Path, *lines: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (CHINESE.encode(), "utf-8"),
        (CHINESE.encode("utf-8-sig"), "utf-8-sig"),
        (CHINESE.encode("utf-16"), "utf-16"),
        (CHINESE.encode("gbk"), "gb18030"),
        (CHINESE.replace("大", "𠀀").encode("gb18030"), "gb18030"),
    ],
    ids=["utf-8", "bom", "utf-16", "gbk", "gb18030"],
)
def test_the_encoding_is_found(tmp_path: Path, content: bytes, encoding: str) -> None:
    path = write(tmp_path, "a.csv", content)
    source = open_file(path)
    assert source.details["encoding"] == encoding
    assert source.columns == ("会员号", "商品", "金额")
    assert [row["商品"][:2] for row in rows(path)] == ["茉莉", "龙井"]


def test_gbk_is_found_when_only_the_last_of_many_rows_is_chinese(tmp_path: Path) -> None:
    text = HEADER + "1,tea,2\n" * 300_000 + "2,普洱茶饼和铁观音，买一送一,3\n"
    assert rows(write(tmp_path, "a.csv", text.encode("gbk")))[-1]["name"] == "普洱茶饼和铁观音，买一送一"


@pytest.mark.parametrize("header", ["会员号,金额", "名称,数", "姓名,城市"])
def test_few_chinese_characters_are_enough(tmp_path: Path, header: str) -> None:
    path = write(tmp_path, "a.csv", f"{header}\n1,5\n".encode("gbk"))
    assert open_file(path).columns == tuple(header.split(","))


@pytest.mark.parametrize(
    ("text", "encoding"), [("訂單編號,會員姓名,台北市大安區\n", "big5"), ("café,Müller\n", "cp1252")]
)
def test_another_encoding_is_asked_for_and_taken(tmp_path: Path, text: str, encoding: str) -> None:
    path = write(
        tmp_path, "a.csv", (text + "1,2,3\n" * 9).replace(",3", "" if "M" in text else ",3").encode(encoding)
    )
    with pytest.raises(
        InputError, match=r"row 1, column 1: the bytes there are not UTF-8.*or save the file as UTF-8"
    ):
        open_file(path)
    assert open_file(path, encoding=encoding).columns == tuple(text.strip().split(","))


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, mark: str) -> None:
    text = f"id{mark}amount{mark}note\n1{mark}2{mark}x\n2{mark}3{mark}y\n"
    assert [row["amount"] for row in rows(write(tmp_path, "a.csv", text))] == ["2", "3"]


def test_a_decimal_comma_is_no_delimiter(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id;amount\n1;2,5\n2;3,5\n")
    assert [row["amount"] for row in rows(path)] == ["2,5", "3,5"]


def test_row_numbers_count_the_header_blank_lines_and_quoted_newlines(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'id,name\n1,a\n\n2,"b\nc"\n3,d\n\n')
    assert [(row["row"], row["id"]) for row in rows(path)] == [(2, "1"), (4, "2"), (5, "3")]


def test_missing_words_and_spaces_read_as_missing(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "id,name\n1, NULL \n2,  tea  \n3,N/A\n4,\n5,\\N\n6,-\n")
    assert [row["name"] for row in rows(path)] == [None, "tea", None, None, None, None]


def test_gzip_is_read_whatever_its_name(tmp_path: Path) -> None:
    packed = gzip.compress((HEADER + "1,tea,2\n").encode())
    for name in ("a.csv.gz", "a.csv", "a.gz"):
        assert rows(write(tmp_path, name, packed))[0]["name"] == "tea"


def test_typed_parquet_columns_read_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = {
        "double": pa.array([1.39, 0.1 + 0.2, None, 17850.0]),
        "float": pa.array([1.39, 2.5, None, 3.0], pa.float32()),
        "decimal": pa.array([Decimal("1.10"), Decimal("-2.05"), None, Decimal("0.00")]),
        "int": pa.array([1, -2, None, 2**62]),
        "instant": pa.array([datetime.fromisoformat("2020-02-29T23:59:59.999"), None, None, None]),
        "zoned": pa.array(
            [datetime(2020, 2, 29, 16, tzinfo=UTC), None, None, None], pa.timestamp("us", "Asia/Tokyo")
        ),
        "day": pa.array([date(2020, 2, 29), None, None, None]),
        "word": pa.array(["a", "b", None, "a"]).dictionary_encode(),
        "truth": pa.array([True, False, None, True]),
        "list": pa.array([[1, 2], None, None, []]),
    }
    pq.write_table(pa.table(columns), path)
    first = rows(path)[0]
    assert first == {
        "row": 2,
        "double": "1.39",
        "float": "1.39",
        "decimal": "1.10",
        "int": "1",
        "instant": "2020-02-29 23:59:59",
        "zoned": "2020-02-29T16:00:00Z",
        "day": "2020-02-29",
        "word": "a",
        "truth": "true",
        "list": "[1, 2]",
    }
    read = rows(path)
    assert [float(row["double"]) for row in read if row["double"]] == [1.39, 0.1 + 0.2, 17850.0]
    assert [row["row"] for row in read] == [2, 3, 5], "a row without any value is no row"
    source = open_file(path)
    assert source.is_exact("double")
    assert source.is_exact("int")


def test_json_lines_may_lack_fields_and_keep_exact_decimals(tmp_path: Path) -> None:
    lines = ['{"id": 1, "amount": 1.10}', "", '{"id": "2", "ok": true, "tags": {"a": [1]}}']
    path = write(tmp_path, "a.jsonl", "\n".join(lines))
    assert rows(path) == [
        {"row": 1, "id": "1", "amount": "1.10", "ok": None, "tags": None},
        {"row": 3, "id": "2", "amount": None, "ok": "true", "tags": json.dumps({"a": [1]})},
    ]
    source = open_file(path)
    assert (source.is_exact("amount"), source.is_exact("id")) == (True, True)


@pytest.mark.parametrize(
    ("beside", "exact"), [("7", True), ("7.25", True), ("x", True), ("1.234", False), ("1,234", False)]
)
def test_json_numbers_need_no_guess_of_marks_until_a_text_beside_them_does(
    tmp_path: Path, beside: str, exact: bool
) -> None:
    lines = [{"a": 12.345, "b": beside}, {"a": beside, "b": beside}]
    source = open_file(write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines))))
    assert source.is_exact("a") is exact
    assert not source.is_exact("b"), "texts alone stay texts"


def test_members_of_properties_are_columns_and_what_is_deeper_is_text(tmp_path: Path) -> None:
    lines = ['{"id": 1, "properties": {"plan": "pro", "n": 3, "deep": {"a": 1}}}', '{"properties": null}']
    lines += ['{"id": 2, "properties": "said"}', '{"id": 3, "properties": {}}']
    path = write(tmp_path, "a.jsonl", "\n".join(lines))
    nested = {"properties.plan": "pro", "properties.n": "3", "properties.deep": '{"a": 1}'}
    assert rows(path)[0] == {"row": 1, "id": "1", **nested, "properties": None}
    assert [row["properties"] for row in rows(path)] == [None, "said", None]


def test_a_workbook_is_read_with_its_types(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        ["id", "at", "amount"],
        [1, datetime.fromisoformat("2025-01-02T03:04:05"), 1.39],
        [],
        [2.0, None, "x"],
    )
    assert rows(path) == [
        {"row": 2, "id": "1", "at": "2025-01-02 03:04:05", "amount": "1.39"},
        {"row": 4, "id": "2", "at": None, "amount": "x"},
    ]
    with pytest.raises(InputError, match="has no sheet 'other'; it has Sheet"):
        open_file(path, sheet="other")


def parquet_cut(path: Path) -> Path:
    pq.write_table(pa.table({"id": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-20])
    return path


def parquet_hurt(path: Path) -> Path:
    pq.write_table(pa.table({"id": list(range(100_000))}), path, compression="zstd")
    content = bytearray(path.read_bytes())
    content[4:4000] = b"\xff" * 3996
    path.write_bytes(content)
    return path


def parquet_without_rows(path: Path) -> Path:
    pq.write_table(pa.table({"id": pa.array([], pa.int64())}), path)
    return path


def packed_cut(path: Path) -> Path:
    content = gzip.compress(
        (HEADER + "".join(f"{i},n{i},{i * 7919 % 1000}\n" for i in range(50_000))).encode()
    )
    path.write_bytes(content[:-100])
    return path


def book_cut(path: Path) -> Path:
    workbook(path, ["id"], [1])
    path.write_bytes(path.read_bytes()[:-200])
    return path


def text(content: bytes | str) -> Callable[[Path], Path]:
    return lambda path: write(path.parent, path.name, content)


CUT_ROW = HEADER + "1,tea,2\n2,cof"
RAGGED = HEADER + "1,tea\n2,tea,3\n3,tea,4,5\n4,tea,6\n"

FAULTS: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "no bytes": ("a.csv", text(b""), r"a\.csv: the file is empty"),
    "only blank lines": ("a.csv", text("\n\n  \n"), "only blank rows"),
    "header only": ("a.csv", text(HEADER), "has a header row but no data"),
    "data without header": ("a.csv", text("1,2025-01-01,3.5\n2,2025-01-02,4\n"), "row 1 looks like data"),
    "a name twice": ("a.csv", text("id,id ,x\n1,2,3\n"), "'id' in columns 1, 2; rename"),
    "ragged rows": (
        "a.csv",
        text(RAGGED),
        r"row 2: 2 of 3 columns, none from 'amount' on\n.*row 4: 4 values for 3",
    ),
    "short last row": ("a.csv", text(CUT_ROW), "row 3: 2 of 3 columns.*cut off in its last row"),
    "open quote": (
        "a.csv",
        text(HEADER + '1,tea,2\n2,"cof,3\n4,x,5\n'),
        "row 3, column 2: a quoted value is never closed",
    ),
    "open quote after a closed one of two lines": (
        "a.csv",
        text(HEADER + '1,"t\nea","2\n3,x,5\n'),
        "row 3, column 3: a quoted value is never closed",
    ),
    "long last row": ("a.csv", text(HEADER + "1,tea,2\n2,cof,3,4\n"), r"from column 4 on\nquote values"),
    "a zero byte": ("a.csv", text(HEADER + "1,tea,2\n2,c\0f,3\n"), "row 3, column 2: a zero byte stands"),
    "a late zero byte": (
        "a.csv",
        text(HEADER + "1,tea,2\n" * 20_000 + "2,c,\0\n"),
        "row 20002, column 3: a zero byte stands",
    ),
    "a zero byte in Chinese": (
        "a.csv",
        text("id,名称\n1,a\0\n".encode("gb18030")),
        "row 2, column 2: a zero",
    ),
    "not UTF-8": (
        "a.csv",
        text((HEADER + "1,caf\u00e9,2\n").encode("cp1252")),
        "row 2, column 2: .* not UTF-8",
    ),
    "broken BOM file": ("a.csv", text(b"\xef\xbb\xbfid,name\n1,\xff\n"), "row 2, column 2: .* not UTF-8"),
    "zero bytes": (
        "a.csv",
        text("id,name\n1,a\n".encode("utf-16-le")),
        "looks like UTF-16; pass --encoding utf-16-le",
    ),
    "cut gzip": ("a.csv.gz", packed_cut, "cut off or damaged after"),
    "Parquet without footer": ("a.parquet", parquet_cut, "not a whole Parquet file"),
    "Parquet with a hole": ("a.parquet", parquet_hurt, "row 2: the data from there on cannot be read"),
    "Parquet without rows": ("a.parquet", parquet_without_rows, "has columns but no row"),
    "called Parquet": ("a.parquet", text(HEADER + "1,2,3\n"), "called Parquet but holds something else"),
    "called Excel": ("a.xlsx", text(HEADER + "1,2,3\n"), "called Excel but is none"),
    "old Excel": ("a.xls", text(b"\xd0\xcf\x11\xe0" + bytes(100)), "save it as .xlsx"),
    "cut workbook": ("a.xlsx", book_cut, "not a whole Excel workbook"),
    "workbook of a header": ("a.xlsx", lambda p: workbook(p, ["id", "x"]), "has a header row but no data"),
    "workbook beyond its header": ("a.xlsx", lambda p: workbook(p, ["id"], [1], [2, 3]), "row 3, column 2"),
    "broken JSON": ("a.jsonl", text('{"id": 1}\n{"id": 2\n{"x": NaN}\n'), r"row 2: column 9.*\n.*row 3: NaN"),
    "a key twice": ("a.jsonl", text('{"id": 1}\n{"id": 2, "id": 3}\n'), "row 2: the key 'id' stands twice"),
    "a JSON array": ("a.json", text('[{"id": 1}]\n'), "row 1: a list, not an object"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_damaged_file_is_refused_with_its_place_and_the_fix(tmp_path: Path, name: str) -> None:
    file, make, message = FAULTS[name]
    path = make(tmp_path / file)
    with pytest.raises(InputError, match=f"(?s){message}") as caught:
        rows(path)
    assert file in str(caught.value)


def test_all_ragged_rows_are_told_at_once_but_no_more_than_twenty(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", HEADER + "1,tea\n" * 30 + "1,tea,2\n")
    with pytest.raises(InputError) as caught:
        rows(path)
    assert str(caught.value).count("row ") == 20
    assert "the first 20 are shown" in str(caught.value)


def test_a_quote_inside_a_plain_value_is_text(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", HEADER + '1,pipe 12" long,2\n')
    assert rows(path)[0]["name"] == 'pipe 12" long'


NO_ENCODINGS = "punycode idna IDNA unicode_escape raw-unicode-escape undefined charmap rot13 base64 zip a\0b"


@pytest.mark.parametrize("encoding", NO_ENCODINGS.split(" "))
def test_what_no_file_is_written_in_is_no_encoding(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "a.csv", HEADER + "1,2,3\n")
    with pytest.raises(InputError, match=r"--encoding .*: no such encoding"):
        open_file(path, encoding=encoding)


def test_every_encoding_of_python_reads_a_file_or_says_what_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", HEADER + "1,pi\u00f1ata \u676f,3\n")
    for encoding in {*aliases.aliases.values()}:
        try:
            rows_of = open_file(path, encoding=encoding)
        except InputError:
            continue
        assert rows_of.columns


def test_a_missing_file_and_an_unknown_encoding_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.csv: no such file"):
        open_file(tmp_path / "nothing.csv")
    with pytest.raises(InputError, match="--encoding klingon: no such encoding"):
        open_file(write(tmp_path, "a.csv", HEADER + "1,2,3\n"), encoding="klingon")


def test_what_is_no_regular_file_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="/dev/null: is no regular file"):
        open_file("/dev/null")
    with pytest.raises(InputError, match="is a folder"):
        open_file(tmp_path)


def test_reading_twice_gives_the_same_rows_and_fingerprint(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", HEADER + "1,tea,2\n")
    one, two = open_file(path), open_file(path)
    assert one.fingerprint == two.fingerprint
    assert list(one.batches(one.columns)) == list(one.batches(one.columns))
    assert one.done_bytes() == one.total_bytes


TITLED = [
    ["Laporan Penjualan Maret 2026", None, None, None],
    [None, None, None, None],
    ["id", "name", "amount", "at"],
    [1, "tea", 12.5, "2026-03-01"],
    [2, "cup", 3, "2026-03-02"],
]


@pytest.mark.parametrize("padded", [True, False])
def test_titles_above_the_header_are_passed_over_and_said(tmp_path: Path, padded: bool) -> None:
    """B19: in a CSV, padded or not, and in a workbook; rows keep the numbers they have in the file."""
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in TITLED]
    text = "\n".join(line if padded else line.rstrip(",") for line in lines) + "\n"
    for path in (write(tmp_path, "a.csv", text), workbook(tmp_path / "a.xlsx", *TITLED)):
        source = open_file(path)
        assert source.columns == ("id", "name", "amount", "at")
        assert source.details["header"] == "row 3, below a title"
        assert [(row["row"], row["name"]) for row in rows(path)] == [(4, "tea"), (5, "cup")]


@pytest.mark.parametrize(
    "text",
    ["a@b.c\nd@e.f\n", ",amount\n1,2\n3,4\n", "id,\n1,2\n2,3\n", "id\n1\n2\n", "id,name\n1,\n2,\n3,\n"],
)
def test_a_header_of_few_names_is_no_title(tmp_path: Path, text: str) -> None:
    assert "header" not in open_file(write(tmp_path, "a.csv", text)).details


def encoded(text: str, encoding: str, rows: int = 60) -> bytes:
    head = "order_id,customer_id,category\n" + "".join(f"{n},c{n % 7},Tea\n" for n in range(rows))
    return (head + text).encode(encoding)


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        ("300,c1,Café\n301,c1,Garçon à Paris\n", "cp1252", "cp1252 ('Café')"),
        ("1,a,Müller & Söhne\n", "cp1252", "cp1252 ('Müller & Söhne')"),
        ("1,a,Café\n2,b,Señor\n", "cp850", "cp850 ('Café')"),
        ("1,a,お茶\n2,b,カテゴリ\n", "shift_jis", "cp932 ('お茶')"),
    ],
)
def test_the_encoding_that_is_advised_reads_the_text(
    tmp_path: Path, text: str, encoding: str, said: str
) -> None:
    """B22: the advice shows a value, and when it is obeyed the text is right."""
    path = write(tmp_path, "a.csv", encoded(text, encoding))
    with pytest.raises(InputError) as stopped:
        open_file(path)
    assert f"it looks like {said}" in str(stopped.value)
    found = rows(path, encoding=said.split()[0])
    assert [row["category"] for row in found[60:]] == [line.split(",")[2] for line in text.splitlines()]


@pytest.mark.parametrize("grown", range(8))
def test_a_chinese_file_is_found_wherever_its_characters_begin(tmp_path: Path, grown: int) -> None:
    """U03: the sample was cut in the middle of a character."""
    head = f"订单编号{'x' * grown},手机号,下单时间,实付金额,商品名称\n"
    lines = "".join(f"A{n},u{n},2026-11-01 10:00,20.00,茉莉花茶大瓶装第{n}号礼盒\n" for n in range(3_000))
    path = write(tmp_path, "a.csv", (head + lines).encode("gbk"))
    source = open_file(path)
    assert source.details["encoding"] == "gb18030"
    assert rows(path)[2_999]["商品名称"] == "茉莉花茶大瓶装第2999号礼盒"


@pytest.mark.parametrize("text", ["会员号,性别\n1,女\n2,男\n", "姓名,等级\n王小明,金卡\n"])
def test_a_small_chinese_file_is_no_western_one(tmp_path: Path, text: str) -> None:
    assert open_file(write(tmp_path, "a.csv", text.encode("gbk"))).details["encoding"] == "gb18030"


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_table_whose_values_are_all_quoted_is_read_with_every_delimiter(tmp_path: Path, mark: str) -> None:
    lines = [("sku", "name"), ("a", "b c"), ("d ", 'e "f"'), ("g", "")]
    rows = [mark.join('"' + one.replace('"', '""') + '"' for one in line) for line in lines]
    file = tmp_path / "table.csv"
    file.write_text("\r\n".join(rows) + "\r\n")
    [batch] = open_file(file).batches(("sku", "name"))
    assert batch.to_pydict() == {"row": [2, 3, 4], "sku": ["a", "d", "g"], "name": ["b c", 'e "f"', None]}


def test_a_list_is_read_line_by_line_and_refused_as_soon_as_it_is_too_long(tmp_path: Path) -> None:
    file = tmp_path / "13912345678.txt"
    file.write_text("\ufeffa\r\n\n b \n" + "c\n" * 3)
    assert [*list_lines(file, 5, "code")] == [(1, "a"), (3, "b"), (4, "c"), (5, "c"), (6, "c")]
    lines = list_lines(file, 2, "code")
    assert [next(lines), next(lines)] == [(1, "a"), (3, "b")]
    with pytest.raises(InputError, match=r"^•••.txt: more than 2 lines; split it"):
        next(lines)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "holds no line"),
        (b"\n \n", "holds no line"),
        (b"a\n\xff\n", "not UTF-8 text"),
        (b"a\n" + b"x" * 10_001, "line 2 is too long"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "codes.txt"
    file.write_bytes(data)
    with pytest.raises(InputError, match=said):
        _ = [*list_lines(file, 10, "code")]
