"""Files with random damage are read, or refused with an InputError that names them; nothing else happens."""

import gzip
import io
import json
import tempfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from koipond.kernel import InputError
from koipond.sources import open_file

ROWS = [(i, f"商品 {i}", i * 1.5) for i in range(200)]


def csv_bytes() -> bytes:
    return ("id,name,amount\n" + "".join(f'{i},"{name}",{amount}\n' for i, name, amount in ROWS)).encode()


def parquet_bytes() -> bytes:
    sink = io.BytesIO()
    columns = [list(column) for column in zip(*ROWS, strict=True)]
    pq.write_table(pa.table(columns, names=["id", "name", "amount"]), sink)
    return sink.getvalue()


def excel_bytes() -> bytes:
    book = openpyxl.Workbook()
    for row in [("id", "name", "amount"), *ROWS]:
        book.active.append(row)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


WHOLE = {
    "a.csv": csv_bytes(),
    "a.gbk.csv": csv_bytes().decode().encode("gbk"),
    "a.csv.gz": gzip.compress(csv_bytes()),
    "a.jsonl": "".join(
        json.dumps(dict(zip(("id", "name"), row, strict=False))) + "\n" for row in ROWS
    ).encode(),
    "a.parquet": parquet_bytes(),
    "a.xlsx": excel_bytes(),
}
damage = st.lists(
    st.tuples(
        st.sampled_from(["cut", "flip", "insert", "zero", "repeat"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, hits: list[tuple[str, float, bytes]]) -> bytes:
    for how, where, what in hits:
        place = int(where * len(content))
        match how:
            case "cut":
                content = content[:place]
            case "flip":
                content = content[:place] + what + content[place + len(what) :]
            case "insert":
                content = content[:place] + what + content[place:]
            case "zero":
                content = content[:place] + bytes(len(what)) + content[place + len(what) :]
            case "repeat":
                content = content[:place] + content[place : place + 40] * 3 + content[place:]
    return content


def outcome(name: str, content: bytes) -> str:
    """Return how reading ``content`` ends: the rows in words, or what the InputError says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            source = open_file(path)
            rows = sum(batch.num_rows for batch in source.batches(source.columns))
        except InputError as error:
            return str(error)
        return f"{name}: {rows} rows"


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), damage)
def test_damage_is_read_or_refused(name: str, hits: list[tuple[str, float, bytes]]) -> None:
    assert name in outcome(name, damaged(WHOLE[name], hits))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(sorted(WHOLE)))
def test_any_bytes_are_read_or_refused(content: bytes, name: str) -> None:
    assert name in outcome(name, content)


def test_whole_files_are_read() -> None:
    assert {outcome(name, content) for name, content in WHOLE.items()} == {
        f"{name}: 200 rows" for name in WHOLE
    }
