"""A private in-memory DuckDB behind Ibis: runs expressions, stages rows, writes Parquet."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from koipond.facts.ports import IbisTable, Query
from koipond.warehouse.macros import MACROS
from koipond.warehouse.queries import compiled


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How much of the machine one engine may use."""

    threads: int = max(1, os.cpu_count() or 1)
    memory_limit: str = "6GB"
    row_group_rows: int = 122_880


_ROOM = "work"  # the database of one reader, dropped as a whole
_OPEN = f"ATTACH ':memory:' AS {_ROOM}; USE {_ROOM}"
_SCHEMAS_MAX = 1_000
COMPRESSION = "COMPRESSION zstd, COMPRESSION_LEVEL 1"  # the size of level 3, a quarter less time to write


class Engine:
    """One DuckDB connection, private to a thread; spills to ``spill`` beyond the memory limit."""

    def __init__(self, spill: Path, options: EngineOptions | None = None) -> None:
        from koipond.warehouse.duckdb_backend import DuckDB2

        self.options = options or EngineOptions()
        backend = DuckDB2()
        backend.do_connect(
            ":memory:",
            threads=self.options.threads,
            memory_limit=self.options.memory_limit,
            temp_directory=str(spill),
            preserve_insertion_order=False,
        )
        self.ibis = backend
        self.raw = backend.con
        self.raw.execute("SET TimeZone = 'UTC'")
        self.raw.execute(";".join(MACROS))
        self.raw.execute(_OPEN)
        self._schemas: dict[str, Any] = {}

    def empty_again(self) -> None:
        """Drop every table and view, so that the engine can serve another reader: connecting costs 20 ms."""
        self.raw.execute(f"USE memory; DETACH {_ROOM}; {_OPEN}")

    def close(self) -> None:
        """Give the memory and the spill files back."""
        self.ibis.disconnect()

    def frame(self, expression: IbisTable) -> pa.Table:
        """Run ``expression`` and return its rows."""
        query = self.sql(expression)
        with interruptible():
            return self.raw.sql(query).to_arrow_table()

    def sql(self, expression: IbisTable | str) -> str:
        """Compile ``expression`` to DuckDB SQL, registering in-memory tables it uses."""
        if isinstance(expression, str):
            return expression
        if isinstance(expression, Query):
            return compiled(expression, self.sql)
        self.ibis._run_pre_execute_hooks(expression)
        return str(self.ibis.compile(expression.as_table()))

    def scalar(self, expression: Any) -> Any:
        """Run a scalar expression and return a Python value."""
        return self.frame(expression).column(0)[0].as_py()

    def batches(self, expression: IbisTable, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows of ``expression``; other statements may run meanwhile (own cursor)."""
        query = self.sql(expression)
        cursor = self.raw.cursor()
        cursor.execute(f"USE {_ROOM}")
        try:
            with interruptible():
                yield from cursor.sql(query).to_arrow_reader(rows)
        finally:
            cursor.close()

    def stage(self, name: str, batches: pa.Table | pa.RecordBatchReader) -> IbisTable:
        """Copy rows from outside into table ``name``."""
        self.raw.register("_incoming", batches)
        try:
            with interruptible():
                self.raw.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM _incoming')
        finally:
            self.raw.unregister("_incoming")
        return self._table(name, f"rows {batches.schema}")

    def cache(self, name: str, expression: IbisTable) -> IbisTable:
        """Materialise ``expression`` as table ``name``."""
        query = self.sql(expression)
        if not isinstance(expression, Query):
            return self.keep(name, query)
        self._create(name, query)
        return self._table(name, f"query {expression.key}({','.join(sorted(expression.values))})")

    def keep(self, name: str, query: str) -> IbisTable:
        """Materialise the SQL ``query`` as table ``name``."""
        self._create(name, query)
        return self.ibis.table(name)

    def _create(self, name: str, query: str) -> None:
        with interruptible():
            self.raw.execute(f'CREATE OR REPLACE TABLE "{name}" AS {query}')

    def name_of(self, expression: IbisTable, spare: str) -> str:
        """Return the quoted name of the table that ``expression`` is, kept as ``spare`` when it is none."""
        import ibis.expr.operations as ops

        if isinstance(expression, Query) or not isinstance(expression.op(), ops.DatabaseTable):
            expression = self.cache(spare, expression)
        return f'"{expression.get_name()}"'

    def forget(self, name: str) -> None:
        """Drop table ``name``."""
        self.raw.execute(f'DROP TABLE IF EXISTS "{name}"')

    def view(self, name: str, files: list[Path]) -> IbisTable:
        """Return Parquet ``files`` as one table called ``name``."""
        self.raw.execute(f'CREATE OR REPLACE VIEW "{name}" AS SELECT * FROM {read_parquet(files)}')
        return self._table(name, f"file {files[0]}")

    def _table(self, name: str, like: str) -> IbisTable:
        """Return table ``name``; ``like`` tables always have the same columns: look them up once."""
        import ibis.expr.operations as ops

        if like not in self._schemas:
            if len(self._schemas) >= _SCHEMAS_MAX:
                self._schemas.clear()
            self._schemas[like] = self.ibis.get_schema(name)
        return ops.DatabaseTable(name, schema=self._schemas[like], source=self.ibis).to_expr()

    def merged_view(self, name: str, files: list[Path], delta: Path, on: str) -> IbisTable:
        """Return Parquet ``files`` with the rows of ``delta`` in the place of those with the same ``on``."""
        late = read_parquet([delta])
        self.raw.execute(
            f'CREATE OR REPLACE VIEW "{name}" AS SELECT * FROM {read_parquet(files)}'
            f' ANTI JOIN (SELECT "{on}" FROM {late}) USING ("{on}")'
            f" UNION ALL BY NAME SELECT * EXCLUDE (_gone) FROM {late} WHERE NOT _gone"
        )
        return self._table(name, f"file {files[0]}")

    def empty(self, name: str, schema: pa.Schema) -> IbisTable:
        """Return a table called ``name`` with ``schema`` and no row."""
        self.stage(f"_empty_{name}", schema.empty_table())
        self.raw.execute(f'CREATE OR REPLACE VIEW "{name}" AS SELECT * FROM "_empty_{name}"')
        return self.ibis.table(name)

    def write(self, expression: IbisTable | str, file: Path) -> int:
        """Write ``expression`` to Parquet ``file``, synced to disk; return its rows."""
        query = self.sql(expression)
        target = _literal(str(file))
        group = self.options.row_group_rows
        with interruptible():
            (count,) = self.raw.execute(
                f"COPY ({query}) TO {target} (FORMAT parquet, {COMPRESSION}, ROW_GROUP_SIZE {group})"
            ).fetchall()[0]
        sync(file)
        return int(count)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C during a query be Ctrl-C: DuckDB makes an error of it that looks like a fault."""
    try:
        yield
    except RuntimeError as error:
        if "Query interrupted" in str(error):
            raise KeyboardInterrupt from error
        raise


def read_parquet(files: list[Path], *, with_file: str | None = None) -> str:
    """Return the table function that reads ``files``; ``with_file`` names a column for each row's file."""
    named = f", filename = '{with_file}'" if with_file else ""
    return f"read_parquet([{', '.join(_literal(str(file)) for file in files)}]{named})"


def sync(path: Path) -> None:
    """Force ``path`` (a file or a folder) to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
