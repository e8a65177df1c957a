"""What `koipond import` says of a file: what was read, decided and put aside, and why nothing was kept."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from koipond.kernel import Message

if TYPE_CHECKING:
    from koipond.ingest.model import Kind

_SAMPLES_SHOWN = 3
_COLUMNS_SHOWN = 20


def keeps_nothing(one: Mapping[str, Any]) -> bool:
    """Say whether an import read rows and kept none: nothing of the file is in force."""
    return bool(one["read"]) and not one["kept"]


def unkept(one: Mapping[str, Any]) -> Iterator[str]:
    """Yield why an import is not done although it ended: nothing was kept, or a withdrawal was put aside."""
    aside = ", ".join(f"{count:,} {rule}" for rule, count in one["quarantined"].items() if count)
    if keeps_nothing(one):
        yield f"{one['file']}: none of {one['read']:,} rows was kept ({aside}); {_first_reason(one)}"
    if count := one["notes"].get("withdrawals_put_aside"):
        yield (
            f"{one['file']}: {count:,} withdrawals were put aside ({aside}) and are not in force: mend these "
            "rows and import them again"
        )


def _first_reason(one: Mapping[str, Any]) -> str:
    """Return the first row that was put aside, with what stands in the field that did it."""
    rule, rows = next(((rule, rows) for rule, rows in one["samples"].items() if rows), ("", []))
    if not rows:
        return "nothing is in force"
    sample = rows[0]
    cell = sample["values"].get(sample["field"])
    column = one["mapping"].get(sample["field"])
    where = (
        Message("{field} = {cell!r} (column {column})", field=sample["field"], cell=cell, column=column)
        if cell is not None and column
        else sample["field"]
    )
    optional = column and _can_do_without(one["kind"], set(one["mapping"]) - {sample["field"]})
    told = Message(", --map {field}= leaves the field out", field=sample["field"]) if optional else ""
    return f"row {sample['row']}: {rule}{f', {where}' if where else ''}{told}"


def _can_do_without(kind: "Kind", mapped: set[str]) -> bool:
    """Say whether a file of ``kind`` with the fields ``mapped`` can be imported."""
    from koipond.ingest.fields import REQUIRED

    return all(any(mapped.issuperset(names) for names in ways) for ways in REQUIRED.get(kind, ()))


def import_text(result: Mapping[str, Any]) -> str:
    """Return the result of one import as the command prints it."""
    mapped = ", ".join(f"{field}={column}" for field, column in result["mapping"].items())
    lines = [
        f"{result['file']}: {result['read']:,} rows read, {result['kept']:,} kept",
        f"  columns: {mapped}",
        *[f"  read as: {name} {how}" for name, how in result["formats"].items()],
        *[f"  {name.replace('_', ' ')}: {count:,}" for name, count in result["changes"].items() if count],
        *[f"  {name.replace('_', ' ')}: {count:,}" for name, count in result["notes"].items() if count],
    ]
    if result["unused"]:
        more = len(result["unused"]) - _COLUMNS_SHOWN
        shown = ", ".join(result["unused"][:_COLUMNS_SHOWN])
        lines.append(f"  not used: {shown}{f' and {more:,} more columns' if more > 0 else ''}")
    lines += [f"  note: {remark}" for remark in result["remarks"]]
    for rule, count in result["quarantined"].items():
        if not count:
            continue
        lines.append(f"  put aside, {rule}: {count:,}")
        for sample in result["samples"].get(rule, [])[:_SAMPLES_SHOWN]:
            values = ", ".join(f"{name}={value}" for name, value in sample["values"].items())
            field = f" {sample['field']}" if sample["field"] else ""
            lines.append(f"    row {sample['row']}:{field} ({values})")
    if any(result["quarantined"].values()):
        lines.append(f"  all of them, with reasons: koipond quality rejects {result['import_no']} --to FILE")
    if result["repeated"]:
        lines.append("  this file was imported before; nothing changed")
    return "\n".join(lines)
