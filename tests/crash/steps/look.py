"""What a command left, as rows that can be compared: every table of the store, every dataset, the sandbox.

Left out by name is what differs between two honest runs: random ids, numbers of attempts, versions.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

Row = dict[str, Any]
State = dict[str, list[str]]

RANDOM = frozenset(
    {
        *("touch_key", "lease", "lease_until_s", "nonce", "digest", "cipher", "address_hash", "sha256"),
        *("store_id", "warehouse_id", "key_id", "look_up", "lookup", "code_key", "value_hash", "hash"),
        *("key_hash", "value", "ciphertext", "secret"),
    }
)
"""Columns drawn by chance."""
NUMBERED = frozenset(
    {
        *("seq", "touch_no", "code_no", "plan_no", "import_no", "apply_no", "archived_no", "change_no"),
        *("replaced_by", "heard_seq", "heard_no", "definition_version", "warehouse_version", "batch_no"),
    }
)
"""Numbers of attempts: a killed one may have used one up."""
OF_FILES = tuple(f"warehouse.{name}" for name in ("orders", "order_lines", "events", "refunds", "products"))
"""Where instants (`*_s`) are those of the files; elsewhere the machine's, compared only on the same clock."""
SKIPPED = frozenset(
    {
        *("warehouse_version", "warehouse_file", "lease", "alembic_version", "workspace_setting"),
        "rate_bucket",
    }
)
"""Compared in another way (as datasets, as leases), or filled by the passing of time."""


def state_of(folder: Path) -> State:
    """Return all rows of the workspace in ``folder`` as sorted JSON, by table or dataset."""
    from koipond.bootstrap import open_app

    with open_app(folder, say_unapplied=False) as app:
        found = {f"store.{name}": rows for name, rows in _tables(app).items()}
        with app.warehouse.read() as reader:
            for name, files in reader.manifest.datasets.items():
                if files and not name.startswith("_") and not name.endswith("_delta"):
                    found[f"warehouse.{name}"] = reader.frame(reader.table(name)).to_pylist()
        found["store.reached"] = _reached(app)
        box = app.sandbox()
        keys = [message.key for message in box.messages(100_000)]
        box.close()
    twice = [key for key, count in Counter(keys).items() if count > 1]
    found["sandbox.twice"] = [{"key": key} for key in twice]
    found["sandbox.count"] = [{"messages": len(set(keys))}]
    _name_plans(found)
    return {name: sorted(_text(row) for row in _plain(name, rows)) for name, rows in sorted(found.items())}


def _reached(app: Any) -> list[Row]:
    """Return who is found by what: identifiers themselves are encrypted anew with every key."""
    with app.store.database.read() as connection:
        numbers = list(connection.scalars(sa.text("SELECT customer_no FROM customer")))
    rows = [{"customer": no, "email": to} for no, to in app.store.people.addresses(numbers, "email").items()]
    for word in ("m1", "m7@example.org", "n3"):
        people = [ref.customer_no for ref in app.store.people.find(word, region="CN")]
        rows.append({"word": word, "customers": people})
    return rows


def _tables(app: Any) -> dict[str, list[Row]]:
    database = app.store.database
    with database.read() as connection:
        names = sa.inspect(connection).get_table_names(schema=database.schema)
        return {
            name: [dict(row._mapping) for row in connection.execute(sa.text(f'SELECT * FROM "{name}"'))]
            for name in names
            if name not in SKIPPED
        }


def _name_plans(found: dict[str, list[Row]]) -> None:
    """A killed plan that nobody finished is gone, and the others are called by their order."""
    plans = sorted(found["store.plan"], key=lambda row: row["plan_no"])
    whole = [row for row in plans if json.loads(row["summary"] or "{}") and row["status"] != "making"]
    names = {f"p{row['plan_no']}": f"plan {place}" for place, row in enumerate(whole, 1)}
    found["store.plan"] = whole
    for row in whole:
        row["summary"] = {**json.loads(row["summary"]), "plan": "", "warehouse_version": 0}
    for rows in found.values():
        for row in rows:
            if row.get("plan"):
                row["plan"] = (
                    names.get(row["plan"], "gone") if str(row["plan"]).startswith("p") else row["plan"]
                )


def _plain(name: str, rows: list[Row]) -> Iterator[Row]:
    if name == "store.import_batch":  # who ran it twice is on record twice
        rows = list({(row["kind"], row["fingerprint"], row["outcome"]): row for row in rows}.values())
    for row in rows:
        if row.get("plan") == "gone":
            continue
        if name == "store.import_batch" and row["outcome"] in (None, "failed", "cancelled"):
            continue
        if name == "store.import_batch":
            row = {key: row[key] for key in ("kind", "source", "file", "fingerprint", "outcome")}
        if name == "warehouse.imports":
            row = {key: row[key] for key in ("kind", "source", "file", "fingerprint", "read", "kept")}
        yield {
            key: _bare(key, value) for key, value in row.items() if key not in RANDOM and key not in NUMBERED
        }


def _bare(key: str, value: Any) -> Any:
    """Take the number of the import off the numbers of its rows: a killed one may have used one up."""
    return value & _ROW if key.endswith("_no") and isinstance(value, int) and value > _ROW else value


_ROW = 2**32 - 1


def _text(row: Row) -> str:
    return json.dumps(row, sort_keys=True, default=str, ensure_ascii=False)


def differences(
    wanted: State, found: State, *, ignore: Mapping[str, frozenset[str]], clock: bool
) -> list[str]:
    """Return what differs, as lines: name, and the rows that are missing or too many.

    ``ignore``: table → columns left out; ``clock``: both runs had the same clock.
    """
    lines = []
    for name in sorted({*wanted, *found}):
        left, timed = ignore.get(name, frozenset()), clock or name in OF_FILES
        before, after = (
            Counter(_without(row, left, timed=timed) for row in state.get(name, ()))
            for state in (wanted, found)
        )
        lines += [f"{name}: missing {row}" for row in (before - after).elements()]
        lines += [f"{name}: too many {row}" for row in (after - before).elements()]
    return lines


def _without(row: str, columns: frozenset[str], *, timed: bool) -> str:
    body = {
        key: value
        for key, value in json.loads(row).items()
        if key not in columns and (timed or not key.endswith("_s"))
    }
    return json.dumps(body, sort_keys=True, ensure_ascii=False)


def strays(app: Any) -> list[str]:
    """Return the files of the warehouse that no version names and that are in no quarantine."""
    named = {
        f"{dataset}/{file}"
        for manifest in app.store.versions.kept(app.machine.now())
        for dataset, files in manifest.datasets.items()
        for file in files
    }
    root = app.warehouse.root
    there = {
        str(path.relative_to(root))
        for path in root.rglob("*.parquet")
        if path.relative_to(root).parts[0] not in ("quarantine", "spill")
    }
    waiting = {f"{dataset}/{file}" for dataset, file in app.store.versions.files()}  # retired
    return sorted(there - named - waiting)
