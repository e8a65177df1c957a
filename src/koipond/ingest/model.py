"""What an import is asked to do and what it hands back. Frozen values; nothing is read here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from koipond.ingest.privacy import holds
from koipond.kernel import InputError, Message, joined

Kind = Literal["orders", "events", "products", "customers", "consents", "touches"]
KINDS: tuple[Kind, ...] = ("orders", "events", "products", "customers", "consents", "touches")

ROW_RULES = (
    "totals_row",
    "unparsable",
    "missing_field",
    "missing_amount",
    "missing_customer",
    "missing_order",
    "no_head",
    "missing_at",
    "future_at",
    "conflicting_order",
    "duplicate_line_id",
    "unknown_status",
    "repeated_row",
)
"""Why a row is put aside, in the order of the checks: the first that fits names it (design §5)."""

DATE_ORDERS = ("dmy", "mdy", "ymd")
STATUS_WORDS = ("paid", "pending", "cancelled", "refunded", "partially_refunded", "true", "false")
SAMPLES_MAX = 20

Progress = Callable[[int, int, int], None]
"""Called with the rows read, the bytes read and the bytes there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """One file to import. What is None or left out is guessed from the whole file, and shown.

    ``mapping``: field → column; several columns joined by ``+`` make one value; an empty column leaves the
    field out. ``date_format``: ``dmy``, ``mdy``, ``ymd`` or a strptime pattern. ``statuses``: value in the
    file → paid, pending, cancelled, refunded or partially_refunded. ``declared``: event properties
    and traits that are kept although they look like an identifier.
    """

    kind: Kind
    source: str = "default"
    mapping: Mapping[str, str] = field(default_factory=dict)
    decimal: str | None = None
    thousands: str | None = None
    date_format: str | None = None
    statuses: Mapping[str, str] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    keep_repeated: bool = False  # rows of orders that stand twice to the letter are two
    verified: bool = False  # the file's phones and e-mails were proven to be those people's
    by: str = ""
    trait_types: Mapping[str, str] = field(default_factory=dict)  # declared: text, number, date or flag

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            raise InputError(joined("\n", faults))

    def _faults(self) -> Iterator[str]:
        if self.kind not in KINDS:
            yield Message(
                "cannot import '{kind}'; choose one of {kinds}", kind=self.kind, kinds=joined(", ", KINDS)
            )
        if self.decimal not in (None, ".", ","):
            yield Message("--decimal {decimal!r}: use '.' or ','", decimal=self.decimal)
        if self.thousands not in (None, "", ".", ",", " ", "'"):
            yield Message(
                "--thousands {thousands!r}: use '.', ',', ' ', an apostrophe, or '' for none",
                thousands=self.thousands,
            )
        if self.decimal is not None and self.decimal == self.thousands:
            yield Message("--decimal and --thousands are the same mark; they must differ")
        order = self.date_format or "%"
        if "%" not in order and order not in DATE_ORDERS:
            yield Message(
                "--date-format {order}: use {date_orders} or a pattern such as '%d.%m.%Y'",
                order=order,
                date_orders=joined(", ", DATE_ORDERS),
            )
        for word, meaning in self.statuses.items():
            if meaning not in STATUS_WORDS:
                yield Message(
                    "--status {word}={meaning}: use {known}",
                    word=word,
                    meaning=meaning,
                    known=joined(", ", STATUS_WORDS),
                )
        if holds(self.source, strict=True):
            yield Message("--source looks like somebody's number or address; use a short name of the shop")
        if not self.source or ":" in self.source:
            yield Message("--source: use a short name without ':'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One row that was put aside. ``values``: its texts by field, without those that identify a person."""

    row: int
    field: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import did. ``read`` = ``kept`` + the sum of ``quarantined``.

    ``changes``: facts written, replaced, unchanged by dataset; all zero when the file was known already.
    """

    import_no: int
    kind: Kind
    file: str
    source: str
    read: int
    kept: int
    quarantined: Mapping[str, int]
    flagged: Mapping[str, int]
    mapping: Mapping[str, str]
    formats: Mapping[str, str]
    samples: Mapping[str, tuple[Sample, ...]]
    changes: Mapping[str, int]
    notes: Mapping[str, int]  # blank rows, dropped identifiers, new customers
    version: int  # of the warehouse
    declared: tuple[str, ...] = ()  # further columns kept although they look like an identifier
    repeated: bool = False
    remarks: tuple[str, ...] = ()  # what was filled in, assumed or is in doubt, in sentences
    unused: tuple[str, ...] = ()  # columns of the file of which nothing was kept
    traits: tuple[str, ...] = ()  # what further columns of customers are kept as
    masked: Mapping[str, int] = field(default_factory=dict)  # column → values covered since they identify

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values; ``read``, ``kept``, ``quarantined``, ``flagged`` come first."""
        return {
            "read": self.read,
            "kept": self.kept,
            "quarantined": dict(self.quarantined),
            "flagged": dict(self.flagged),
            "import_no": self.import_no,
            "kind": self.kind,
            "file": self.file,
            "source": self.source,
            "mapping": dict(self.mapping),
            "formats": dict(self.formats),
            "samples": {
                rule: [{"row": s.row, "field": s.field, "values": dict(s.values)} for s in samples]
                for rule, samples in self.samples.items()
            },
            "changes": dict(self.changes),
            "notes": dict(self.notes),
            "version": self.version,
            **({"declared": list(self.declared)} if self.declared else {}),
            "repeated": self.repeated,
            "remarks": list(self.remarks),
            "unused": list(self.unused),
            "traits": list(self.traits),
            "masked": dict(self.masked),
        }
