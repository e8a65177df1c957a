"""Shipped playbooks: texts in three languages that read well for everybody they may reach."""

from pathlib import Path

import pytest

from koipond.kernel import LANGUAGES, InputError
from koipond.outreach.templates import render
from koipond.workspace import load_folder
from koipond.workspace.playbooks import SHIPPED, add_playbook, settings_text

VALUES = {
    "customer": {
        "first_purchase_on": "2026-03-02",
        "last_purchase_on": "2026-05-09",
        "repurchase_cycle_days": 31,
    },
    "trait": {"first_name": None},
    "brand": {"name": "Pond & Co"},
    "landing": {"url": "https://shop.example/a?b=1&c=2"},
    "offer": {"name": "coupon", "value": "¥10", "code": "AB-12", "expires_on": "2026-06-01"},
    "unsubscribe": {"url": "https://shop.example/u"},
}


def workspace(folder: Path) -> Path:
    text = settings_text(key="demo", name="Demo", zone="Asia/Shanghai", currency="CNY")
    (folder / "koipond.yaml").write_text(text)
    return folder


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_text_is_whole_in_three_languages(name: str, tmp_path: Path) -> None:
    add_playbook(workspace(tmp_path), name)
    for definition in load_folder(tmp_path).of("template"):
        for language in LANGUAGES:
            done = render(definition.value, language, VALUES)
            assert done.subject
            assert len(done.subject) <= 60
            assert VALUES["landing"]["url"] in done.text
            assert VALUES["unsubscribe"]["url"] in done.text
            assert VALUES["unsubscribe"]["url"] in done.html
            assert "?b=1&amp;c=2" in done.html
            assert not {"  ", " ,", "{{", "，，"} & {
                part for part in ("  ", " ,", "{{", "，，") if part in done.text
            }
            assert "!" not in done.text + done.subject
            assert "！" not in done.text + done.subject


def test_shipped_strategies_are_restrained(tmp_path: Path) -> None:
    for name in SHIPPED:
        add_playbook(workspace(tmp_path), name)
    for definition in load_folder(tmp_path).of("strategy"):
        strategy = definition.value
        assert strategy.owner
        assert strategy.review_on
        assert strategy.holdout_rate == 0.10
        assert strategy.caps
        assert strategy.guardrails
        assert strategy.budget.per_customer_fen
        assert set(strategy.name) == set(LANGUAGES)


def test_channels_replace_the_sandbox(tmp_path: Path) -> None:
    add_playbook(workspace(tmp_path), "high_value_care", channels=("email", "sandbox"))
    strategy = load_folder(tmp_path).definitions[("strategy", "high_value_care")].value
    assert strategy.plays[0].channels == ("email", "sandbox")


def test_file_of_the_brand_is_never_overwritten(tmp_path: Path) -> None:
    workspace(tmp_path)
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments/high_value.yaml").write_text("key: high_value\nrule: grade = core\n")
    assert "segments/high_value.yaml" not in add_playbook(tmp_path, "high_value_care")
    assert (tmp_path / "segments/high_value.yaml").read_text() == "key: high_value\nrule: grade = core\n"


def test_unknown_playbook_names_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dormant_recall"):
        add_playbook(workspace(tmp_path), "recall")


@pytest.mark.parametrize(
    ("zone", "currency", "country"),
    [("Asia/Shanghai", "CNY", "CN"), ("Asia/Jakarta", "IDR", "ID"), ("UTC", "EUR", None)],
)
def test_the_country_that_is_assumed_is_written_down(
    tmp_path: Path, zone: str, currency: str, country: str | None
) -> None:
    text = settings_text(key="demo", name="Demo", zone=zone, currency=currency)
    (tmp_path / "koipond.yaml").write_text(text, encoding="utf-8")
    settings = load_folder(tmp_path).settings
    assert settings is not None
    assert settings.country == country
    assert settings.region == (country or "ZZ")
    assert "country: " in text
