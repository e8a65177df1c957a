"""Which column of two files holds which field (双表字段对应): of an order in its head, of a line in its line.

The head's word counts for customer, time, state and total; the line's for what was bought. A total that
stands in the head is the whole order's, whatever it is called.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from koipond.ingest.discount_texts import DISCOUNTS
from koipond.ingest.fields import FIELDS, PERSON, RIVALS
from koipond.ingest.joined_rows import LINES, JoinedRows
from koipond.ingest.lone_price import counts_in, price_is_paid
from koipond.ingest.mapping import ColumnMap, choose_mapping, fitting_columns, listed, require_one
from koipond.ingest.model import ImportRequest
from koipond.ingest.person_looks import person_looks
from koipond.ingest.ports import RowSource
from koipond.kernel import InputError, joined

OF_LINES = frozenset(
    {"line_id", "sku", "category", "unit_price", "quantity", "discount", "discount_rate", "paid_share"}
)
"""The fields that a line speaks of; of the others its order's head does."""
_OF_ORDER = {"amount": "order_amount", "refund_amount": "order_refund_amount"}


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Field → column (by its name in `JoinedRows`), and what a weak name alone fits."""

    columns: Mapping[str, str]
    unsure: frozenset[str]
    priced: bool = False  # the amount is the price of a line that is one piece


def plan_join(rows: JoinedRows, request: ImportRequest, region: str) -> tuple[JoinedRows, ColumnMap]:
    """Return ``rows`` with the columns to read of each file, and the mapping of both as one.

    Raises InputError with all that is unknown, missing or ambiguous.
    """
    if request.kind != "orders":
        raise InputError("--join is for orders; import {kind} from one file", kind=request.kind)
    try:
        return _plan(rows, request, region)
    except InputError:
        if not _is_swapped(rows, request, region):
            raise
    raise InputError(
        "{heads} holds lines and {lines} the heads of orders: name the file with one row an order first: "
        "koipond import orders {lines} --join {heads}",
        heads=rows.heads.file,
        lines=rows.lines.file,
    )


def _is_swapped(rows: JoinedRows, request: ImportRequest, region: str) -> bool:
    on = None if rows.on is None else (rows.on[1], rows.on[0])
    try:
        _plan(JoinedRows(rows.lines, rows.heads, on=on), request, region)
    except InputError:
        return False
    return True


def _plan(rows: JoinedRows, request: ImportRequest, region: str) -> tuple[JoinedRows, ColumnMap]:
    keys = _keys(rows, request)
    told = _told(rows, request)
    chosen = _priced(rows, request, _choose(rows, told, keys), keys[1])
    all_fields = {field.name: chosen.columns.get(field.name, "") for field in FIELDS["orders"]}
    mapping = choose_mapping(
        "orders", rows.columns, all_fields, rows.file, looks=lambda: person_looks(rows.heads, region)
    )
    mapping = replace(mapping, unsure=chosen.unsure & mapping.columns.keys(), priced=chosen.priced)
    _require_line_discount(rows, mapping)
    own = {name: column for column, name in rows.names.items()}
    heads, lines = {"order_id": (keys[0],)}, {"order_id": (keys[1],)}
    for name, (column,) in mapping.columns.items():
        if name != "order_id":
            (lines if column in own else heads)[name] = (own.get(column, column),)
    empty = replace(mapping, columns={}, unsure=frozenset())
    return rows.mapped(replace(empty, columns=heads), replace(empty, columns=lines)), mapping


def _keys(rows: JoinedRows, request: ImportRequest) -> tuple[str, str]:
    """Return the column of the order number in the heads and in the lines."""
    if rows.on is not None:
        for file, column in zip((rows.heads, rows.lines), rows.on, strict=True):
            if column not in file.columns:
                raise InputError(
                    "--join-on {on}: {file} has no column '{column}'; it has {columns}",
                    on="=".join(rows.on),
                    file=file.file,
                    column=column,
                    columns=listed(file.columns),
                )
        return rows.on
    told = request.mapping.get("order_id")
    found = [_key(file, told) for file in (rows.heads, rows.lines)]
    missing = [file.file for file, column in zip((rows.heads, rows.lines), found, strict=True) if not column]
    if missing:
        raise InputError(
            "{file}: no column for order_id; name those of both files with --join-on "
            "HEADCOLUMN=LINECOLUMN\nthe columns are: {columns} in {heads}; {line_columns} in {lines}",
            file=missing[0],
            columns=listed(rows.heads.columns),
            heads=rows.heads.file,
            line_columns=listed(rows.lines.columns),
            lines=rows.lines.file,
        )
    return found[0], found[1]


def _key(file: RowSource, told: str | None) -> str:
    columns = file.columns
    if told and told in columns:
        return told
    fitting = fitting_columns("orders", ("order_id",), columns)[0].get("order_id", [])
    require_one(file.file, {"order_id": fitting}, columns)
    return fitting[0] if fitting else ""


def _told(rows: JoinedRows, request: ImportRequest) -> dict[str, str]:
    """Return field → column as told, each by its name in ``rows``; a total of the heads is the order's."""
    known = {field.name for field in FIELDS["orders"]}
    told = {}
    for name, column in request.mapping.items():
        if name not in known:
            raise InputError(
                "--map {name}={column}: no such field; fields are {known}",
                name=name,
                column=column,
                known=joined(", ", sorted(known)),
            )
        if name == "order_id":
            continue
        called = column
        if column in rows.lines.columns and (name in OF_LINES or column not in rows.heads.columns):
            called = rows.names[column]
        elif column.startswith(LINES) and column.removeprefix(LINES) in rows.lines.columns:
            called = rows.names[column.removeprefix(LINES)]
        in_heads = called in rows.heads.columns
        told[_OF_ORDER.get(name, name) if in_heads else name] = called
    if request.mapping.get("order_id") and request.mapping["order_id"] not in {
        *rows.heads.columns,
        *rows.lines.columns,
    }:
        raise InputError(
            "--map order_id={column}: no column of that name in {heads} or {lines}; name those of both with "
            "--join-on HEADCOLUMN=LINECOLUMN",
            column=request.mapping["order_id"],
            heads=rows.heads.file,
            lines=rows.lines.file,
        )
    return told


def _choose(rows: JoinedRows, told: Mapping[str, str], keys: tuple[str, str]) -> _Chosen:
    """Return the column of each field: as told, else in the file that speaks of it, else in the other."""
    names = [field.name for field in FIELDS["orders"] if field.name != "order_id"]
    left = [name for name in names if name not in told and not _rivalled(name, told)]
    heads = [column for column in rows.heads.columns if column != keys[0] and column not in told.values()]
    head_fields = [name for name in left if name not in OF_LINES]
    of_heads, unsure_heads = fitting_columns("orders", head_fields, heads)
    require_one(rows.heads.file, of_heads, rows.heads.columns)
    lines = [
        column
        for column in rows.lines.columns
        if column != keys[1] and rows.names[column] not in told.values()
    ]
    somebody = any(name in PERSON for name in (*of_heads, *(n for n, c in told.items() if c)))
    line_fields = [name for name in left if name not in of_heads and not (somebody and name in PERSON)]
    of_lines, unsure_lines = fitting_columns("orders", line_fields, lines)
    require_one(rows.lines.file, of_lines, rows.lines.columns)
    found = {_OF_ORDER.get(name, name): fitting[0] for name, fitting in of_heads.items()}
    found |= {name: rows.names[fitting[0]] for name, fitting in of_lines.items()}
    rest = [c for c in heads if c not in found.values()]
    late = [n for n in ("discount", "discount_rate") if n in left and not {*DISCOUNTS} & {*found, *told}]
    of_order, _ = fitting_columns("orders", late, rest)
    found |= {name: fitting[0] for name, fitting in list(of_order.items())[:1]}
    if "discount" in found:
        found.pop("discount_rate", None)
    return _Chosen({"order_id": keys[0], **found, **told}, frozenset(unsure_heads | unsure_lines))


def _priced(rows: JoinedRows, request: ImportRequest, chosen: _Chosen, key: str) -> _Chosen:
    """Return ``chosen`` with the price as the amount of lines that are one piece each."""
    columns = {name: column for name, column in chosen.columns.items() if column}
    free = [one for one in rows.lines.columns if one != key and rows.names[one] not in columns.values()]
    if not price_is_paid(columns, request.mapping, free, counts_in(rows.lines)):
        return chosen
    moved = {**chosen.columns, "amount": columns["unit_price"], "unit_price": ""}
    return replace(chosen, columns=moved, unsure=chosen.unsure - {"unit_price"}, priced=True)


def _rivalled(name: str, told: Mapping[str, str]) -> bool:
    """Say whether a field that says the same was told, or told to be left out."""
    return any(rival in told for rival in RIVALS.get(name, ()))


def _require_line_discount(rows: JoinedRows, mapping: ColumnMap) -> None:
    """Raise InputError for an order's discount where no amount is said: it would count on each line."""
    column = mapping.columns.get("discount", ("",))[0]
    if column in rows.heads.columns and not {"amount", "order_amount"} & mapping.columns.keys():
        raise InputError(
            "{file}: {column} is a discount of the whole order, and no column says what was paid; name "
            "that with --map order_amount=COLUMN, pass --map discount_rate={column} if it is a share of "
            "the price, or leave it out: --map discount=",
            file=rows.heads.file,
            column=column,
        )
