"""Tables as facts (表即事实): read as an import reads files, into a private warehouse that nobody sees.

The library face has no second way to read orders: columns are guessed, money rounded, returns told from
sales and days fixed by the very code that `koipond import` runs.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from koipond.facts.people import PersonKeys, PersonRef
from koipond.facts.ports import FileRecord, Holder, Manifest, Writer
from koipond.frames import TableLike, pick_columns, with_names
from koipond.ingest.mapping import ColumnMap, choose_mapping
from koipond.ingest.model import ImportRequest
from koipond.ingest.people import Registry
from koipond.ingest.pipelines import Job, run
from koipond.ingest.staging import stage_rows
from koipond.ingest.timing import Setting
from koipond.kernel import FixedClock, InputError, Message, all_of, joined, minor_digits, zone
from koipond.sources.arrow_rows import ArrowRows
from koipond.sources.batches import as_text, tidy
from koipond.warehouse import ParquetWarehouse

NOON = datetime(1970, 1, 1, 12, tzinfo=UTC)
"""What the private warehouse takes for now: nothing in it depends on the time of the call."""
_NEVER_FUTURE_S = 2**40
_PARAMETERS = {"customer_id": "customer", "order_id": "order", "at": "at", "amount": "amount"}
_OPTION = re.compile(r"--map (\w+)=(\w*)")
_ANSWERS = ("opened", "clicked", "replied")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTable:
    """A table and its columns, field of the import → column; those not told are guessed.

    ``kind`` touches: customer_id, at and name = the state of the touch, delivered when there is none.
    """

    kind: Literal["orders", "events", "touches"]
    table: TableLike
    told: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and in what the tables count: naive times are local in ``zone``, money is in ``currency``."""

    zone: str = "UTC"
    currency: str = "CNY"
    date_format: str | None = None


@dataclass(slots=True)
class People:
    """Customers of the tables (port `IdentityStore`): one for each text of their columns.

    Those of a table are numbered in the order of their values, so that no result hangs on the order of rows.
    """

    codes: dict[str, int] = field(default_factory=dict)
    values: list[Any] = field(default_factory=list)

    def coded(self, column: pa.ChunkedArray) -> pa.Array:
        """Return the code of each row as text, null where there is no customer."""
        column = column.combine_chunks()
        texts = tidy(as_text(column)).dictionary_encode()
        places = texts.indices.fill_null(len(texts.dictionary)).to_numpy(zero_copy_only=False)
        _, first = np.unique(places, return_index=True)  # ascending places: one for each text
        values = column.take(pa.array(first[: len(texts.dictionary)]))
        for place in pc.sort_indices(values).to_pylist():
            text = texts.dictionary[place].as_py()
            if text not in self.codes:
                self.codes[text] = len(self.codes)
                self.values.append(values[place].as_py())
        own = pa.array([str(self.codes[text]) for text in texts.dictionary.to_pylist()], pa.string())
        return own.take(texts.indices)

    def blind(self, text: str) -> str:
        """Return ``text``: tables in memory go nowhere."""
        return text

    def named(self, uids: pa.ChunkedArray) -> pa.Array:
        """Return the customers behind ``uids`` as the tables have them, as texts when their kinds differ."""
        try:
            values = pa.array(self.values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            values = pa.array(list(self.codes))
        return values.take(uids.cast(pa.int64()).combine_chunks())

    def resolve(self, people: Sequence[PersonKeys], now: datetime) -> list[PersonRef]:  # noqa: ARG002
        return [PersonRef(int(person.shop_id or -1), str(person.shop_id)) for person in people]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """``writer`` holds the facts; ``last_day``: the newest of them; ``notes``: what was left out."""

    writer: Writer
    people: People
    last_day: int
    notes: tuple[str, ...]


@contextmanager
def facts_of(tables: Sequence[GivenTable], place: Place) -> Iterator[TableFacts]:
    """Yield the facts of ``tables``; raise InputError for what cannot be read."""
    people, notes = People(), []
    with _private_writer() as writer:
        for number, given in enumerate(sorted(tables, key=lambda one: one.kind != "touches"), start=1):
            notes += _read(writer, given, place, people, number)
            if given.kind == "touches":
                _to_touches(writer)
        last = _last_day(writer)
        if last is None:
            raise InputError(joined("; ", [Message("no row of the tables can be used"), *notes]))
        yield TableFacts(writer=writer, people=people, last_day=last, notes=tuple(notes))


def _read(writer: Writer, given: GivenTable, place: Place, people: People, number: int) -> list[str]:
    """Bring one table in; return a note for each rule that put rows aside."""
    name = Message("the table of {kind}", kind=given.kind)
    table, mapping = _mapped(given, name)
    who = mapping.columns["customer_id"][0]
    table = table.set_column(table.column_names.index(who), who, people.coded(table[who]))
    rows = ArrowRows(table, name)
    job = Job(
        request=ImportRequest(
            kind=mapping.kind,
            source=given.kind,
            mapping=mapping.shown(),
            date_format=place.date_format,
            keep_repeated=True,
        ),
        rows=rows,
        mapping=mapping,
        setting=Setting(
            place=zone(place.zone), minor_digits=minor_digits(place.currency), limit_s=_NEVER_FUTURE_S
        ),
        currency=place.currency,
        registry=Registry(identities=people, now=NOON, region="CN"),
        import_no=number,
        touches=None,
    )
    aside = run(writer, stage_rows(writer, rows, mapping, None, None), job).quarantined
    notes: list[str] = [
        Message("{name}: {count:,} rows left out, {rule}", name=name, count=count, rule=rule)
        for rule, count in aside.items()
        if count
    ]
    made_of = mapping.columns.get("order_id", ())
    if len(made_of) > 1:
        notes.insert(
            0,
            Message(
                "{name} has no order numbers: rows with the same {made_of} are one order",
                name=name,
                made_of=all_of(made_of),
            ),
        )
    return notes


def _mapped(given: GivenTable, name: str) -> tuple[pa.Table, ColumnMap]:
    """Return the columns that are needed and which field each is."""
    table, names = with_names(given.table)
    told = dict(given.told)
    if given.kind == "touches" and "name" not in told and "state" in names:
        told["name"] = "state"
    made = "state" if given.kind == "touches" and "name" not in told else None
    kind: Literal["orders", "events"] = "orders" if given.kind == "orders" else "events"
    if made is not None:
        names, told = [*names, made], {**told, "name": made}
    mapping = _chosen(kind, names, told, name)
    picked = pick_columns(table, [column for column in mapping.used if column != made])
    if made is not None:
        picked = picked.append_column(made, pa.array(["delivered"] * picked.num_rows))
    return picked, mapping


def _chosen(
    kind: Literal["orders", "events"], names: Sequence[str], told: Mapping[str, str], name: str
) -> ColumnMap:
    """Choose columns as an import does; of orders without numbers, rows of a customer and instant are one."""
    told = {"phone": "", "email": "", **told}
    try:
        return replace(choose_mapping(kind, names, told, name), others=())
    except InputError as error:
        if "for order_id" not in str(error):
            raise InputError(_OPTION.sub(_as_parameter, str(error))) from None
    alone = {**told, "order_id": f"{names[0]}+{names[-1]}"}  # any: only to learn which hold whom and when
    try:
        found = choose_mapping(kind, names, alone, name).columns
    except InputError as error:
        raise InputError(_OPTION.sub(_as_parameter, str(error))) from None
    both = f"{found['customer_id'][0]}+{found['at'][0]}"
    return replace(choose_mapping(kind, names, {**told, "order_id": both}, name), others=())


def _as_parameter(match: re.Match[str]) -> str:
    known = _PARAMETERS.get(match[1])
    return f"{known}='{match[2]}'" if known else f"columns={{'{match[1]}': '{match[2]}'}}"


def _to_touches(writer: Writer) -> None:
    """Turn the events that were read into touches and what people answered."""
    rows = writer.cache("given_touches", writer.table("events"))
    key = ibis.literal("t").concat(ibis.row_number().cast("string"))
    nothing = {name: ibis.null("string") for name in ("strategy", "play", "variant", "content")}
    touches = rows.select(
        touch_key=key,
        customer_no="customer_no",
        strategy_version=ibis.null("int32"),
        channel=ibis.null("string"),
        purpose=ibis.null("string"),
        at_s="at_s",
        day="day",
        cost_fen=ibis.literal(0, "int64"),
        state="name",
        import_no="import_no",
        **nothing,
    )
    touches = writer.cache("given_states", touches)
    writer.append("touches", touches)
    answers = touches.filter(touches.state.isin(_ANSWERS))
    writer.append("responses", answers.select("touch_key", "customer_no", "at_s", "day", kind="state"))
    writer.replace("events", writer.cache("no_events", writer.table("events").limit(0)))


def _last_day(writer: Writer) -> int | None:
    days = [
        writer.scalar(writer.table(name).day.max())
        for name in ("orders", "refunds", "events", "touches")
        if writer.has(name)
    ]
    return max((int(day) for day in days if day is not None), default=None)


@contextmanager
def _private_writer() -> Iterator[Writer]:
    with tempfile.TemporaryDirectory(prefix="koipond-table-") as name:
        warehouse = ParquetWarehouse(Path(name), _Unversioned(), FixedClock(NOON))
        with warehouse.write("library") as writer:
            yield writer


class _Unversioned:
    """The port `VersionLog` of a warehouse that is never published."""

    def current(self) -> Manifest:
        return Manifest(version=0, datasets={}, meta={})

    def kept(self, now: datetime) -> Sequence[Manifest]:  # noqa: ARG002
        return []

    def open_reader(self, holder: Holder, now: datetime) -> tuple[str, Manifest]:  # noqa: ARG002
        return "", self.current()

    def close_reader(self, lease: str) -> None:
        """Nothing is leased."""

    def acquire_writer(self, holder: Holder, now: datetime, is_alive: Callable[[Holder], bool]) -> str:  # noqa: ARG002
        return ""

    def release_writer(self, lease: str) -> None:
        """Nothing is leased."""

    def publish(
        self,
        lease: str,
        manifest: Manifest,
        now: datetime,
        *,
        nonce: str = "",
        files: Sequence[FileRecord] = (),
    ) -> int:
        raise NotImplementedError("facts of a table are not published")

    def files(self) -> Mapping[tuple[str, str], FileRecord]:
        return {}

    def retired(self, now: datetime) -> Sequence[tuple[str, str]]:  # noqa: ARG002
        return []

    def forget_files(self, files: Sequence[tuple[str, str]]) -> None:
        """Nothing is on record."""
