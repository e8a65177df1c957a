"""The versioned Parquet warehouse (数仓): immutable files, one manifest a version, swapped in the store.

A killed writer leaves only files that no manifest names; the next that publishes puts them in quarantine.
Nothing is removed by a command that fails but what it wrote itself. Rules: design §2, docs/decisions/0012.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from koipond.facts.ports import FileRecord, IbisTable, LeaseKeeper, Manifest, VersionLog
from koipond.facts.schemas import FACTS
from koipond.ingest.belonging import Point
from koipond.kernel import BusyError, Clock, InputError
from koipond.warehouse.checksums import records
from koipond.warehouse.engine import Engine, EngineOptions, read_parquet, sync
from koipond.warehouse.holder import is_alive, this_process
from koipond.warehouse.mark import MarkFile
from koipond.warehouse.spill import spill_folder, sweep
from koipond.warehouse.tidying import SPILL, data_files, tidy

KEY = "customer_no"  # of the datasets that are kept by upsert
DELTA_SHARE = 8  # an upsert rewrites the dataset when its delta is more than an eighth of it,
DELTA_ROWS_MIN = 25_000  # or when it is so small that merging would cost more than writing
SMALL_FILES_MAX = 16  # more files than this, each under SMALL_BYTES, are merged into one
SMALL_BYTES = 2**21
_MARK = "file_mark"
_CHANGES = "fact_changes"


class ParquetWarehouse:
    """The warehouse of one workspace below ``root``; versions and leases are kept in ``versions``."""

    def __init__(
        self,
        root: Path,
        versions: VersionLog,
        clock: Clock,
        options: EngineOptions | None = None,
        keeper: LeaseKeeper | None = None,
        mark: MarkFile | None = None,
    ) -> None:
        self.root = root
        self.versions = versions
        self.clock = clock
        self.options = options or EngineOptions()
        self.mark = mark
        self._keeper = keeper
        self._spare: list[Engine] = []

    @contextmanager
    def read(self) -> Iterator["ParquetReader"]:
        """Open the current version; its files stay on disk until closed."""
        lease, manifest = self.versions.open_reader(this_process("read"), self.clock.now())
        with self._held(lease, self.versions.close_reader), self._lent_engine() as engine:
            yield ParquetReader(self.root, manifest, engine)

    @contextmanager
    def write(self, purpose: str) -> Iterator["ParquetWriter"]:
        """Take the lease and open a writer; raise BusyError when another process writes.

        What was written and not published is gone afterwards. Anything else leaves the folder only after a
        publication.
        """
        lease = self.versions.acquire_writer(this_process(purpose), self.clock.now(), is_alive)
        with self._held(lease, self.versions.release_writer):
            current, found = self.versions.current(), set(data_files(self.root))
            if self.mark is not None:
                self.mark.require(current.version)
            sweep(self.root / SPILL)  # a killed query may have left gigabytes there
            with self._lent_engine() as engine:
                writer = ParquetWriter(self, lease, current, engine)
                try:
                    yield writer
                finally:
                    writer.discard()
            if writer.published:
                with suppress(OSError):  # what could not be removed now is removed next time
                    tidy(self.root, self.versions, found, self.clock.now())

    @contextmanager
    def _held(self, lease: str, give_back: Callable[[str], None]) -> Iterator[None]:
        """Keep ``lease`` alive until the block ends, then give it back."""
        if self._keeper is not None:
            self._keeper.hold(lease)
        try:
            yield
        except Exception as error:
            if self._keeper is not None and self._keeper.has_lost(lease):
                raise BusyError(
                    "this command stood still for so long that its hold on the warehouse has ended;"
                    " run it again:"
                    " nothing is half-written"
                ) from error
            raise
        finally:
            if self._keeper is not None:
                self._keeper.drop(lease)
            give_back(lease)

    @contextmanager
    def _lent_engine(self) -> Iterator[Engine]:
        engine = self._engine()
        try:
            yield engine
        finally:
            self._give_back(engine)

    def _engine(self) -> Engine:
        spill = spill_folder(self.root / SPILL)
        try:
            return self._spare.pop()
        except IndexError:
            return Engine(spill, self.options)

    def _give_back(self, engine: Engine) -> None:
        """Keep one emptied engine for the next reader or writer of this warehouse."""
        if self._spare:
            engine.close()
            return
        try:
            engine.empty_again()
        except Exception:  # a query that was left unfinished still holds it: give it up
            engine.close()
        else:
            self._spare.append(engine)


class ParquetReader:
    """One published version (port `Reader`)."""

    def __init__(self, root: Path, manifest: Manifest, engine: Engine) -> None:
        self.root = root
        self.manifest = manifest
        self.engine = engine
        self.version = manifest.version
        self._open: dict[str, IbisTable] = {}
        self._once: dict[str, IbisTable] = {}

    def has(self, dataset: str) -> bool:
        return bool(self.manifest.datasets.get(dataset))

    def table(self, dataset: str) -> IbisTable:
        if dataset not in self._open:
            self._open[dataset] = self._table(dataset)
        return self._open[dataset]

    def files_of(self, dataset: str) -> tuple[list[Path], Path | None]:
        """Return the files of ``dataset`` and, if it has one, the file of rows that replace some of them."""
        files = [self.root / dataset / file for file in self.manifest.datasets.get(dataset, ())]
        late = self.manifest.datasets.get(_delta(dataset))
        return files, self.root / _delta(dataset) / late[0] if late else None

    def _table(self, dataset: str) -> IbisTable:
        files, delta = self.files_of(dataset)
        if files and delta:
            return self.engine.merged_view(dataset, files, delta, KEY)
        if files:
            return self.engine.view(dataset, files)
        if dataset in FACTS:
            return self.engine.empty(dataset, FACTS[dataset])
        raise InputError("nothing is published as '{dataset}' yet; run: koipond refresh", dataset=dataset)

    def frame(self, expression: IbisTable) -> pa.Table:
        return self.engine.frame(expression)

    def scalar(self, expression: Any) -> Any:
        return self.engine.scalar(expression)

    def batches(self, expression: IbisTable, rows: int) -> Iterator[pa.RecordBatch]:
        return self.engine.batches(expression, rows)

    def stage(self, name: str, batches: pa.Table | pa.RecordBatchReader) -> IbisTable:
        return self.engine.stage(name, batches)

    def cache(self, name: str, expression: IbisTable) -> IbisTable:
        return self.engine.cache(name, expression)

    def once(self, name: str, build: Callable[[], IbisTable]) -> IbisTable:
        if name not in self._once:
            self._once[name] = build()
        return self._once[name]

    def stored(self, dataset: str) -> IbisTable:
        return self._table(dataset)

    def present(self, dataset: str, table: IbisTable) -> None:
        self._open[dataset] = table

    def forget(self, name: str) -> None:
        self.engine.forget(name)

    def meta(self, key: str) -> Any:
        return self.manifest.meta.get(key)

    def mark(self) -> int:
        return int(self.manifest.meta.get(_MARK, 0))

    def changed_customers(self, datasets: Sequence[str], since: int) -> IbisTable:
        sources = [
            (name, column, f"'{name}'", "false") for name in datasets for column in _people(FACTS[name])
        ]
        sources.append((_CHANGES, "customer_no", "dataset", "removed"))
        parts = [
            "SELECT NULL::INTEGER AS customer_no, NULL::VARCHAR AS dataset, false AS removed WHERE false"
        ]
        parts += [
            f"SELECT {column} AS customer_no, {name} AS dataset, {removed} AS removed FROM {files}"
            for dataset, column, name, removed in sources
            if (files := self._added(dataset, since))
        ]
        named = ", ".join(f"'{name}'" for name in datasets)  # copies of permissions are noted there too
        rows = f"SELECT DISTINCT * FROM ({' UNION ALL '.join(parts)}) WHERE dataset IN ({named})"
        return self.engine.keep("_changed", rows)

    def _added(self, dataset: str, since: int) -> str:
        files = [file for file in self.manifest.datasets.get(dataset, ()) if _mark_of(file) > since]
        return read_parquet([self.root / dataset / file for file in files]) if files else ""


class ParquetWriter(ParquetReader):
    """The one writer (port `Writer`)."""

    def __init__(self, warehouse: ParquetWarehouse, lease: str, manifest: Manifest, engine: Engine) -> None:
        super().__init__(warehouse.root, manifest, engine)
        self._warehouse = warehouse
        self._lease = lease
        self._dirty: set[str] = set()
        self._begun: list[tuple[Path, str]] = []  # files of this writer that no version names yet
        self.published = False

    def replace(self, dataset: str, expression: IbisTable) -> int:
        known = self._note_replaced(dataset, expression)
        file, rows = self._write(dataset, expression, mark=0 if known else None)
        self.put(dataset, (file,) if rows else ())
        return rows

    def append(self, dataset: str, expression: IbisTable | str) -> int:
        file, rows = self._write(dataset, expression)
        if rows:
            self._set_files(dataset, (*self.manifest.datasets.get(dataset, ()), file))
        return rows

    def upsert(self, dataset: str, expression: IbisTable, whom: IbisTable) -> int:
        run = self.engine.raw.execute
        new, dead = self.engine.name_of(expression, "_put"), self.engine.name_of(whom, "_whom")
        base = [self.root / dataset / file for file in self.manifest.datasets.get(dataset, ())]
        late = [
            self.root / _delta(dataset) / file for file in self.manifest.datasets.get(_delta(dataset), ())
        ]
        old = f" UNION ALL BY NAME SELECT * FROM {read_parquet(late)} ANTI JOIN {dead} USING ({KEY})"
        run(
            f"CREATE OR REPLACE VIEW _delta AS SELECT *, false AS _gone FROM {new} UNION ALL BY NAME"
            f" SELECT {KEY}, true AS _gone FROM {dead} ANTI JOIN {new} USING ({KEY}){old if late else ''}"
        )
        counted = f"SELECT (SELECT count(*) FROM {new}), (SELECT count(*) FROM _delta)"
        [(rows, changed)] = run(counted).fetchall()
        [(kept,)] = run(f"SELECT count(*) FROM {read_parquet(base)}").fetchall() if base else [(0,)]
        if changed * DELTA_SHARE > kept or kept < DELTA_ROWS_MIN:
            live = "SELECT * EXCLUDE (_gone) FROM _delta WHERE NOT _gone"
            if base:
                rest = f"SELECT * FROM {read_parquet(base)} ANTI JOIN _delta USING ({KEY})"
                live = f"{rest} UNION ALL BY NAME {live}"
            self.put(dataset, self._written(dataset, live))
        else:
            self._set_files(_delta(dataset), self._written(_delta(dataset), "SELECT * FROM _delta"))
        self._open.pop(dataset, None)
        return int(rows)

    def remove(self, dataset: str, keys: IbisTable, on: Sequence[str]) -> int:
        if self.manifest.datasets.get(_delta(dataset)):
            self.replace(dataset, self.table(dataset))
        files = self.manifest.datasets.get(dataset, ())
        those = f"{self.engine.name_of(keys, '_gone_keys')} USING ({', '.join(on)})"
        hits = self._hits(dataset, files, those)
        if not hits:
            return 0
        self._note_removed(dataset, [file for file in files if file in hits], those)
        kept: list[str] = []
        for file in files:
            rest: tuple[str, ...] = (file,)
            if file in hits:
                left = f"SELECT * FROM {read_parquet([self.root / dataset / file])} ANTI JOIN {those}"
                rest = self._written(dataset, left, mark=_mark_of(file))
            kept.extend(rest)
        self._set_files(dataset, tuple(kept))
        return sum(hits.values())

    def _hits(self, dataset: str, files: Sequence[str], those: str) -> dict[str, int]:
        """Return how many rows ``those`` match in each of ``files`` that holds one, by one scan of all."""
        if not files:
            return {}
        rows = read_parquet([self.root / dataset / file for file in files], with_file="_file")
        found = self.engine.raw.execute(
            f"SELECT _file, count(*) FROM {rows} SEMI JOIN {those} GROUP BY _file"
        ).fetchall()
        return {Path(file).name: int(count) for file, count in found}

    def _note_removed(self, dataset: str, files: Sequence[str], those: str) -> None:
        rows = read_parquet([self.root / dataset / file for file in files])
        for column in _people(FACTS.get(dataset)):
            gone = f"SELECT DISTINCT {column} AS {KEY}, '{dataset}' AS dataset, true AS removed FROM {rows}"
            self.append(_CHANGES, f"{gone} SEMI JOIN {those}")

    def _note_replaced(self, dataset: str, expression: IbisTable) -> bool:
        """Log whose rows differ when a whole fact dataset is replaced; say whether there was one."""
        columns, old = _people(FACTS.get(dataset)), self.manifest.datasets.get(dataset)
        if not columns or not old:
            return False
        before, after = self.table(dataset), self.engine.cache("_after", expression)
        before = before.select(after.columns)
        for column in columns:
            self._note(dataset, before.difference(after), column, removed=True)
            self._note(dataset, after.difference(before), column, removed=False)
        return True

    def _note(self, dataset: str, rows: IbisTable, column: str, *, removed: bool) -> None:
        import ibis

        named = rows.select(rows[column].name(KEY), dataset=ibis.literal(dataset), removed=removed)
        self.append(_CHANGES, named.distinct())

    def settle(self, datasets: Sequence[str], mark: int) -> None:
        late = [file for file in self.manifest.datasets.get(_CHANGES, ()) if _mark_of(file) > mark]
        self._set_files(_CHANGES, tuple(late))
        for dataset in datasets:
            files = self.manifest.datasets.get(dataset, ())
            if len(files) > SMALL_FILES_MAX:
                self._merge_small(dataset, [file for file in files if _mark_of(file) <= mark])

    def _merge_small(self, dataset: str, files: Sequence[str]) -> None:
        """Merge the small ones of ``files`` into one, which counts as written with the last of them."""
        folder = self.root / dataset
        small = [file for file in files if (folder / file).stat().st_size < SMALL_BYTES]
        if len(small) > SMALL_FILES_MAX:
            rows = f"SELECT * FROM {read_parquet([folder / file for file in small])}"
            merged = self._written(dataset, rows, mark=max(map(_mark_of, small)))
            rest = [file for file in self.manifest.datasets[dataset] if file not in small]
            self._set_files(dataset, (*rest, *merged))

    def set_meta(self, key: str, value: Any) -> None:
        self.manifest = replace(self.manifest, meta={**self.manifest.meta, key: value})

    def publish(self) -> int:
        for dataset in sorted(self._dirty):
            sync(self.root / dataset)
        if self._dirty:
            sync(self.root)
        self._dirty.clear()
        log, mark, now = self._warehouse.versions, self._warehouse.mark, self._warehouse.clock.now()
        files = self.new_records()
        point = Point(version=self.manifest.version + 1, nonce=uuid.uuid4().hex)
        if mark is not None:
            mark.begin(point)
        begun, self._begun = self._begun, []  # from here on they may be named: whatever happens, they stay
        self.version = log.publish(self._lease, self.manifest, now, nonce=point.nonce, files=files)
        self.published = True
        if mark is not None:
            mark.finish(point)
        self.manifest = log.current()
        named = {self.root / d / file for d, files in self.manifest.datasets.items() for file in files}
        _remove(begun, named)
        return self.version

    def new_records(self) -> Sequence[FileRecord]:
        """Return size and digest of every file that this version is the first to name."""
        known = self._warehouse.versions.files()
        named = {(d, file) for d, files in self.manifest.datasets.items() for file in files}
        return records(self.root, named - known.keys(), self._warehouse.options.threads)

    def discard(self) -> None:
        """Remove what was written and is not published."""
        begun, self._begun = self._begun, []
        _remove(begun, set())

    def _written(self, dataset: str, query: str, *, mark: int | None = None) -> tuple[str, ...]:
        file, rows = self._write(dataset, query, mark=mark)
        return (file,) if rows else ()

    def _write(
        self, dataset: str, expression: IbisTable | str, *, mark: int | None = None
    ) -> tuple[str, int]:
        folder, stem = self.new_file(dataset, mark=mark)
        return f"{stem}.parquet", self.engine.write(expression, folder / f"{stem}.parquet")

    def new_file(self, dataset: str, *, mark: int | None = None) -> tuple[Path, str]:
        """Return the folder and the stem of a new file of ``dataset``: the mark its rows were written at."""
        folder = self.root / dataset
        folder.mkdir(parents=True, exist_ok=True)
        self._dirty.add(dataset)
        if mark is None:
            mark = self.mark() + 1
            self.set_meta(_MARK, mark)
        stem = f"{mark:010d}-{uuid.uuid4().hex}"
        self._begun.append((folder, stem))
        return folder, stem

    def put(self, dataset: str, files: tuple[str, ...]) -> None:
        """Make ``files``, each begun by `new_file`, the whole of ``dataset``."""
        self._set_files(dataset, files)
        self._set_files(_delta(dataset), ())

    def _set_files(self, dataset: str, files: tuple[str, ...]) -> None:
        self.manifest = replace(self.manifest, datasets={**self.manifest.datasets, dataset: files})
        self._open.pop(dataset, None)
        self._once.clear()


def _remove(begun: Sequence[tuple[Path, str]], named: set[Path]) -> None:
    """Remove the files that a writer has begun, each known by its folder and stem, but for ``named``."""
    for folder, stem in begun:
        for file in folder.glob(f"{stem}*"):
            if file not in named:
                file.unlink(missing_ok=True)


def _delta(dataset: str) -> str:
    return f"{dataset}.delta"


def _mark_of(file: str) -> int:
    return int(file.partition("-")[0])


def _people(schema: pa.Schema | None) -> tuple[str, ...]:
    """Return the columns of a fact dataset that number a customer."""
    names = schema.names if schema is not None else ()
    return tuple(name for name in ("customer_no", "survivor_no") if name in names)
