"""People confirmed as unreal are nowhere, and every place says so (cases U07, U14, U15)."""

from pathlib import Path
from typing import Any

import pytest

from koipond.bootstrap import open_app
from koipond.kernel import epoch_day
from koipond.rehearsal.fit import fit_brand, share_reached
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import start

FAKES = 42


def with_fakes(orders_csv: Path) -> Path:
    """Add people with twelve orders of one cent each."""
    rows = [
        f"fake{n},f{n}-{turn},2026-03-{5 + turn:02d} 10:00:00,0.01"
        for n in range(FAKES)
        for turn in range(12)
    ]
    orders_csv.write_text(orders_csv.read_text() + "\n".join(rows) + "\n")
    return orders_csv


def fitted(tmp_path: Path) -> Any:
    with open_app(tmp_path / "brand") as app, app.reading() as (reader, day):
        return fit_brand(reader, epoch_day(day)), share_reached(reader, "email", "email", consent=False)


def test_u07_a_rehearsal_is_fitted_to_real_people_alone(
    koipond: Koipond, orders_csv: Path, tmp_path: Path
) -> None:
    clean = tmp_path / "clean.csv"
    clean.write_text(orders_csv.read_text())
    start(koipond, clean)
    wanted = fitted(tmp_path)
    (tmp_path / "brand").rename(tmp_path / "clean-brand")
    start(koipond, with_fakes(orders_csv))
    assert fitted(tmp_path)[0].basket_fen_median < wanted[0].basket_fen_median
    assert koipond("quality", "confirm", "reward_chaser", "--by", "li")[1]["changed"] == FAKES
    assert fitted(tmp_path) == wanted  # at once, before any refresh
    assert koipond("refresh")[0] == 0
    assert fitted(tmp_path) == wanted


def test_u14_why_says_who_confirmed_somebody_and_when_and_quality_counts_him_once(
    koipond: Koipond, orders_csv: Path
) -> None:
    start(koipond, with_fakes(orders_csv))
    assert koipond("why", "fake1")[1]["unreal"] is None
    assert koipond("quality")[1]["flagged"] == {"reward_chaser": FAKES}
    done = koipond("quality", "confirm", "reward_chaser", "fake1", "--by", "Li Na")[1]
    assert (done["people"], done["changed"], done["verdict"]) == (1, 1, "confirmed")
    told = koipond("why", "fake1")[1]["unreal"]
    assert (told["by"], told["rule"]) == ("Li Na", "reward_chaser")
    assert "confirmed as unreal (reward chaser) by Li Na on " + told["at"] in told["words"]["en"]
    assert "薅羊毛" in told["words"]["zh"]
    assert koipond("why", "fake2")[1]["unreal"] is None
    after = koipond("quality")[1]
    assert (after["flagged"], after["left_out"]) == ({"reward_chaser": FAKES - 1}, 1)


def test_u15_the_flagged_are_listed_and_single_ones_confirmed_or_cleared(
    koipond: Koipond, orders_csv: Path
) -> None:
    start(koipond, with_fakes(orders_csv))
    rows = koipond("quality", "people", "reward_chaser")[1]["people"]
    assert len(rows) == FAKES
    assert {(row["orders"], row["money_fen"], row["first_on"], row["verdict"]) for row in rows} == {
        (12, 12, "2026-03-05", None)
    }
    one, two = rows[0]["customer_no"], rows[1]["customer_no"]
    assert koipond("quality", "confirm", "reward_chaser", str(one), "--by", "li")[1]["changed"] == 1
    assert koipond("quality", "clear", "reward_chaser", str(two), "--by", "li")[1]["changed"] == 1
    told = {row["customer_no"]: row for row in koipond("quality", "people")[1]["people"]}
    assert (told[one]["verdict"], told[one]["by"], told[two]["verdict"]) == ("confirmed", "li", "cleared")
    # all the others; whom somebody cleared stays as he is
    assert koipond("quality", "confirm", "reward_chaser", "--by", "li")[1]["changed"] == FAKES - 2
    assert koipond("layers")[1]["left_out"] == FAKES - 1
    assert koipond("quality", "clear", "reward_chaser", "--by", "li")[1]["changed"] == FAKES - 1
    assert koipond("layers")[1]["left_out"] == 0


def test_u15_ids_at_the_shop_that_name_a_test_are_found(koipond: Koipond, orders_csv: Path) -> None:
    names = ("测试账号", "test01", "内部员工001")
    rows = [f"{name},id{n},2026-03-05 10:00:00,50.00" for n, name in enumerate(names)]
    rows += ["testa,idx,2026-03-05 10:00:00,9.00"]
    orders_csv.write_text(orders_csv.read_text() + "\n".join(rows) + "\n")
    start(koipond, orders_csv)
    assert koipond("quality")[1]["flagged"] == {"test_account": 3}
    assert koipond("quality", "confirm", "test_account", "--by", "li")[1]["changed"] == 3
    for name in names:
        assert koipond("why", name)[1]["unreal"]["rule"] == "test_account"


@pytest.mark.parametrize("language", ["zh", "en", "id"])
def test_u14_the_text_of_why_says_so(
    koipond: Koipond, orders_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    from koipond.cli.app import main

    start(koipond, with_fakes(orders_csv))
    assert koipond("quality", "confirm", "reward_chaser", "fake1", "--by", "Li")[0] == 0
    capsys.readouterr()
    assert main(["-C", str(tmp_path / "brand"), "why", "fake1", "--language", language]) == 0
    assert "Li" in capsys.readouterr().out.splitlines()[1]
