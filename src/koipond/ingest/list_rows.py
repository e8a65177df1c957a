"""People as lists name them (名单文件): a table with a header, or one identifier a line.

Any identifier will do: a shop's own id, a phone as people write it, an e-mail, or our own id of a customer,
which every file has that we export. Nobody is made a customer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from koipond.facts.people import ListedPerson, PersonKeys
from koipond.ingest.fields import PERSON, synonyms
from koipond.ingest.mapping import plain_name
from koipond.ingest.people import normal_phone
from koipond.ingest.ports import RowSource
from koipond.ingest.spellings import is_no_id, normal_email, plain_id, unguarded
from koipond.kernel import InputError, Message, joined

UID, VALUE = "customer_uid", "value"
_VALUE_NAMES = ("value", "tag", "标签", "标签值", "nilai")
_SHOWN_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ListColumns:
    """Field → column of a table: customer_uid, customer_id, phone, email, value."""

    columns: Mapping[str, str]


def list_columns(columns: Sequence[str], told: Mapping[str, str], file: str) -> ListColumns | None:
    """Return which of ``columns`` say who somebody is; None when the file is one identifier a line.

    ``told``: field → column. Raises InputError naming the columns when several say nothing of who is meant.
    """
    known = (UID, *PERSON, VALUE)
    faults = [
        Message("--map {field}=…: fields are {known}", field=field, known=joined(", ", known))
        for field in told
        if field not in known
    ]
    faults += [
        Message("--map {f}={c}: no column '{c}'", f=f, c=c)
        for f, c in told.items()
        if f in known and c not in columns
    ]
    found = {field: column for field, column in told.items() if not faults}
    plain = {plain_name(column): column for column in reversed(columns) if column not in found.values()}
    for field in known:
        fitting = [plain[name] for name in _names(field) if name in plain and field not in found]
        if fitting:
            found[field] = fitting[0]
    if not faults and not found.keys() & {UID, *PERSON}:
        if len(columns) == 1:
            return None
        faults.append(
            Message("no column says who somebody is: name it with --map phone=COLUMN (or email, customer_id)")
        )
    if faults:
        shown = joined(", ", columns[:_SHOWN_MAX])
        raise InputError(
            "{file}: {faults}\nthe columns are: {shown}", file=file, faults=joined("; ", faults), shown=shown
        )
    return ListColumns(columns=found)


def _names(field: str) -> list[str]:
    if field == VALUE:
        return [plain_name(name) for name in _VALUE_NAMES]
    if field == UID:
        return [plain_name(UID)]
    usual = synonyms("customers", field)
    return [plain_name(name) for name in (field, *usual.names, *usual.weak, *usual.whole)]


def table_people(
    rows: RowSource, columns: ListColumns, *, source: str, region: str
) -> Iterator[ListedPerson]:
    """Yield the people of a table; ``line`` counts from the header, which is 1.

    Rows that name nobody come too, as long as they hold anything. Without a column of a shop's ids, one
    called ``customer_uid`` may be a shop's as well.
    """
    fields = dict(columns.columns)
    own = fields.get("customer_id", fields.get(UID))
    for batch in rows.batches(list(rows.columns)):  # all: a row without an id is no blank row
        for row in batch.to_pylist():
            said = {field: unguarded(row[column] or "") for field, column in fields.items()}
            who = plain_id(unguarded(row[own] or "") if own else "")
            keys = PersonKeys(
                source=source,
                shop_id=None if is_no_id(who) else who or None,
                phone=normal_phone(said.get("phone", ""), region),
                email=normal_email(said.get("email", "")),
            )
            value, uid = said.get(VALUE) or None, said.get(UID) or None
            yield ListedPerson(line=row["row"], keys=keys, value=value, uid=uid)


def line_people(lines: Iterator[tuple[int, str]], *, source: str, region: str) -> Iterator[ListedPerson]:
    """Yield the people of a file of one identifier a line: ours, a shop's, else what it looks like."""
    for line, text in lines:
        word = unguarded(text)
        keys = PersonKeys(
            source=source,
            shop_id=plain_id(word) or None,
            phone=normal_phone(word, region),
            email=normal_email(word),
        )
        yield ListedPerson(line=line, keys=keys, uid=word)
