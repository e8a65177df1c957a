"""Store and warehouse belong together (decision 0012): every state in which they can be found."""

from dataclasses import replace

import pytest

from koipond.ingest.belonging import Mark, PairIds, Point, StoreSide, WarehouseSide, compare

IDS = PairIds(workspace_id="w", store_id="s", warehouse_id="h")
P3, P4, P5 = (Point(version=n, nonce=f"n{n}") for n in (3, 4, 5))
OTHER4 = Point(version=4, nonce="another")
STORE = StoreSide(place="S", kept=True, at=P4, workspace_id="w", store_id="s", warehouse_id="h")
EMPTY = StoreSide(place="S", kept=False)
FORMER = StoreSide(place="S", kept=True, at=Point(version=4, nonce=""))
NEW = replace(FORMER, at=Point(version=0, nonce=""))
MARK = Mark(ids=IDS, done=P4)
FOLDER = WarehouseSide(place="W", mark=MARK, named=3)
BARE = WarehouseSide(place="W", named=3, files=3)
NOTHING = WarehouseSide(place="W")
LOST = ("orders/1.parquet",)
ALL = ("a/1.parquet", "a/2.parquet", "b/3.parquet")


def mark(**changes: object) -> WarehouseSide:
    return replace(FOLDER, mark=replace(MARK, **changes))  # type: ignore[arg-type]


USABLE = {
    "both new": (EMPTY, NOTHING, "fresh"),
    "killed after the store got its ids": (
        replace(STORE, at=Point(version=0, nonce="")),
        NOTHING,
        "unmarked",
    ),
    "joined": (STORE, FOLDER, "joined"),
    "killed before the commit": (STORE, mark(pending=(P5,)), "joined"),
    "killed after the commit": (STORE, mark(done=P3, pending=(P4,)), "joined"),
    "killed twice before the commit": (STORE, mark(done=P3, pending=(OTHER4, P4)), "joined"),
    "before 0006, all files there": (FORMER, BARE, "unmarked"),
    "before 0006, nothing published": (NEW, NOTHING, "unmarked"),
    "the mark alone is gone": (STORE, BARE, "unmarked"),
}
REFUSED = {
    "A09 an empty store": (EMPTY, FOLDER, "store_gone", "S is empty"),
    "A09 before 0006": (EMPTY, BARE, "store_gone", "holds 3 files"),
    "A10 the log of a store that is gone": (
        replace(EMPTY, remains=("store.sqlite-wal",)),
        NOTHING,
        "store_gone",
        "store.sqlite-wal",
    ),
    "both gone": (replace(EMPTY, used_before=True), NOTHING, "both_gone", "both empty"),
    "A11 an older store": (replace(STORE, at=P3), FOLDER, "store_older", "S is older"),
    "an older store while one publishes": (
        replace(STORE, at=P3),
        mark(pending=(P5,)),
        "store_older",
        "S is older",
    ),
    "a store of an older release": (FORMER, FOLDER, "store_older", "S is older"),
    "an older warehouse": (replace(STORE, at=P5), FOLDER, "warehouse_older", "W is older"),
    "an older warehouse in which one publishes": (
        replace(STORE, at=P5),
        mark(pending=(Point(version=5, nonce="x"),)),
        "warehouse_older",
        "W is older",
    ),
    "two histories": (replace(STORE, at=OTHER4), FOLDER, "diverged", "two different histories"),
    "another store": (replace(STORE, store_id="x"), FOLDER, "store_stranger", "not the one"),
    "another warehouse of this store": (
        replace(STORE, warehouse_id="x"),
        FOLDER,
        "store_stranger",
        "not the one",
    ),
    "another workspace's warehouse": (
        STORE,
        mark(ids=replace(IDS, workspace_id="x")),
        "warehouse_stranger",
        "another workspace",
    ),
    "A42 another workspace's store": (
        replace(STORE, workspace_id="x"),
        NOTHING,
        "store_of_another_workspace",
        "another workspace",
    ),
    "A42 with files": (
        replace(STORE, workspace_id="x"),
        FOLDER,
        "store_of_another_workspace",
        "another workspace",
    ),
    "an emptied warehouse": (STORE, replace(FOLDER, missing=ALL), "warehouse_gone", "all 3 files"),
    "a warehouse that is gone": (STORE, replace(NOTHING, named=3, missing=ALL), "warehouse_gone", "all 3"),
    "one file gone": (STORE, replace(FOLDER, missing=LOST), "files_missing", "orders/1.parquet"),
    "one file cut": (STORE, replace(FOLDER, resized=LOST), "files_missing", "another size"),
    "before 0006, a file gone": (FORMER, replace(BARE, missing=LOST), "files_missing", "1 missing"),
    "files that nobody published": (NEW, BARE, "files_unnamed", "has never published"),
    "the same with ids": (
        replace(STORE, at=Point(version=0, nonce="")),
        BARE,
        "files_unnamed",
        "has never published",
    ),
    "a mark that cannot be read": (STORE, replace(BARE, mark_fault="cut"), "mark_damaged", "cannot be read"),
    "the same without a store": (EMPTY, replace(BARE, mark_fault="cut"), "mark_damaged", "cannot be read"),
}


@pytest.mark.parametrize("name", USABLE)
def test_what_belongs_together_is_used(name: str) -> None:
    store, warehouse, state = USABLE[name]
    verdict = compare(store, warehouse, "w")
    assert (verdict.state, verdict.usable, verdict.problem, verdict.fix) == (state, True, "", "")


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_with_the_side_and_the_way_back(name: str) -> None:
    store, warehouse, state, words = REFUSED[name]
    verdict = compare(store, warehouse, "w")
    assert (verdict.state, verdict.usable) == (state, False)
    assert words in verdict.problem
    assert any(way in verdict.fix for way in ("put ", "set ", "move "))


def test_many_lost_files_are_counted_and_some_named() -> None:
    files = tuple(f"orders/{n}.parquet" for n in range(9))
    verdict = compare(STORE, replace(FOLDER, named=20, missing=files), "w")
    assert "9 missing" in verdict.problem
    assert "orders/4.parquet …" in verdict.problem
    assert "orders/5" not in verdict.problem
