"""Store and warehouse of a workspace, looked at before either is written to (配对检查)."""

from dataclasses import replace
from pathlib import Path

from koipond.ingest.belonging import Mark, Verdict, compare
from koipond.kernel import InputError, joined
from koipond.store import Store
from koipond.store.belonging import look_at as look_at_store
from koipond.store.belonging import newest_point
from koipond.store.engine import Database
from koipond.warehouse.mark import look_at, make_mark, read_mark

LOOKABLE = (
    "store_older",
    "warehouse_older",
    "diverged",
    "warehouse_gone",
    "warehouse_stranger",
    "files_missing",
    "files_unnamed",
)
"""Pairs whose store is this workspace's own: `doctor` and `verify` look at them all the same."""
LOOKS_MAX = 20
"""A publication beside us moves the mark while we look: look again."""


class PairError(InputError):
    """Store and warehouse do not belong together; ``verdict`` says what is wrong and the way back."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(joined("; ", (verdict.problem, verdict.fix)), code=verdict.code)
        self.verdict = verdict


def judge(database: Database, place: str, root: Path, workspace_id: str, *, used_before: bool) -> Verdict:
    """Compare both sides as they stand; nothing is written to either."""
    for _ in range(LOOKS_MAX):
        before = read_mark(root)
        store, named = look_at_store(database, place)
        warehouse = look_at(root, named)
        if read_mark(root) == before == (warehouse.mark, warehouse.mark_fault):
            break
    return compare(replace(store, used_before=used_before), warehouse, workspace_id)


def join(store: Store, root: Path, workspace_id: str) -> None:
    """Give a new or formerly unmarked pair its ids and its mark."""
    ids = store.belonging.claim(workspace_id)
    with store.database.read() as connection:
        at = newest_point(connection)
    make_mark(root, Mark(ids=ids, done=at))
