"""Two records with one address are one inbox in plan, `why`, preview and at the gate (B03)."""

from pathlib import Path
from typing import Any

import pytest

from .conftest import Koipond
from .test_no_at_the_address import brand, imports

__all__ = ["brand"]

ORDERS = (
    "order_id,customer_id,email,order_date,amount\n"
    "1,c1,Ana@example.com,2026-03-10 12:00,10\n2,c3,ana@example.com,2026-03-10 12:00,10\n"
    "3,c4,bo@example.com,2026-03-10 12:00,10\n"
)
YES = "customer_id,channel,status,at\n" + "".join(f"c{n},email,granted,2026-01-01\n" for n in (1, 3, 4))
NO = "email,channel,status,at\nana@example.com,email,withdrawn,2026-02-01 09:00\n"


def told(koipond: Koipond, *more: str) -> dict[str, tuple[Any, Any]]:
    found = {}
    for who in ("c1", "c3", "c4"):
        [play] = koipond("why", who, *more)[1]["plays"]
        found[who] = play["outcome"], play["reason"]
    return found


@pytest.mark.parametrize("proof", [(), ("--verified",)])
def test_one_address_gets_one_mail_and_a_no_stops_it(
    brand: Koipond,
    tmp_path: Path,
    proof: tuple[str, ...],
) -> None:
    imports(brand, tmp_path, "orders", ORDERS)
    imports(brand, tmp_path, "consents", YES)
    assert brand("refresh")[0] == 0
    plan = brand("plan")[1]
    assert plan["touches"] == 2
    assert [(row["reason"], row["candidates"]) for row in plan["waterfall"]] == [("priority_lost", 1)]
    now = told(brand)
    assert now == told(brand, "--plan", plan["plan"])
    assert sorted(now.values(), key=str) == [
        ("left_in_peace", "priority_lost"),
        ("touch", None),
        ("touch", None),
    ]
    loser = next(who for who, (outcome, _) in now.items() if outcome != "touch")
    assert loser in ("c1", "c3")
    [play] = brand("why", loser)[1]["plays"]
    assert "at the same address" in play["words"]["en"]
    assert brand("approve", "latest", "--by", "anna")[0] == 0
    sent = brand("send", "latest")[1]
    assert (sent["deferred"], sent["blocked"]) == (2, 0), "no mail server is set: they wait"
    again = brand("plan")[1]
    assert again["touches"] == 0, "whoever shares the address has had it too"
    imports(brand, tmp_path, "consents", NO, *proof)
    after = brand("plan")[1]
    assert {row["reason"]: row["candidates"] for row in after["waterfall"]} == {
        "no_consent": 2,
        "re_entry": 1,
    }
    assert brand("verify")[1]["breaks"] == 0
