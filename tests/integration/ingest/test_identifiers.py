"""Identifiers in every column of every kind of import, however written: none reaches the warehouse (A38)."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from koipond.facts.schemas import FACTS
from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace

PHONE, CARD, MAIL = "13912345678", "6222021234567890", "planted.marker"
FORMS = [
    *(
        "13912345678",
        "139-1234-5678",
        "１３９１２３４５６７８",
        "+86 139 1234 5678",
        "139\u200b1234\u200b5678",
    ),
    *("planted.marker@x.example", "planted.marker＠x.example", "planted.marker+1@例子.中国"),
    *("6222021234567890", "6222 0212 3456 7890", '{"a": {"b": "13912345678"}}'),
    *("https://x.example/?t=%2B8613912345678", "https://x.example/?m=planted.marker%40x.example"),
]
KINDS: dict[str, list[str]] = {
    kind: columns.split()
    for kind, columns in {
        "orders": "user_id order_id line_id at amount unit_price quantity discount sku category coupon store"
        " staff channel status currency refund_of",
        "events": "user_id name at event_id sku amount note properties.plan",
        "customers": "user_id joined_at updated_at birthday gender city member nickname",
        "products": "sku name category price margin",
        "consents": "user_id channel purpose status at",
        "touches": "user_id channel at touch_id strategy play content purpose cost",
    }.items()
}
GOOD = {
    **{
        "user_id": "u1",
        "order_id": "o1",
        "line_id": "1",
        "at": "2025-01-01",
        "amount": "5",
        "unit_price": "5",
    },
    **{"quantity": "1", "discount": "0", "sku": "s1", "category": "tea", "coupon": "c", "store": "1"},
    **{"staff": "li", "channel": "sms", "status": "paid", "currency": "CNY", "refund_of": "", "name": "View"},
    **{"event_id": "e1", "note": "x", "properties.plan": "y", "joined_at": "2024-01-01"},
    **{
        "updated_at": "2024-01-01",
        "birthday": "1990-01-01",
        "gender": "f",
        "city": "Hangzhou",
        "member": "yes",
    },
    **{"nickname": "z", "price": "5", "margin": "1", "purpose": "marketing", "touch_id": "t1"},
    **{"strategy": "recall", "play": "p", "content": "c1", "cost": "1"},
}


def told(values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, default=str)


def leaks(text: str) -> list[str]:
    """What of the marks stands in ``text``, whatever the digits and the marks between them."""
    plain = unicodedata.normalize("NFKC", text)
    digits = "".join(character for character in plain if character.isdigit())
    return [mark for mark in (PHONE, CARD) if mark in digits] + ([MAIL] if MAIL in plain else [])


def everything(space: MemoryWorkspace) -> dict[str, str]:
    with space.warehouse.read() as reader:
        names = [name for name in FACTS if reader.has(name)]
    return {name: told([[*row.values()] for row in space.rows(name)]) for name in names}


def file_of(space: MemoryWorkspace, name: str, columns: list[str], rows: list[dict[str, str]]) -> Path:
    lines = [columns, *([row[column] for column in columns] for row in rows)]
    quoted = (",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    return space.write(name, "\n".join(quoted) + "\n")


@pytest.mark.parametrize(
    ("kind", "column"), [(kind, column) for kind, columns in KINDS.items() for column in columns]
)
def test_no_column_of_any_kind_carries_an_identifier_into_the_warehouse(
    tmp_path: Path, kind: str, column: str
) -> None:
    space = MemoryWorkspace(tmp_path)
    columns = KINDS[kind]
    good = {**GOOD, "status": "yes"} if kind == "consents" else GOOD
    rows = [
        {**good, "user_id": "u0"},
        *({**good, "user_id": f"u{n}", column: form} for n, form in enumerate(FORMS)),
    ]
    if column == "user_id":
        rows = [{**good, "user_id": form} for form in FORMS]
    broken = [{**row, "user_id": ""} for row in rows] if column != "user_id" and kind != "products" else []
    file = file_of(space, f"{PHONE}.csv", columns, [*rows, *broken])
    try:
        result = space.load(kind, file, source="shop")  # type: ignore[arg-type]
    except InputError as error:  # a column that cannot be read at all
        said = str(error)
    else:
        said = told(result.to_dict())
        assert result.read == result.kept + sum(result.quarantined.values()) == len(rows) + len(broken)
    assert leaks(said) == []
    assert {name: leaks(text) for name, text in everything(space).items() if leaks(text)} == {}
    assert leaks(told(space.journal.__dict__)) == []


def test_an_id_that_is_a_phone_number_stays_joinable(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path)
    head = "user_id,order_id,at,amount,refund_of\n"
    space.load(
        "orders", space.write("a.csv", head + f"1,{PHONE},2025-01-01,5,\n2,139 1234 5679,2025-01-01,6,\n")
    )
    first = space.rows("orders", "order_id", "net_fen")
    again = space.load("orders", space.write("b.csv", head + f"1,{PHONE},2025-01-01,7,\n"))
    assert again.changes["orders_replaced"] == 1
    space.load("orders", space.write("c.csv", head + f"1,R1,2025-01-02,-5,{PHONE}\n"))
    orders = {row["order_id"]: row["net_fen"] for row in space.rows("orders")}
    assert set(orders) == {row["order_id"] for row in first}
    assert sorted(orders.values()) == [600, 700]
    [refund] = space.rows("refunds")
    assert refund["order_id"] in orders


def test_what_was_masked_is_said_by_column(tmp_path: Path) -> None:
    """A07: silently changed ids are ids that nobody finds any more."""
    space = MemoryWorkspace(tmp_path)
    head = "user_id,订单号,at,amount,sku,category\n"
    rows = (
        f"1,{PHONE},2025-01-01,5,S1,tea\n1,{PHONE},2025-01-01,5,S2,for {PHONE}\n2,O-2,2025-01-01,6,S1,tea\n"
    )
    done = space.load("orders", space.write("a.csv", head + rows))
    assert done.masked == {"订单号": 2, "category": 1}
    assert done.to_dict()["masked"] == done.masked
    assert [one for one in done.remarks if "订单号 (2), category (1)" in one]
    clean = space.load("orders", space.write("b.csv", head + "2,O-3,2025-01-01,6,S1,tea\n"))
    assert (clean.masked, [one for one in clean.remarks if "masked" in one]) == ({}, [])


def test_ids_that_a_program_took_for_floats_are_blinded_alike(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path)
    head = "user_id,order_id,at,amount\n"
    for name, form in (("a.csv", PHONE), ("b.csv", f"{PHONE}.0"), ("c.csv", f"'{PHONE}")):
        space.load("orders", space.write(name, head + f"1,{form},2025-01-01,5\n"))
    assert len(space.rows("orders")) == 1


@pytest.mark.parametrize(
    "ids",
    [
        ["536365", "C536379", "581587"],  # Online Retail
        ["31198570044", "42305362535"],  # Complete Journey
        ["20250102100000123", "1735696800123", "202501021000"],
        ["6901234567892", "4006123456789", "85123A"],
        ["1234567890123456", "4123456789012345678"],
        ["SO-2025-0001", "0012345678", "7c9e6679-7425-40de-944b-e07fc1f90ae7"],
    ],
)
def test_plain_ids_stay_as_they_are(tmp_path: Path, ids: list[str]) -> None:
    space = MemoryWorkspace(tmp_path)
    rows = [{**GOOD, "order_id": one, "sku": one, "line_id": one} for one in ids]
    columns = ["user_id", "order_id", "line_id", "sku", "at", "amount"]
    space.load("orders", file_of(space, "a.csv", columns, rows))
    assert {row["order_id"] for row in space.rows("orders")} == set(ids)
    assert {row["sku"] for row in space.rows("order_lines")} == set(ids)


def test_names_of_columns_are_screened_and_dropped(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path)
    text = json.dumps(
        {"user_id": "1", "event": "v", "at": "2025-01-01", "properties": {PHONE: "x", "plan": "p"}}
    )
    result = space.load("events", space.write("a.jsonl", text + "\n"))
    assert result.notes["properties_dropped"] == 1
    [event] = space.rows("events")
    assert json.loads(event["properties"]) == {"plan": "p"}


def test_further_columns_may_have_any_name(tmp_path: Path) -> None:
    """A41, A34: a name is a name, also when it is one of ours or looks like a path."""
    names = [
        *("x0", "x1", "row", "rule", "field", "file_mark", "_gone", "others", "c0", "digest", "nth", "copy"),
        *("good", "survivor_no", "import_no", "$.a[0]", "a.b", "$", "*", "/a", 'q"t', "it's", "a\b", "ä ö"),
        *("row_right", "at_s", "text_value", "number_value", "member_right", "key", "uid", "x10"),
    ]
    values = {name: f"v{place}" for place, name in enumerate(names)}
    space = MemoryWorkspace(tmp_path)
    for kind in ("events", "customers"):
        good = {"user_id": "1", "event": "v", "at": "2025-01-01", **values}
        bad = {**good, "user_id": ""}
        columns = [*(["user_id", "event", "at"] if kind == "events" else ["user_id"]), *names]
        file = file_of(space, f"{kind}.csv", columns, [good, bad])
        result = space.load(kind, file, {"customer_id": "user_id"})  # type: ignore[arg-type]
        assert result.quarantined["missing_customer"] == 1
    [event] = space.rows("events")
    assert json.loads(event["properties"]) == values
    assert {row["name"]: row["text_value"] for row in space.rows("traits")} == values


def test_two_thousand_traits_of_one_row_are_two_thousand_traits(tmp_path: Path) -> None:
    """A34."""
    space = MemoryWorkspace(tmp_path)
    traits = {f"t{n}": f"v{n}" for n in range(2_000)}
    space.load("customers", space.write("a.jsonl", json.dumps({"user_id": "1", "traits": traits}) + "\n"))
    assert {row["name"]: row["text_value"] for row in space.rows("traits")} == traits
