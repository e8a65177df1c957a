"""Where a workspace's store and warehouse are, and how they are opened: together, or not at all."""

import os
from pathlib import Path

from koipond.bootstrap.belonging import LOOKABLE, PairError, join, judge
from koipond.bootstrap.faults import explained
from koipond.ingest.belonging import Verdict
from koipond.kernel import InputError, Message
from koipond.store import Store, load_keys, save_keys
from koipond.store.engine import Database
from koipond.store.migrate import is_current
from koipond.workspace.settings import BootSettings

STATE = ".koipond"
"""Folder of the embedded store and the warehouse, below the workspace."""


def open_store(
    folder: Path, settings: BootSettings, *, new: bool = False, apart: bool = False
) -> tuple[Store, Verdict]:
    """Open the workspace's store: the one `koipond.yaml` names, or SQLite inside the folder.

    ``new`` and ``apart`` as in `open_app`. Raises InputError, and PairError before anything is written.
    """
    if settings.id is None:
        raise InputError(
            "{folder}/koipond.yaml has no id; write 'id: ' and 32 hex digits of your own", folder=folder
        )
    identity, root, schema = settings.id, warehouse_root(folder), f"koipond_{settings.key}"
    ring = load_keys(identity, make=False)
    used_before = ring.file is not None and ring.file.exists()
    found: list[Verdict] = []

    def look(database: Database) -> None:
        place = store_place(folder, settings)
        verdict = judge(database, place, root, identity, used_before=used_before)
        if new and verdict.state != "fresh":
            raise InputError(
                "{problem}; choose another folder or another --key for a new one",
                problem=verdict.problem
                or Message("{place} or {root} holds a workspace already", place=place, root=root),
            )
        if not verdict.usable and not (apart and verdict.state in LOOKABLE and is_current(database)):
            raise PairError(verdict)
        (folder / STATE).mkdir(parents=True, exist_ok=True)
        found.append(verdict)

    try:
        store = Store.open(store_url(folder, settings), ring, schema=schema, before=look)
    except InputError as error:
        if error.__cause__ is not None and (known := explained(error.__cause__, folder)) is not None:
            raise known from error.__cause__
        raise
    try:
        if ring.file is not None and not ring.file.exists():
            save_keys(ring)
        if found[0].state in ("fresh", "unmarked"):
            join(store, root, identity)
    except BaseException:
        store.close()
        raise
    return store, found[0]


def warehouse_root(folder: Path) -> Path:
    """Return the folder of the workspace's warehouse."""
    return folder / STATE / "warehouse"


def store_file(folder: Path) -> Path:
    """Return where the embedded store is."""
    return folder / STATE / "store.sqlite"


def store_place(folder: Path, settings: BootSettings) -> str:
    """Return where the store is, as people are told: the file, or the schema and the variable of its URL."""
    if settings.store is None:
        return str(store_file(folder))
    return f"koipond_{settings.key} at ${settings.store[1:]}"


def store_url(folder: Path, settings: BootSettings) -> str:
    """Return the store's URL; raise InputError when the variable that holds it is not set."""
    if settings.store is None:
        return f"sqlite:///{store_file(folder).resolve()}"
    name = settings.store[2:-1]
    url = os.environ.get(name)
    if not url:
        raise InputError(
            "koipond.yaml keeps the store in ${{{name}}}, which is not set; export it first", name=name
        )
    return url
