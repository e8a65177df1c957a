"""Who moved between two refreshes, why, and what one customer's history says of it."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import start

FROM, TO = "2026-03-01", "2026-03-28"


def test_movements_and_flow_between_two_refreshes(koipond: Koipond, orders_csv: Path) -> None:
    start(koipond, orders_csv)
    assert koipond("refresh", "--as-of", FROM, "--full")[0] == 0
    before = koipond("layers", "--as-of", FROM)[1]
    assert koipond("refresh", "--as-of", TO)[0] == 0
    code, after = koipond("layers", "--as-of", TO, "--since", FROM)
    assert code == 0

    moved: Counter[str] = Counter()
    for row in after["movements"]:
        assert row["cause"] in {"facts", "clock", "recut"}, "nothing was corrected in between"
        if row["layer"] == "lifecycle":
            moved[row["before"]] -= row["customers"]
            moved[row["after"]] += row["customers"]
    change = {name: after["lifecycle"][name] - before["lifecycle"][name] for name in after["lifecycle"]}
    assert {name: moved[name] for name in change} == change
    assert any(change.values())

    total = after["flow"]["total"]
    assert total["start"] == total["kept"] + total["deepened"] + total["shallower"] + total["lost"]
    assert total["start"] == sum(before["aipl"].values())
    assert set(after["contradictions"].values()) != {0}


def test_one_customers_history_is_his_movements(koipond: Koipond, orders_csv: Path) -> None:
    start(koipond, orders_csv)
    assert koipond("refresh", "--as-of", FROM, "--full")[0] == 0
    first = koipond("why", "m0", "--as-of", FROM)[1]
    assert koipond("refresh", "--as-of", TO)[0] == 0
    code, last = koipond("why", "m0", "--as-of", TO)
    assert code == 0
    assert last["layers"]["lifecycle"] != first["layers"]["lifecycle"], "m0 stops buying after 60 days"
    values = first["layers"]["lifecycle"]
    for move in [one for one in last["history"] if one["layer"] == "lifecycle" and one["on"] > FROM]:
        assert move["before"] == values
        values = move["after"]
    assert values == last["layers"]["lifecycle"]


def test_since_must_lie_before_the_day(koipond: Koipond, orders_csv: Path) -> None:
    start(koipond, orders_csv)
    code, answer = koipond("layers", "--as-of", FROM, "--since", FROM)
    assert code == 2
    assert "--since" in answer["message"]


def test_a_plan_shows_its_first_messages_and_sends_none(koipond: Koipond, orders_csv: Path) -> None:
    start(koipond, orders_csv)
    plan = koipond("plan")[1]
    code, shown = koipond("preview", plan["plan"], "--limit", "3")
    assert code == 0
    assert len(shown["messages"]) == min(3, plan["touches"])
    assert all(one["message"]["subject"] and not one["problem"] for one in shown["messages"])
    assert koipond("inbox")[1]["messages"] == 0


def test_new_permissions_are_no_correction(koipond: Koipond, orders_csv: Path, tmp_path: Path) -> None:
    """U21: who can be reached has changed for everybody; what moved people is the clock alone."""
    start(koipond, orders_csv)
    said = tmp_path / "said.csv"
    for status in ("granted", "withdrawn"):
        rows = [f"m{n},sandbox,{status},2026-01-0{1 + (status == 'withdrawn')}" for n in range(300)]
        said.write_text("\n".join(["Member,channel,status,at", *rows]) + "\n")
        assert koipond("import", "consents", said, "--map", "customer_id=Member")[0] == 0
        assert koipond("refresh")[0] == 0
    today = koipond("layers")[1]["as_of"]
    said.write_text(
        "\n".join(["Member,channel,status,at", *(f"m{n},email,withdrawn,{today}" for n in range(300))])
    )
    assert koipond("import", "consents", said, "--map", "customer_id=Member")[0] == 0
    later = (date.fromisoformat(today) + timedelta(days=6)).isoformat()
    moved = koipond("refresh", "--as-of", later)[1]["movements"]
    assert moved["clock"] > 0
    assert moved["facts"] + moved["correction"] == 0
