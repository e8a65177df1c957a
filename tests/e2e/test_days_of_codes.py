"""Which last day of a code is said before it is dealt: in `plan`, `preview` and then in the message."""

from pathlib import Path

import pytest

from .conftest import Koipond

DAYS = ("2026-06-01", "2026-06-11", "2026-06-21", "2026-11-01")
ROWS = [(who, day) for who in "abc" for day in DAYS]
OPEN, QUIET = "{start_hour: 20, end_hour: 9}", "{start_hour: 10, end_hour: 9}"  # now it is 10:00
OFFER_DAY = "2026-11-15"  # plan day 2026-11-01 and the 14 days of the playbook's offer


@pytest.fixture
def quiet() -> str:
    return OPEN


@pytest.fixture
def shop(koipond: Koipond, tmp_path: Path, quiet: str) -> Koipond:
    folder = tmp_path / "brand"
    lines = "".join(f"{n},{who},{day} 12:00,100\n" for n, (who, day) in enumerate(ROWS))
    (tmp_path / "o.csv").write_text("order_id,customer_id,order_date,amount\n" + lines)
    assert koipond("init", "--clock", "last_fact", "--zone", "Asia/Karachi", "--currency", "PKR")[0] == 0
    settings = folder / "koipond.yaml"
    text = settings.read_text().replace("traits:", "  global_holdout_rate: 0\ntraits:", 1)
    assert OPEN in text
    settings.write_text(text.replace(OPEN, quiet))
    assert koipond("import", "orders", tmp_path / "o.csv")[0] == 0
    assert koipond("playbook", "add", "dormant_recall_code")[0] == 0
    for file in folder.glob("strategies/*.yaml"):
        text = file.read_text().replace("holdout_rate: 0.10", "holdout_rate: 0.0")
        text = text.replace("shop.example", "shop.test")
        file.write_text(text.replace("per_customer_fen: 1000", "per_customer_fen: 100000"))
    segment = folder / "segments" / "past_own_cycle.yaml"
    kept = [line for line in segment.read_text().splitlines() if not line.startswith("rule:")]
    segment.write_text("\n".join([*kept, "rule: everyone"]) + "\n")
    assert koipond("apply", "--author", "t")[0] == 0
    assert koipond("refresh")[0] == 0
    return koipond


def bring(koipond: Koipond, tmp_path: Path, codes: dict[str, str]) -> None:
    file = tmp_path / "codes.csv"
    file.write_text("code,expires_on\n" + "".join(f"{code},{day}\n" for code, day in codes.items()))
    assert koipond("codes", "import", "recall_code", file)[0] == 0


def days_of(texts: list[str]) -> list[str]:
    known = (OFFER_DAY, "2026-11-02", "2026-11-03", "2026-11-20")
    return [next(day for day in known if day in text) for text in texts]


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ({"AA1": "2026-11-03", "AA2": "2026-11-03", "AA3": "2026-11-03"}, ["2026-11-03"] * 3),
        ({"AA1": "2026-11-20", "AA2": "2026-11-03", "AA3": ""}, [OFFER_DAY, "2026-11-03", OFFER_DAY]),
    ],
)
def test_preview_says_the_day_of_the_code_that_is_sent(
    shop: Koipond, tmp_path: Path, codes: dict[str, str], said: list[str]
) -> None:
    bring(shop, tmp_path, codes)
    assert shop("plan")[1]["touches"] == 3
    assert previewed(shop) == said
    assert shop("approve", "latest", "--by", "t")[0] == 0
    assert shop("send", "latest")[0] == 0
    rows = shop("inbox")[1]["shown"]
    assert sorted(days_of([one["text"] for one in rows])) == sorted(said)
    held = list(codes)
    for one in rows:  # codes are dealt by customer number
        place = held.index(next(code for code in held if code in one["text"]))
        assert days_of([one["text"]]) == [said[place]]


@pytest.mark.parametrize("quiet", [QUIET])
def test_a_code_that_is_over_when_quiet_hours_end_is_nobodys(shop: Koipond, tmp_path: Path) -> None:
    bring(
        shop,
        tmp_path,
        {"AA0": "2026-11-01", "AA1": "2026-11-02", "AA2": "2026-11-03", "AA3": "2026-11-20"},
    )
    assert shop("plan")[1]["touches"] == 3
    said = ["2026-11-02", "2026-11-03", OFFER_DAY]
    assert previewed(shop) == said
    assert shop("approve", "latest", "--by", "t")[0] == 0
    assert shop("send", "latest")[1]["deferred"] == 3
    assert previewed(shop) == said, "what was dealt is what was shown"


def previewed(koipond: Koipond) -> list[str]:
    texts = [one["message"]["text"] for one in koipond("preview", "latest")[1]["messages"]]
    assert all("×××" in text for text in texts)
    return days_of(texts)


def test_plan_says_between_which_days_codes_end(shop: Koipond, tmp_path: Path) -> None:
    bring(shop, tmp_path, {"AA1": "2026-11-03", "AA2": "2026-11-09", "AA3": "2026-11-03"})
    plan = shop("plan")[1]
    (note,) = [note for note in plan["notes"] if "recall_code" in note]
    assert "between 2026-11-03 and 2026-11-09, by code" in note
    (row,) = shop("check")[1]["early_ends"]
    assert (row["ends_on"], row["ends_by"], row["says"]) == ("2026-11-03", "2026-11-09", OFFER_DAY)


def test_a_list_with_codes_that_last_promises_up_to_the_offers_day(shop: Koipond, tmp_path: Path) -> None:
    bring(shop, tmp_path, {"AA1": "2026-11-03", "AA2": ""})
    (row,) = shop("check")[1]["early_ends"]
    assert (row["ends_on"], row["ends_by"]) == ("2026-11-03", OFFER_DAY)


@pytest.mark.parametrize("quiet", [QUIET])
@pytest.mark.parametrize("code_day", ["2026-11-02", "2026-12-31"])
def test_a_touch_that_could_not_go_in_time_says_why_and_reached_nobody(
    shop: Koipond, tmp_path: Path, code_day: str
) -> None:
    bring(shop, tmp_path, {f"AA{n}": code_day for n in range(6)})
    assert shop("plan")[1]["touches"] == 3
    assert shop("approve", "p1", "--by", "t")[0] == 0
    assert shop("send", "p1")[1]["deferred"] == 3
    later = tmp_path / "later.csv"
    later.write_text("order_id,customer_id,order_date,amount\nz,zz,2026-11-04 12:00,5\n")
    assert shop("import", "orders", later)[0] == 0
    assert shop("refresh")[0] == 0
    over = "budget:code_list:recall_code" if code_day == "2026-11-02" else "late"
    problems = [{"state": "expired", "detail": over, "touches": 3}]
    assert shop("send", "p1")[1]["problems"] == problems
    assert shop("plans")[1]["plans"][0]["problems"] == problems
    for asked in (("a",), ("a", "--plan", "p1")):
        [play] = shop("why", *asked)[1]["plays"]
        assert "last touched" not in play["words"]["en"]
        assert play["reason"] != "re_entry"
    assert ("its code's last day" in play["words"]["en"]) == (code_day == "2026-11-02")
    assert "nothing was sent" in play["words"]["en"]
