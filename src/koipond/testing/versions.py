"""An in-memory `VersionLog`, for tests and for rehearsals that keep no store on disk."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from koipond.ingest.ports import Holder, Manifest
from koipond.kernel import BusyError

KEPT_VERSIONS = 3


class MemoryVersionLog:
    """Versions and leases of one process."""

    def __init__(self) -> None:
        self._versions: list[Manifest] = []
        self._readers: dict[str, int] = {}
        self._writer: tuple[str, Holder, datetime] | None = None

    def current(self) -> Manifest:
        return self._versions[-1] if self._versions else Manifest(version=0, datasets={}, meta={})

    def kept(self, now: datetime) -> Sequence[Manifest]:  # noqa: ARG002  nothing expires here
        newest = self._versions[-KEPT_VERSIONS:]
        held = set(self._readers.values())
        return [m for m in self._versions if m.version in held or m in newest]

    def open_reader(self, holder: Holder, now: datetime) -> tuple[str, Manifest]:  # noqa: ARG002
        lease = uuid.uuid4().hex
        manifest = self.current()
        self._readers[lease] = manifest.version
        return lease, manifest

    def close_reader(self, lease: str) -> None:
        self._readers.pop(lease, None)

    def acquire_writer(self, holder: Holder, now: datetime, is_alive: Callable[[Holder], bool]) -> str:
        if self._writer is not None and is_alive(self._writer[1]):
            _, other, since = self._writer
            raise BusyError(f"{other.purpose} (process {other.pid}) writes since {since.isoformat()}")
        lease = uuid.uuid4().hex
        self._writer = (lease, holder, now)
        return lease

    def release_writer(self, lease: str) -> None:
        if self._writer is not None and self._writer[0] == lease:
            self._writer = None

    def publish(self, lease: str, manifest: Manifest, now: datetime) -> int:  # noqa: ARG002
        if self._writer is None or self._writer[0] != lease:
            raise BusyError("the warehouse lease was lost; run the command again")
        version = self.current().version + 1
        self._versions.append(replace(manifest, version=version))
        return version
