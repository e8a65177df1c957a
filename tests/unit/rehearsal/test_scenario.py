from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.rehearsal.scenario import SHIPPED, Horizon, scenario
from koipond.workspace import load_folder


@pytest.mark.parametrize("key", SHIPPED)
def test_a_shipped_scenario_is_a_workspace_without_a_finding(key: str, tmp_path: Path) -> None:
    played = scenario(key)
    for path, text in played.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    loaded = load_folder(tmp_path)
    assert loaded.findings == ()
    strategy = loaded.definitions[("strategy", played.strategy)].value
    assert set(played.effects) == {arm.name for play in strategy.plays for arm in play.arms()}
    templates = [definition.value for definition in loaded.of("template")]
    assert all(set(template.texts) == {"zh", "en", "id"} for template in templates)


def test_the_tasting_of_c1_beats_the_reminder_by_a_fifth() -> None:
    effects = scenario("C1").effects
    assert (1 + effects["tasting"]) / (1 + effects["reminder"]) - 1 == pytest.approx(0.20)
    assert scenario("C1").truth == 0.20


def test_the_coupon_of_c4_wins_a_quarter_more() -> None:
    assert dict(scenario("C4").effects) == {"": 0.25}
    assert scenario("C4").truth == 0.25


def test_no_customer_comes_back_within_a_window_of_his_touch() -> None:
    for key in SHIPPED:
        text = scenario(key).files[f"strategies/{scenario(key).strategy}.yaml"]
        assert "re_entry_days: 366" in text


def test_an_unknown_scenario_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="C1, C4"):
        scenario("C2")


def test_a_horizon_out_of_range_names_every_fault() -> None:
    with pytest.raises(InputError, match=r"customers must be .* days must be"):
        Horizon(customers=1, days=10_000)
