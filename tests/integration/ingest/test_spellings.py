"""One customer, one order, one article, however files write their ids and however rows are cut into files."""

import json
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from koipond.testing.memory import MemoryWorkspace

FORMS = ("{}", "'{}", "{}.0", "‘{}", "`{}", "\u200b{}\ufeff", '"=""{}"""', "{}\u2060")
HEAD = "customer_id,order_id,line_id,at,amount,sku,store,coupon,staff\n"


def wide(text: str) -> str:
    return text.translate({ord("0") + n: chr(0xFF10 + n) for n in range(10)})


def ids(space: MemoryWorkspace, dataset: str, *names: str) -> set[object]:
    return {tuple(row[name] for name in names) for row in space.rows(dataset)}


def test_a_column_of_mixed_spellings_names_one_of_each(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path)
    spelled = [*(form.format("007") for form in FORMS), wide("007")]
    rows = "".join(f"{one},{one},{n},2025-01-01,5,{one},{one},{one},{one}\n" for n, one in enumerate(spelled))
    space.load("orders", space.write("a.csv", HEAD + rows))
    assert len(space.rows("customers")) == 1
    assert ids(space, "orders", "store", "coupon", "staff") == {("007", "007", "007")}
    assert ids(space, "order_lines", "sku") == {("007",)}
    assert len(space.rows("orders")) == 1


def test_an_id_of_nothing_but_what_cannot_be_seen_names_nobody(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path)
    done = space.load("customers", space.write("a.csv", "customer_id\n1\n\u200b\n'\n"))
    assert dict(done.quarantined) == {"missing_customer": 2}


@st.composite
def cut_rows(draw: st.DrawFn) -> list[list[tuple[str, str]]]:
    """Rows of (form, customer), cut into files at any places."""
    row = st.tuples(st.sampled_from(FORMS), st.sampled_from(["007", "7", "12"]))
    rows = draw(st.lists(row, min_size=1, max_size=12))
    ends = sorted(draw(st.sets(st.integers(1, len(rows)), max_size=3)) | {len(rows)})
    return [rows[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@settings(max_examples=8, deadline=None, phases=[Phase.generate])
@given(cut_rows())
def test_it_does_not_matter_how_rows_are_cut_into_files(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[str, str]]]
) -> None:
    space = MemoryWorkspace(tmp_path_factory.mktemp("space"))
    for place, rows in enumerate(files):
        text = "customer_id\n" + "".join(f"{form.format(who)}\n" for form, who in rows)
        space.load("customers", space.write(f"{place}.csv", text))
    assert len(space.rows("customers")) == len({who for rows in files for _, who in rows})


@pytest.mark.parametrize(
    "written", ["bo@bücher.example", "BO@xn--bcher-kva.example.", "ｂｏ@bücher。example"]
)
def test_a_no_by_an_address_holds_for_whoever_holds_the_mailbox(tmp_path: Path, written: str) -> None:
    space = MemoryWorkspace(tmp_path)
    space.load("customers", space.write("a.csv", "email\nbo@xn--bcher-kva.example\n"))
    space.load(
        "consents",
        space.write("no.csv", f"email,channel,purpose,status,at\n{written},email,marketing,no,2025-01-01\n"),
    )
    assert ids(space, "consents", "customer_no", "granted") == {(1, False)}


def test_a_truth_value_a_list_or_an_object_names_nobody(tmp_path: Path) -> None:
    space = MemoryWorkspace(tmp_path)
    ids_ = [True, False, ["a"], {"x": 1}, [], "true", "{6F9619FF-8B86-D011}", "7", 8]
    file = space.write(
        "a.jsonl", "".join(json.dumps({"customer_id": one, "city": "x"}) + "\n" for one in ids_)
    )
    done = space.load("customers", file)
    assert (done.kept, dict(done.quarantined)) == (3, {"missing_customer": 6})
    lines = [
        {"customer_id": "7", "order_id": one, "at": "2025-01-01", "amount": 5} for one in (True, ["o"], "1")
    ]
    orders = space.load("orders", space.write("b.jsonl", "\n".join(map(json.dumps, lines))))
    assert (orders.kept, dict(orders.quarantined)) == (1, {"missing_order": 2})
