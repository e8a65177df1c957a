"""The layers of a table without a workspace: the same as a workspace's, whatever form the table has."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

import koipond
from koipond.kernel import FixedClock, InputError
from koipond.segments.layers.definitions import LayerSet
from koipond.segments.snapshot import count_layers, profile_on
from koipond.testing.memory import MemoryWorkspace

FACES = ("rfm", "lifecycle", "aipl", "grade")
AS_OF = date(2026, 5, 31)
LATER = FixedClock(datetime(2027, 1, 1, tzinfo=UTC))


def lines() -> list[str]:
    """Half a year of 90 customers: orders of several lines, two kinds of returns, orders never paid."""
    rows = ["member,receipt,sold at,paid,state,returned receipt"]
    for member in range(90):
        last = 12 if member % 5 == 0 else 60 if member % 7 == 0 else 150
        for turn, day in enumerate(range(member % 11, last, 4 + member % 17)):
            when = f"2026-{1 + day // 28:02d}-{1 + day % 28:02d} {(member * 7) % 24:02d}:30:00"
            state = (
                "pending"
                if (member + turn) % 13 == 0
                else "cancelled"
                if (member + turn) % 17 == 0
                else "paid"
            )
            name = f"r{member}-{turn}"
            rows += [f"m{member},{name},{when},{10 + (member * 31 + day) % 200}.{turn % 10}5,{state},"]
            if turn % 3 == 0:
                rows += [f"m{member},{name},{when},5.005,{state},"]
            if (member + turn) % 19 == 0:
                rows += [f"m{member},,{when},-9.90,paid,{name}"]
            if (member + turn) % 23 == 0:
                rows += [f"m{member},,{when},-3,paid,"]
    return [*rows, ",r-nobody,2026-02-01 10:00:00,12,paid,", "m1,r-lost,someday,12,paid,"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("till") / "till.csv"
    path.write_text("\n".join(lines()) + "\n")
    return path


@pytest.fixture(scope="module")
def frame(file: Path) -> pd.DataFrame:
    return pd.read_csv(file, dtype=str)


COLUMNS = {"status": "state", "refund_of": "returned receipt"}
NAMED: dict[str, Any] = {"customer": "member", "order": "receipt", "at": "sold at", "amount": "paid"}
OTHER = {
    "rfm": {"window": 60, "frequency": "purchase_days", "scoring": "quantile", "high": "raw_mean"},
    "lifecycle": {"prior_gaps": 0, "churned_cycles": 4},
    "aipl": {"loyal_days_min": 4, "purchase_window_days": 140},
    "grade": {"window": "all", "core_percent": 30},
}


@pytest.mark.parametrize("options", [{}, OTHER], ids=["defaults", "other definitions"])
def test_a_workspace_with_the_same_file_says_the_same(
    file: Path, frame: pd.DataFrame, tmp_path: Path, options: dict[str, Any]
) -> None:
    workspace = MemoryWorkspace(tmp_path / "w", zone_name="Asia/Shanghai", clock=LATER)
    mapping = {**COLUMNS, "customer_id": "member", "order_id": "receipt", "at": "sold at", "amount": "paid"}
    imported = workspace.load("orders", file, mapping)
    for face in FACES:
        body = {face: options[face]} if options else {}
        layers = LayerSet.from_mapping(body)
        with workspace.warehouse.read() as reader:
            counted = count_layers(reader, layers, AS_OF)
            profile = reader.frame(profile_on(reader, layers, AS_OF)).to_pylist()
        found = getattr(koipond, face)(
            frame, **NAMED, columns=COLUMNS, zone="Asia/Shanghai", as_of=AS_OF, **(options.get(face) or {})
        )
        assert found.definition_version == layers.fingerprint
        assert found.definition == layers.to_mapping()[face]
        assert found.buyers == counted["buyers"] > 50
        assert sum(imported.quarantined.values()) == 2 == len(found.notes)
        shown = counted[face] if face != "rfm" else counted["rfm"]["cells"]
        assert found.to_dict()["cells" if face == "rfm" else face] == shown
        assert sum(count > 0 for count in shown.values()) > 1, (
            "a layer that tells nobody apart proves nothing"
        )
        same = ("last_purchase_day", "r_score", "f_score", "m_score", "rfm_cell", "rfm_level", "lifecycle")
        same += ("purchase_days", "at_risk", "due", "one_time_buyer", "never_bought", "aipl", "grade")
        ours = sorted(map(str, _told(found.table(), same)))
        names = [name for name in same if _shown(name) in found.table().column_names]
        assert ours == sorted(str(tuple(_plain(name, row[name]) for name in names)) for row in profile)


def _shown(name: str) -> str:
    return name.replace("_day", "_on") if name == "last_purchase_day" else name


def _plain(name: str, value: Any) -> Any:
    is_day = name == "last_purchase_day" and value is not None
    return date.fromordinal(date(1970, 1, 1).toordinal() + value) if is_day else value


def _told(table: pa.Table, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    columns = [table[_shown(name)].to_pylist() for name in names if _shown(name) in table.column_names]
    return list(zip(*columns, strict=True))


def test_every_form_of_a_table_gives_the_same(file: Path, tmp_path: Path) -> None:
    arrow = pacsv.read_csv(file)
    pq.write_table(arrow, tmp_path / "till.parquet")
    forms = [
        arrow,
        arrow.to_pandas(),
        pl.from_arrow(arrow),
        pl.from_arrow(arrow).lazy(),
        arrow.to_reader(),
        ibis.memtable(arrow),
        tmp_path / "till.parquet",
        str(tmp_path / "till.parquet"),
        arrow.to_pydict(),
    ]
    found = [koipond.rfm(form, **NAMED, columns=COLUMNS) for form in forms]
    assert all(each.table().equals(found[0].table()) for each in found[1:])
    assert found[0].rows.num_rows == 90


def test_columns_are_guessed_as_an_import_guesses_them() -> None:
    table = {
        "Customer ID": [7, 7, 8],
        "Invoice": ["a", "b", "c"],
        "InvoiceDate": ["2026-01-05", "2026-02-05", "2026-01-09"],
        "Quantity": [2, -1, 1],
        "UnitPrice": [3.335, 1.0, 0.0],
    }
    found = koipond.rfm(table, as_of="2026-02-28").table().to_pylist()
    assert [(row["customer"], row["frequency_count"], row["monetary_fen"]) for row in found] == [
        (7, 1, 667 - 100),
        (8, 0, 0),
    ]


def test_rows_of_a_customer_and_an_instant_are_one_order_without_order_numbers() -> None:
    table = {
        "who": ["a", "a", "a", "b"],
        "when": [date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 5), date(2026, 1, 1)],
        "paid": [1.0, 2.0, 3.0, 4.0],
    }
    found = koipond.rfm(table, customer="who", at="when", amount="paid")
    assert found.as_of == date(2026, 1, 5)
    assert found.notes == (
        "the table of orders has no order numbers: rows with the same who and when are one order",
    )
    rows = found.table().to_pylist()
    assert [(row["frequency_count"], row["monetary_fen"], row["recency_days"]) for row in rows] == [
        (2, 600, 0),
        (1, 400, 4),
    ]


def test_days_are_those_of_the_zone() -> None:
    table = {"customer": ["a"], "order": ["1"], "at": ["2026-01-01T20:00:00Z"], "amount": [1]}
    days = [koipond.rfm(table, zone=zone).as_of for zone in ("UTC", "Asia/Shanghai")]
    assert days == [date(2026, 1, 1), date(2026, 1, 2)]


def test_money_has_the_digits_of_its_currency() -> None:
    table = {"customer": ["a"], "order": ["1"], "at": ["2026-01-01"], "amount": [1234.5]}
    fen = [
        koipond.grade(table, currency=code).table()["value_fen"][0].as_py() for code in ("CNY", "JPY", "KWD")
    ]
    assert fen == [123_450, 1_235, 1_234_500]


def test_events_and_touches_place_whoever_never_bought() -> None:
    orders = {"customer": ["buyer"], "order": ["1"], "at": ["2026-03-01"], "amount": [5]}
    events = {
        "customer_id": ["looker", "looker", "glancer", "adder"],
        "name": ["Product Viewed", "page_view", "Product Viewed", "Product Added"],
        "at": ["2026-03-09", "2026-03-10", "2026-03-10", "2026-03-10"],
    }
    touches = {
        "customer_id": ["reached", "clicker", "failed", "buyer"],
        "at": ["2026-03-08"] * 4,
        "state": ["delivered", "clicked", "failed", "delivered"],
    }
    found = koipond.aipl(orders, events=events, touches=touches, as_of="2026-03-10")
    assert dict(zip(found.customers.tolist(), found.values.tolist(), strict=True)) == {
        "buyer": "purchase",
        "looker": "interest",
        "glancer": "aware",
        "adder": "interest",
        "reached": "aware",
        "clicker": "interest",
        "failed": None,
    }
    assert found.counts["aipl"] == {"aware": 2, "interest": 3, "purchase": 1, "loyal": 0}
    told = koipond.aipl(
        touches={"who": ["x"], "on": [date(2026, 3, 1)]}, touch_columns={"customer_id": "who", "at": "on"}
    )
    assert told.counts["aipl"]["aware"] == 1, "a touch without a state was delivered"


def test_customers_of_two_tables_are_the_same_by_their_text() -> None:
    orders = {"customer": [1, 2], "order": ["a", "b"], "at": ["2026-03-01"] * 2, "amount": [5, 5]}
    events = {"customer": ["2", "3"], "event": ["Product Viewed"] * 2, "at": ["2026-03-01"] * 2}
    found = koipond.aipl(orders, events=events)
    assert found.customers.tolist() == ["1", "2", "3"]
    assert found.values.tolist() == ["purchase", "purchase", "aware"]


def test_results_are_told_in_every_form(file: Path) -> None:
    for face in FACES:
        found = getattr(koipond, face)(pacsv.read_csv(file), **NAMED, columns=COLUMNS)
        told = found.to_dict()
        assert json.loads(json.dumps(told)) == told
        assert str(found.as_of) in str(found)
        assert found.definition_version in str(found)
        assert found.plot()["data"]["values"]
        assert list(found.customers) == sorted(found.customers)
        assert len(found.values) == len(found.customers) == found.table().num_rows


def test_cut_offs_are_what_rows_are_compared_with(file: Path) -> None:
    found = koipond.rfm(pacsv.read_csv(file), **NAMED, columns=COLUMNS)
    rows = found.table().to_pylist()
    for axis, column in (("r", "last_purchase_on"), ("f", "frequency_count"), ("m", "monetary_fen")):
        cuts = found.cut_offs[axis]
        scored = [row for row in rows if row[f"{axis}_score"] is not None]
        assert [row[f"{axis}_score"] for row in scored] == [
            1 + sum(row[column] > cut for cut in cuts) for row in scored
        ]
    fixed = koipond.rfm(
        pacsv.read_csv(file),
        **NAMED,
        columns=COLUMNS,
        as_of=AS_OF,
        scoring="fixed",
        cuts={"recency_days": [1, 2, 3, 4], "frequency_count": [1, 2, 3, 4], "monetary_fen": [1, 2, 3, 4]},
    )
    assert fixed.cut_offs["f"] == (1, 2, 3, 4)
    assert fixed.cut_offs["r"][0] == date(2026, 5, 30)


def test_every_wrong_option_is_named_at_once(frame: pd.DataFrame) -> None:
    with pytest.raises(InputError) as raised:
        koipond.rfm(frame, **NAMED, window="month", scoring="best", colour="blue")
    assert all(name in str(raised.value) for name in ("window", "scoring", "colour"))


def test_missing_columns_are_named_by_parameter() -> None:
    with pytest.raises(InputError) as raised:
        koipond.lifecycle({"a": [1], "b": [2]})
    assert all(f"{name}=" in str(raised.value) for name in ("customer", "at", "amount"))
    with pytest.raises(InputError, match="no column 'nobody'"):
        koipond.lifecycle({"customer": [1], "at": ["2026-01-01"], "amount": [2]}, customer="nobody")


def test_tables_without_a_usable_row_are_refused() -> None:
    empty = {
        "customer": pa.array([], pa.string()),
        "at": pa.array([], pa.date32()),
        "amount": pa.array([], pa.int64()),
    }
    with pytest.raises(InputError, match="no row"):
        koipond.grade(empty)
    with pytest.raises(InputError, match="missing_customer"):
        koipond.grade({"customer": [None], "order": ["1"], "at": ["2026-01-01"], "amount": [2]})
    with pytest.raises(InputError, match="orders, events or touches"):
        koipond.aipl()


def test_a_workspace_in_the_same_process_is_not_disturbed(file: Path, tmp_path: Path) -> None:
    """Compiled queries are kept for the whole process: those of a table must fit a workspace, and back."""
    workspace = MemoryWorkspace(tmp_path / "w", clock=LATER)
    workspace.load(
        "orders", file, {"customer_id": "member", "order_id": "receipt", "at": "sold at", "amount": "paid"}
    )
    counts = []
    for _ in range(2):
        with workspace.warehouse.read() as reader:
            counts.append(count_layers(reader, LayerSet(), AS_OF))
        found = koipond.aipl(
            pacsv.read_csv(file), **NAMED, as_of=AS_OF, touches={"customer": ["m1"], "at": ["2026-05-30"]}
        )
        assert found.counts["aipl"] == counts[0]["aipl"]
    assert counts[0] == counts[1]
