"""An in-memory `VersionLog`, for tests and for rehearsals that keep no store on disk."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from koipond.facts.ports import FileRecord, Holder, Manifest
from koipond.kernel import BusyError

KEPT_VERSIONS = 3


class MemoryVersionLog:
    """Versions and leases of one process."""

    def __init__(self) -> None:
        self._versions: list[Manifest] = []
        self._readers: dict[str, int] = {}
        self._files: dict[tuple[str, str], FileRecord] = {}
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

    def publish(
        self,
        lease: str,
        manifest: Manifest,
        now: datetime,  # noqa: ARG002
        *,
        nonce: str = "",  # noqa: ARG002
        files: Sequence[FileRecord] = (),
    ) -> int:
        if self._writer is None or self._writer[0] != lease:
            raise BusyError("the warehouse lease was lost; run the command again")
        version = self.current().version + 1
        self._versions.append(replace(manifest, version=version))
        self._files.update({(one.dataset, one.file): one for one in files})
        return version

    def files(self) -> Mapping[tuple[str, str], FileRecord]:
        return dict(self._files)

    def retired(self, now: datetime) -> Sequence[tuple[str, str]]:
        named = {(d, f) for m in self.kept(now) for d, files in m.datasets.items() for f in files}
        return sorted(set(self._files) - named)

    def forget_files(self, files: Sequence[tuple[str, str]]) -> None:
        for one in files:
            self._files.pop(one, None)
