"""A no belongs to the address in the plan, in `why`, in previews and at the gate alike (B01, B03)."""

from pathlib import Path
from typing import Any

import pytest

from koipond.bootstrap import open_app
from koipond.worker.planning import admit_plan

from .conftest import Koipond

ORDERS = (
    "order_id,customer_id,email,order_date,amount\n"
    "1,c1,ana@example.com,2026-03-10 12:00,10\n2,c2,bo@example.com,2026-03-10 12:00,10\n"
)
YES = "customer_id,channel,status,at\nc1,email,granted,2026-01-01\nc2,email,granted,2026-01-01\n"
NO = "email,channel,status,at\nbo@example.com,email,withdrawn,2026-02-01 09:00\n"


@pytest.fixture
def brand(koipond: Koipond, tmp_path: Path, init_options: tuple[str, ...]) -> Koipond:
    folder = tmp_path / "brand"
    made = ("--clock", "last_fact", "--zone", "Europe/Amsterdam", "--currency", "EUR", "--language", "en")
    assert koipond("init", folder, *made, *init_options)[0] == 0
    settings = folder / "koipond.yaml"
    text = settings.read_text().replace("\ntraits:", "\n  global_holdout_rate: 0\ntraits:", 1)
    settings.write_text(text)
    assert koipond("playbook", "add", "newcomer_welcome", "--channel", "email")[0] == 0
    for file in (folder / "strategies").glob("*.yaml"):
        text = file.read_text().replace("holdout_rate: 0.10", "holdout_rate: 0.0")
        file.write_text(text.replace("shop.example", "shop.test"))
    assert koipond("apply")[0] == 0
    return koipond


def imports(koipond: Koipond, tmp_path: Path, kind: str, text: str, *more: str) -> Any:
    file = tmp_path / f"{kind}.csv"
    file.write_text(text)
    code, answer = koipond("import", kind, file, *more)
    assert code == 0, answer
    return answer["files"][0]


def why(koipond: Koipond, who: str, *more: str) -> dict[str, Any]:
    code, answer = koipond("why", who, *more)
    assert code == 0, answer
    [play] = answer["plays"]
    return {**play, "erased": answer["erased"]}


def admitted(tmp_path: Path, koipond: Koipond, plan: str) -> tuple[int, dict[str, int]]:
    assert koipond("approve", plan, "--by", "anna")[0] == 0
    with open_app(tmp_path / "brand") as app:
        found = admit_plan(app, plan)
    return found.queued, dict(found.blocked)


@pytest.mark.parametrize(("orders", "noes"), [(("--verified",), ()), ((), ("--verified",)), ((), ())])
def test_a_withdrawal_by_address_reaches_whoever_would_be_mailed_there(
    brand: Koipond, tmp_path: Path, orders: tuple[str, ...], noes: tuple[str, ...]
) -> None:
    """B01: with and without proof, both ways round; plan, `why`, preview and gate say the same."""
    imports(brand, tmp_path, "orders", ORDERS, *orders)
    imports(brand, tmp_path, "consents", YES)
    assert brand("refresh")[0] == 0
    assert brand("plan")[1]["touches"] == 2
    made = imports(brand, tmp_path, "consents", NO, *noes)
    _, shown = brand("preview", "p1")
    assert [one["problem"] for one in shown["messages"]] == ["", "will not be sent: no_consent"]
    assert shown["messages"][1]["message"] is None
    _, second = brand("plan")
    assert second["touches"] == 1
    assert [(one["reason"], one["candidates"]) for one in second["losses"]] == [("no_consent", 1)]
    said = why(brand, "c2")
    assert (said["reason"], why(brand, "c1")["outcome"]) == ("no_consent", "touch")
    assert said["numbers"]["of_address"] is (orders != noes), "else the list itself found c2"
    if said["numbers"]["of_address"]:
        assert "a no belongs to the address" in said["words"]["en"]
        assert "拒绝对该地址有效" in said["words"]["zh"]
        assert "berlaku untuk alamatnya" in said["words"]["id"]
    assert admitted(tmp_path, brand, "p1") == (1, {"no_consent": 1}), "the plan was made before the no"
    assert brand("verify")[0] == 0

    later = "customer_id,channel,status,at\nc2,email,granted,2026-03-01\n"
    opened = imports(brand, tmp_path, "consents", later)
    assert why(brand, "c2")["outcome"] == "touch"
    assert brand("quality", "undo", str(opened["import_no"]))[0] == 0
    assert why(brand, "c2")["reason"] == "no_consent"
    assert brand("quality", "undo", str(made["import_no"]))[0] == 0
    assert why(brand, "c2")["outcome"] == "touch"


def test_an_own_later_yes_opens_plan_and_gate_and_its_undo_shuts_them(brand: Koipond, tmp_path: Path) -> None:
    imports(brand, tmp_path, "orders", ORDERS, "--verified")
    imports(brand, tmp_path, "consents", YES)
    imports(brand, tmp_path, "consents", NO)
    later = imports(
        brand, tmp_path, "consents", "customer_id,channel,status,at\nc2,email,granted,2026-03-01\n"
    )
    assert brand("refresh")[0] == 0
    assert brand("plan")[1]["touches"] == 2
    assert brand("quality", "undo", str(later["import_no"]))[0] == 0
    assert brand("plan")[1]["touches"] == 1
    assert admitted(tmp_path, brand, "p1") == (1, {"no_consent": 1})


def test_a_suppression_and_an_erasure_are_in_the_next_plan_without_a_refresh(
    brand: Koipond, tmp_path: Path
) -> None:
    """Neighbours of B03: the address of another, a complaint, an erased person; each said in words."""
    twin = ORDERS.replace("bo@", "Ana@")
    imports(brand, tmp_path, "orders", twin)
    imports(brand, tmp_path, "consents", YES)
    assert brand("refresh")[0] == 0
    assert brand("people", "suppress", "c1", "--reason", "complaint", "--by", "anna")[0] == 0
    assert brand("plan")[1]["touches"] == 0
    own, others = why(brand, "c1"), why(brand, "c2")
    assert "complained" in own["words"]["en"]
    assert (own["reason"], others["reason"]) == ("suppressed", "suppressed")
    assert "another customer at the same address" in others["words"]["en"]
    assert brand("people", "lift", "c1", "--by", "anna")[0] == 0
    assert why(brand, "c1", "--plan", "p1")["reason"] == "suppressed", "what that plan said, lifted since"
    assert brand("people", "erase", "c1", "--by", "anna")[0] == 0
    gone = why(brand, "c1")
    assert gone["erased"]["words"]["zh"].startswith("此客户的个人信息已于")
    assert "erased" in gone["words"]["en"] or gone["outcome"] == "not_in_audience"
    assert (why(brand, "c2")["reason"], why(brand, "c2")["erased"]) == ("suppressed", None)
    assert brand("plan")[1]["touches"] == 0
