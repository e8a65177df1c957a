"""A whole workspace for tests: a real warehouse in a folder, everything of the store in memory."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from koipond.facts.ports import IbisTable, Reader
from koipond.ingest import ImportRequest, ImportResult, Kind, import_file, undo_import
from koipond.ingest.joined_rows import JoinedRows
from koipond.ingest.ports import RowSource
from koipond.kernel import Clock, FixedClock, zone
from koipond.sources import open_file
from koipond.testing.identities import MemoryIdentities
from koipond.testing.imports import MemoryConsents, MemoryJournal, MemoryTouchHistory, MemoryVerdicts
from koipond.testing.versions import MemoryVersionLog
from koipond.warehouse import ParquetWarehouse

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryWorkspace:
    """Import files into ``folder`` and look at the facts."""

    def __init__(
        self,
        folder: Path,
        *,
        zone_name: str = "UTC",
        currency: str = "CNY",
        region: str = "CN",
        clock: Clock | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.clock = clock or FixedClock(NOW)
        self.zone = zone(zone_name)
        self.currency = currency
        self.region = region
        self.warehouse = ParquetWarehouse(folder / "warehouse", MemoryVersionLog(), self.clock)
        self.warehouse.root.mkdir(exist_ok=True)
        self.identities = MemoryIdentities()
        self.journal = MemoryJournal()
        self.consents = MemoryConsents()
        self.touches = MemoryTouchHistory()
        self.verdicts = MemoryVerdicts()

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file of the workspace's folder and return its path."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def load(
        self,
        kind: Kind,
        file: Path | str,
        mapping: Mapping[str, str] | None = None,
        *,
        cancelled: Callable[[], bool] | None = None,
        lines: Path | str | None = None,
        on: tuple[str, str] | None = None,
        **options: Any,
    ) -> ImportResult:
        """Import ``file``, heads when there are ``lines`` beside; ``options`` go into the ImportRequest."""
        return import_file(
            ImportRequest(kind=kind, mapping=mapping or {}, **options),
            rows=self._rows(file, lines, on),
            warehouse=self.warehouse,
            identities=self.identities,
            journal=self.journal,
            clock=self.clock,
            zone=self.zone,
            currency=self.currency,
            region=self.region,
            consents=self.consents,
            touches=self.touches,
            cancelled=cancelled,
        )

    def _rows(self, file: Path | str, lines: Path | str | None, on: tuple[str, str] | None) -> RowSource:
        heads = open_file(file, region=self.region)
        return heads if lines is None else JoinedRows(heads, open_file(lines, region=self.region), on=on)

    def undo(self, import_no: int) -> dict[str, int]:
        """Undo import ``import_no``."""
        return undo_import(
            import_no,
            warehouse=self.warehouse,
            journal=self.journal,
            clock=self.clock,
            consents=self.consents,
            touches=self.touches,
        )

    def rows(self, dataset: str, *columns: str) -> list[dict[str, Any]]:
        """Return the rows of ``dataset``, or some columns of them, sorted."""

        def pick(reader: Reader) -> IbisTable:
            table = reader.table(dataset)
            return table.select(*columns) if columns else table

        with self.warehouse.read() as reader:
            rows = reader.frame(pick(reader)).to_pylist()
        return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row.values()])
