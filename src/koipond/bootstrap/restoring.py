"""Back from a backup (恢复): both sides together, the present ones moved aside and never deleted.

Everything is checked first: each file of the backup, the keys, whether the present state is newer, who works
on it. Then both sides are built beside the present ones, and only renames are left to do. A restore that was
killed between two renames leaves a pair that every command refuses, and the same command goes on from there.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from datetime import datetime
from pathlib import Path

from koipond.bootstrap.backups import (
    DEFINITIONS,
    FOLDER,
    SANDBOX,
    STORE,
    WAREHOUSE,
    Backup,
    Told,
    check_files,
    copy_file,
    proofs,
    read_backup,
)
from koipond.bootstrap.carrying_over import CarriedOver, carry_over
from koipond.bootstrap.stores import STATE, store_url, warehouse_root
from koipond.ingest.belonging import StoreSide
from koipond.kernel import (
    BusyError,
    Clock,
    InputError,
    KoipondError,
    Message,
    RefusedError,
    joined,
    new_uid,
    wall_time,
)
from koipond.store import KeyRing, load_keys
from koipond.store.belonging import look_at
from koipond.store.copying import SQLITE_FILE, load_postgres, numbers_of, schema_beside, swap_schemas
from koipond.store.engine import Database, open_database
from koipond.store.leases import StoredLeases
from koipond.store.migrate import is_current
from koipond.warehouse import host_name, is_alive
from koipond.warehouse.engine import sync
from koipond.warehouse.mark import read_mark
from koipond.workspace.load import load_boot
from koipond.workspace.settings import FILE as SETTINGS_FILE
from koipond.workspace.settings import BootSettings

_TRIO = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was brought back, and where the former sides are now."""

    backup: Backup
    aside: Path | None
    aside_schema: str | None
    carried: CarriedOver = field(default_factory=CarriedOver)
    """Who said no and what went out after the backup: that holds in what was brought back, too."""


def restore_backup(
    folder: Path, source: Path, machine: Clock, told: Told, *, replace: bool = False
) -> Restored:
    """Make the workspace in ``folder`` what it was in the backup ``source``.

    Raises InputError when the backup or the keys are not good, RefusedError when the present state is newer
    and not to be replaced, BusyError while somebody works on it. Nothing was changed then.
    """
    backup = read_backup(source)
    check_files(source, backup, told)
    settings = _settings(folder, source, backup)
    ring = _require_keys(backup)
    url = store_url(folder, settings)
    with _opened(url, settings) as database:
        if database.dialect != backup.store.dialect:
            raise InputError(
                "the backup holds a {dialect} store, koipond.yaml names {other_dialect}",
                dialect=backup.store.dialect,
                other_dialect=database.dialect,
            )
        _require_older(database, folder, backup, replace=replace)
        _require_idle(database, machine.now())
        staged = folder / STATE / f"restoring-{new_uid()[:8]}"
        try:
            _stage(source, backup, staged, told)
            schema = _stage_schema(url, settings, source, backup, told)
            place = f"sqlite:///{(staged / STORE / SQLITE_FILE).resolve()}" if schema is None else url
            carried = carry_over(database, place, schema, ring, backup, machine.now())
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
    done = _swap(folder, settings, url, staged, schema, backup, machine.now())
    return replaced(done, carried=carried)


def _settings(folder: Path, source: Path, backup: Backup) -> BootSettings:
    settings = load_boot(source / FOLDER)
    if settings.id != backup.workspace_id:
        raise InputError(
            "{source} is not that of the backup; use another backup", source=source / FOLDER / SETTINGS_FILE
        )
    if (folder / SETTINGS_FILE).exists():
        present = load_boot(folder)
        if present.id != settings.id:
            raise InputError(
                "{folder} is another workspace (id {id}, the backup's is {other_id}); restore "
                "into a new folder: koipond -C NEW restore BACKUP",
                folder=folder,
                id=present.id,
                other_id=settings.id,
            )
    return settings


def _require_keys(backup: Backup) -> KeyRing:
    ring = load_keys(backup.workspace_id, make=False)
    here = proofs(ring)
    lacking = sorted(name for name, proof in backup.keys.items() if here.get(name) != proof)
    if lacking:
        place = ring.file or "KOIPOND_KEYS"
        raise InputError(
            "the keys {lacking} of the backup are not in {place}: without them no address "
            "opens; put your copy of that file back first (mode 0600)",
            lacking=joined(", ", lacking),
            place=place,
            code="wrong_keys",
        )
    return ring


@contextmanager
def _opened(url: str, settings: BootSettings) -> Iterator[Database]:
    database = open_database(url, _schema(settings))
    try:
        yield database
    finally:
        database.close()


def _schema(settings: BootSettings) -> str:
    return f"koipond_{settings.key}"


def _require_older(database: Database, folder: Path, backup: Backup, *, replace: bool) -> None:
    """Raise RefusedError when the present store or warehouse has something that the backup has not."""
    if replace:
        return
    newer = _newer_store(database, backup)
    mark, _ = read_mark(warehouse_root(folder))
    if not newer and mark is not None and mark.done.version > backup.store.at.version:
        newer = Message(
            "the warehouse stands at version {version}, the backup at {other_version}",
            version=mark.done.version,
            other_version=backup.store.at.version,
        )
    if newer:
        raise RefusedError(
            "the present state is not in the backup: {newer}; back it up first, or put the "
            "backup in its place with --replace: the present state is then moved aside",
            newer=newer,
        )


def _newer_store(database: Database, backup: Backup) -> str:
    try:
        side, _ = look_at(database, "")
        if not side.kept:
            return ""
        return _ahead(database, side, backup)
    except KoipondError:
        raise
    except Exception as error:  # whatever a damaged store answers
        return Message("the present store cannot be read ({name})", name=type(error).__name__)


def _ahead(database: Database, side: StoreSide, backup: Backup) -> str:
    if side.store_id != backup.store.ids.get("store_id"):
        return Message("the present store is another one")
    if side.at.version > backup.store.at.version:
        return Message(
            "the store stands at version {version}, the backup at {other_version}",
            version=side.at.version,
            other_version=backup.store.at.version,
        )
    with database.read() as connection:
        numbers = numbers_of(connection)
    ahead = [name for name, number in numbers.items() if number > backup.store.numbers.get(name, 0)]
    return Message("newer rows in {ahead}", ahead=joined(", ", ahead)) if ahead else ""


def _require_idle(database: Database, now: datetime) -> None:
    """Raise BusyError while a process that may live holds anything of the present store."""
    try:
        side, _ = look_at(database, "")
        held = StoredLeases(database).held() if side.kept and is_current(database) else []
    except Exception:  # a store that cannot be read leases nothing
        return
    for one in held:
        if one.until > now and is_alive(one.holder):
            raise BusyError(
                "{purpose} (process {pid} on {host_name}) works on this workspace; end it "
                "first (koipond serve: Ctrl-C). Silent, its lease ends {until}",
                purpose=one.holder.purpose,
                pid=one.holder.pid,
                host_name=host_name(one.holder.host),
                until=wall_time(one.until),
            )


def _stage(source: Path, backup: Backup, staged: Path, told: Told) -> None:
    """Copy what becomes files of the workspace beside them, checking each once more."""
    paths = [
        path for path in backup.files if backup.store.dialect == "sqlite" or not path.startswith(f"{STORE}/")
    ]
    staged.mkdir(parents=True, mode=0o700)
    for done, path in enumerate(sorted(paths)):
        told("restore", done, len(paths))
        if copy_file(source / path, staged / path) != backup.files[path][1]:
            raise InputError(
                "{source} changed while it was read; use another backup", source=source / path, code="damaged"
            )
    for made in (staged, *staged.rglob("*")):
        if made.is_dir():
            sync(made)


def _stage_schema(url: str, settings: BootSettings, source: Path, backup: Backup, told: Told) -> str | None:
    if backup.store.dialect == "sqlite":
        return None
    schema = schema_beside(_schema(settings), f"restoring_{new_uid()[:8]}")
    database = open_database(url, schema)
    try:
        load_postgres(database, backup.store, source / STORE, lambda done, of: told("store", done, of))
    finally:
        database.close()
    return schema


def _swap(
    folder: Path,
    settings: BootSettings,
    url: str,
    staged: Path,
    schema: str | None,
    backup: Backup,
    now: datetime,
) -> Restored:
    """Move the present sides aside and the staged ones in: the warehouse first, the store last."""
    stamp = now.strftime("%Y%m%d%H%M%S")
    state = folder / STATE
    aside = state / f"aside-{stamp}-{new_uid()[:4]}"
    moved = [
        _move(state / "warehouse", aside),
        *(_move(state / f"{SQLITE_FILE}{end}", aside) for end in _TRIO),
    ]
    moved += [_move(state / f"{SANDBOX}{end}", aside) for end in _TRIO]
    moved += [_move(folder / name, aside / FOLDER) for name in (SETTINGS_FILE, *DEFINITIONS)]
    sync(state)
    for path in sorted((staged / FOLDER).iterdir()):
        if not (folder / path.name).exists():
            path.rename(folder / path.name)
    (staged / WAREHOUSE).rename(state / "warehouse")
    if (staged / SANDBOX).exists():
        (staged / SANDBOX).rename(state / SANDBOX)
    former = None
    if schema is None:
        (staged / STORE / SQLITE_FILE).rename(state / SQLITE_FILE)
    else:
        former = schema_beside(_schema(settings), f"aside_{stamp}")
        with _opened(url, settings) as database:
            if not swap_schemas(database, schema, former):
                former = None
    sync(state)
    sync(folder)
    shutil.rmtree(staged, ignore_errors=True)
    return Restored(backup=backup, aside=aside if any(moved) else None, aside_schema=former)


def _move(path: Path, aside: Path) -> bool:
    if not path.exists():
        return False
    aside.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.rename(aside / path.name)
    return True
