"""People who look unreal are flagged, decided by an operator, and counted."""

from pathlib import Path

import pytest

from koipond.ingest import QualityRules, decide_people, read_quality
from koipond.kernel import InputError
from koipond.testing.memory import MemoryWorkspace

HEAD = "user_id,order_id,at,amount,discount,coupon,channel\n"


@pytest.fixture
def space(tmp_path: Path) -> MemoryWorkspace:
    space = MemoryWorkspace(tmp_path / "w")
    rows = ["real,R1,2025-01-01,50,5,,app", "real,R2,2025-03-01,50,0,,testing lab"]
    rows += [f"tester,T{i},2025-01-0{i},0.01,0,,app" for i in range(1, 4)]
    rows += ["word,W1,2025-01-01,9,0,,test_channel"]
    rows += [f"chaser,C{i},2025-01-0{i},10,15,NEW,app" for i in range(1, 4)]
    rows += [f"loyal,L{i},2025-0{i}-01,10,15,NEW,app" for i in range(1, 4)]
    rows += [f"robot,B{i},2025-01-01 10:00:{i},1,0,,app" for i in range(10, 21)]
    rows += [",X,2025-01-01,1,0,,app"]
    space.load("orders", space.write("orders.csv", HEAD + "\n".join(rows) + "\n"))
    return space


def decide(space: MemoryWorkspace, rule: str, numbers: list[int], verdict: str) -> int:
    return decide_people(
        rule,
        numbers,
        verdict,
        by="li",
        warehouse=space.warehouse,
        verdicts=space.verdicts,
        clock=space.clock,
    )


def number_of(space: MemoryWorkspace, order_id: str) -> int:
    return next(row["customer_no"] for row in space.rows("orders") if row["order_id"] == order_id)


def test_rules_only_flag_until_an_operator_decides(space: MemoryWorkspace) -> None:
    with space.warehouse.read() as reader:
        report = read_quality(reader, QualityRules(), space.verdicts).to_dict()
    assert report["flagged"] == {"test_account": 2, "reward_chaser": 1, "abnormal_frequency": 1}
    assert (report["read"], report["kept"], report["quarantined"]) == (24, 23, {"missing_customer": 1})
    assert (report["confirmed"], report["left_out"], space.rows("left_out")) == ({}, 0, [])
    chaser, robot = number_of(space, "C1"), number_of(space, "B10")
    assert decide(space, "reward_chaser", [chaser], "confirmed") == 1
    assert decide(space, "reward_chaser", [chaser], "confirmed") == 0
    assert decide(space, "abnormal_frequency", [robot], "cleared") == 1
    with space.warehouse.read() as reader:
        report = read_quality(reader, QualityRules(), space.verdicts).to_dict()
    assert report["flagged"] == {"test_account": 2}  # who is confirmed counts once: as left out (U14)
    assert (report["confirmed"], report["left_out"]) == ({"reward_chaser": 1}, 1)
    assert space.rows("left_out") == [{"rule": "reward_chaser", "customer_no": chaser}]
    decide(space, "reward_chaser", [chaser], "cleared")
    assert space.rows("left_out") == []


def test_thresholds_are_a_value_of_the_definition(space: MemoryWorkspace) -> None:
    rules = QualityRules(test_words=("lab",), test_orders_min=99, day_orders_max=11, reward_days_max=90)
    with space.warehouse.read() as reader:
        assert read_quality(reader, rules, space.verdicts).flagged == {"reward_chaser": 2}


def test_a_file_imported_twice_counts_once(space: MemoryWorkspace) -> None:
    space.load("orders", space.write("late.csv", HEAD + "new,N1,2025-05-01,5,0,,app\n"))
    space.load("orders", space.folder / "orders.csv")
    with space.warehouse.read() as reader:
        report = read_quality(reader, QualityRules(), space.verdicts)
    assert (report.imports, report.read, report.quarantined) == (2, 25, {"missing_customer": 1})


def test_an_unknown_rule_or_verdict_is_refused(space: MemoryWorkspace) -> None:
    with pytest.raises(InputError, match="rules are test_account"):
        decide(space, "ugly", [1], "confirmed")
    with pytest.raises(InputError, match="say confirmed or cleared"):
        decide(space, "test_account", [1], "maybe")


def test_u15_reward_chasers_and_test_accounts_are_found_each_by_its_own_rule(tmp_path: Path) -> None:
    """Forty people with twelve orders of one cent, as the shop's export has them, and accounts of the
    staff.
    """
    space = MemoryWorkspace(tmp_path / "w")
    days = ("2024-06-18", "2024-11-11", "2025-03-08", "2025-06-18")  # promotions, far apart
    chasers = [
        f"c{n},K{n}-{turn},{days[turn % 4]} 00:{turn:02d},0.01,0,新人0元券,小程序商城"
        for n in range(40)
        for turn in range(12)
    ]
    testers = [
        f"t{n},A{n}-{turn},2025-0{turn + 1}-03 11:00,0.01,0,,app" for n in range(2) for turn in range(6)
    ]
    words = ["staff,内部员工-1,2025-01-01,88,0,,app", "real,R1,2025-01-02,300,20,满199减20,app"]
    words += ["inner,X1,2025-01-01,1,0,,内部测试"]
    space.load("orders", space.write("o.csv", HEAD + "\n".join([*chasers, *testers, *words]) + "\n"))
    with space.warehouse.read() as reader:
        report = read_quality(reader, QualityRules(), space.verdicts)
        by_id = read_quality(reader, QualityRules(), space.verdicts, [number_of(space, "R1")])
    assert report.flagged == {"test_account": 4, "reward_chaser": 40}
    assert by_id.flagged == {"test_account": 5, "reward_chaser": 40}


def test_u14_whoever_is_confirmed_is_counted_once_and_as_left_out(space: MemoryWorkspace) -> None:
    robot, chaser = number_of(space, "B10"), number_of(space, "C1")
    decide(space, "reward_chaser", [chaser, robot], "confirmed")
    decide(space, "test_account", [robot], "confirmed")
    with space.warehouse.read() as reader:
        report = read_quality(reader, QualityRules(), space.verdicts)
    assert report.flagged == {"test_account": 2}  # the robot's own rule flags him no more
    assert (report.confirmed, report.left_out) == ({"reward_chaser": 2, "test_account": 1}, 2)
