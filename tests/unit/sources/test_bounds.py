"""Files that unpack to more than a machine holds are refused at once, with the limit and the fix."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from koipond.kernel import InputError
from koipond.sources import open_file
from koipond.sources.bounds import COLUMNS_MAX

HEAD = "user_id,order_id,at,amount,note"


def read(path: Path) -> int:
    rows = open_file(path)
    return sum(batch.num_rows for batch in rows.batches(rows.columns))


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    return str(caught.value)


def orders(marks: dict[int, str], sep: str = ",", end: str = "\n", *, place: int = 4) -> str:
    """A hundred orders; the value at ``place`` of row N is ``marks[N]``."""
    lines = [HEAD.replace(",", sep)]
    for number in range(1, 101):
        cells = [f"u{number}", f"o{number}", "2025-01-01", "5.00", "Tea"]
        cells[place] = marks.get(number, cells[place])
        lines.append(sep.join(cells))
    return end.join(lines) + end


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "marks",
    [
        {10: '"Tea 5', 20: '"Tea 5'},  # A12 itself: the second mark seems to close the first
        {10: '"', 20: '"'},
        {10: '"Tea 5', 20: 'Tea 6"'},
        {10: '"Tea 5', 20: '"Tea 6"'},
        {10: '"Tea 5', 11: 'Tea"'},
        {10: '"Tea 5'},
        {10: '"Tea"5'},
        {10: '"Tea 5', 20: '"Tea 5', 30: '"Tea ""5"""'},
    ],
)
def test_an_open_quotation_mark_is_refused_by_row_and_column(
    tmp_path: Path, marks: dict[int, str], sep: str, end: str
) -> None:
    """A12."""
    path = tmp_path / "a.csv"
    path.write_bytes(orders(marks, sep, end).encode())
    said = refusal(path)
    assert "row 11, column 5" in said
    assert "quot" in said
    path.write_bytes(orders(marks, sep, end, place=1).encode())
    assert "row 11, column 2" in refusal(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_an_open_quotation_mark_is_found_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(orders({10: '"Tea 5', 20: '"Tea 5'}).encode(encoding))
    assert "row 11, column 5" in refusal(path)


def test_whole_quoted_values_marks_inside_values_and_lines_of_text_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    marks = {
        10: '"Tea, 5"',
        11: '"a ""b"" c"',
        12: '5" pipe',
        13: '"two\nlines, of text\n\nfour"',
        14: '"x" ',
    }
    path.write_text(orders(marks))
    rows = open_file(path)
    notes = [text for batch in rows.batches(rows.columns) for text in batch.column("note").to_pylist()]
    assert len(notes) == 100
    assert notes[9:14] == ["Tea, 5", 'a "b" c', '5" pipe', "two\nlines, of text\n\nfour", "x"]


def workbook(path: Path, change: Callable[[str], str]) -> Path:
    """A workbook of two rows whose sheet XML is changed."""
    book = openpyxl.Workbook()
    book.active.append(["user_id", "order_id", "at", "amount"])
    book.active.append(["u1", "o1", "2025-01-01", 5])
    packed = io.BytesIO()
    book.save(packed)
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            data = old.read(member)
            if member == "xl/worksheets/sheet1.xml":
                data = change(data.decode()).encode()
            new.writestr(member, data)
    return path


@pytest.mark.parametrize("row", [2_000_000_000, 1_048_577])
def test_a_row_number_beyond_a_sheet_is_refused(tmp_path: Path, row: int) -> None:
    """A33."""
    far = workbook(tmp_path / "far.xlsx", lambda xml: xml.replace('<row r="2"', f'<row r="{row}"'))
    assert far.stat().st_size < 10_000
    assert "1,048,576" in refusal(far)


def test_a_wrong_dimension_of_a_sheet_costs_nothing(tmp_path: Path) -> None:
    def wide(xml: str) -> str:
        return xml.replace('ref="A1:D2"', 'ref="A1:XFD1048576"')

    rows = open_file(workbook(tmp_path / "wide.xlsx", wide))
    assert sum(batch.num_rows for batch in rows.batches(rows.columns)) == 1


def test_a_workbook_that_unpacks_to_far_more_than_it_is_large_is_refused(tmp_path: Path) -> None:
    def long(xml: str) -> str:
        return xml.replace("</worksheet>", " " * 100_000_000 + "</worksheet>")

    assert "times its" in refusal(workbook(tmp_path / "bomb.xlsx", long))


def test_equal_rows_by_the_million_in_a_small_parquet_file_are_refused(tmp_path: Path) -> None:
    """A33."""
    path = tmp_path / "many.parquet"
    part = pa.table({name: ["1"] * 1_000_000 for name in ("user_id", "order_id", "at", "amount")})
    with pq.ParquetWriter(path, part.schema, compression="zstd") as writer:
        for _ in range(10):
            writer.write_table(part, row_group_size=1_000_000)
    assert path.stat().st_size < 1_000_000
    said = refusal(path)
    assert "10,000,000 rows" in said
    assert "50 values a byte" in said


def test_one_long_text_in_every_row_of_a_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.parquet"
    codes = pa.array(np.zeros(100_000, np.int32))
    note = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 900_000]))
    table = pa.table({"user_id": [str(n) for n in range(100_000)], "note": note})
    pq.write_table(table, path)
    assert "note" in refusal(path)


def test_a_million_real_rows_of_parquet_are_read(tmp_path: Path) -> None:
    path = tmp_path / "real.parquet"
    ids = pa.array(np.arange(3_000_000) % 700_000).cast(pa.string())
    pq.write_table(
        pa.table({"user_id": ids, "order_id": pa.array(np.arange(3_000_000)).cast(pa.string())}), path
    )
    assert len(open_file(path).columns) == 2


@pytest.mark.parametrize("name", ["bomb.csv.gz", "bomb.jsonl.gz"])
def test_a_gzipped_file_that_unpacks_to_far_more_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with gzip.open(path, "wb") as out:
        out.write(b"user_id,order_id\n")
        for _ in range(80):
            out.write(b"1,2\n" * 250_000)
    assert "times its" in refusal(path)


def test_too_many_columns_too_long_a_name_and_too_long_a_value_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    names = [f"c{n}" for n in range(COLUMNS_MAX + 1)]
    path.write_text(",".join(names) + "\n" + ",".join("x" for _ in names) + "\n")
    assert "at most 10,000" in refusal(path)
    path.write_text(f"user_id,{'n' * 2_000}\n1,2\n")
    assert "2,000 characters" in refusal(path)
    path.write_text(f"user_id,note\n1,{'n' * 1_500_000}\n")
    assert "row 2" in (said := refusal(path))
    assert "1,000,000" in said
    path.write_text(f"user_id,note\n1,{'n' * 17_000_000}\n")
    assert "row 2" in refusal(path)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[" * 70 + "]" * 70, "deeper than 64"),
        ("[" * 100_000 + "]" * 100_000, "deeper than 64"),
        ('{"a":' * 70 + "1" + "}" * 70, "deeper than 64"),
        ("9" * 5_000, "5000 digits"),
        ("0." + "9" * 5_000, "5002 digits"),
    ],
)
def test_depth_and_digits_of_json_have_a_bound(tmp_path: Path, value: str, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"user_id": 1, "p": 2}\n{"user_id": 1, "p": ' + value + "}\n")
    found = refusal(path)
    assert "row 2" in found
    assert said in found


def test_json_objects_without_a_common_key_are_read_in_proportion(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f'{{"user_id": {n}, "k{n % 2_500}": 1}}\n' for n in range(2_500)))
    rows = open_file(path)
    sizes = [batch.num_rows for batch in rows.batches(rows.columns)]
    assert sum(sizes) == 2_500
    assert max(sizes) < 1_000


@pytest.mark.parametrize("delimiter", ["||", '"', "é", "a", "\n"])
def test_a_delimiter_that_is_none_is_refused(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="--delimiter"):
        open_file(path, delimiter=delimiter)


@pytest.mark.parametrize(
    ("member", "shown"),
    [
        (r'"event":"v\ud800"', r"\ud800"),
        (r'"\ud800":1', r"\ud800"),
        (r'"a":[{"b":"\uDC00"}]', r"\udc00"),
        (r'"properties":{"\udfff":1}', r"\udfff"),
        (r'"event":"v\u0000"', r"\u0000"),
        (r'"\u0000":1', r"\u0000"),
    ],
)
def test_what_no_text_can_hold_is_refused_by_row(tmp_path: Path, member: str, shown: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"user_id":"1"}\n{' + member + "}\n")
    said = refusal(path)
    assert f"row 2: holds {shown}" in said
    assert said.isascii()


@pytest.mark.parametrize("member", ['"":1', '" ":1', '"properties":{"":1}', '"traits":{"":1}'])
def test_a_key_without_a_name_is_refused(tmp_path: Path, member: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("{" + member + "}\n")
    assert "names have 1 to 1,000" in refusal(path)


def test_whole_pairs_and_written_backslashes_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(r'{"a":"\ud83d\ude00","b":"\\ud83d"}' + "\n")
    rows = open_file(path)
    [batch] = rows.batches(rows.columns)
    assert batch.to_pylist()[0] == {"row": 1, "a": "😀", "b": r"\ud83d"}


def test_a_name_of_a_file_that_is_no_utf8_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "x\udcff.jsonl"
    path.write_text('{"a":1}\n')
    assert open_file(path).file == r"x\udcff.jsonl"


def test_a_header_beyond_every_bound_is_refused_in_a_few_words(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x" * 3_000_000 + ",b\n1,2\n")
    said = refusal(path)
    assert "row 1" in said
    assert "1,000" in said
    path.write_text(",".join(["name" * 100] * 5_000) + "\n")
    assert len(refusal(path)) < 1_000
    path.write_text(",".join(f"name{n // 2}" for n in range(10_000)) + "\n")
    assert len(refusal(path)) < 1_000
