"""The stage (预演舞台): a workspace in memory on a virtual clock, built from files like any other.

The store is SQLite in memory, its keys and uids follow from the seed; the warehouse lies in a scratch folder
(in memory where the machine has /dev/shm). Nothing of it outlives the rehearsal.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import yaml

from koipond.bootstrap import App, StoreDefinitions
from koipond.kernel import FindingsError, InputError, VirtualClock, day_bounds
from koipond.rehearsal.scratch import scratch_folder
from koipond.settings import Settings
from koipond.store import Store, memory_keys
from koipond.workspace import errors, load_folder
from koipond.workspace.diff import apply_steps, diff
from koipond.workspace.load import load_boot
from koipond.workspace.settings import FILE

MORNING = timedelta(hours=10)
"""When a virtual day is worked, counted from local midnight: outside the default quiet hours."""

AUTHOR = "rehearsal"


def morning(day: date, place: ZoneInfo) -> datetime:
    """Return the instant at which ``day`` is worked."""
    return day_bounds(day, place)[0] + MORNING


@contextmanager
def open_stage(files: Mapping[str, str], *, seed: int, clock: VirtualClock) -> Iterator[App]:
    """Apply ``files`` (path → text) to a new workspace and yield it; raise FindingsError when they are wrong.

    `koipond.yaml` gets an id of the seed and the machine's clock, which is ``clock``.
    """
    with scratch_folder() as folder:
        _write(folder, files, seed)
        loaded = load_folder(folder)
        if wrong := errors(loaded.findings):
            raise FindingsError(wrong)
        if loaded.settings is None:
            raise InputError("the rehearsal has no {file}", file=FILE)
        keys = memory_keys(hashlib.sha256(f"keys {seed}".encode()).digest())
        app = App(
            folder=folder,
            boot=load_boot(folder),
            environment=Settings(threads=1, memory_limit="2GB"),
            machine=clock,
            store=Store.open("sqlite://", keys, new_uids=_Uids(seed)),
        )
        with app:
            definitions = StoreDefinitions(app.store)
            steps = apply_steps(diff(loaded, definitions.current()))
            definitions.apply(steps, AUTHOR, clock.now())
            yield app


class _Uids:
    """Opaque ids drawn from a seed, in the order in which customers are met."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.Generator(np.random.PCG64([seed, 1]))

    def __call__(self, _first_no: int, count: int) -> list[str]:
        pool = self._random.bytes(16 * count).hex()
        return [pool[place : place + 32] for place in range(0, 32 * count, 32)]


def dated(files: Mapping[str, str], strategy: str, ends_on: date) -> dict[str, str]:
    """Return ``files`` with ``strategy`` running until ``ends_on``, whatever its own dates say."""
    path = f"strategies/{strategy}.yaml"
    body = yaml.safe_load(files[path])
    body = {name: value for name, value in body.items() if name not in ("starts_on", "paused")}
    text = yaml.safe_dump({**body, "ends_on": ends_on}, sort_keys=False, allow_unicode=True)
    return {**files, path: text}


def _write(folder: Path, files: Mapping[str, str], seed: int) -> None:
    identity = hashlib.md5(f"rehearsal {seed}".encode(), usedforsecurity=False).hexdigest()
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path == FILE:
            body = {**yaml.safe_load(text), "id": identity, "clock": "system"}
            for name in ("store", "warehouse"):  # in memory, and small: on DuckDB whatever the brand's is
                body.pop(name, None)
            text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True)
        target.write_text(text, encoding="utf-8")
