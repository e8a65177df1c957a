"""A backup (备份): store, warehouse, definitions and sandbox of one moment, beside a running server.

The folder is written under another name and gets its own only when everything in it is complete and synced;
its `backup.json`, written last, names every file with its SHA-256. Keys are not in it: whoever finds a backup
must not be able to read an address.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from koipond import __version__
from koipond.bootstrap.app import App
from koipond.bootstrap.stores import STATE
from koipond.facts.ports import FileRecord
from koipond.ingest.belonging import Mark, PairIds, Point
from koipond.kernel import BusyError, InputError, Message, new_uid, some_of
from koipond.store import KeyRing
from koipond.store.copying import StoreCopy, copy_sqlite, snapshot
from koipond.warehouse import ParquetReader
from koipond.warehouse.engine import sync
from koipond.warehouse.mark import write_mark
from koipond.workspace.kinds import KINDS, NOT_YET
from koipond.workspace.settings import FILE as SETTINGS_FILE

MANIFEST = "backup.json"
STORE, WAREHOUSE, FOLDER, SANDBOX = "store", "warehouse", "folder", "sandbox.sqlite"
DEFINITIONS = (*KINDS, *NOT_YET)
Told = Callable[[str, int, int], None]
"""Told which part is being copied, and how much of how much."""
_FORMAT = 1
_BLOCK = 2**20
_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What `backup.json` says. ``files``: path → (bytes, sha256). ``keys``: key id → its proof."""

    workspace_id: str
    key: str
    made_at: str
    release: str
    store: StoreCopy
    keys: Mapping[str, str]
    files: Mapping[str, tuple[int, str]]

    @property
    def bytes(self) -> int:
        """How many bytes all files hold."""
        return sum(size for size, _ in self.files.values())


def make_backup(app: App, target: Path, told: Told) -> Backup:
    """Copy the workspace into the new folder ``target``; return what it holds.

    Raises InputError when ``target`` is there already or a published file is damaged.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError("{target} is there already; name a new folder for the backup", target=target)
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.parent / f".{target.name}.unfinished-{new_uid()[:8]}"
    staged.mkdir(mode=0o700)
    try:
        copied = _copy_sides(app, staged, told)
        _copy_folder(app.folder, staged)
        backup = Backup(
            workspace_id=app.settings.id or "",
            key=app.settings.key,
            made_at=app.machine.now().isoformat(),
            release=__version__,
            store=copied,
            keys=proofs(app.store.keys),
            files=dict(_digests(staged, told)),
        )
        _write_manifest(staged, backup)
        _sync_folders(staged)
        staged.rename(target)
        sync(target.parent)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return backup


def read_backup(source: Path) -> Backup:
    """Return what the backup in ``source`` says; raise InputError when it is none, or an unfinished one."""
    try:
        body = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        if body["format"] != _FORMAT:
            raise InputError(
                "{source} is of backup format {format}: install the newer release",
                source=source,
                format=body["format"],
            )
        store = {**body["store"], "at": Point(**body["store"]["at"])}
        files = {path: (int(size), str(digest)) for path, (size, digest) in body["files"].items()}
        names = ("workspace_id", "key", "made_at", "release", "keys")
        return Backup(**{name: body[name] for name in names}, store=StoreCopy(**store), files=files)
    except FileNotFoundError as error:
        raise InputError(
            "{source} is no finished backup: it holds no {manifest}", source=source, manifest=MANIFEST
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "{source} cannot be read ({error}); use another backup", source=source / MANIFEST, error=error
        ) from error


def check_files(source: Path, backup: Backup, told: Told) -> None:
    """Raise InputError naming every file that is not as it was written."""
    wrong, done = [], 0
    for path, (size, digest) in sorted(backup.files.items()):
        told("check", done, backup.bytes)
        file = source / path
        if not file.is_file():
            wrong.append(Message("{path} is missing", path=path))
        elif file.stat().st_size != size:
            wrong.append(
                Message(
                    "{path} has {st_size} bytes, {size} were written",
                    path=path,
                    st_size=file.stat().st_size,
                    size=size,
                )
            )
        elif _digest(file) != digest:
            wrong.append(Message("{path} is not what was written (sha256)", path=path))
        done += size
    if wrong:
        raise InputError(
            "the backup {source} is damaged, and nothing was touched: {wrong}; use another backup",
            source=source,
            wrong=some_of(wrong, 5, "; "),
            code="damaged",
        )


def proofs(ring: KeyRing) -> dict[str, str]:
    """Return what tells whether a key is the one a backup needs, and nothing else about it."""
    return {key.key_id: hashlib.sha256(key.derived(b"backup proof")).hexdigest()[:16] for key in ring.keys}


def _copy_sides(app: App, staged: Path, told: Told) -> StoreCopy:
    """Copy the store and the files of its version; a publication in between is met by beginning anew."""
    ids = app.store.belonging.ids()
    assert ids is not None, Message("every workspace that opens has its ids")
    for _ in range(_TRIES):
        with app.warehouse.read() as reader, snapshot(app.store.database) as still:
            if still.at.version == reader.version:
                return _copy_both(reader, still.write, staged, ids, app.store.versions.files(), told)
    raise BusyError("the warehouse is being published all the time; try again")


def _copy_both(
    reader: ParquetReader,
    write_store: Callable[[Path, Callable[[int, int], None]], StoreCopy],
    staged: Path,
    ids: PairIds,
    records: Mapping[tuple[str, str], FileRecord],
    told: Told,
) -> StoreCopy:
    (staged / STORE).mkdir(mode=0o700)
    copied = write_store(staged / STORE, lambda done, of: told("store", done, of))
    named = [(dataset, file) for dataset, files in reader.manifest.datasets.items() for file in files]
    (staged / WAREHOUSE).mkdir(mode=0o700)
    for done, (dataset, file) in enumerate(sorted(named)):
        told("warehouse", done, len(named))
        record = records.get((dataset, file))
        target = staged / WAREHOUSE / dataset / file
        found = copy_file(reader.root / dataset / file, target)
        if record is not None and found != record.sha256:
            raise InputError(
                "{dataset}/{file} of the warehouse is damaged: no backup was made; see: koipond verify",
                dataset=dataset,
                file=file,
                code="damaged",
            )
    write_mark(staged / WAREHOUSE, Mark(ids=ids, done=copied.at))
    return copied


def _copy_folder(folder: Path, staged: Path) -> None:
    """Copy settings and definitions, and the sandbox's inbox."""
    for name in (SETTINGS_FILE, ".gitignore"):
        if (folder / name).is_file():
            copy_file(folder / name, staged / FOLDER / name)
    for file in definition_files(folder):
        copy_file(file, staged / FOLDER / file.relative_to(folder))
    sandbox = folder / STATE / SANDBOX
    if sandbox.exists():
        copy_sqlite(sandbox, staged / SANDBOX)


def definition_files(folder: Path) -> list[Path]:
    """Return every file below the folders of definitions."""
    return sorted(file for kind in DEFINITIONS for file in (folder / kind).rglob("*") if file.is_file())


def copy_file(source: Path, target: Path) -> str:
    """Copy a file, synced, readable by its owner alone; return its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = hashlib.sha256()
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as rows, os.fdopen(handle, "wb") as out:
        while block := rows.read(_BLOCK):
            found.update(block)
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return found.hexdigest()


def _digests(staged: Path, told: Told) -> Iterator[tuple[str, tuple[int, str]]]:
    files = sorted(file for file in staged.rglob("*") if file.is_file())
    for done, file in enumerate(files):
        told("digest", done, len(files))
        file.chmod(0o600)
        yield file.relative_to(staged).as_posix(), (file.stat().st_size, _digest(file))


def _digest(file: Path) -> str:
    with file.open("rb") as rows:
        return hashlib.file_digest(rows, "sha256").hexdigest()


def _write_manifest(staged: Path, backup: Backup) -> None:
    body = json.dumps({"format": _FORMAT, **asdict(backup)}, indent=1)
    fresh = staged / f".{MANIFEST}"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(body + "\n")
        out.flush()
        os.fsync(out.fileno())
    fresh.rename(staged / MANIFEST)


def _sync_folders(staged: Path) -> None:
    for folder in (staged, *(path for path in staged.rglob("*"))):
        if folder.is_dir():
            folder.chmod(0o700)
        sync(folder)
