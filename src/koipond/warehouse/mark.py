"""The warehouse's half of the pair (配对): `warehouse.json`, written whole or not at all.

Only the process that holds the writer's lease changes it; whoever opens a workspace without one makes it.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from koipond.ingest.belonging import Mark, PairIds, Point, WarehouseSide
from koipond.kernel import InputError, Message
from koipond.kernel.whole_files import written_beside
from koipond.warehouse.engine import sync

FILE = "warehouse.json"
_FORMAT = 1
_PENDING_MAX = 8


class MarkFile:
    """The mark of one warehouse folder and whose it must be."""

    def __init__(self, root: Path, ids: PairIds) -> None:
        self.root = root
        self.ids = ids

    def require(self, version: int) -> None:
        """Raise InputError when the folder is not ours any more, or does not stand at ``version``."""
        mark = self._own()
        if version not in {point.version for point in (mark.done, *mark.pending)}:
            raise _moved(
                self.root,
                Message(
                    "it stands at version {version}, the store at {other_version}",
                    version=mark.done.version,
                    other_version=version,
                ),
            )

    def begin(self, point: Point) -> None:
        """Write that ``point`` is about to be published; raise InputError when the folder is not ours."""
        mark = self._own()
        write_mark(self.root, replace(mark, pending=(*mark.pending, point)[-_PENDING_MAX:]))

    def finish(self, point: Point) -> None:
        """Write that ``point`` is published, unless a later one is.

        A disk that refuses leaves the mark pending, which says as much.
        """
        with contextlib.suppress(OSError, InputError):
            if self._own().done.version < point.version:
                write_mark(self.root, Mark(ids=self.ids, done=point))

    def _own(self) -> Mark:
        mark, fault = read_mark(self.root)
        if mark is None or mark.ids != self.ids:
            raise _moved(
                self.root,
                fault or (Message("its mark is gone") if mark is None else Message("it is another's")),
            )
        return mark


def _moved(root: Path, what: str) -> InputError:
    return InputError(
        "the warehouse {root} was moved or replaced while this command ran: {what}; nothing "
        "was published, see: koipond doctor",
        root=root,
        what=what,
        code="pair",
    )


def look_at(root: Path, named: Mapping[str, int | None]) -> WarehouseSide:
    """Return what the folder holds. ``named``: the files that must be there → bytes, None where unknown."""
    mark, fault = read_mark(root)
    sizes = {name: _size(root / name) for name in named}
    return WarehouseSide(
        place=str(root),
        mark=mark,
        mark_fault=fault,
        files=0 if mark else sum(1 for _ in root.glob("*/*.parquet")),
        named=len(named),
        missing=tuple(name for name, size in sizes.items() if size is None),
        resized=tuple(
            name for name, size in sizes.items() if size is not None and size != (named[name] or size)
        ),
    )


def read_mark(root: Path) -> tuple[Mark | None, str]:
    """Return the mark, None without any, and why it cannot be read."""
    try:
        text = (root / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None, ""
    except UnicodeDecodeError:
        return None, Message("it is no text")
    try:
        body = json.loads(text)
        ids = PairIds(**{name: str(body[name]) for name in ("workspace_id", "store_id", "warehouse_id")})
        return Mark(ids=ids, done=_point(body), pending=tuple(map(_point, body["pending"]))), ""
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return None, f"{type(error).__name__}: {error}"[:100]


def write_mark(root: Path, mark: Mark) -> None:
    """Replace the mark: temporary file, sync, rename, sync of the folder."""
    with _fresh(root, mark) as fresh:
        fresh.replace(root / FILE)
    sync(root)


def make_mark(root: Path, mark: Mark) -> None:
    """Write the mark of a folder that has none; one that another process has just written stays."""
    root.mkdir(parents=True, exist_ok=True)
    with _fresh(root, mark) as fresh:
        try:
            os.link(fresh, root / FILE)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            if not (root / FILE).exists():
                fresh.replace(root / FILE)
    sync(root)


def _fresh(root: Path, mark: Mark) -> AbstractContextManager[Path]:
    body: dict[str, Any] = {"format": _FORMAT, **asdict(mark.ids), **asdict(mark.done)}
    body["pending"] = [asdict(point) for point in mark.pending]
    return written_beside(root / FILE, json.dumps(body, indent=1) + "\n", mode=0o600)


def _point(body: Mapping[str, Any]) -> Point:
    return Point(version=int(body["version"]), nonce=str(body["nonce"]))


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
