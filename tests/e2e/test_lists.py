"""Lists in by any identifier, and out for other tools: never whom the address refused, always noted."""

import csv
import json
import stat
from pathlib import Path

import pytest

from koipond.bootstrap import open_app
from koipond.rules import default_catalog, parse, to_dict
from tests.e2e.conftest import Koipond

ORDERS = """order_id,customer_id,phone,email,order_date,amount
1,c1,13800000001,ana@example.org,2026-03-01,10
2,=2+5,13800000002,bo@example.org,2026-03-02,20
3,c3,13800000003,,2026-03-03,30
4,c4,13800000004,ana@example.org,2026-03-04,40
"""


@pytest.fixture
def brand(koipond: Koipond, tmp_path: Path, init_options: tuple[str, ...]) -> Path:
    folder = tmp_path / "brand"
    assert koipond("init", "--clock", "last_fact", "--language", "en", *init_options)[0] == 0
    orders = tmp_path / "orders.csv"
    orders.write_text(ORDERS)
    assert koipond("import", "orders", orders)[0] == 0
    (folder / "segments").mkdir(exist_ok=True)
    (folder / "segments" / "buyers.yaml").write_text(
        "key: buyers\nname: {en: Buyers}\nowner: t\nrule: orders.count(ever) >= 1\n"
    )
    assert koipond("apply")[0] == 0
    assert koipond("refresh")[0] == 0
    return folder


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_segment_leaves_without_whom_the_address_refused(
    koipond: Koipond, brand: Path, tmp_path: Path
) -> None:
    no = tmp_path / "no.csv"
    no.write_text("email,channel,status\nANA@example.org,email,withdrawn\n")
    assert koipond("import", "consents", no)[0] == 0
    file = tmp_path / "out.csv"
    asked = ("lists", "export", "segment:buyers", "--purpose", "autumn mailing", "--by", "ana")
    code, said = koipond(*asked, "--to", file, "--with", "email")
    assert code == 0
    assert (said["rows"], said["left_out"], said["without"]) == (2, {"no_consent": 2}, {"email": 1})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = rows(file)
    assert [one["email"] for one in found] == ["bo@example.org", ""]
    assert [one["customer_id"] for one in found] == ["'=2+5", "c3"], "no spreadsheet runs a cell"
    assert "phone" not in found[0], "nothing leaves that was not asked for"
    with open_app(brand) as app:
        (note,) = [one for one in app.store.audit.entries(10) if one.action == "list.exported"]
    assert (note.actor, note.subject, note.detail["purpose"]) == ("ana", "segment:buyers", "autumn mailing")
    assert (note.detail["rows"], note.detail["identifiers"]) == (2, ["email"])

    code, said = koipond(*asked, "--to", file, "--with", "email")
    assert code == 2
    assert "there is such a file" in said["message"]
    assert (
        koipond(*asked, "--to", tmp_path / "sms.csv", "--with", "phone", "--channel", "sms")[1]["rows"] == 4
    )


def test_what_left_comes_back_as_a_list_by_any_identifier(
    koipond: Koipond, brand: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    asked = ("lists", "export", "segment:buyers", "--purpose", "x", "--by", "t", "--to", out)
    assert koipond(*asked, "--with", "phone")[1]["rows"] == 4
    assert koipond("lists", "import", "back", out)[1]["members"] == 4, "its own ids, guards and all"
    lists = {
        "phones": "手机号\n138 0000 0001\n+86 138-0000-0003\n13900000009\n",
        "addresses": "ANA@example.org\n",
        "table": "who,e-mail\nx,bo@example.org\n",
    }
    members = {}
    for key, text in lists.items():
        file = tmp_path / f"{key}.csv"
        file.write_text(text)
        code, said = koipond("lists", "import", key, file)
        assert code == 0, said
        members[key] = (said["members"], said["strangers"])
    assert members == {"phones": (2, 1), "addresses": (2, 0), "table": (1, 0)}
    assert koipond("segments", "count", "list phones")[1]["count"] == 2


SHOPS = {
    "phones": "phone\n13800000001\n13800000002\n13800000003\n",
    "ids": "customer_id\nc1\n=2+5\n-c3\n",
    "emails": "email\nana@example.org\nbo@example.org\ncy@example.org\n",
}


@pytest.mark.parametrize("kind", SHOPS)
def test_what_left_comes_back_as_the_same_people(koipond: Koipond, tmp_path: Path, kind: str) -> None:
    """Round trip of a segment, a list and a plan, whatever the shop knows its customers by."""
    folder = tmp_path / "brand"
    assert koipond("init", "--clock", "last_fact", "--language", "en")[0] == 0
    header, *who = SHOPS[kind].split()
    orders = tmp_path / "orders.csv"
    lines = [f"{n},{one},2026-03-0{n + 1},{n + 1}0\n" for n, one in enumerate(who)]
    orders.write_text(f"order_id,{header},order_date,amount\n" + "".join(lines))
    assert koipond("import", "orders", orders)[0] == 0
    assert koipond("playbook", "add", "newcomer_welcome")[0] == 0
    (play,) = (folder / "strategies").glob("*.yaml")
    play.write_text(play.read_text().replace("shop.example", "shop.test").replace("0.10", "0.0"))
    (folder / "segments" / "two.yaml").write_text(
        "key: two\nname: {en: Two}\nowner: t\nrule: orders.sum(net, ever) >= 20\n"
    )
    assert koipond("apply")[0] == 0
    assert koipond("refresh")[0] == 0
    assert koipond("plan")[1]["touches"] > 0
    asked = ("lists", "export", "--purpose", "x", "--by", "t")
    for what in ("segment:two", "list:two", "plan:latest"):
        out = tmp_path / f"{what.replace(':', '-')}.csv"
        code, said = koipond(*asked, what, "--to", out)
        assert code == 0, said
        back = koipond("lists", "import", "two", out)[1]
        left = {row["customer_uid"] for row in rows(out)}
        assert what[:4] == "plan" or len(left) == 2
        assert (back["members"], back["strangers"], back["nameless"]) == (len(left), 0, 0)
        again = tmp_path / f"again-{out.name}"
        assert koipond(*asked, "list:two", "--to", again)[0] == 0
        assert {row["customer_uid"] for row in rows(again)} == left


def test_lists_are_shown_whatever_day_the_newest_order_says_it_is(
    koipond: Koipond, brand: Path, tmp_path: Path
) -> None:
    file = tmp_path / "guests.csv"
    file.write_text("customer_id,name\nc1,Ana\n,Bo\n")
    assert koipond("lists", "import", "guests", file)[1]["nameless"] == 1
    for asked in ((), ("--as-of", "2026-03-04")):
        (row,) = koipond("lists", "show", *asked)[1]["lists"]
        assert (row["list"], row["customers"]) == ("guests", 1)


def test_a_rule_in_its_json_form_counts_on_the_command_line_too(koipond: Koipond, brand: Path) -> None:
    rule = to_dict(parse("orders.sum(net, ever) >= 20", default_catalog()))
    assert koipond("segments", "count", json.dumps(rule))[1]["count"] == 3
    code, said = koipond("segments", "count", '{"and": [')
    assert code == 2
    assert "begins like JSON and is none" in said["message"]
    assert len(said["message"].splitlines()) == 1


def test_a_plan_leaves_with_its_texts(koipond: Koipond, brand: Path, tmp_path: Path) -> None:
    assert koipond("playbook", "add", "newcomer_welcome")[0] == 0
    (play,) = (brand / "strategies").glob("*.yaml")
    play.write_text(play.read_text().replace("shop.example", "shop.test").replace("0.10", "0.0"))
    assert koipond("apply")[0] == 0
    assert koipond("refresh")[0] == 0
    plan = koipond("plan")[1]
    out = tmp_path / "plan.csv"
    code, said = koipond(
        "lists",
        "export",
        f"plan:{plan['plan']}",
        "--to",
        out,
        "--with",
        "phone",
        "--purpose",
        "p",
        "--by",
        "t",
    )
    assert (code, said["rows"]) == (0, plan["touches"])
    found = rows(out)
    assert {one["strategy"] for one in found} == {"newcomer_welcome"}
    assert all(one["text"] and one["phone"].startswith("+86138") for one in found)


def test_tags_by_file(koipond: Koipond, brand: Path, tmp_path: Path) -> None:
    (brand / "tags").mkdir(exist_ok=True)
    (brand / "tags" / "skin.yaml").write_text(
        "key: skin\nname: {en: Skin}\nowner: t\nsource: manual\nexclusive: true\nvalues: [dry, oily]\n"
    )
    assert koipond("apply")[0] == 0
    file = tmp_path / "skin.csv"
    file.write_text("手机号,标签\n13800000001,dry\n13800000002,oily\n13800000003,blue\n")
    code, said = koipond("tags", "import", "skin", file)
    assert code == 2
    assert "(line 4)" in said["message"]
    file.write_text("手机号,标签\n13800000001,dry\n13800000002,oily\n")
    assert koipond("tags", "import", "skin", file)[1]["members"] == 2
    assert koipond("refresh")[0] == 0
    assert koipond("segments", "count", "tag.skin = dry")[1]["count"] == 1


def test_what_is_wrong_with_an_export_is_said_at_once(koipond: Koipond, brand: Path, tmp_path: Path) -> None:
    code, said = koipond(
        "lists",
        "export",
        "buyers",
        "--to",
        tmp_path / "x.csv",
        "--with",
        "name",
        "--purpose",
        " ",
        "--by",
        "",
    )
    assert code == 2
    assert all(word in said["message"] for word in ("segment:KEY", "--with name", "--purpose", "--by"))
    assert not (tmp_path / "x.csv").exists()
