"""Strategies and plays as values."""

from datetime import date

from koipond.budgets import Budget
from koipond.channels.sheets import SHEETS
from koipond.strategy.model import (
    CHANNELS,
    Arm,
    CodeList,
    Landing,
    Metric,
    Offer,
    Play,
    Slot,
    Strategy,
    content_of,
)

PLAY = Play(
    key="main",
    audience=Slot(variants={"": "dormant"}),
    offer=Slot(variants={"none": Offer(), "code": Offer(code_list="ten")}),
    script=Slot(variants={"a": "one", "b": "two"}),
    landing=Slot(variants={"": Landing(url="/x")}),
    channels=("sandbox",),
)


def strategy(**fields: object) -> Strategy:
    given = {"key": "s", "owner": "o", "plays": (PLAY,), "holdout_rate": 0.1, "budget": Budget(total_fen=1)}
    metric = Metric(primary="conversion", window_days=30)
    return Strategy(**{"metric": metric, **given, **fields})  # type: ignore[arg-type]


def test_play_has_one_arm_for_each_combination_of_variants() -> None:
    assert [arm.name for arm in PLAY.arms()] == ["none+a", "none+b", "code+a", "code+b"]
    assert PLAY.tested() == ((1, ("none", "code")), (2, ("a", "b")))


def test_content_differs_by_words_offer_and_link_only() -> None:
    def arm(name: str, offer: str | None, url: str) -> Arm:
        return Arm(
            name=name,
            choice=("", "", "", ""),
            audience=name,
            offer=Offer(code_list=offer, cost_cap_fen=len(name)),
            script="x",
            landing=Landing(url=url),
        )

    same = {content_of(arm(name, None, "/a"), "words") for name in ("one", "other")}
    others = {
        content_of(arm("one", "ten", "/a"), "words"),
        content_of(arm("one", None, "/b"), "words"),
        content_of(arm("one", None, "/a"), "other words"),
    }
    assert len(same) == 1
    assert len(same | others) == 4


def test_strategy_runs_from_its_first_to_its_last_day() -> None:
    runs = strategy(starts_on=date(2026, 3, 1), ends_on=date(2026, 3, 31))
    days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1)]
    assert [runs.runs_on(day) for day in days] == [False, True, True, False]
    assert not strategy(paused=True).runs_on(date(2026, 3, 1))


def test_code_is_good_until_the_earlier_of_its_two_ends() -> None:
    def last(**ends: object) -> date | None:
        return CodeList(key="c", cost_fen=1, value_fen=1, **ends).last_day(date(2026, 3, 1))  # type: ignore[arg-type]

    assert last() is None
    assert last(valid_days=14) == date(2026, 3, 15)
    assert last(valid_days=14, expires_on=date(2026, 3, 5)) == date(2026, 3, 5)


def test_supported_channels_are_those_that_ship() -> None:
    assert set(CHANNELS) == set(SHEETS)
