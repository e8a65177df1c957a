"""Take what erased people said out of the warehouse (删除回写): their traits, properties and rows put aside.

What they bought stays under a number that names nobody. Done with every publication: a file that brings them
again brings nothing back.
"""

from collections.abc import Sequence

import ibis
import pyarrow as pa

from koipond.facts.ports import IbisTable, Reader, Writer

_NOTHING = "{}"
_TRAITS = ("traits", "replaced_traits")
_TEXTS = (("events", "properties"), ("quarantine", "values"))


def purge_erased(writer: Writer, customer_nos: Sequence[int]) -> dict[str, int]:
    """Remove traits, event properties and texts put aside of ``customer_nos``; return how many rows changed.

    The caller publishes.
    """
    if not customer_nos:
        return {}
    whom = writer.stage("_erased", pa.table({"customer_no": pa.array(customer_nos, pa.int32())}))
    counts = {name: writer.remove(name, whom, ["customer_no"]) for name in _TRAITS if writer.has(name)}
    for dataset, column in _TEXTS:
        if writer.has(dataset):
            counts[dataset] = _emptied(writer, dataset, column, whom)
    return {name: count for name, count in counts.items() if count}


def _emptied(writer: Writer, dataset: str, column: str, whom: IbisTable) -> int:
    """Empty ``column`` of the rows of ``whom``; return how many held something."""
    rows = writer.table(dataset).semi_join(whom, "customer_no")
    count = int(writer.scalar(_full(rows, column).count()))
    if not count:
        return 0
    kept = writer.cache(f"_emptied_{dataset}", rows)
    writer.remove(dataset, whom, ["customer_no"])
    writer.append(dataset, kept.mutate(**{column: ibis.literal(_NOTHING)}).select(*kept.columns))
    return count


def count_erased(reader: Reader, customer_nos: Sequence[int]) -> dict[str, int]:
    """Return how many rows of each dataset still hold what ``customer_nos`` have said."""
    whom = reader.stage("_erased", pa.table({"customer_no": pa.array(customer_nos, pa.int32())}))
    left = {name: reader.table(name).semi_join(whom, "customer_no") for name in _TRAITS if reader.has(name)}
    for name, column in _TEXTS:
        if reader.has(name):
            left[name] = _full(reader.table(name).semi_join(whom, "customer_no"), column)
    counts = {name: int(reader.scalar(rows.count())) for name, rows in left.items()}
    return {name: count for name, count in counts.items() if count}


def _full(rows: IbisTable, column: str) -> IbisTable:
    return rows.filter(rows[column].notnull() & (rows[column] != _NOTHING))
