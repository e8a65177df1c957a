"""A new workspace (新建工作区): a folder with `koipond.yaml`, a store and keys, ready for facts."""

from pathlib import Path

from koipond.bootstrap.app import STATE, App, open_app
from koipond.bootstrap.applying import apply_folder
from koipond.bootstrap.first_settings import FIRST_AUTHOR, require_settings
from koipond.kernel import InputError, joined, new_uid
from koipond.kernel.whole_files import write_whole
from koipond.workspace import errors, load_folder
from koipond.workspace.playbooks import settings_text
from koipond.workspace.settings import FILE


def start_workspace(
    folder: Path,
    *,
    key: str,
    name: str,
    zone: str,
    currency: str,
    clock: str,
    language: str,
    store: str | None,
) -> App:
    """Write `koipond.yaml`, make the store and apply the settings; return the open workspace.

    ``store`` names the environment variable that holds a PostgreSQL URL; None keeps SQLite in the folder.
    Raises InputError when the folder is a workspace already or a value is wrong: nothing is left behind then.
    """
    path = folder / FILE
    if path.exists():
        raise InputError("{folder} is a workspace already (it holds {file})", folder=folder, file=FILE)
    folder.mkdir(parents=True, exist_ok=True)
    text = settings_text(key=key, name=name, zone=zone, currency=currency, clock=clock, language=language)
    more = f"id: {new_uid()}\n" + (f"store: ${{{store}}}\n" if store else "")
    ignore = folder / ".gitignore"
    mine = not ignore.exists()
    try:
        if mine:  # first of all: nothing of the state is ever committed by accident
            write_whole(ignore, f"{STATE}/\n")
        write_whole(path, more + text)
        return _open(folder)
    except BaseException:
        path.unlink(missing_ok=True)
        if mine:
            ignore.unlink(missing_ok=True)
        raise


def _open(folder: Path) -> App:
    require_settings(folder)
    if wrong := errors(load_folder(folder).findings):
        raise InputError(joined("\n", (finding.sentence for finding in wrong)))
    app = open_app(folder, new=True, say_unapplied=False)
    try:
        apply_folder(app, FIRST_AUTHOR)
    except BaseException:
        app.store.close()
        raise
    return app.latest()
