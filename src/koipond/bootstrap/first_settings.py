"""`koipond.yaml` beside what is applied (首次应用与差异): its first version, and what has no effect yet."""

import logging
from datetime import datetime
from pathlib import Path

from koipond.bootstrap.definitions import StoreDefinitions
from koipond.kernel import BusyError, InputError, joined, some_of
from koipond.store import Store
from koipond.workspace import Folder, WorkspaceSettings
from koipond.workspace.diff import apply_steps, diff, field_changes
from koipond.workspace.load import load_settings
from koipond.workspace.model import WORKSPACE
from koipond.workspace.settings import BOOT_KEYS, FILE
from koipond.workspace.shape import canonical

FIRST_AUTHOR = "init"
_SHOWN = 5
_LOG = logging.getLogger("koipond.workspace")


def adopt_settings(store: Store, folder: Path, now: datetime) -> None:
    """Apply `koipond.yaml` as the first version when nothing of it was ever applied to ``store``.

    From then on an edit takes effect with `koipond apply` alone. Raises InputError when the file is wrong.
    """
    if any(one.kind == WORKSPACE for one in store.definitions.current()):
        return
    settings = require_settings(folder)
    steps = apply_steps(diff(Folder(settings=settings, definitions={}), ()))
    try:
        StoreDefinitions(store).apply(steps, FIRST_AUTHOR, now)
    except BusyError:  # another process has just done it
        return


def require_settings(folder: Path) -> WorkspaceSettings:
    """Return the settings that `koipond.yaml` spells out; raise InputError with all that is wrong."""
    settings, findings = load_settings(folder)
    if settings is None:
        raise InputError(joined("\n", (finding.sentence for finding in findings)))
    return settings


def unapplied_keys(folder: Path, settings: WorkspaceSettings) -> list[str] | None:
    """Return the keys of `koipond.yaml` that differ from what is applied, None when it cannot be read."""
    written, _ = load_settings(folder)
    if written is None:
        return None
    changes = field_changes(canonical(settings), canonical(written))
    return [one.path for one in changes if one.path.partition(".")[0] not in BOOT_KEYS]


def log_unapplied(folder: Path, settings: WorkspaceSettings) -> None:
    """Say once that `koipond.yaml` differs from what is in force, and that it has no effect."""
    keys = unapplied_keys(folder, settings)
    if keys is None:
        _LOG.warning("%s is wrong and has no effect; what was applied holds; see: koipond check", FILE)
    elif keys:
        _LOG.warning("%s differs in %s: without effect until: koipond apply", FILE, some_of(keys, _SHOWN))
