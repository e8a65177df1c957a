"""What `koipond import` says of a file: what was read, decided and put aside, and why nothing was kept."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from koipond.cli.reply import marked, word
from koipond.ingest.rule_words import RULE_WORDS
from koipond.kernel import Message, heard, joined, phrase, spoken

if TYPE_CHECKING:
    from koipond.ingest.model import Kind

_SAMPLES_SHOWN = 3
_COLUMNS_SHOWN = 20


_CHANGES = marked(
    *("orders new", "orders replaced", "orders unchanged", "refunds added", "refunds replaced"),
    *("products new", "products replaced", "products unchanged", "customers new", "customers changed"),
    *("traits written", "events new", "events unchanged", "touches new", "consents new"),
)
"""What an import counts; what else it counts is said by a remark."""


_READ_AS = marked("format", "encoding", "delimiter", "numbers", "status", "header", "sheet")
"""What a file was read as, beside its fields."""


def keeps_nothing(one: Mapping[str, Any]) -> bool:
    """Say whether an import read rows and kept none: nothing of the file is in force."""
    return bool(one["read"]) and not one["kept"]


def unkept(one: Mapping[str, Any]) -> Iterator[str]:
    """Yield why an import is not done although it ended: nothing was kept, or a withdrawal was put aside."""
    aside = joined(
        ", ",
        [
            Message("{count:,} {rule}", count=count, rule=rule_word(rule))
            for rule, count in one["quarantined"].items()
            if count
        ],
    )
    if keeps_nothing(one):
        yield phrase(
            "{file}: none of {read:,} rows was kept ({aside}); {first_reason}",
            file=one["file"],
            read=one["read"],
            aside=aside,
            first_reason=_first_reason(one),
        )
    if count := one["notes"].get("withdrawals_put_aside"):
        yield (
            phrase(
                "{file}: {count:,} withdrawals were put aside ({aside}) and are not in force: mend "
                "these rows and import them again",
                file=one["file"],
                count=count,
                aside=aside,
            )
        )


def _first_reason(one: Mapping[str, Any]) -> str:
    """Return the first row that was put aside, with what stands in the field that did it."""
    rule, rows = next(((rule, rows) for rule, rows in one["samples"].items() if rows), ("", []))
    if not rows:
        return phrase("nothing is in force")
    sample = rows[0]
    cell = sample["values"].get(sample["field"])
    column = one["mapping"].get(sample["field"])
    where = (
        Message("{field} = {cell!r} (column {column})", field=sample["field"], cell=cell, column=column)
        if cell is not None and column
        else sample["field"]
    )
    optional = column and _can_do_without(one["kind"], set(one["mapping"]) - {sample["field"]})
    told = Message("--map {field}= leaves the field out", field=sample["field"]) if optional else ""
    return phrase(
        "row {row}: {why}",
        row=sample["row"],
        why=joined(", ", [one for one in (rule_word(rule), where, told) if one]),
    )


def _can_do_without(kind: "Kind", mapped: set[str]) -> bool:
    """Say whether a file of ``kind`` with the fields ``mapped`` can be imported."""
    from koipond.ingest.fields import REQUIRED

    return all(any(mapped.issuperset(names) for names in ways) for ways in REQUIRED.get(kind, ()))


def rule_word(rule: str) -> str:
    """Return why rows are put aside: in English the rule's name, which is in English already."""
    return rule if spoken() == "en" else RULE_WORDS[rule][spoken()]


def _count_line(name: str, count: int) -> str:
    """Return one count as a line, nothing when it is 0 or a remark says it."""
    shown = name.replace("_", " ")
    if not count or shown not in _CHANGES:
        return ""
    return phrase("  {name}: {count:,}", name=word(shown), count=count)


_KEPT = Message("  kept as traits: {shown}"), Message("  kept as traits: {shown} and {count:,} more columns")
_UNUSED = Message("  not used: {shown}"), Message("  not used: {shown} and {count:,} more columns")
"""What is said of a few columns, and of more than are shown."""


def _columns_line(said: tuple[str, str], names: Sequence[str]) -> str:
    """Return ``names`` in a line, nothing when there are none."""
    more, shown = len(names) - _COLUMNS_SHOWN, joined(", ", names[:_COLUMNS_SHOWN])
    return phrase(said[more > 0], shown=shown, count=more) if names else ""


def import_text(result: Mapping[str, Any]) -> str:
    """Return the result of one import as the command prints it."""
    mapped = joined(", ", [f"{field}={column}" for field, column in result["mapping"].items()])
    lines = [
        phrase(
            "{file}: {read:,} rows read, {kept:,} kept",
            file=result["file"],
            read=result["read"],
            kept=result["kept"],
        ),
        phrase("  columns: {mapped}", mapped=mapped),
        *[
            phrase("  read as: {name} {how}", name=word(name), how=heard(how))
            for name, how in result["formats"].items()
        ],
        *[_count_line(name, count) for name, count in (*result["changes"].items(), *result["notes"].items())],
    ]
    lines += [_columns_line(_KEPT, result.get("traits", [])), _columns_line(_UNUSED, result["unused"])]
    lines += [phrase("  note: {remark}", remark=heard(remark)) for remark in result["remarks"]]
    for rule, count in result["quarantined"].items():
        if not count:
            continue
        lines.append(phrase("  put aside, {rule}: {count:,}", rule=rule_word(rule), count=count))
        for sample in result["samples"].get(rule, [])[:_SAMPLES_SHOWN]:
            values = joined(", ", [f"{name}={value}" for name, value in sample["values"].items()])
            told = {"row": sample["row"], "values": values}
            lines.append(
                phrase("    row {row}: {field} ({values})", field=sample["field"], **told)
                if sample["field"]
                else phrase("    row {row}: ({values})", **told)
            )
    if any(result["quarantined"].values()):
        lines.append(
            phrase(
                "  all of them, with reasons: koipond quality rejects {import_no} --to FILE",
                import_no=result["import_no"],
            )
        )
    if result["repeated"]:
        lines.append(phrase("  this file was imported before; nothing changed"))
    return "\n".join(filter(None, lines))
