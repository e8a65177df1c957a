"""Spark behind Ibis with the verbs of the DuckDB engine: runs expressions, keeps stages, writes Parquet.

What is kept between stages is written to Parquet and read back, so that each plan is short and a lost
executor costs one stage. Rows come to Python as Arrow, never through pandas, which has no whole numbers with
nulls.
"""

import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from koipond.facts.ports import IbisTable, Query
from koipond.warehouse.engine import sync
from koipond.warehouse.queries import literal
from koipond.warehouse.spill import spill_folder
from koipond.warehouse.tidying import SPILL

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SparkEngine:
    """Tables of one Spark session, apart from those of others; what is kept lies in ``scratch``."""

    def __init__(self, session: Any, scratch: Path) -> None:
        from koipond.warehouse.spark_backend import SparkBackend

        self.session = session.newSession()
        self.session.conf.set("spark.sql.parquet.compression.codec", "zstd")
        self.ibis = SparkBackend()
        self.ibis.register_options()
        self.ibis.do_connect(self.session)
        self.scratch = scratch

    def frame(self, expression: IbisTable) -> pa.Table:
        """Run ``expression`` and return its rows."""
        return self._run(expression).toArrow()

    def scalar(self, expression: Any) -> Any:
        """Run a scalar expression and return a Python value."""
        return self.frame(expression).column(0)[0].as_py()

    def batches(self, expression: IbisTable, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows of ``expression``, which need not fit into the memory of the driver."""
        for file in self._kept(self._run(expression)):
            yield from pq.ParquetFile(file).iter_batches(batch_size=rows)

    def stage(self, name: str, batches: pa.Table | pa.RecordBatchReader) -> IbisTable:
        """Copy rows from outside into table ``name``."""
        file = self.scratch / f"{uuid.uuid4().hex}.parquet"
        with pq.ParquetWriter(file, batches.schema, compression="zstd") as writer:
            for batch in batches.to_batches() if isinstance(batches, pa.Table) else batches:
                writer.write_batch(batch)
        return self.view(name, [file])

    def cache(self, name: str, expression: IbisTable) -> IbisTable:
        """Materialise ``expression`` as table ``name``."""
        rows = self._run(expression)
        folder = self._folder(rows)
        return self._named(name, self.session.read.schema(rows.schema).parquet(folder.as_uri()))

    def forget(self, name: str) -> None:
        """Drop table ``name``."""
        self.session.catalog.dropTempView(_view(name))

    def view(self, name: str, files: Sequence[Path]) -> IbisTable:
        """Return Parquet ``files`` as one table called ``name``."""
        return self._named(name, self.session.read.parquet(*(file.resolve().as_uri() for file in files)))

    def merged_view(self, name: str, files: Sequence[Path], delta: Path, on: str) -> IbisTable:
        """Return Parquet ``files`` with the rows of ``delta`` in the place of those with the same ``on``."""
        base, late = self.view(f"{name}_base", files), self.view(f"{name}_late", [delta])
        fresh = late.filter(~late["_gone"]).select(*base.columns)
        rows = base.anti_join(late, on).union(fresh)
        return self._named(name, self._run(rows))

    def write(self, expression: IbisTable, folder: Path, stem: str) -> tuple[tuple[str, ...], int]:
        """Write ``expression`` to Parquet files ``stem``-N of ``folder``, synced; return names and rows."""
        names, rows = [], 0
        for place, part in enumerate(self._kept(self._run(expression))):
            held = pq.read_metadata(part).num_rows
            if held:
                names.append(f"{stem}-{place}.parquet")
                part.replace(folder / names[-1])
                sync(folder / names[-1])
                rows += held
        return tuple(names), rows

    def _run(self, expression: IbisTable) -> Any:
        """Return ``expression`` as a Spark frame."""
        if isinstance(expression, Query):
            expression = expression.build({n: literal(n, value) for n, value in expression.values.items()})
        self.ibis._run_pre_execute_hooks(expression)
        return self.session.sql(str(self.ibis.compile(expression.as_table())))

    def _kept(self, rows: Any) -> list[Path]:
        return sorted(self._folder(rows).glob("*.parquet"))

    def _folder(self, rows: Any) -> Path:
        folder = self.scratch / uuid.uuid4().hex
        rows.write.parquet(folder.as_uri())
        return folder

    def _named(self, name: str, rows: Any) -> IbisTable:
        import ibis.expr.operations as ops
        import ibis.expr.schema as sch
        from ibis.backends.pyspark.datatypes import PySparkType

        view = _view(name)
        rows.createOrReplaceTempView(view)
        schema = sch.Schema(PySparkType.to_ibis(rows.schema))
        return ops.DatabaseTable(view, schema=schema, source=self.ibis).to_expr()


def _view(name: str) -> str:
    """Return ``name`` as Spark takes it: one such as ``segment:vip`` gets another of its own."""
    if _PLAIN.fullmatch(name):
        return name
    return f"_named_{sha256(name.encode()).hexdigest()[:24]}"


@contextmanager
def scratch_below(root: Path) -> Iterator[Path]:
    """Lend a folder of this process for what is kept between stages; the next writer removes a dead one's."""
    scratch = spill_folder(root.resolve() / SPILL) / f"spark-{uuid.uuid4().hex[:8]}"
    scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
