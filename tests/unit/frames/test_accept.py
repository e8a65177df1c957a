from pathlib import Path

import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from koipond.frames import pick_columns, require_columns, text_table, to_arrow
from koipond.kernel import InputError

COLUMNS = {"customer": ["a", "b"], "spend": [1, 2]}


def test_every_kind_of_table_gives_the_same_arrow_table(tmp_path: Path) -> None:
    pq.write_table(pa.table(COLUMNS), tmp_path / "t.parquet")
    kinds = [
        COLUMNS,
        pd.DataFrame(COLUMNS),
        pl.DataFrame(COLUMNS),
        ibis.memtable(COLUMNS),
        tmp_path / "t.parquet",
    ]
    for kind in kinds:
        assert to_arrow(kind).to_pydict() == COLUMNS


def test_an_unknown_kind_and_a_file_that_is_not_parquet_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(InputError, match="int"):
        to_arrow(3)
    with pytest.raises(InputError, match=r"x\.parquet"):
        to_arrow(tmp_path / "x.parquet")


def test_all_missing_columns_are_named_at_once() -> None:
    with pytest.raises(InputError, match="arm, cost"):
        require_columns(pa.table(COLUMNS), ["customer", "arm", "cost"])


def test_numbers_are_aligned_to_the_right() -> None:
    assert text_table(["arm", "n"], [["a", 5], ["control", 1200]]).splitlines()[2:] == [
        "a           5",
        "control  1200",
    ]


def test_full_width_characters_take_two_columns() -> None:
    lines = text_table(["组", "人数"], [["对照组", "12"], ["a", "7"]]).splitlines()
    assert lines[2] == "对照组  12"
    assert lines[3] == "a       7"


def test_lazy_frames_batches_readers_and_any_arrow_stream_are_tables() -> None:
    table = pa.table(COLUMNS)

    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return table.__arrow_c_stream__(requested_schema)

    kinds = [
        lambda: pl.LazyFrame(COLUMNS),
        lambda: pa.RecordBatch.from_pydict(COLUMNS),
        lambda: pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
        Stream,
    ]
    for kind in kinds:
        assert to_arrow(kind()).to_pydict() == COLUMNS
        assert pick_columns(kind(), ["spend"]).to_pydict() == {"spend": [1, 2]}
        with pytest.raises(InputError, match="no column arm"):
            pick_columns(kind(), ["arm"])


def test_a_stream_of_bare_values_is_refused() -> None:
    with pytest.raises(InputError, match="ChunkedArray"):
        to_arrow(pa.chunked_array([[1, 2]]))
