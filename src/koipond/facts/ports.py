"""Ports of the warehouse (数仓端口): what everybody who reads or writes facts asks of it.

It is versioned: a reader holds a version, a writer holds the one lease, and `publish` swaps the version in
one store transaction. Adapters implement them; fakes ship in `koipond.testing`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

IbisTable = Any
"""An Ibis table expression; Ibis ships no types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """An expression that is compiled once and run with other whole numbers; taken wherever one is.

    ``build`` receives one literal for each name of ``values`` (int32 when the name ends in ``_day`` or is
    ``as_of``, else int64). Equal ``key`` = equal expression but for those literals, in the whole process.
    """

    key: str
    build: Callable[[Mapping[str, Any]], IbisTable]
    values: Mapping[str, int] = field(default_factory=dict)


class Reader(Protocol):
    """One published version of the warehouse, private to a thread. Expressions may be `Query` values."""

    version: int

    def has(self, dataset: str) -> bool:
        """Say whether this version holds any row file of ``dataset``."""
        ...

    def table(self, dataset: str) -> IbisTable:
        """Return ``dataset`` as an Ibis table; a fact dataset that was never written is an empty table."""
        ...

    def frame(self, expression: IbisTable) -> pa.Table:
        """Run ``expression`` and return its rows."""
        ...

    def scalar(self, expression: Any) -> Any:
        """Run a scalar expression and return a Python value."""
        ...

    def batches(self, expression: IbisTable, rows: int) -> Iterator[pa.RecordBatch]:
        """Run ``expression`` and yield its rows in batches of at most ``rows``."""
        ...

    def stage(self, name: str, batches: pa.Table | pa.RecordBatchReader) -> IbisTable:
        """Take rows from outside into the private engine as ``name``; spills to disk when they are many."""
        ...

    def cache(self, name: str, expression: IbisTable) -> IbisTable:
        """Materialise ``expression`` in the private engine under ``name`` (between stages) and return it."""
        ...

    def once(self, name: str, build: Callable[[], IbisTable]) -> IbisTable:
        """Return what ``build`` gave when ``name`` was first asked for; again after a dataset changed."""
        ...

    def stored(self, dataset: str) -> IbisTable:
        """Return ``dataset`` as published, whatever is presented in its place."""
        ...

    def present(self, dataset: str, table: IbisTable) -> None:
        """Let ``table`` of this engine stand for ``dataset`` as long as this reader is open."""
        ...

    def forget(self, name: str) -> None:
        """Give the memory of what was staged or cached under ``name`` back."""
        ...

    def meta(self, key: str) -> Any:
        """Return the JSON value published under ``key``, or None."""
        ...

    def mark(self) -> int:
        """Return a number that grows with every file written: what `changed_customers` counts from."""
        ...

    def changed_customers(self, datasets: Sequence[str], since: int) -> IbisTable:
        """Return customer_no, dataset, removed: whose facts in ``datasets`` changed after mark ``since``.

        ``removed`` is true where rows were taken away or replaced (of any fact dataset).
        """
        ...


class Writer(Reader, Protocol):
    """The one writer. Nothing is visible to others before `publish`."""

    def replace(self, dataset: str, expression: IbisTable) -> int:
        """Make ``expression`` the whole content of ``dataset``; return its rows."""
        ...

    def append(self, dataset: str, expression: IbisTable) -> int:
        """Add the rows of ``expression`` as a delta file; return how many."""
        ...

    def upsert(self, dataset: str, expression: IbisTable, whom: IbisTable) -> int:
        """Drop the rows of the customers in ``whom`` from ``dataset`` and put those of ``expression``.

        ``expression`` holds customers of ``whom`` only, each once. Costs what is new, not what stays:
        readers merge. Return how many rows were put.
        """
        ...

    def remove(self, dataset: str, keys: IbisTable, on: Sequence[str]) -> int:
        """Drop the rows of ``dataset`` whose ``on`` columns stand in ``keys``; return how many."""
        ...

    def settle(self, datasets: Sequence[str], mark: int) -> None:
        """Merge the small files of ``datasets`` written up to ``mark``, when there are many of them.

        Afterwards `changed_customers` is to be asked for what came since ``mark`` or later only.
        """
        ...

    def set_meta(self, key: str, value: Any) -> None:
        """Publish the JSON value ``value`` under ``key`` with this version."""
        ...

    def publish(self) -> int:
        """Sync the files and swap the version; return its number. Raise BusyError when the lease was lost."""
        ...


class Warehouse(Protocol):
    """Versioned tables."""

    def read(self) -> AbstractContextManager[Reader]:
        """Open the current version; it stays on disk until closed."""
        ...

    def write(self, purpose: str) -> AbstractContextManager[Writer]:
        """Take the warehouse lease; raise BusyError saying who holds it since when."""
        ...


HOST_MARK = "~"
"""Parts host name, boot and pid namespace in `Holder.host`: stands in no host name, and plainly in a URI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lease: enough to tell whether the process still lives."""

    host: str  # the name, then whatever tells machines and containers of one name apart
    pid: int
    started: str  # the kernel's start stamp of that process: pids are used again
    purpose: str

    @property
    def host_name(self) -> str:
        """The host's name alone, for people."""
        return self.host.partition(HOST_MARK)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What one version of the warehouse consists of. ``datasets``: name → file names below its folder."""

    version: int
    datasets: Mapping[str, tuple[str, ...]]
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A published file as it was written: its size and SHA-256 in hex."""

    dataset: str
    file: str
    sha256: str
    bytes: int


class LeaseKeeper(Protocol):
    """What keeps the leases of this process alive."""

    def hold(self, lease: str) -> None:
        """Keep ``lease`` alive from now on."""
        ...

    def drop(self, lease: str) -> None:
        """Keep ``lease`` alive no more."""
        ...

    def has_lost(self, lease: str) -> bool:
        """Say whether ``lease`` was found ended while it was held."""
        ...


class VersionLog(Protocol):
    """The store's record of warehouse versions and leases."""

    def current(self) -> Manifest:
        """Return the newest manifest; version 0 with nothing in it when none was published."""
        ...

    def kept(self, now: datetime) -> Sequence[Manifest]:
        """Return the manifests that must stay on disk: the last three and those a reader holds."""
        ...

    def open_reader(self, holder: Holder, now: datetime) -> tuple[str, Manifest]:
        """Lease the current version to a reader; return the lease's id and the manifest."""
        ...

    def close_reader(self, lease: str) -> None:
        """End a reader's lease."""
        ...

    def acquire_writer(self, holder: Holder, now: datetime, is_alive: Callable[[Holder], bool]) -> str:
        """Take the one writer lease, or raise BusyError (who, purpose, since). A dead holder is replaced."""
        ...

    def release_writer(self, lease: str) -> None:
        """Give the writer lease back."""
        ...

    def publish(
        self,
        lease: str,
        manifest: Manifest,
        now: datetime,
        *,
        nonce: str = "",
        files: Sequence[FileRecord] = (),
    ) -> int:
        """Record ``manifest`` as the next version, or raise BusyError when the lease is gone.

        ``nonce`` tells this version from any other of its number; ``files`` are those it is the first to
        name. What no kept version names any more is retired.
        """
        ...

    def files(self) -> Mapping[tuple[str, str], FileRecord]:
        """Return every file on record by dataset and name."""
        ...

    def retired(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Return the files on record, as dataset and name, that no kept version names any more."""
        ...

    def forget_files(self, files: Sequence[tuple[str, str]]) -> None:
        """Take retired ``files``, which are deleted, off the record."""
        ...
