"""Events, customers, products, consents and touches, end to end."""

import json
from pathlib import Path
from typing import Any

import pytest

from koipond.ingest import ImportResult, Kind
from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "w", zone_name="Asia/Shanghai")


def load(
    space: MemoryWorkspace, kind: Kind, text: str, name: str = "file.csv", **options: Any
) -> ImportResult:
    return space.load(kind, space.write(name, text), **options)


def test_events_keep_their_properties_without_identifiers(space: MemoryWorkspace) -> None:
    text = (
        "user_id,event,timestamp,platform,note,contact\n"
        "1,Product Viewed,2025-01-01T10:00:00+08:00,app,call 13912345678,13912345678\n"
        "1,Product Viewed,2025-01-01T10:00:00+08:00,app,,\n"
        ",Product Viewed,2025-01-01T10:00:00Z,app,,\n"
        "2,,2025-01-01T10:00:00Z,app,,\n"
        "2,Cart Viewed,2027-01-01T10:00:00Z,app,,\n"
    )
    result = load(space, "events", text, declared=frozenset({"contact"}))
    assert result.quarantined == {"missing_field": 1, "missing_customer": 1, "future_at": 1}
    assert result.notes == {"customers_new": 1, "properties_dropped": 1}
    events = space.rows("events")
    assert [
        json.loads(row["properties"]) for row in sorted(events, key=lambda row: len(row["properties"]))
    ] == [
        {"platform": "app"},
        {"platform": "app", "contact": "13912345678"},
    ]
    assert {(row["at_s"], row["day"], row["source"]) for row in events} == {
        (1_735_696_800, 20_089, "default")
    }


def test_events_are_known_by_id_or_by_content_and_count(space: MemoryWorkspace) -> None:
    head = "user_id,event,timestamp,message_id\n"
    named = "1,View,2025-01-01 10:00,m1\n1,View,2025-01-01 10:00,m1\n1,View,2025-01-01 10:00,m2\n"
    bare = "1,Click,2025-01-01 10:00,\n" * 2
    assert load(space, "events", head + named + bare).changes == {"events_new": 4, "events_unchanged": 1}
    more = load(space, "events", head + named + bare + "1,Click,2025-01-01 10:00,\n", "more.csv")
    assert more.changes == {"events_new": 1, "events_unchanged": 5}
    assert load(space, "events", head + named + bare, "again.csv").changes["events_new"] == 0
    assert len(space.rows("events")) == 5


def test_customers_are_merged_field_by_field_and_come_back(space: MemoryWorkspace) -> None:
    load(space, "orders", "会员号,订单号,下单时间,实付金额\n1,A,2025-01-01,5\n", "orders.csv")
    first = load(
        space,
        "customers",
        "会员号,手机,注册时间,是否会员,生日,城市,爱好,积分\n"
        "1,13800138000,2024-01-02,是,1960-05-06,上海,茶,120\n2,,,否,,北京,微信13912345678,\n3,,2024-05-01,也许,,,,\n",
    )
    assert first.quarantined == {"unparsable": 1}
    assert first.samples["unparsable"][0].field == "member"
    assert first.notes == {"customers_new": 1, "traits_dropped": 1}
    one = next(row for row in space.rows("customers") if row["customer_no"] == 1)
    assert (one["joined_day"], one["member"], one["friend"]) == (19_724, True, None)
    traits = {(row["customer_no"], row["name"]): row for row in space.rows("traits")}
    assert {key: row["text_value"] for key, row in traits.items()} == {
        (1, "birthday"): "1960-05-06",
        (1, "city"): "上海",
        (1, "爱好"): "茶",
        (1, "积分"): "120",
        (2, "city"): "北京",
    }
    assert traits[1, "积分"]["number_value"] == 120.0
    before = [space.rows("customers"), space.rows("traits")]
    second = load(space, "customers", "会员号,是否会员,城市\n1,否,杭州\n2,,北京\n", "second.csv")
    assert second.changes == {"customers_changed": 1, "traits_written": 1}
    one = next(row for row in space.rows("customers") if row["customer_no"] == 1)
    assert (one["joined_day"], one["member"]) == (19_724, False), "a value the file lacks stays"
    space.undo(second.import_no)
    assert [space.rows("customers"), space.rows("traits")] == before
    space.undo(first.import_no)
    [left] = space.rows("customers")
    assert (left["customer_no"], left["joined_day"], left["member"]) == (1, None, None)
    assert space.rows("traits") == []


def test_products_hold_the_last_row_and_are_replaced_whole(space: MemoryWorkspace) -> None:
    head = "sku,name,category,price,margin\n"
    first = load(space, "products", head + 'a,A,x,"1,200.50",3\na,A2,x,5,\nb,B,y,oops,\n,C,y,1,\n')
    assert (first.kept, first.quarantined) == (2, {"unparsable": 1, "missing_field": 1})
    second = load(space, "products", head + "a,A2,x,5,\nb,B,y,6,2.0051\n", "second.csv")
    assert second.changes == {"products_new": 1, "products_replaced": 0, "products_unchanged": 1}
    third = load(space, "products", head + "a,A3,x,5,\n", "third.csv")
    assert third.changes == {"products_new": 0, "products_replaced": 1, "products_unchanged": 0}
    assert space.rows("products", "sku", "name", "price_fen", "margin_fen") == [
        {"sku": "a", "name": "A3", "price_fen": 500, "margin_fen": None},
        {"sku": "b", "name": "B", "price_fen": 600, "margin_fen": 201},
    ]
    space.undo(third.import_no)
    assert [row["name"] for row in space.rows("products")] == ["A2", "B"]


def test_a_margin_may_be_a_share_of_the_price(space: MemoryWorkspace) -> None:
    """One file may hold both; a share without its price, or of more than all, is put aside."""
    good = "a;10,00;30%\nb;9,99;12,5 %\nc;0,30;-50％\nd;8,00;2,40\n"
    text = "sku;price;margin\n" + good + "e;;30%\nf;5,00;150%\ng;1,00;x%\nh;1,00;%\n"
    result = load(space, "products", text)
    assert result.quarantined == {"unparsable": 4}
    assert {sample.field for sample in result.samples["unparsable"]} == {"margin"}
    assert "30%" in result.samples["unparsable"][0].values.values(), "the text is kept as it was"
    rows = space.rows("products", "sku", "margin_fen")
    assert {row["sku"]: row["margin_fen"] for row in rows} == {"a": 300, "b": 125, "c": -15, "d": 240}


def test_a_share_is_only_read_for_a_margin(space: MemoryWorkspace) -> None:
    assert load(space, "products", "sku,price\na,30%\nb,2\n").quarantined == {"unparsable": 1}


def test_consents_go_to_the_store_and_the_newest_word_holds(space: MemoryWorkspace) -> None:
    head = "会员号,渠道,授权状态,授权时间,用途\n"
    first = load(
        space,
        "consents",
        head + "1,短信,同意,2025-01-01 10:00,营销\n1,短信,退订,2025-02-01 10:00,\n2,邮件,是,,\n"
        "2,邮件,是,2025-01-01 10:00,profiling\n",
    )
    assert (first.quarantined, first.changes) == ({"missing_at": 1}, {"consents_new": 3})
    held = space.rows("consents", "customer_no", "channel", "purpose", "granted")
    assert [tuple(row.values()) for row in held] == [
        (1, "sms", "marketing", False),
        (2, "email", "profiling", True),
    ]
    assert load(space, "consents", head + "1,短信,同意,2025-01-01 10:00,营销\n", "b.csv").changes == {
        "consents_new": 0
    }
    newer = load(space, "consents", head + "1,SMS,yes,2025-03-01 10:00,marketing\n", "c.csv")
    assert space.rows("consents")[0]["granted"] is True
    space.undo(newer.import_no)
    assert [tuple(row.values()) for row in space.rows("consents", *held[0])] == [
        tuple(r.values()) for r in held
    ]


def test_touches_of_an_older_tool_reach_the_store_for_its_caps(space: MemoryWorkspace) -> None:
    head = "user_id,channel,sent_at,campaign,message,cost\n"
    rows = "1,SMS,2025-01-01 10:00,spring,hello,0.05\n" * 2 + "2,Line,2025-01-01 10:00,spring,hello,\n"
    first = load(space, "touches", head + rows)
    assert first.changes == {"touches_new": 3}
    assert set(space.touches.rows) == {row["touch_key"] for row in space.rows("touches")}
    assert {(row["channel"], row["cost_fen"], row["state"]) for row in space.rows("touches")} == {
        ("sms", 5, "accepted"),
        ("line", 0, "accepted"),
    }
    assert load(space, "touches", head + rows).repeated
    space.undo(first.import_no)
    assert (space.rows("touches"), dict(space.touches.rows)) == ([], {})


def test_a_customer_stays_while_anything_speaks_of_them(space: MemoryWorkspace) -> None:
    orders = load(space, "orders", "user_id,order_id,at,amount\n1,A,2025-01-01,5\n2,B,2025-01-01,5\n")
    load(space, "events", "user_id,event,at\n1,View,2025-01-01\n", "events.csv")
    space.undo(orders.import_no)
    assert [row["customer_no"] for row in space.rows("customers")] == [1]


def test_json_and_workbooks_carry_typed_values(space: MemoryWorkspace) -> None:
    lines = [
        {"user_id": 7, "order_id": 1, "at": "2025-01-01", "amount": 1.234},
        {"user_id": 7, "order_id": 2, "at": "2025-01-02", "amount": 2.125},
    ]
    load(space, "orders", "\n".join(map(json.dumps, lines)), "orders.jsonl")
    assert sorted(row["net_fen"] for row in space.rows("orders")) == [123, 213], (
        "typed numbers are not guessed"
    )


def test_events_of_tracking_tools_keep_their_nested_properties(space: MemoryWorkspace) -> None:
    shape = {"userId": "1", "type": "track", "receivedAt": "2025-01-01T10:00:09Z"}
    lines: list[dict[str, Any]] = [
        {"event": "Order Completed", "messageId": "m1", "timestamp": "2025-01-01T10:00:00Z"},
        {"event": "View", "messageId": "m2", "timestamp": "2025-01-01T11:00:00Z", "plan": "free"},
    ]
    lines[0]["properties"] = {"plan": "pro", "n": 3, "name": "tea", "revenue": 1.5, "mail": "a@example.com"}
    text = "\n".join(json.dumps(shape | line) for line in lines)
    result = load(space, "events", text, "events.jsonl")
    assert result.notes["properties_dropped"] == 1
    first, second = sorted(space.rows("events"), key=lambda row: row["event_id"])
    assert (first["event_id"], first["name"], first["amount_fen"]) == ("m1", "Order Completed", 150)
    kept = {name: value for name, value in json.loads(first["properties"]).items() if name != "receivedAt"}
    assert kept == {"type": "track", "plan": "pro", "n": "3", "name": "tea"}
    assert json.loads(second["properties"])["plan"] == "free"


def test_nested_traits_are_fields_and_traits_of_the_customer(space: MemoryWorkspace) -> None:
    line = {"userId": "1", "traits": {"city": "Bogor", "plan": "pro"}, "city": "Depok"}
    load(space, "customers", json.dumps(line), "customers.jsonl")
    traits = {row["name"]: row["text_value"] for row in space.rows("traits")}
    assert traits == {"city": "Depok", "traits.city": "Bogor", "plan": "pro"}


def test_an_unreadable_date_column_names_the_option(space: MemoryWorkspace) -> None:
    with pytest.raises(InputError, match="--date-format dmy or --date-format mdy"):
        load(space, "events", "user_id,event,at\n1,View,01/02/2025\n")
    assert load(space, "events", "user_id,event,at\n1,View,01/02/2025\n", date_format="dmy").kept == 1
    assert space.rows("events")[0]["day"] == 20_120
