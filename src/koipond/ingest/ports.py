"""Ports of an import: who people are, what was imported, what they agreed to, the rows of a file.

Adapters implement them; fakes ship in `koipond.testing`. Those of the warehouse: `koipond.facts.ports`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from koipond.facts.people import PersonKeys, PersonRef


class IdentityStore(Protocol):
    """Identifiers live only behind this port: keyed-hashed for look-up, encrypted for use."""

    def resolve(self, people: Sequence[PersonKeys], now: datetime) -> list[PersonRef]:
        """Find or create the customer of each of ``people``, in order; links are logged (design §5)."""
        ...

    def blind(self, text: str) -> str:
        """Return a keyed one-way name for ``text``, the same for ever: for ids that are an identifier."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStart:
    """What an import is about to do. ``kind``: orders, events, products, customers, consents or touches."""

    kind: str
    source: str
    file: str  # name without its folder
    fingerprint: str  # SHA-256 of the file's bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportEntry:
    """One import as the journal knows it. ``outcome`` is None while it runs or when it was killed."""

    import_no: int
    start: ImportStart
    began_at: datetime
    outcome: str | None  # published | done | failed | cancelled | undone
    summary: Mapping[str, Any]


class ImportJournal(Protocol):
    """The store's record of imports: gives out their numbers, keeps who did what when.

    Which imports *count* is told by the warehouse dataset ``imports``, published together with the facts.
    """

    def begin(self, start: ImportStart, now: datetime) -> int:
        """Record that an import begins; return its number, larger than every number before."""
        ...

    def finish(self, import_no: int, outcome: str, summary: Mapping[str, Any], now: datetime) -> None:
        """Record how import ``import_no`` ended (done, failed, cancelled, undone), in JSON values."""
        ...

    def entries(self, limit: int) -> Sequence[ImportEntry]:
        """Return at most ``limit`` imports, newest first."""
        ...

    def entry(self, import_no: int) -> ImportEntry | None:
        """Return import ``import_no``."""
        ...

    def dead(self, now: datetime) -> Sequence[ImportEntry]:
        """Return the imports that never ended and whose process is gone, oldest first."""
        ...

    def put_by(self, import_no: int, rows: Sequence[Mapping[str, Any]]) -> int:
        """Keep ``rows`` of ``quarantine`` (none: let go) until a writer takes them; return how many.

        The import has ended without the warehouse; how it ended stays.
        """
        ...

    def put_by_rows(self) -> Mapping[int, Sequence[Mapping[str, Any]]]:
        """Return import → the rows that wait for a writer."""
        ...

    def beat(self, import_no: int, now: datetime) -> None:
        """Say that import ``import_no`` still runs, such as while it waits."""
        ...


class ConsentBook(Protocol):
    """The log of consents with their proof; the warehouse dataset ``consents`` is a copy of `current`."""

    def record(
        self, rows: pa.Table, *, import_no: int, proof: str, now: datetime, closes: bool = False
    ) -> int:
        """Log ``rows`` (columns of FACTS["consents"]) in one transaction; return how many are new.

        A row equal to one already logged (customer, channel, purpose, granted, at_s) is not logged again.
        ``closes``: the grants of an import of which all else is durable take force, and it is done, in one
        commit. Raises BusyError when the import was given up for dead meanwhile.
        """
        ...

    def count_new(self, rows: pa.Table, *, import_no: int) -> int:
        """Return how many of ``rows`` `record` would log, or take over from an import that never ended."""
        ...

    def hand_over(self, import_no: int, to: int) -> None:
        """Let the rows of import ``import_no`` be those of ``to``: the same file, in force already."""
        ...

    def void_import(self, import_no: int, now: datetime, *, grants_only: bool = False) -> int:
        """Take the rows that import ``import_no`` logged out of force (undo); return how many."""
        ...

    def current(self) -> pa.Table:
        """Return what holds for each (customer, channel, purpose): `koipond.outreach.consent`."""
        ...


class TouchHistory(Protocol):
    """Touches made by other tools: the gate counts them for caps, re-entry and duplicate content."""

    def import_touches(self, rows: pa.Table, *, import_no: int, now: datetime) -> int:
        """Keep ``rows`` (columns of FACTS["touches"]); return how many ``touch_key`` were not known yet."""
        ...

    def void_import(self, import_no: int, now: datetime) -> int:
        """Forget the touches of import ``import_no`` (undo); return how many."""
        ...


class PeopleVerdicts(Protocol):
    """What operators decided about flagged people. Rules only flag; a confirmed person is left out."""

    def decide(self, rule: str, customer_nos: Sequence[int], *, verdict: str, by: str, now: datetime) -> int:
        """Record ``verdict`` (confirmed | cleared) of operator ``by``; return how many were changed."""
        ...

    def current(self) -> pa.Table:
        """Return the columns rule, customer_no, verdict: the newest verdict of each pair."""
        ...


class RowSource(Protocol):
    """A file (later a foreign table) as rows of text. Reading it twice gives the same rows."""

    file: str  # name without its folder, for messages and the journal
    fingerprint: str  # SHA-256 of the bytes
    columns: tuple[str, ...]  # as the header gives them, trimmed, all different
    total_bytes: int
    details: Mapping[str, str]  # format, encoding, delimiter, sheet: shown to the operator

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield ``row`` (int64; the header is row 1) and ``columns`` as trimmed strings, missing as null.

        Raise InputError naming file, row and column for whatever cannot be read as it stands.
        """
        ...

    def is_exact(self, column: str) -> bool:
        """Say whether the text of ``column`` was written by us from typed values: 1.5 is one and a half."""
        ...

    def done_bytes(self) -> int:
        """Return how many of ``total_bytes`` were read so far."""
        ...
