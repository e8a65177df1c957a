"""Which column of a file holds which field: as told, else by the names columns usually have."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from koipond.ingest.fields import (
    FIELDS,
    KEEPS_OTHER_COLUMNS,
    NESTS,
    PERSON,
    REQUIRED,
    RIVALS,
    Field,
    synonyms,
)
from koipond.ingest.lone_price import Counts, price_advice, price_is_paid
from koipond.ingest.model import Kind
from koipond.ingest.privacy import masked
from koipond.kernel import InputError, Message, all_of, any_of, joined, some_of

_LISTED_MAX = 10
_SHOWN_MAX = 100
_UNIT = re.compile(r"\s*[(（\[]\s*(?:[A-Z]{3}|Rp\.?|元|円|人民币|[$€£¥￥₹])\s*[)）\]]\s*$")
_NOISE = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """The columns chosen. ``columns``: field → column names, several when they are joined."""

    kind: Kind
    columns: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...]  # kept as event properties or traits
    unsure: frozenset[str] = frozenset()  # fields guessed by a weak name
    priced: bool = False  # the amount is the price of one piece, as a row is one

    def __contains__(self, field: str) -> bool:
        return field in self.columns

    def shown(self) -> dict[str, str]:
        """Return field → column as an operator would write it."""
        return {field: "+".join(columns) for field, columns in self.columns.items()}

    @property
    def used(self) -> tuple[str, ...]:
        """The columns to read, each once, in file order of first use."""
        return tuple(dict.fromkeys([*(c for cs in self.columns.values() for c in cs), *self.others]))

    @property
    def identifying(self) -> frozenset[str]:
        """The columns that say who somebody is."""
        return frozenset(c for name in PERSON for c in self.columns.get(name, ()))


def choose_mapping(
    kind: Kind,
    columns: Sequence[str],
    told: Mapping[str, str],
    file: str,
    *,
    looks: Callable[[], Mapping[str, str]] = dict,
    counts: Counts | None = None,
) -> ColumnMap:
    """Return the mapping of ``columns``; raise InputError with all that is unknown, missing or ambiguous.

    ``looks``: asked which column holds phones or e-mails by its values, when no name says who somebody is.
    ``counts``: asked which columns may be numbers of pieces, for a price that stands alone (None: no amount).
    """
    fields = FIELDS[kind]
    faults: list[str] = []
    chosen = _told(fields, columns, told, faults)
    left_out = {name for name, column in told.items() if not column}
    left_out |= {rival for name in chosen for rival in RIVALS.get(name, ())}
    taken = {names[0] for names in chosen.values() if len(names) == 1}  # parts of a joined id stay free
    guesses, unsure = _guess(kind, chosen.keys(), left_out, columns, taken)
    faults += _rivals(guesses)
    for name, fitting in guesses.items():
        chosen[name] = tuple(fitting[:1])
    if "discount" in chosen and "discount_rate" in guesses:
        del chosen["discount_rate"]  # money says it without a price
    taken = {column for names in chosen.values() for column in names}
    free = [column for column in columns if column not in taken]
    if priced := price_is_paid(chosen, told, free, counts):
        chosen["amount"] = chosen.pop("unit_price")
    faults += _missing(kind, chosen, looks, lambda column: price_advice(column, free, counts))
    _require_none(faults, file, columns)
    others = tuple(c for c in columns if c not in taken) if kind in KEEPS_OTHER_COLUMNS else ()
    order = [field.name for field in fields if field.name in chosen]
    chosen = {name: chosen[name] for name in order}
    return ColumnMap(kind=kind, columns=chosen, others=others, unsure=frozenset(unsure), priced=priced)


def fitting_columns(
    kind: Kind, names: Sequence[str], columns: Sequence[str]
) -> tuple[dict[str, list[str]], set[str]]:
    """Return each field of ``names`` → those of ``columns`` that fit it by name; and the unsure ones."""
    left_out = {field.name for field in FIELDS[kind]} - set(names)
    return _guess(kind, frozenset(), left_out, columns, frozenset())


def require_one(file: str, guesses: Mapping[str, Sequence[str]], columns: Sequence[str]) -> None:
    """Raise InputError when several of the ``columns`` of ``file`` fit one field."""
    _require_none(_rivals(guesses), file, columns)


def _rivals(guesses: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        Message(
            "{fitting} both fit the field {name}: choose one with --map {name}=COLUMN, or "
            "none with --map {name}=",
            fitting=all_of([f"'{column}'" for column in fitting]),
            name=name,
        )
        for name, fitting in guesses.items()
        if len(fitting) > 1
    ]


def _require_none(faults: Sequence[str], file: str, columns: Sequence[str]) -> None:
    if faults:
        raise InputError(
            "{file}: {faults}\nthe columns are: {columns}",
            file=file,
            faults=joined("\n", faults),
            columns=listed(columns),
        )


def listed(columns: Sequence[str]) -> Message:
    """Return the names of ``columns`` as an error shows them: the first few, identifiers covered."""
    shown = [masked(column)[:_SHOWN_MAX] for column in columns[:_LISTED_MAX]]
    return some_of([*shown, *columns[_LISTED_MAX:]], _LISTED_MAX)


def plain_name(name: str) -> str:
    """Return ``name`` without case, width, spaces and punctuation: 'Customer ID' = 'customer_id'."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", name).casefold())


def field_name(column: str) -> str:
    """Return `plain_name` without the unit behind it: 'Harga Jual (IDR)' = 'harga jual'."""
    return plain_name(_UNIT.sub("", column) or column)


def own_name(column: str) -> str:
    """Return what a column is called as a property or trait: ``properties.plan`` is the property ``plan``."""
    for nest in NESTS:
        if column.startswith(f"{nest}.") and len(column) > len(nest) + 1:
            return column[len(nest) + 1 :]
    return column


def _told(
    fields: Sequence[Field], columns: Sequence[str], told: Mapping[str, str], faults: list[str]
) -> dict[str, tuple[str, ...]]:
    known = {field.name for field in fields}
    chosen: dict[str, tuple[str, ...]] = {}
    for name, column in told.items():
        if name not in known:
            faults.append(
                Message(
                    "--map {name}={column}: no such field; fields are {known}",
                    name=name,
                    column=column,
                    known=joined(", ", sorted(known)),
                )
            )
        elif column:
            parts = (column,) if column in columns else tuple(part.strip() for part in column.split("+"))
            absent = [part for part in parts if part not in columns]
            if absent:
                faults.append(
                    Message(
                        "--map {name}={column}: no column {absent}",
                        name=name,
                        column=column,
                        absent=joined(", ", map(repr, absent)),
                    )
                )
            elif len(parts) > 1 and name not in ("order_id", "line_id", "event_id", "touch_id"):
                faults.append(
                    Message(
                        "--map {name}={column}: only an id may be joined from several columns",
                        name=name,
                        column=column,
                    )
                )
            else:
                chosen[name] = parts
    return chosen


def _guess(
    kind: Kind, known: Set[str], left_out: Set[str], columns: Sequence[str], taken: Set[str]
) -> tuple[dict[str, list[str]], set[str]]:
    """Field → the free columns that fit it equally well: its own name, then clear, then weak synonyms.

    ``known`` fields have their column already, those ``left_out`` get none. Also return the fields that
    only a weak name fits.
    """
    fields = [f for f in FIELDS[kind] if not (f.name in known or f.name in left_out or f.told_only)]
    free = {column: field_name(column) for column in columns if column not in taken}
    guesses: dict[str, list[str]] = {}
    unsure: set[str] = set()
    inner = {column: plain_name(own_name(column)) for column in free if own_name(column) != column}
    outer = {column: name for column, name in free.items() if column not in inner}
    for names, wanted in ((outer, fields), (inner, [f for f in fields if f.name in _in_nests(kind)])):
        for rank in range(5):
            _guess_rank(kind, rank, wanted, known, columns, names, guesses, unsure)
    return guesses, unsure


def _guess_rank(
    kind: Kind,
    rank: int,
    fields: Sequence[Field],
    known: Set[str],
    columns: Sequence[str],
    free: dict[str, str],
    guesses: dict[str, list[str]],
    unsure: set[str],
) -> None:
    """Give each of ``fields`` without a guess those of the ``free`` columns (→ plain name) that fit it."""
    for field in fields:
        if field.name in guesses or (rank == 4 and {"quantity", "unit_price"} <= guesses.keys() | known):
            continue
        usual = synonyms(kind, field.name)
        names = [*((field.name,), usual.names, usual.weak, usual.late, usual.whole)[rank]]
        if rank == 1:
            there = {plain_name(column) for column in columns}
            names += [n for other, some in usual.beside.items() if plain_name(other) in there for n in some]
        wanted = {plain_name(n) for n in names}
        fitting = [column for column, name in free.items() if name in wanted]
        if fitting:
            guesses[field.name] = fitting
            unsure |= {field.name} if rank > 1 else set()
            for column in fitting:
                del free[column]


def _in_nests(kind: Kind) -> Set[str]:
    """The fields that members of a nest may be guessed for; who did an event stands beside them, not in."""
    if kind == "customers":
        return {field.name for field in FIELDS[kind]}
    return {"sku", "amount"} if kind == "events" else set()


def _missing(
    kind: Kind,
    chosen: Mapping[str, tuple[str, ...]],
    looks: Callable[[], Mapping[str, str]],
    of_price: Callable[[str], Message],
) -> list[str]:
    faults: list[str] = []
    for alternatives in REQUIRED[kind]:
        if any(all(name in chosen for name in names) for names in alternatives):
            continue
        words = any_of([all_of(names) for names in alternatives])
        seen = looks() if ("phone",) in alternatives else {}
        fault = Message(
            "no column for {words}: name it with --map {alternatives}=COLUMN",
            words=words,
            alternatives=alternatives[0][0],
        )
        if seen:
            fault = Message(
                "no column for {words} by its name, but by its values: {options}",
                words=words,
                options=any_of([f"--map {field}={column}" for field, column in seen.items()]),
            )
        if ("amount",) in alternatives and kind == "orders" and "unit_price" in chosen:
            fault = of_price(chosen["unit_price"][0])
        if alternatives == (("order_id",),):
            day = "+".join([*chosen.get("customer_id", ("CUSTOMER",)), *chosen.get("at", ("DATE",))])
            fault += Message(
                " (without order numbers, --map order_id={day} takes those that agree in both as one order)",
                day=day,
            )
        faults.append(fault)
    return faults
