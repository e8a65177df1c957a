"""Ibis 12 on Spark 4.3: where its SQL does not mean there what the expression says.

Each override was found by comparing rows with DuckDB (docs/decisions/0011-engines.md). Definitions are never
forked: whatever differs is mended here.
"""

from typing import Any, ClassVar

import ibis.backends.pyspark
import ibis.backends.sql.compilers.pyspark
import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import NULL, STAR, SQLGlotCompiler

from koipond.kernel import InputError


class SparkCompiler(ibis.backends.sql.compilers.pyspark.PySparkCompiler):
    """The compiler of Ibis with OFFSET, counts of nothing, and JSON as Spark has them."""

    __slots__ = ()
    SIMPLE_OPS: ClassVar[dict[Any, str]] = {}  # else those of the parent would replace the methods below
    rewrites = SQLGlotCompiler.rewrites  # without numbering rows for OFFSET: that loses their order

    def visit_CountStar(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: ARG002, N802  Ibis' names
        """Count 0, not null, where no row satisfies ``where``."""
        return self.f.count(STAR) if where is None else self.f.anon.count_if(where)

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:  # noqa: N802
        """Give 64-bit numbers their type: Spark reads a small one as 32 bits, and its products overflow."""
        if dtype.is_int64():
            return self.cast(sge.convert(value), dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_JSONGetItem(self, op: Any, *, arg: Any, index: Any) -> Any:  # noqa: ARG002, N802
        """Keep the type of a JSON value: `get_json_object` makes text of everything."""
        parsed = arg if isinstance(op.arg, ops.JSONGetItem) else self.f.anon.try_parse_json(arg)
        return self.f.anon.try_variant_get(parsed, sge.convert(_path(op.index)), sge.convert("variant"))

    def visit_UnwrapJSONString(self, op: Any, *, arg: Any) -> Any:  # noqa: N802
        """Return the text of a JSON text, null for anything else."""
        is_text = self.f.anon.schema_of_variant(arg).eq(sge.convert("STRING"))
        return self.if_(is_text, self.cast(arg, op.dtype), NULL)

    def visit_UnwrapJSONFloat64(self, op: Any, *, arg: Any) -> Any:  # noqa: N802
        """Return the number of a JSON number, null for anything else."""
        kind = self.f.anon.schema_of_variant(arg)
        is_number = kind.isin(sge.convert("BIGINT"), sge.convert("DOUBLE")) | kind.like("DECIMAL%")
        return self.if_(is_number, self.cast(arg, op.dtype), NULL)


def _path(index: Any) -> str:
    """Return the path of one step into a JSON value."""
    value = index.value
    if isinstance(value, int):
        return f"$[{value}]"
    if "'" in value and '"' in value:
        raise InputError(
            "Spark cannot read the property {value!r}: its name holds both kinds of quotes", value=value
        )
    quote = '"' if "'" in value else "'"
    return f"$[{quote}{value}{quote}]"


class SparkBackend(ibis.backends.pyspark.Backend):
    """The PySpark backend with our compiler."""

    name = "pyspark"
    compiler = SparkCompiler()
