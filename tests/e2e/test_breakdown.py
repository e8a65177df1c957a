"""A strategy names the layer its report is broken down by, before there is a result (S57)."""

from pathlib import Path

from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS, start


def test_a_layer_named_after_the_draw_breaks_down_nobody_drawn_before(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    start(koipond, orders_csv)
    file = tmp_path / "brand" / "strategies" / "dormant_recall.yaml"
    text = file.read_text().replace("holdout_rate: 0.10", "holdout_rate: 0.5")
    assert "holdout_rate: 0.5" in text

    def name(layer: str) -> None:
        file.write_text(f"{text}breakdown: {layer}\n")
        assert koipond("apply", "--author", "test")[0] == 0

    def report() -> tuple[int, list[dict[str, object]]]:
        found = koipond("report", "dormant_recall", "--as-of", "2026-12-31")[1]
        return found["population"], found["breakdown"]

    file.write_text(f"{text}breakdown: rfm\n")
    code, checked = koipond("check")
    assert code == 1
    assert any("breakdown" in str(finding) and "rfm_cell" in str(finding) for finding in checked["findings"])

    name("grade")
    assert koipond("refresh")[0] == 0
    plan = koipond("plan", "dormant_recall")[1]
    assert koipond("approve", plan["plan"], "--by", "anna")[0] == 0
    assert koipond("send", plan["plan"])[0] == 0
    after = tmp_path / "after.csv"
    bought = [f"m{n},after{n},2026-04-02 09:00:00,{n + 1}.00" for n in range(0, 300, 6)]
    bought += ["m1,last,2026-06-30 09:00:00,1.00"]  # the windows are over: orders reach beyond them
    after.write_text("\n".join(["Member,Receipt,Sold at,Paid", *bought]) + "\n")
    assert koipond("import", "orders", after, *MAPS)[0] == 0
    population, rows = report()
    assert {row["layer"] for row in rows} == {"grade"}
    # the strategy has no end: only what holds at every look is said of a layer, too
    assert all("always valid" in str(row["method"]) for row in rows)
    assert sum(int(str(row["customers"])) for row in rows) == population

    name("aipl")
    assert report() == (population, [])
    name("grade")
    assert report() == (population, rows)
