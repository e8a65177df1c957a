"""Do a store and a warehouse belong together (状态库与数仓配对)? Both sides compared, purely.

A publication writes the mark in the warehouse folder as *pending*, commits the version in the store, and
writes
the mark as *done*: a kill between any two leaves the store at one of the two points that the mark names. Any
other pair is one that somebody made by moving, restoring or emptying a side, and is refused before
anything is written: whatever is deleted or published on a wrong pair is lost. Rule: docs/decisions/0012.
"""

from dataclasses import dataclass
from typing import Literal

from koipond.kernel import Message, joined

SAMPLES = 5  # files named one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A published version of one history. ``nonce``: drawn at the publication, empty before release 0006."""

    version: int
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairIds:
    """Who belongs together: the workspace's folder, its store and its warehouse."""

    workspace_id: str
    store_id: str
    warehouse_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What the warehouse folder says about itself. ``pending``: publications begun since ``done``."""

    ids: PairIds
    done: Point
    pending: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSide:
    """The store as found, nothing written to it yet.

    ``kept``: it holds tables of ours. The ids are None in one that no release with pairs has opened.
    ``remains``: files that only an SQLite store with its main file gone would leave. ``used_before``: the
    keys of its workspace exist, and they are made after the store.
    """

    place: str
    kept: bool
    at: Point = Point(version=0, nonce="")
    workspace_id: str | None = None
    store_id: str | None = None
    warehouse_id: str | None = None
    remains: tuple[str, ...] = ()
    used_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseSide:
    """The warehouse folder as found. ``missing`` and ``resized``: files that the store's version names."""

    place: str
    mark: Mark | None = None
    mark_fault: str = ""
    files: int = 0
    named: int = 0
    missing: tuple[str, ...] = ()
    resized: tuple[str, ...] = ()


PairState = Literal[
    "joined",  # they belong together
    "fresh",  # neither is there yet
    "unmarked",  # the folder lacks its mark and holds what the store names: a mark is written
    "mark_damaged",
    "both_gone",
    "store_gone",
    "store_of_another_workspace",
    "store_stranger",
    "warehouse_stranger",
    "store_older",
    "warehouse_older",
    "diverged",
    "warehouse_gone",
    "files_missing",
    "files_unnamed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the two sides are to each other; ``problem`` and ``fix`` are empty when they may be used."""

    state: PairState
    problem: str = ""
    fix: str = ""

    @property
    def code(self) -> str:
        """The error's stable name."""
        return "damaged" if self.state in ("mark_damaged", "warehouse_gone", "files_missing") else "pair"

    @property
    def usable(self) -> bool:
        """Whether a command may work on the pair."""
        return not self.problem


JOINED = Verdict(state="joined")
RESTORE = "koipond restore BACKUP --replace"


def compare(store: StoreSide, warehouse: WarehouseSide, workspace_id: str) -> Verdict:
    """Say whether ``store`` and ``warehouse`` may be used together by workspace ``workspace_id``."""
    if warehouse.mark_fault:
        return _mark_damaged(warehouse)
    if not store.kept:
        return _without_store(store, warehouse)
    if store.workspace_id not in (None, workspace_id):
        return _other_workspace(store, workspace_id)
    if warehouse.mark is None:
        return _without_mark(store, warehouse)
    return _strange(store, warehouse, workspace_id) or _of_one_history(store, warehouse, warehouse.mark)


def _mark_damaged(warehouse: WarehouseSide) -> Verdict:
    return Verdict(
        state="mark_damaged",
        problem=Message(
            "{place}/warehouse.json cannot be read ({mark_fault})",
            place=warehouse.place,
            mark_fault=warehouse.mark_fault,
        ),
        fix=Message(
            "put that file back from a copy, or bring back both sides with: {restore}; when "
            "the folder surely is this workspace's, move that file away: its files are then "
            "compared with the store",
            restore=RESTORE,
        ),
    )


def _without_store(store: StoreSide, warehouse: WarehouseSide) -> Verdict:
    if store.remains:
        names = joined(", ", store.remains)
        return Verdict(
            state="store_gone",
            problem=Message(
                "the store {place} is gone, and {names} is what is left of it", place=store.place, names=names
            ),
            fix=Message(
                "put the store's file back beside it, or bring back both sides with: {restore}",
                restore=RESTORE,
            ),
        )
    if warehouse.mark is None and not warehouse.files:
        return _without_either(store, warehouse)
    holds = (
        Message("version {version}", version=warehouse.mark.done.version)
        if warehouse.mark
        else Message("{count} files", count=warehouse.files)
    )
    return Verdict(
        state="store_gone",
        problem=Message(
            "the store {place} is empty, and the warehouse {other_place} holds {holds} of another store",
            place=store.place,
            other_place=warehouse.place,
            holds=holds,
        ),
        fix=Message(
            "put the store back (an SQLite store is store.sqlite with its -wal and -shm), or "
            "set the variable that koipond.yaml names to the right database, or bring back "
            "both sides with: {restore}",
            restore=RESTORE,
        ),
    )


def _without_either(store: StoreSide, warehouse: WarehouseSide) -> Verdict:
    if not store.used_before:
        return Verdict(state="fresh")
    return Verdict(
        state="both_gone",
        problem=Message(
            "the store {place} and the warehouse {other_place} are both empty, and this "
            "workspace was in use: its keys are here",
            place=store.place,
            other_place=warehouse.place,
        ),
        fix=Message(
            "put the folder .koipond back (is its disk mounted?), set the variable that "
            "koipond.yaml names, or bring back both sides with: koipond restore BACKUP; a copy "
            "of the definitions that is to be a workspace of its own needs an id of its own in "
            "koipond.yaml"
        ),
    )


def _other_workspace(store: StoreSide, workspace_id: str) -> Verdict:
    return Verdict(
        state="store_of_another_workspace",
        problem=Message(
            "the store {place} belongs to another workspace (id {workspace_id}, this "
            "folder's koipond.yaml says {other_workspace_id})",
            place=store.place,
            workspace_id=store.workspace_id,
            other_workspace_id=workspace_id,
        ),
        fix=Message(
            "set the variable that koipond.yaml names to this workspace's own database; two "
            "workspaces on one database need different keys: koipond init --key OTHER"
        ),
    )


def _without_mark(store: StoreSide, warehouse: WarehouseSide) -> Verdict:
    if not store.at.version and warehouse.files:
        return Verdict(
            state="files_unnamed",
            problem=Message(
                "the warehouse {place} holds {files} files, and the store {other_place} has never "
                "published one",
                place=warehouse.place,
                files=warehouse.files,
                other_place=store.place,
            ),
            fix=Message(
                "set the variable that koipond.yaml names to the database of these files, or "
                "put its store back; when nobody needs them, move that folder away"
            ),
        )
    return _complete(store, warehouse, Verdict(state="unmarked"))


def _strange(store: StoreSide, warehouse: WarehouseSide, workspace_id: str) -> Verdict | None:
    mark = warehouse.mark
    assert mark is not None
    if mark.ids.workspace_id != workspace_id:
        return Verdict(
            state="warehouse_stranger",
            problem=Message(
                "the warehouse {place} belongs to another workspace (id {workspace_id})",
                place=warehouse.place,
                workspace_id=mark.ids.workspace_id,
            ),
            fix=Message(
                "put this workspace's own warehouse folder back, or bring back both sides with: {restore}",
                restore=RESTORE,
            ),
        )
    if store.store_id is None:
        return Verdict(
            state="store_older",
            problem=Message(
                "the store {place} is older than its warehouse: an older release wrote it, "
                "version {version} against {other_version}",
                place=store.place,
                version=store.at.version,
                other_version=mark.done.version,
            ),
            fix=_newer_store(),
        )
    if (store.store_id, store.warehouse_id) != (mark.ids.store_id, mark.ids.warehouse_id):
        return Verdict(
            state="store_stranger",
            problem=Message(
                "the store {place} is not the one of the warehouse {other_place} (store "
                "{store_id} against {other_store_id})",
                place=store.place,
                other_place=warehouse.place,
                store_id=store.store_id,
                other_store_id=mark.ids.store_id,
            ),
            fix=Message(
                "set the variable that koipond.yaml names to the right database, or put the "
                "side back that belongs to the other, or bring back both with: {restore}",
                restore=RESTORE,
            ),
        )
    return None


def _of_one_history(store: StoreSide, warehouse: WarehouseSide, mark: Mark) -> Verdict:
    if store.at in (mark.done, *mark.pending):
        return _complete(store, warehouse, JOINED)
    ours, theirs = store.at.version, mark.done.version
    if ours < theirs:
        return Verdict(
            state="store_older",
            problem=Message(
                "the store {place} is older than its warehouse: it stands at version "
                "{ours}, the warehouse {other_place} at {theirs}",
                place=store.place,
                ours=ours,
                other_place=warehouse.place,
                theirs=theirs,
            ),
            fix=_newer_store(),
        )
    if ours > theirs:
        return Verdict(
            state="warehouse_older",
            problem=Message(
                "the warehouse {place} is older than its store: it stands at version "
                "{theirs}, the store {other_place} at {ours}",
                place=warehouse.place,
                theirs=theirs,
                other_place=store.place,
                ours=ours,
            ),
            fix=Message(
                "put the newer warehouse folder back, or bring back both sides with: "
                "{restore}; a copy of this folder elsewhere may have published on the same "
                "store: use that one",
                restore=RESTORE,
            ),
        )
    return Verdict(
        state="diverged",
        problem=Message(
            "the store {place} and the warehouse {other_place} both stand at version {ours}, "
            "of two different histories",
            place=store.place,
            other_place=warehouse.place,
            ours=ours,
        ),
        fix=Message(
            "put the side back that belongs to the other, or bring back both with: {restore}", restore=RESTORE
        ),
    )


def _newer_store() -> str:
    return Message(
        "put the newer store back (an SQLite store is store.sqlite with its -wal and -shm), or "
        "bring back both sides with: {restore}",
        restore=RESTORE,
    )


def _complete(store: StoreSide, warehouse: WarehouseSide, good: Verdict) -> Verdict:
    lost, cut = warehouse.missing, warehouse.resized
    if not lost and not cut:
        return good
    fix = Message(
        "put back from a copy what is missing there, or bring back both sides with: {restore}",
        restore=RESTORE,
    )
    if len(lost) == warehouse.named:
        return Verdict(
            state="warehouse_gone",
            problem=Message(
                "the warehouse {place} is empty: all {count} files of version {version} are missing",
                place=warehouse.place,
                count=len(lost),
                version=store.at.version,
            ),
            fix=fix,
        )
    parts = [Message("{count} missing ({some})", count=len(lost), some=_some(lost))] * bool(lost)
    parts += [Message("{count} of another size ({some})", count=len(cut), some=_some(cut))] * bool(cut)
    return Verdict(
        state="files_missing",
        problem=Message(
            "the warehouse {place} lacks files of version {version}: {parts}; they are missing or damaged",
            place=warehouse.place,
            version=store.at.version,
            parts=joined(", ", parts),
        ),
        fix=fix,
    )


def _some(files: tuple[str, ...]) -> str:
    return ", ".join(files[:SAMPLES]) + (" …" if len(files) > SAMPLES else "")
