"""Many rows in one statement: COPY and arrays on PostgreSQL, executemany and json_each on SQLite.

A round trip a row would cap both stores near 20,000 rows/s (ops §4); these reach several times that.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

T = TypeVar("T")
Row = tuple[Any, ...]
_POSTGRES: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def any_of(connection: sa.Connection, column: sa.ColumnElement[Any], values: Collection[Any]) -> Any:
    """Return the condition that ``column`` is one of ``values``: one parameter, however many values."""
    if connection.dialect.name == "sqlite":
        each = sa.func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(sa.select(each.c.value))
    return column == sa.any_(sa.literal(list(values), postgresql.ARRAY(column.type)))


def listed(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Return the condition that ``column`` is one of the parameter ``name``, a list given at execution.

    For statements that are built once: to build one costs several times what it costs to run it.
    """
    return _Listed(column, sa.bindparam(name, type_=_List(column.type)))


class _List(sa.TypeDecorator[Any]):
    """A list in one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, item: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        of = sa.Text() if dialect.name == "sqlite" else postgresql.ARRAY(self.item)
        return dialect.type_descriptor(of)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return json.dumps(list(value)) if dialect.name == "sqlite" else list(value)


class _Listed(FunctionElement[bool]):
    inherit_cache = True
    type = sa.Boolean()

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002  # or SQLite gets "= 1" and no index
        return self


@compiles(_Listed, "sqlite")
def _in_json(element: _Listed, compiler: Any, **more: Any) -> str:
    column, values = (compiler.process(one, **more) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(_Listed, "postgresql")
def _any_of_array(element: _Listed, compiler: Any, **more: Any) -> str:
    column, values = (compiler.process(one, **more) for one in element.clauses)
    return f"{column} = ANY ({values})"


def insert_rows(connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: list[Row]) -> None:
    """Append ``rows``; a broken constraint raises IntegrityError and nothing is kept."""
    if not rows:
        return
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def upsert_rows(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: list[Row], conflict: str
) -> int:
    """Insert ``rows`` with the clause ``conflict`` (``ON CONFLICT …``) and return how many were written.

    With DO UPDATE, no two rows may share the conflicting key.
    """
    if not rows:
        return 0
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table.name} ({names}) VALUES ({marks}) {conflict}"
        return connection.exec_driver_sql(sql, rows).rowcount
    sql = f"INSERT INTO {table.name} ({names}) SELECT * FROM {_unnest(table, columns)} {conflict}"
    return connection.exec_driver_sql(sql, tuple(list(column) for column in zip(*rows, strict=True))).rowcount


def update_rows(
    connection: sa.Connection, table: sa.Table, keys: Sequence[str], columns: Sequence[str], rows: list[Row]
) -> None:
    """Set ``columns`` of the rows found by ``keys``; each row holds the keys' values, then the columns'."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        numbered = {name: place + 1 for place, name in enumerate((*keys, *columns))}
        sets = ", ".join(f"{name} = ?{numbered[name]}" for name in columns)
        where = " AND ".join(f"{name} = ?{numbered[name]}" for name in keys)
        connection.exec_driver_sql(f"UPDATE {table.name} SET {sets} WHERE {where}", rows)
        return
    both = (*keys, *columns)
    sets = ", ".join(f"{name} = new_.{name}" for name in columns)
    where = " AND ".join(f"{table.name}.{name} = new_.{name}" for name in keys)
    source = f"{_unnest(table, both)} AS new_({', '.join(both)})"
    connection.exec_driver_sql(
        f"UPDATE {table.name} SET {sets} FROM {source} WHERE {where}",
        tuple(list(column) for column in zip(*rows, strict=True)),
    )


def _unnest(table: sa.Table, columns: Sequence[str]) -> str:
    arrays = [f"%s::{table.c[name].type.compile(dialect=_POSTGRES)}[]" for name in columns]
    return f"unnest({', '.join(arrays)})"


def chunks(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield ``rows`` in slices of at most ``size``."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def group(rows: Iterable[T], key: Callable[[T], Any]) -> dict[Any, list[T]]:
    """Return ``rows`` by ``key``, in order."""
    groups: dict[Any, list[T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
