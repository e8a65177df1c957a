"""What is in force (生效的定义与设置): everything applied at one apply number, read in one go.

The folder is read for where the workspace is kept (`BootSettings`), and for what `check`, `diff` and `apply`
look at. All that concerns people, money and time holds as applied, whatever the folder says (design §4).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from koipond.bootstrap.definitions import StoreDefinitions
from koipond.kernel import BusyError, InputError, joined, some_of
from koipond.store import AppliedDefinition, Store
from koipond.workspace import Folder, WorkspaceSettings
from koipond.workspace.diff import apply_steps, diff, field_changes
from koipond.workspace.load import load_settings, settings_from
from koipond.workspace.model import WORKSPACE
from koipond.workspace.settings import BOOT_KEYS, FILE, BootSettings
from koipond.workspace.shape import canonical

FIRST_AUTHOR = "init"
_SHOWN = 5
_LOG = logging.getLogger("koipond.workspace")


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The applied definitions and settings of one apply, and the warehouse version found beside them."""

    version: int
    warehouse_version: int
    definitions: Sequence[AppliedDefinition]
    settings: WorkspaceSettings


def read_in_force(store: Store, boot: BootSettings) -> InForce:
    """Return what is in force now; raise InputError when no settings were ever applied."""
    warehouse_version = store.versions.newest_number()
    version, definitions = store.definitions.in_force()
    settings = [one for one in definitions if one.kind == WORKSPACE]
    if not settings:
        raise InputError("no {file} was ever applied to this store; run: koipond apply", file=FILE)
    own = next((one for one in settings if one.key == boot.key), settings[0])
    return InForce(
        version=version,
        warehouse_version=warehouse_version,
        definitions=definitions,
        settings=settings_from(own.body, boot),
    )


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
