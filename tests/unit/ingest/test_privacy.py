import pyarrow as pa
import pytest

from koipond.ingest.privacy import looks_like_identifier, masked
from koipond.warehouse import ParquetReader


@pytest.mark.parametrize(
    ("text", "suspect"),
    [
        ("13800138000", True),
        ("call 138-0013-8000? 13800138000!", True),
        ("+86 13800138000", True),
        ("+44 20 7946 0958", True),
        ("0812 3456 7890", True),
        ("a.b+c@example.co.id", True),
        ("11010519491231002X", True),
        ("6222021234567890", True),
        ("order 536365", False),
        ("2025-01-02 10:00:00", False),
        ("1735696800123", False),
        ("99.50", False),
        ("白色心形", False),
        ("@home", False),
    ],
)
def test_what_looks_like_an_identifier(reader: ParquetReader, text: str, suspect: bool) -> None:
    table = reader.stage("t", pa.table({"a": [text]}))
    row = reader.frame(table.select(s=looks_like_identifier(table["a"]), m=masked(table["a"]))).to_pylist()[0]
    assert row["s"] is suspect
    assert (row["m"] == text) is not suspect
