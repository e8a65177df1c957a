"""A refresh on Spark (在 Spark 上刷新): over the files, the lease and the version of a writer that is open.

Files, marks and the swap of the version stay the Parquet writer's; Spark runs the expressions and writes the
rows. Facts are not written here: what imports and the store tell goes through DuckDB.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from koipond.facts.ports import IbisTable, Query
from koipond.facts.schemas import FACTS
from koipond.kernel import InputError, Message
from koipond.warehouse.parquet import KEY, ParquetWriter
from koipond.warehouse.spark_engine import SparkEngine, scratch_below
from koipond.warehouse.spark_session import SparkOptions, start_session


@contextmanager
def spark_writer(
    files: ParquetWriter, options: SparkOptions | None = None, session: Any = None
) -> Iterator["SparkWriter"]:
    """Open Spark over what ``files`` writes; the caller publishes with either of them.

    ``session``: one that runs already and stays; else one is started and stopped here. Raises InputError
    when Spark lacks something.
    """
    with scratch_below(files.root) as scratch:
        own = session or start_session(scratch / "session", options)
        try:
            yield SparkWriter(files, SparkEngine(own, scratch))
        finally:
            if session is None:
                own.stop()


class SparkWriter:
    """The port `Writer` on Spark, for datasets that can be computed again from facts."""

    def __init__(self, files: ParquetWriter, engine: SparkEngine) -> None:
        self.files = files
        self.engine = engine
        self.version = files.version
        self._open: dict[str, tuple[Any, IbisTable]] = {}  # with the files it was opened on: others may write
        self._once: dict[str, tuple[Any, IbisTable]] = {}
        self._presented: dict[str, IbisTable] = {}

    def has(self, dataset: str) -> bool:
        return self.files.has(dataset)

    def table(self, dataset: str) -> IbisTable:
        if dataset in self._presented:
            return self._presented[dataset]
        files, (opened_on, table) = self.files.files_of(dataset), self._open.get(dataset, (None, None))
        if opened_on != files:
            table = self._table(dataset)
            self._open[dataset] = files, table
        return table

    def _table(self, dataset: str) -> IbisTable:
        files, delta = self.files.files_of(dataset)
        if files and delta:
            return self.engine.merged_view(dataset, files, delta, KEY)
        if files:
            return self.engine.view(dataset, files)
        if dataset in FACTS:
            return self.engine.stage(dataset, FACTS[dataset].empty_table())
        raise InputError("nothing is published as '{dataset}' yet; run: koipond refresh", dataset=dataset)

    def frame(self, expression: IbisTable) -> pa.Table:
        return self.engine.frame(expression)

    def scalar(self, expression: Any) -> Any:
        return self.engine.scalar(expression)

    def batches(self, expression: IbisTable, rows: int) -> Iterator[pa.RecordBatch]:
        return self.engine.batches(expression, rows)

    def stage(self, name: str, batches: pa.Table | pa.RecordBatchReader) -> IbisTable:
        return self.engine.stage(name, batches)

    def cache(self, name: str, expression: IbisTable) -> IbisTable:
        return self.engine.cache(name, expression)

    def once(self, name: str, build: Callable[[], IbisTable]) -> IbisTable:
        built_on, table = self._once.get(name, (None, None))
        if built_on is not self.files.manifest.datasets:
            table = build()
            self._once[name] = self.files.manifest.datasets, table
        return table

    def stored(self, dataset: str) -> IbisTable:
        return self._table(dataset)

    def present(self, dataset: str, table: IbisTable) -> None:
        self._presented[dataset] = table

    def forget(self, name: str) -> None:
        self.engine.forget(name)

    def meta(self, key: str) -> Any:
        return self.files.meta(key)

    def mark(self) -> int:
        return self.files.mark()

    def changed_customers(self, datasets: Sequence[str], since: int) -> IbisTable:
        rows = self.files.changed_customers(datasets, since)
        return self.engine.stage("_changed", self.files.frame(rows))

    def replace(self, dataset: str, expression: IbisTable) -> int:
        names, rows = self._write(dataset, expression)
        self.files.put(dataset, names)
        return rows

    def append(self, dataset: str, expression: IbisTable) -> int:
        names, rows = self._write(dataset, expression)
        files, delta = self.files.files_of(dataset)
        assert delta is None, Message("{dataset} is kept by upsert", dataset=dataset)
        self.files.put(dataset, (*(file.name for file in files), *names))
        return rows

    def upsert(self, dataset: str, expression: IbisTable, whom: IbisTable) -> int:
        """Write the whole of ``dataset`` again: a delta is cheaper only where writing is the dear part."""
        new = self.engine.cache("_put", expression)
        rows = self.scalar(new.count())
        old = self.table(dataset)
        self.replace(dataset, old.anti_join(whom, KEY).union(new.select(*old.columns)))
        return int(rows)

    def remove(self, dataset: str, keys: IbisTable, on: Sequence[str]) -> int:
        gone = self.files.stage("_gone_from_spark", self.engine.frame(keys))
        return self.files.remove(dataset, gone, on)

    def settle(self, datasets: Sequence[str], mark: int) -> None:
        self.files.settle(datasets, mark)

    def set_meta(self, key: str, value: Any) -> None:
        self.files.set_meta(key, value)

    def publish(self) -> int:
        self.version = self.files.publish()
        return self.version

    def _write(self, dataset: str, expression: IbisTable | Query) -> tuple[tuple[str, ...], int]:
        if dataset in FACTS:
            raise InputError("facts are written by DuckDB, and '{dataset}' is one", dataset=dataset)
        folder, stem = self.files.new_file(dataset)
        return self.engine.write(expression, folder, stem)
