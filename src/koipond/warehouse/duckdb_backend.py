"""Ibis 12 on DuckDB 2.0: the methods whose upstream form no longer runs. Drop with the next Ibis."""

from functools import lru_cache
from typing import Any, ClassVar

import duckdb  # noqa: TID253  this adapter is itself imported lazily
import ibis.backends.duckdb
import ibis.backends.sql.compilers.duckdb
import ibis.common.exceptions as exc
import ibis.expr.schema as sch
import pyarrow as pa
import sqlglot as sg
import sqlglot.expressions as sge


@lru_cache(maxsize=1024)
def _type(name: str, nullable: bool) -> Any:
    return DuckDB2.compiler.type_mapper.from_string(name, nullable=nullable)


class DuckCompiler(ibis.backends.sql.compilers.duckdb.DuckDBCompiler):
    """The compiler of Ibis with members of JSON objects by their names."""

    __slots__ = ()
    SIMPLE_OPS: ClassVar[dict[Any, str]] = {}  # else those of the parent would replace the method below

    def visit_JSONGetItem(self, op: Any, *, arg: Any, index: Any) -> Any:  # noqa: N802  Ibis' name
        """Take a text for a name, never for a path: DuckDB would follow ``$.a[0]`` and spread ``*``."""
        value = getattr(op.index, "value", None)
        if isinstance(value, str):  # RFC 6901
            index = sge.convert("/" + value.replace("~", "~0").replace("/", "~1"))
        return self.f.json_extract(arg, index)


class DuckDB2(ibis.backends.duckdb.Backend):
    """The DuckDB backend with catalogue look-ups and batch reading that DuckDB 2.0 accepts."""

    name = "duckdb"
    compiler = DuckCompiler()

    def _column(self, sql: str, *args: Any) -> list[Any]:
        return [row[0] for row in self.con.execute(sql, args).fetchall()]

    def _describe(self, what: str) -> sch.Schema:
        rows = self.con.sql(f"DESCRIBE {what}").fetchall()
        return sch.Schema({r[0]: _type(r[1], r[2] == "YES") for r in rows})

    def _get_schema_using_query(self, query: str) -> sch.Schema:
        return self._describe(query)

    def get_schema(
        self, table_name: str, *, catalog: str | None = None, database: str | None = None
    ) -> sch.Schema:
        try:
            name = sg.table(table_name, db=database, catalog=catalog, quoted=True).sql("duckdb")
            return self._describe(name)
        except duckdb.CatalogException as e:
            raise exc.TableNotFound(table_name) from e

    def list_tables(self, *, like: str | None = None, database: str | None = None) -> list[str]:
        place = self._to_sqlglot_table(database)
        names = self._column(
            "select distinct table_name from information_schema.tables"
            " where table_catalog in (?, 'temp') and table_schema = ?",
            place.catalog or self.current_catalog,
            place.db or self.current_database,
        )
        return self._filter_with_like(names, like)

    def to_pyarrow_batches(
        self, expr: Any, /, *, params: Any = None, limit: Any = None, chunk_size: int = 1_000_000, **_: Any
    ) -> pa.RecordBatchReader:
        self._run_pre_execute_hooks(expr)
        table = expr.as_table()
        query = self.compile(table, limit=limit, params=params)
        return pa.RecordBatchReader.from_batches(
            table.schema().to_pyarrow(), self.con.sql(query).to_arrow_reader(chunk_size)
        )
