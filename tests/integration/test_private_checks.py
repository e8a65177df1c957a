"""Each check of what lies open sees its breach when it is planted, and nothing otherwise."""

from pathlib import Path

import pyarrow as pa
import pytest

from koipond.bootstrap import App
from koipond.bootstrap.private_checks import private_checks
from koipond.facts.schemas import FACTS
from koipond.ingest import ImportRequest, import_file
from koipond.sources import open_file


@pytest.fixture
def app(app: App) -> App:
    (app.folder / ".koipond").chmod(0o700)
    return app


def breaks(app: App) -> dict[str, int]:
    return {check.name: check.breaks for check in private_checks(app)}


def test_nothing_lies_open_in_a_new_workspace_or_after_an_import_of_identifiers(
    app: App, tmp_path: Path
) -> None:
    file = tmp_path / "events.csv"
    file.write_text(
        "user_id,phone,event,at,note,contact\n"
        "13800138000,13800138000,view,2025-01-01,call a@b.example,13912345678\n"
        "13800138001,13800138001,13912345678,soon,+44 20 7946 0958,13912345678\n"
    )
    import_file(
        ImportRequest(kind="events", declared=frozenset({"contact"})),
        rows=open_file(file),
        warehouse=app.warehouse,
        identities=app.store.identity,
        journal=app.store.imports,
        clock=app.machine,
        zone=app.zone,
        currency="CNY",
    )
    assert {name: count for name, count in breaks(app).items() if name != "rights"} == {
        "spill": 0,
        "identifiers": 0,
    }


def test_a_file_that_others_can_read_is_seen(app: App) -> None:
    store = app.folder / ".koipond" / "store.sqlite"
    assert store.stat().st_mode & 0o777 == 0o600
    store.chmod(0o644)
    assert breaks(app)["rights"] > 0


def test_what_a_dead_process_spilled_is_seen(app: App) -> None:
    folder = app.folder / ".koipond" / "warehouse" / "spill" / "gone-host.1"
    folder.mkdir(parents=True)
    (folder / "block.tmp").write_bytes(b"x")
    assert breaks(app)["spill"] == 1


@pytest.mark.parametrize(
    ("dataset", "column", "text"),
    [
        ("orders", "order_id", "13800138000"),
        ("orders", "staff", "Li １３８００１３８０００"),
        ("order_lines", "sku", "a@b.example"),
        ("events", "properties", '{"note": "call 138-0013-8000"}'),
        ("events", "properties", '{"13800138000": "x"}'),
        ("traits", "text_value", "+62 812-3456-7890"),
        ("quarantine", "values", '{"amount": "6222021234567890"}'),
        ("imports", "file", "13800138000.csv"),
        ("products", "name", "Tea for a@b.example"),
        ("refunds", "refund_id", "11010519491231002X"),
    ],
)
def test_an_identifier_in_a_text_of_the_warehouse_is_seen(
    app: App, dataset: str, column: str, text: str
) -> None:
    row = {column: text} | ({"result": "{}"} if dataset == "imports" else {})
    with app.warehouse.write("plant") as writer:
        table = writer.stage("plant", pa.Table.from_pylist([row], schema=FACTS[dataset]))
        writer.append(dataset, table)
        writer.publish()
    assert breaks(app)["identifiers"] == 1
