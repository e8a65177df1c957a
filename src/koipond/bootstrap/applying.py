"""Folder against what is applied (差异与应用), with what facts forbid to change."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from koipond.bootstrap.app import App, is_kept, open_app
from koipond.bootstrap.definitions import StoreDefinitions
from koipond.kernel import Finding, FindingsError, KoipondError, Message, RefusedError, joined
from koipond.workspace import Folder, WorkspaceSettings, load_folder
from koipond.workspace.diff import Diff, apply_steps, diff
from koipond.workspace.load import load_settings
from koipond.workspace.model import WORKSPACE
from koipond.workspace.ports import MemberCounter
from koipond.workspace.settings import FILE
from koipond.workspace.shape import canonical


def diff_folder(app: App, folder: Folder, counter: MemberCounter | None = None) -> Diff:
    """Return what applying ``folder`` would change; what facts forbid to change stands in its findings."""
    found = diff(folder, StoreDefinitions(app.store).current(), counter, app.settings.approvers)
    return replace(found, findings=(*found.findings, *_fixed(app, folder.settings)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedFolder:
    """What an apply changed, or proposed: ``waiting`` is the key of the changes that wait for approval."""

    found: Diff
    waiting: str | None = None


def apply_folder(app: App, author: str) -> AppliedFolder:
    """Apply the folder of ``app``; where the settings in force name approvers and ``author`` is none of them,
    keep the changes until one approves them.

    Raises RefusedError for what facts forbid to change, FindingsError for any other finding; nothing is
    applied then.
    """
    found = diff_folder(app, load_folder(app.folder))
    if any(finding.code.endswith(_FIXED) for finding in found.findings):
        raise RefusedError(joined("\n", (finding.sentence for finding in found.findings)), code="fixed")
    if found.findings:
        raise FindingsError(found.findings)
    steps, definitions = apply_steps(found), StoreDefinitions(app.store)
    approvers, now = app.settings.approvers, app.machine.now()
    if steps and approvers and author not in approvers:
        made = app.store.proposals.propose(definitions.changes(steps), author=author, now=now)
        return AppliedFolder(found=found, waiting=made.key)
    definitions.apply(steps, author, now)
    return AppliedFolder(found=found)


def fixed_at(folder: Path) -> list[Finding]:
    """Return what facts forbid to change in ``folder``; nothing where no store can be opened."""
    try:
        settings, _ = load_settings(folder)
        if settings is None or not is_kept(folder):
            return []
        with open_app(folder, say_unapplied=False) as app:
            return list(_fixed(app, settings))
    except KoipondError:
        return []


_FIXED = "_fixed"


def _fixed(app: App, written: WorkspaceSettings | None) -> Iterator[Finding]:
    """Yield a finding for each key of `koipond.yaml` that facts keep as it is."""
    if written is None:
        return
    applied = {one.key: one.body for one in app.definitions.applied if one.kind == WORKSPACE}
    body = canonical(written)
    if written.key not in applied:
        yield _finding(
            app,
            "key",
            Message("this store is that of {applied}", applied=joined(", ", applied)),
            Message("Write key: {next}", next=next(iter(applied))),
        )
        return
    before: Mapping[str, Any] = applied[written.key]
    for name, words, fix in app.store.definitions.forbidden(before, body):
        yield _finding(app, name, words, fix)


def _finding(app: App, name: str, message: str, fix: str) -> Finding:
    return Finding(
        file=FILE, line=_line(app.folder / FILE, name), code=f"{name}{_FIXED}", message=message, fix=fix
    )


def _line(path: Path, name: str) -> int:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.startswith(f"{name}:")), 1)
