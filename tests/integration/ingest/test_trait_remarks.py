"""What an import of customers says of its further columns: kept, left out, or more than a trait."""

from pathlib import Path

import pytest

from koipond.cli.import_report import import_text
from koipond.ingest import ImportResult
from koipond.testing.memory import MemoryWorkspace


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    return MemoryWorkspace(tmp_path / "w")


def load(space: MemoryWorkspace, text: str, kind: str = "customers") -> ImportResult:
    return space.load(kind, space.write("people.csv", text))  # type: ignore[arg-type]


def test_what_became_traits_and_what_did_not_is_said(space: MemoryWorkspace) -> None:
    result = load(space, "customer_id,gender,爱好,空,备用联系\n1,F,茶,,13912345678\n2,M,,,\n")
    assert (result.traits, result.unused) == (("爱好",), ("空", "备用联系"))
    said = import_text(result.to_dict())
    assert "kept as traits: 爱好\n" in said
    assert "not used: 空, 备用联系\n" in said
    assert "1 values that may identify a person were left out, in 备用联系;" in said


def test_thousands_of_further_columns_are_one_line(space: MemoryWorkspace) -> None:
    names = [f"k{place:04d}" for place in range(60)]
    said = import_text(
        load(space, f"customer_id,{','.join(names)}\n1,{','.join(map(str, range(60)))}\n").to_dict()
    )
    assert f"kept as traits: {', '.join(names[:20])} and 40 more columns" in said


def test_a_result_of_an_earlier_release_has_no_traits(space: MemoryWorkspace) -> None:
    earlier = load(space, "customer_id,爱好\n1,茶\n").to_dict()
    del earlier["traits"]
    assert "kept as traits" not in import_text(earlier)


@pytest.mark.parametrize(
    ("header", "cells", "field"),
    [
        ("是否加企微", "是,否", "friend"),
        ("添加好友", "1,0", "friend"),
        ("WeCom friend?", "Yes,no", "friend"),
        ("关注服务号", "是,", "follower"),
        ("VIP会员", "Y,N", "member"),
        ("内部员工标记", "是,否", "staff"),
    ],
)
def test_a_yes_or_no_about_people_is_said_to_be_no_field_yet(
    space: MemoryWorkspace, header: str, cells: str, field: str
) -> None:
    first, second = cells.split(",")
    text = f"customer_id,{header}\n1,{first}\n2,{second}\n"
    (remark,) = load(space, text).remarks
    assert f"--map {field}={header}" in remark
    result = space.load("customers", space.write("p.csv", text), {field: header})
    assert (result.remarks, result.traits) == ((), ())


@pytest.mark.parametrize("header", ["短信订阅", "邮件订阅", "subscribe", "Email opt-in", "会员退订"])
def test_a_consent_among_the_columns_is_said_to_stop_nobody(space: MemoryWorkspace, header: str) -> None:
    (remark,) = load(space, f"customer_id,{header}\n1,是\n2,否\n").remarks
    assert f"koipond import consents FILE --map status={header}" in remark


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("加企微时间", "2026-01-02,2026-01-03"),
        ("爱喝茶", "是,否"),
        ("好友数", "12,3"),
    ],
)
def test_other_traits_are_no_flags(space: MemoryWorkspace, header: str, cells: str) -> None:
    first, second = cells.split(",")
    assert load(space, f"customer_id,{header}\n1,{first}\n2,{second}\n").remarks == ()


def test_left_out_properties_of_events_are_said(space: MemoryWorkspace) -> None:
    result = load(
        space, "user_id,event,timestamp,contact\n1,View,2025-01-01T10:00:00Z,13912345678\n", "events"
    )
    assert [str(remark) for remark in result.remarks] == [
        "1 values that may identify a person were left out, in contact; to keep a column as it is: "
        "--keep COLUMN"
    ]


@pytest.mark.parametrize(
    "header", ["会员等级", "VIP级别", "Member Level", "membership tier", "Tingkatan Member"]
)
def test_the_shops_own_tier_is_said_to_be_a_trait_alone(space: MemoryWorkspace, header: str) -> None:
    done = load(space, f"customer_id,{header}\n1,金卡\n2,银卡\n")
    assert done.traits == (header,)
    [remark] = done.remarks
    assert f'trait."{header}" = ' in remark
    assert "not the field member" in remark
    orders = f"order_id,customer_id,at,amount,{header}\n1,1,2025-01-01,5,金卡\n"
    done = load(space, orders, "orders")
    assert done.unused == (header,)
    [remark] = done.remarks
    assert f"{header} tells of customers" in remark
    assert "koipond import customers FILE" in remark


@pytest.mark.parametrize("header", ["商品等级", "level", "会员备注"])
def test_other_ranks_are_no_tiers(space: MemoryWorkspace, header: str) -> None:
    assert load(space, f"customer_id,{header}\n1,a\n").remarks == ()
