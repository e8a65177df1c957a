"""Replace facts so that they can come back: what an import takes away is kept, and undo restores it."""

from collections.abc import Sequence

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable, Writer
from koipond.facts.schemas import FACTS, REPLACEABLE

_APPENDED = ("events", "touches", "reachable")
_SPEAK = ("orders", "refunds", "events", "traits", "touches")


def columns_of(dataset: str) -> list[str]:
    """Return the column names of fact ``dataset`` in order."""
    return list(FACTS[dataset].names)


def as_facts(dataset: str, table: IbisTable) -> IbisTable:
    """Return ``table`` with exactly the columns and types of fact ``dataset``; absent ones are null."""
    schema = ibis.Schema.from_pyarrow(FACTS[dataset])
    have = set(table.columns)
    return table.select(
        **{name: table[name].cast(kind) if name in have else ibis.null(kind) for name, kind in schema.items()}
    )


def retire(writer: Writer, dataset: str, keys: IbisTable, on: Sequence[str], import_no: int) -> int:
    """Take the rows of ``dataset`` with ``keys`` out of force, keep them for undo; return how many."""
    live = writer.table(dataset)
    taken = live.semi_join(keys, list(on)).mutate(replaced_by=ibis.literal(import_no, type="int32"))
    gone = writer.cache(f"retired_{dataset}", taken)
    writer.append(f"replaced_{dataset}", gone)
    return writer.remove(dataset, keys, on)


def take_back(writer: Writer, import_no: int) -> dict[str, int]:
    """Undo what import ``import_no`` wrote into the warehouse; return the rows removed and restored.

    Rows of customers first named by it stay when another import has facts of them.
    """
    mine = writer.stage("undone_import", _numbers("import_no", import_no))
    replaced_by = writer.stage("undone_replaced_by", _numbers("replaced_by", import_no))
    counts = {}
    for dataset in (*(d for d in REPLACEABLE if d != "customers"), *_APPENDED, "quarantine", "imports"):
        counts[f"{dataset}_removed"] = writer.remove(dataset, mine, ["import_no"])
    counts["customers_removed"] = _remove_customers(writer, import_no)
    for dataset in REPLACEABLE:
        archive = f"replaced_{dataset}"
        if writer.has(archive):
            rows = writer.table(archive).semi_join(replaced_by, "replaced_by").drop("replaced_by")
            back = writer.cache(f"restored_{dataset}", rows)
            counts[f"{dataset}_restored"] = writer.append(dataset, back)
            writer.remove(archive, replaced_by, ["replaced_by"])
    return {name: count for name, count in counts.items() if count}


def _remove_customers(writer: Writer, import_no: int) -> int:
    """Remove the customers that nothing else speaks of, and those whose earlier row comes back."""
    used = ibis.union(
        *(
            writer.table(d).select("customer_no")
            for d in ("orders", "refunds", "events", "traits", "touches")
        ),
        distinct=True,
    )
    customers = writer.table("customers")
    mine = customers.filter(customers["import_no"] == import_no).select("customer_no")
    gone = mine.anti_join(used, "customer_no")
    if writer.has("replaced_customers"):
        earlier = writer.table("replaced_customers").filter(lambda t: t["replaced_by"] == import_no)
        gone = gone.union(earlier.select("customer_no"), distinct=True)
    keys = writer.cache("undone_customers", gone)
    return writer.remove("customers", keys, ["customer_no"])


def _numbers(name: str, number: int) -> pa.Table:
    return pa.table({name: pa.array([number], pa.int32())})
