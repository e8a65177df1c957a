"""A no as an operator and a customer say it: through the command line alone (A15, A18, A25, A43)."""

from pathlib import Path
from typing import Any

import pytest

from koipond.bootstrap import open_app

from .conftest import Koipond

HEAD = "customer_id,channel,purpose,status,at\n"


@pytest.fixture
def brand(koipond: Koipond, tmp_path: Path, init_options: tuple[str, ...]) -> Koipond:
    folder = tmp_path / "brand"
    assert koipond("init", folder, "--zone", "Asia/Shanghai", "--currency", "CNY", *init_options)[0] == 0
    return koipond


def imported(koipond: Koipond, tmp_path: Path, kind: str, text: str, *more: str) -> tuple[int, Any]:
    file = tmp_path / f"{kind}.csv"
    file.write_text(text)
    return koipond("import", kind, file, *more)


def flags(tmp_path: Path) -> dict[int, tuple[bool, bool]]:
    with open_app(tmp_path / "brand") as app:
        shown = [app.store.erasure.shown(number) for number in (1, 2, 3)]
    return {one["customer_no"]: (one["staff"], one["minor"]) for one in shown}


def test_exit_codes_never_say_done_when_nothing_was_kept(brand: Koipond, tmp_path: Path) -> None:
    """A15, A25."""
    assert imported(brand, tmp_path, "consents", HEAD + "1,all,marketing,stop,2027-01-01\n")[0] == 0
    code, answer = imported(brand, tmp_path, "consents", HEAD + "1,email,marketing,maybe,2026-01-01\n")
    assert (code, "row 2: status 'maybe'" in answer["message"]) == (2, True)
    code, answer = imported(brand, tmp_path, "consents", "phone,status\n12,stop\n+8613800000001,stop\n")
    assert (code, answer["kept"]) == (1, 1)
    assert imported(brand, tmp_path, "orders", "customer_id,order_id,at,amount\n,1,2026-01-01,5\n")[0] == 2
    text = HEAD + "1,email,marketing,yes,2026-01-01\n2,email,marketing,no,2026-01-01\n"
    assert [imported(brand, tmp_path, "consents", text)[0] for _ in range(2)] == [0, 0]
    assert brand("verify")[0] == 0


def test_the_gate_knows_staff_and_minors_from_the_import_on(brand: Koipond, tmp_path: Path) -> None:
    """A18."""
    head = "customer_id,staff,minor,birthday\n"
    assert imported(brand, tmp_path, "customers", head + "a,yes,,\nb,,yes,\nc,,,2015-05-05\n")[0] == 0
    assert flags(tmp_path) == {1: (True, False), 2: (False, True), 3: (False, True)}
    assert imported(brand, tmp_path, "customers", head + "a,no,,\nb,,no,\nc,,,1980-05-05\n")[0] == 0
    assert flags(tmp_path) == {1: (False, False), 2: (False, False), 3: (False, False)}
    assert imported(brand, tmp_path, "customers", head + "a,,yes,\n", "--source", "t")[0] == 0


def test_undoing_the_import_takes_the_flags_back(brand: Koipond, tmp_path: Path) -> None:
    assert imported(brand, tmp_path, "customers", "customer_id\na\nb\nc\n")[0] == 0
    _, answer = imported(brand, tmp_path, "customers", "customer_id,minor\na,yes\n")
    assert flags(tmp_path)[1] == (False, True)
    assert brand("quality", "undo", str(answer["files"][0]["import_no"]))[0] == 0
    assert flags(tmp_path)[1] == (False, False)


def test_people_are_suppressed_lifted_erased_and_shown(brand: Koipond, tmp_path: Path) -> None:
    text = "customer_id,email,city\na,a@example.org,上海\nb,b@example.org,北京\n"
    assert imported(brand, tmp_path, "customers", text)[0] == 0
    events = "customer_id,name,at,page\na,browse,2026-01-01 10:00,/home\n"
    assert imported(brand, tmp_path, "events", events)[0] == 0
    assert brand("people", "suppress", "a", "--reason", "complaint", "--by", "anna")[1]["suppressed"] == 1
    assert brand("people", "show", "a")[1]["suppressed"] == [{"channel": "*", "reason": "complaint"}]
    assert brand("people", "lift", "a", "--by", "anna")[1]["lifted"] == 1
    many = tmp_path / "many.txt"
    many.write_text("a\nnobody\nb\nno one\n")
    code, answer = brand("people", "suppress", "--file", many, "--reason", "moved away", "--by", "anna")
    assert code == 2
    assert "line 2" in answer["message"]
    assert "line 4" in answer["message"]
    assert brand("people", "erase", "a", "--by", "anna", "--dry-run")[1]["identifiers"] == 2
    code, answer = brand("people", "erase", "a", "--by", "anna")
    assert (code, answer["identifiers"], answer["warehouse"]) == (0, 2, {"traits": 1, "events": 1})
    assert brand("people", "erase", "a", "--by", "anna")[1]["identifiers"] == 0
    assert imported(brand, tmp_path, "customers", text.replace("上海", "天津"))[0] == 0
    with open_app(tmp_path / "brand") as app, app.warehouse.read() as reader:
        assert reader.frame(reader.table("traits")).column("customer_no").to_pylist() == [2]
    assert brand("people", "show", "a")[1]["reachable_by"] == []
    assert brand("people", "lift", "a", "--by", "anna", "--reason", "erased")[0] == 3
    assert brand("verify")[0] == 0


def test_withdrawals_are_taken_while_a_refresh_runs_and_nobody_is_lost(
    brand: Koipond, tmp_path: Path
) -> None:
    """A43: the other process writes all the time; then it ends, and the same command completes."""
    text = HEAD + "1,email,marketing,yes,2026-01-01\n2,email,marketing,no,2026-01-01\n"
    noes = "customer_id,status\nx,stop\ny,stop\n"
    with open_app(tmp_path / "brand") as app, app.warehouse.write("refresh"):
        code, answer = imported(brand, tmp_path, "consents", text, "--wait", "0")
        assert code == 4
        assert "1 withdrawals are in force; 1 grants are not" in answer["message"]
        assert imported(brand, tmp_path, "consents", noes, "--wait", "0")[0] == 0
        held = app.store.consents.current().to_pylist()
        assert [(row["channel"], row["granted"]) for row in held] == [
            ("email", False),
            ("*", False),
            ("*", False),
        ]
    assert imported(brand, tmp_path, "consents", text)[0] == 0
    assert brand("refresh")[0] == 0
    with open_app(tmp_path / "brand") as app, app.warehouse.read() as reader:
        assert reader.scalar(reader.table("customers").count()) == 4
        assert [row["granted"] for row in app.store.consents.current().to_pylist()].count(True) == 1
    assert brand("verify")[0] == 0


def test_an_erased_person_is_explained_and_verify_sees_what_is_left(brand: Koipond, tmp_path: Path) -> None:
    text = "customer_id,email,city\na,a@example.org,上海\n"
    assert imported(brand, tmp_path, "customers", text)[0] == 0
    with open_app(tmp_path / "brand") as app:
        app.store.erasure.erase([1], by="anna", now=app.machine.now())  # killed before the warehouse followed
    code, answer = brand("verify")
    assert code == 1
    assert [one["name"] for one in answer["checks"] if one["status"] != "ok"] == ["erased_facts"]
    assert brand("refresh")[0] == 0
    assert brand("verify")[0] == 0
