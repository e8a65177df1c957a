"""`import KIND FILE…`: a file that is refused hides no other, and each result is said."""

from pathlib import Path

import pytest

from koipond.bootstrap import open_app
from tests.e2e.conftest import Koipond
from tests.e2e.test_app_first_afternoon import MAPS


@pytest.fixture
def folder(koipond: Koipond, init_options: tuple[str, ...], orders_csv: Path) -> Path:
    assert koipond("init", "--clock", "last_fact", *init_options)[0] == 0
    assert koipond("import", "orders", orders_csv, *MAPS)[0] == 0
    return orders_csv.parent / "brand"


def noes(folder: Path, shop_id: str) -> int:
    with open_app(folder) as app:
        [person] = app.store.people.find(shop_id)
        return sum(not one.granted for one in app.store.consents.history([person.customer_no]))


BAD = {
    "no such columns": "a,b\n1,2\n",
    "nothing": "",
    "missing": None,
}


@pytest.mark.parametrize("order", ["first", "last", "middle"])
@pytest.mark.parametrize("fault", BAD)
def test_every_file_is_heard_and_said(
    koipond: Koipond, folder: Path, tmp_path: Path, order: str, fault: str
) -> None:
    bad, *good = tmp_path / "bad.csv", tmp_path / "good.csv", tmp_path / "good2.csv"
    if (text := BAD[fault]) is not None:
        bad.write_text(text)
    for file, who in zip(good, ("m3", "m4"), strict=True):
        file.write_text(f"customer_id,channel,status\n{who},email,withdrawn\n")
    files = {"first": [bad, *good], "last": [*good, bad], "middle": [good[0], bad, good[1]]}[order]
    code, answer = koipond("import", "consents", *files)
    assert code == 2
    assert [Path(one["file"]).name for one in answer["files"]] == ["good.csv", "good2.csv"]
    [refused] = answer["refused"]
    assert Path(refused["file"]) == bad
    assert refused["message"]
    assert (noes(folder, "m3"), noes(folder, "m4")) == (1, 1)


def test_files_of_facts_are_said_too(koipond: Koipond, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    (tmp_path / "good.csv").write_text("customer_id,phone\nm3,13800000003\n")
    code, answer = koipond("import", "customers", tmp_path / "bad.csv", tmp_path / "good.csv")
    assert code == 2
    assert answer["kept"] == 1
    assert len(answer["refused"]) == 1


def test_files_that_are_all_refused_are_all_named(koipond: Koipond, folder: Path, tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("a,b\n1,2\n")
    code, answer = koipond("import", "consents", tmp_path / "one.csv", tmp_path / "two.csv")
    assert code == 2
    assert "one.csv" in answer["message"]
    assert "two.csv" in answer["message"]
