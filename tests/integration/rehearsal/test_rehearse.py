import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from koipond.kernel import InputError
from koipond.rehearsal.run import Rehearsal, rehearse
from koipond.rehearsal.scenario import REDUCED, Horizon, scenario

SMALL = Horizon(customers=400, days=28, plan_every_days=7)


@cache
def rehearsed(key: str) -> Rehearsal:
    return rehearse(scenario(key), 3, horizon=SMALL)


def arms(made: Rehearsal) -> Mapping[str, Mapping[str, Any]]:
    return {row["arm"]: row for row in made.report["arms"]}


def test_the_same_seed_gives_the_same_report_looked_at_or_not() -> None:
    again = rehearse(scenario("C1"), 3, horizon=SMALL, peek_every_days=7)
    assert json.dumps(again.to_dict()) == json.dumps(rehearsed("C1").to_dict())
    final = rehearsed("C1").report["variants"]["effects"][0]
    before, last = again.peeks[-2:]  # on day 14 of 28, and at the planned end
    assert (last.low, last.high) == (final["low"], final["high"])
    assert before.high - before.low > final["high"] - final["low"]


def test_a_truth_that_is_not_stated_follows_from_who_was_reached() -> None:
    made = rehearse(replace(scenario("C4"), truth=None), 3, horizon=SMALL)
    assert made.truth == pytest.approx(0.25)
    assert json.dumps(made.report) == json.dumps(rehearsed("C4").report)


@pytest.mark.parametrize("key", ["C1", "C4"])
def test_everybody_drawn_for_the_touch_gets_it_and_nobody_else(key: str) -> None:
    made = rehearsed(key)
    assert arms(made)["touch"]["touched"] == arms(made)["touch"]["assigned"] == made.touches > 100
    assert arms(made)["holdout"]["touched"] == 0 < arms(made)["holdout"]["assigned"]
    assert made.report["left_out"] == {"pending": 0, "merged": 0, "unreal": 0, "staff": 0}


@pytest.mark.parametrize("key", ["C1", "C4"])
def test_no_invariant_of_the_store_breaks(key: str) -> None:
    assert rehearsed(key).breaks == 0


@pytest.mark.parametrize("key", ["C1", "C4"])
def test_the_report_is_headed_rehearsed_and_read_at_the_planned_end(key: str) -> None:
    report = rehearsed(key).report
    assert report["rehearsed"] is True
    assert report["design"] == "fixed horizon"


def test_the_answer_carries_the_command_contract() -> None:
    answer = rehearsed("C4").to_dict()
    contract = ["scenario", "truth", "estimate", "low", "high", "covered", "low_above_zero"]
    assert list(answer)[: len(contract)] == contract
    assert answer["covered"] is (answer["low"] <= answer["truth"] <= answer["high"])
    assert answer["low_above_zero"] is (answer["low"] > 0)


def test_c1_is_read_variant_against_variant() -> None:
    made = rehearsed("C1")
    effects = {(e["arm"], e["metric"]): e for e in made.report["variants"]["effects"]}
    assert made.report["variants"]["control"] == "reminder"
    assert made.found.estimate == effects["tasting", "conversion"]["relative"]["estimate"]


def test_clicks_and_opt_outs_come_back_as_responses() -> None:
    made = rehearsed("C1")
    assert made.report["responses"]["delivered"] == made.touches
    assert 0 < made.report["responses"]["clicked"] < made.touches


def test_fewer_days_than_one_outcome_window_are_refused() -> None:
    with pytest.raises(InputError, match="14 days"):
        rehearse(scenario("C4"), 1, horizon=replace(SMALL, days=13))


@pytest.mark.slow
@pytest.mark.parametrize("key", ["C1", "C4"])
def test_a_reduced_rehearsal_finds_the_planted_effect(key: str) -> None:
    made = rehearse(scenario(key), 1, horizon=REDUCED)
    assert made.covered
    assert made.low_above_zero
    assert made.breaks == 0
