"""From what a file says about a person to our customer number; identifiers go no further than here."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import ibis
import pyarrow as pa

from koipond.facts.people import PersonKeys
from koipond.facts.ports import IbisTable, Reader
from koipond.ingest.door import Door
from koipond.ingest.fields import PERSON
from koipond.ingest.model import ImportRequest
from koipond.ingest.ports import IdentityStore
from koipond.ingest.spellings import normal_email
from koipond.ingest.staging import Feed
from koipond.kernel import CancelledError

CHUNK_PEOPLE = 20_000
_PEOPLE = "import_people"
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in PERSON),
        ("customer_no", pa.int32()),
        ("customer_uid", pa.string()),
        ("has_phone", pa.bool_()),
        ("has_email", pa.bool_()),
    ]
)


ReadKeys = Callable[[dict[str, str], ImportRequest, str], Sequence[PersonKeys]]
"""From the person texts of a row (and the region of its phones) to whom it names, at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where people are looked up, and as of when."""

    identities: IdentityStore
    now: datetime
    region: str  # ISO 3166 country of phone numbers without a country code
    cancelled: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class KnownRows:
    """``rows``: the text without identifiers, with customer_no (null: no usable identifier).

    ``people``: customer_no, customer_uid, has_phone, has_email of everybody the file names, some repeated.
    """

    rows: IbisTable
    people: IbisTable


def resolve_people(
    writer: Reader,
    raw: IbisTable,
    request: ImportRequest,
    registry: Registry,
    door: Door | None,
    read: ReadKeys | None = None,
) -> KnownRows:
    """Look up who each row of ``raw`` is about; unknown people become customers.

    Customers are numbered in the order in which the file first names them. ``door``: what sealed them.
    ``read``: for rows that may name several people: such a row is returned once for each of them.
    """
    given = [name for name in PERSON if name in raw.columns]
    filled = raw.filter(ibis.or_(*(raw[name].notnull() for name in given)))
    texts = {name: filled[name].fill_null("") if name in given else ibis.literal("") for name in PERSON}
    people = filled.group_by(**texts).agg(row=filled["row"].min()).order_by("row")
    batches = writer.batches(people, CHUNK_PEOPLE)
    feed = Feed(_resolved(batches, request, registry, door, read or _one), _SCHEMA)
    known = feed.into(writer, _PEOPLE)
    if len(given) == 1:
        matches = [raw[given[0]] == known[given[0]]]
    else:
        matches = [raw[name].fill_null("") == known[name] for name in given]
    joined = raw.left_join(known, matches)
    rest = [raw[name] for name in raw.columns if name not in PERSON]
    rows = joined.select(*rest, known["customer_no"])
    people = known.filter(known["customer_no"].notnull()).drop(*PERSON)
    return KnownRows(rows, people)


def scope_ids(rows: KnownRows, fields: Iterable[str]) -> IbisTable:
    """Return the rows with the customer's uid before each of ``fields``, ids that say who the customer is."""
    names = list(fields)
    if not names:
        return rows.rows
    uids = rows.people.group_by("customer_no").agg(uid=lambda t: t["customer_uid"].min())
    joined = rows.rows.left_join(uids, "customer_no").drop("customer_no_right")
    return joined.mutate(**{name: joined["uid"].concat("|", joined[name]) for name in names}).drop("uid")


def _resolved(
    batches: Iterator[pa.RecordBatch],
    request: ImportRequest,
    registry: Registry,
    door: Door | None,
    read: ReadKeys,
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if registry.cancelled is not None and registry.cancelled():
            raise CancelledError("the import was stopped while customers were looked up; nothing was written")
        named = batch.select(list(PERSON)).to_pylist()
        said = [(row, key) for row in named for key in read(_opened(row, door), request, registry.region)]
        rows, keys = [row for row, _ in said], [key for _, key in said]
        usable = [key for key in keys if key.shop_id or key.phone or key.email]
        found = iter(registry.identities.resolve(usable, registry.now))
        refs = [next(found) if key.shop_id or key.phone or key.email else None for key in keys]
        yield pa.RecordBatch.from_pydict(
            {
                **{name: [row[name] for row in rows] for name in PERSON},
                "customer_no": [None if ref is None else ref.customer_no for ref in refs],
                "customer_uid": [None if ref is None else ref.customer_uid for ref in refs],
                "has_phone": [key.phone is not None for key in keys],
                "has_email": [key.email is not None for key in keys],
            },
            schema=_SCHEMA,
        )


def _opened(row: dict[str, Any], door: Door | None) -> dict[str, str]:
    return row if door is None else {name: door.opened(row[name]) for name in PERSON}


def _one(row: dict[str, str], request: ImportRequest, region: str) -> tuple[PersonKeys]:
    return (
        PersonKeys(
            source=request.source,
            shop_id=row["customer_id"] or None,
            phone=normal_phone(row["phone"], region) if row["phone"] else None,
            email=normal_email(row["email"]) if row["email"] else None,
            verified=request.verified,
        ),
    )


@lru_cache(maxsize=100_000)
def normal_phone(text: str, region: str) -> str | None:
    """Return ``text`` as E.164, None when it is no possible number of ``region`` or with a country code."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
