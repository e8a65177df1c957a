"""Definitions as values (定义): one object a file, references and fingerprint. Pure. Source: design §4."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from koipond.kernel import Finding, fingerprint
from koipond.workspace.settings import WorkspaceSettings
from koipond.workspace.source import Place, Source

ManagedBy = Literal["file", "console"]
WORKSPACE = "workspace"
"""Kind of `koipond.yaml` itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A definition's use of another one, and where it is written."""

    kind: str
    key: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One object: ``body`` is what is fingerprinted, stored and exported; ``value`` what the code uses."""

    kind: str
    key: str
    body: Mapping[str, Any]
    value: Any
    references: tuple[Reference, ...] = ()
    source: Source | None = None  # None when it was not read from a file
    version: int = 0  # the applied one

    @property
    def fingerprint(self) -> str:
        """The same for the same content, whatever its file looks like."""
        return fingerprint({"kind": self.kind, "key": self.key, "body": self.body})

    @property
    def file(self) -> str:
        """Where it is written, relative to the workspace folder."""
        return self.source.file if self.source else f"{self.kind}:{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A file that breaks its shape, with the references that can still be read in it."""

    kind: str
    source: Source
    references: tuple[Reference, ...] = ()

    @property
    def key(self) -> str:
        """The key it gives itself, or that of its file's name."""
        return str(self.source.body.get("key") or PurePosixPath(self.source.file).stem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A workspace folder as read. ``settings`` is None when `koipond.yaml` is missing or wrong."""

    settings: WorkspaceSettings | None
    definitions: Mapping[tuple[str, str], Definition]
    unresolved: tuple[Unresolved, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    def of(self, kind: str) -> list[Definition]:
        """Return the definitions of ``kind``, by key."""
        return [d for (k, _), d in sorted(self.definitions.items()) if k == kind]

    @property
    def errors(self) -> list[Finding]:
        """Return the findings that forbid applying."""
        return [finding for finding in self.findings if finding.severity == "error"]
