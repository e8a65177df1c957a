"""What a command left, as rows: every table of the store, every dataset, the messages, the files beside them.

Nothing is left out here but what `SKIPPED` names; `names` says how ids and numbers become comparable.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.crash.steps.names import Names, Row, plain

State = dict[str, list[str]]

SKIPPED = {
    "warehouse_version": "how often was published; what the newest names is compared as datasets",
    "warehouse_file": "compared with the disk and with what versions name, file by file (`files_broken`)",
    "lease": "must all be takeable a minute later (`ordeal.promises`)",
    "alembic_version": "a store of another version does not open",
    "rate_bucket": "how full it is follows from how often a sender asked; it permits nothing beyond its size",
    "counter": "the next free numbers; a killed attempt may have used some (`counted_back` sees one go back)",
}
"""Table → why its rows are not compared with those of the undisturbed run."""
OWN_IDS = ("store_id", "warehouse_id")
"""Settings drawn by chance when a workspace is made; store and folder are compared by every command."""


def state_of(folder: Path, mails: list[str]) -> State:
    """Return all rows of the workspace in ``folder`` as sorted JSON, by table or dataset.

    ``mails``: keys of the messages that the mail server took.
    """
    from koipond.bootstrap import open_app

    with open_app(folder, say_unapplied=False) as app:
        found = {f"store.{name}": rows for name, rows in _tables(app).items()}
        with app.warehouse.read() as reader:
            for name, files in reader.manifest.datasets.items():
                if files and not name.endswith(".delta"):  # a delta is read with its dataset
                    found[f"warehouse.{name}"] = reader.frame(reader.table(name)).to_pylist()
            found["warehouse.meta"] = list(_meta(dict(reader.manifest.meta)))
        _open_identifiers(app, found["store.identifier"])
        box = app.sandbox()
        found["sandbox"] = [{"touch_key": message.key} for message in box.messages(100_000)]
        box.close()
    found["mail"] = [{"touch_key": key} for key in mails]
    for row in found["store.workspace_setting"]:
        row["value"] = "" if row["name"] in OWN_IDS else row["value"]
    names = Names(found)
    return {name: sorted(_text(row) for row in plain(name, rows, names)) for name, rows in found.items()}


def _tables(app: Any) -> dict[str, list[Row]]:
    database = app.store.database
    with database.read() as connection:
        names = sa.inspect(connection).get_table_names(schema=database.schema)
        return {
            name: [dict(row._mapping) for row in connection.execute(sa.text(f'SELECT * FROM "{name}"'))]
            for name in names
            if name not in SKIPPED
        }


def _open_identifiers(app: Any, rows: list[Row]) -> None:
    """Put what a row says in place of its cipher and hashes: the value, and that the look-up finds it.

    The cipher holds a nonce, and a rotation draws a key; what follows from them is checked, not dropped.
    """
    from koipond.store.cipher import Lookup, Vault

    vault, lookup = Vault(app.store.keys), Lookup(app.store.keys.active)
    for row in rows:
        value = vault.open(row.pop("cipher"), row["key_hash"], row["key_id"])
        row["value"] = value
        row["found"] = row.pop("key_hash") == lookup.hash(row["kind"], row["scope"], value)
        row["address_found"] = row.pop("address_hash") == lookup.address(row["kind"], value)
        row["key"] = "active" if row.pop("key_id") == app.store.keys.active.key_id else "older"


def _meta(meta: Row) -> Iterator[Row]:
    """What a version says of itself, but for its marks: numbers of files, and how far the store was told."""
    for name in ("file_mark", "store_export", "store_grade_changes", "store_copies"):
        meta.pop(name, None)  # how far it was told shows in the datasets, row by row
    for name, value in meta.items():
        if isinstance(value, dict):
            value = {key: one for key, one in value.items() if key != "mark"}
        yield {"name": name, "value": json.dumps(value, sort_keys=True, default=str)}


def beside(folder: Path) -> list[str]:
    """Return every file of the workspace, as rows; content too where people write, in `.koipond` names.

    Not the warehouse's files (`files_broken`) nor what a database or an engine keeps while it is open.
    """
    rows = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or path.name.endswith(("-wal", "-shm", ".parquet")) or "/spill/" in name:
            continue
        own = name.startswith(".koipond")
        content = "" if own else hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append(_text({"path": name, "content": content}))
    return rows


def _text(row: Row) -> str:
    return json.dumps(row, sort_keys=True, default=str, ensure_ascii=False)


def files_broken(app: Any) -> list[str]:
    """Say where files on disk, files on record and files that kept versions name are not the very same.

    To be asked after a publication: a killed writer's files wait for the next that publishes.
    """
    from koipond.warehouse.checksums import digest

    root, record = app.warehouse.root, app.store.versions.files()
    named = {
        (dataset, file)
        for manifest in app.store.versions.kept(app.machine.now())
        for dataset, files in manifest.datasets.items()
        for file in files
    }
    files = (path for path in root.glob("*/*.parquet") if path.parent.name not in ("quarantine", "spill"))
    there = {(path.parent.name, path.name) for path in files}
    lines = [f"file {'/'.join(one)} stays although no version names it" for one in sorted(there - named)]
    lines += [f"file {'/'.join(one)} of a version is missing" for one in sorted(named - there)]
    lines += [f"file {'/'.join(one)} is named, not on record" for one in sorted(named - record.keys())]
    lines += [f"file {'/'.join(one)} is on record, not named" for one in sorted(record.keys() - named)]
    for one in sorted(named & there & record.keys()):
        if digest(root / one[0] / one[1]) != record[one].sha256:
            lines.append(f"file {'/'.join(one)} is not what was published")
    return lines


def counted_back(app: Any) -> list[str]:
    """Say which counter would give out a number a second time."""
    used = {
        "customer_no": "SELECT max(customer_no) FROM customer",
        "touch_no": "SELECT max(touch_no) FROM touch",
        "heard_no": "SELECT max(heard_no) FROM consent_log",
    }
    with app.store.database.read() as connection:
        rows = connection.execute(sa.text("SELECT name, value FROM counter")).all()
        values = Counter({row.name: row.value for row in rows})
        return [
            f"counter {name} stands before a number that is used"
            for name, query in used.items()
            if (connection.execute(sa.text(query)).scalar() or 0) > values[name]
        ]
