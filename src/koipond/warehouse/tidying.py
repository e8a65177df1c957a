"""What may leave the warehouse folder, and when (清理). Only a writer that has published calls this.

Files that a version named and no kept version names are deleted. Files that no version ever named (a killed
writer's) move to `quarantine/`, a folder a day, and leave after `QUARANTINE_DAYS`. Only files that lay there
when the writer took its lease are moved: whatever came later may be another writer's.
"""

import shutil
from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from koipond.facts.ports import VersionLog
from koipond.warehouse.engine import sync

QUARANTINE = "quarantine"
QUARANTINE_DAYS = 7
SPILL = "spill"
_OWN = (QUARANTINE, SPILL)


def data_files(root: Path) -> Iterator[Path]:
    """Yield every Parquet file of a dataset's folder, named by a version or not."""
    return (file for file in root.glob("*/*.parquet") if file.parent.name not in _OWN)


def tidy(root: Path, versions: VersionLog, found: Collection[Path], now: datetime) -> None:
    """Remove what versions have retired and put aside what none has named. ``found``: the files that lay
    there before this writer wrote."""
    retired = versions.retired(now)
    for dataset, file in retired:
        (root / dataset / file).unlink(missing_ok=True)
    versions.forget_files(retired)
    known = {root / dataset / file for dataset, file in versions.files()}
    known |= {
        root / dataset / file
        for manifest in versions.kept(now)
        for dataset, files in manifest.datasets.items()
        for file in files
    }
    gone = {root / dataset / file for dataset, file in retired}
    for path in sorted(found):
        if path not in known and path not in gone:
            _put_aside(root, path, now)
    _empty_quarantine(root, now)


def _put_aside(root: Path, file: Path, now: datetime) -> None:
    folder = root / QUARANTINE / now.date().isoformat() / file.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        file.rename(folder / file.name)
    except FileNotFoundError:  # somebody took it away meanwhile
        return
    sync(folder)


def _empty_quarantine(root: Path, now: datetime) -> None:
    last = now.date() - timedelta(days=QUARANTINE_DAYS)
    for folder in (root / QUARANTINE).glob("*"):
        try:
            since = date.fromisoformat(folder.name)
        except ValueError:  # not a folder of ours
            continue
        if since < last:
            shutil.rmtree(folder, ignore_errors=True)


def quarantined(root: Path) -> list[Path]:
    """Return the files in quarantine."""
    return sorted(file for file in (root / QUARANTINE).rglob("*") if file.is_file())
