"""Loading a folder: every mistake at once, each with file, line, code and fix."""

import tracemalloc
from pathlib import Path

import pytest

from koipond.kernel import InputError
from koipond.workspace import check, load_folder
from koipond.workspace.playbooks import SHIPPED, add_playbook, settings_text
from koipond.workspace.source import read_source

BROKEN = """\
key: broken
kind: campaign
ownr: x
metric: {primary: conversions, window_days: 0}
budget: {total_fen: 1.5}
plays:
  - key: a
    audience: nobody
    offer: {code_list: recall_cod, cost: 3}
    script: {variants: {a: recall_code, b: newcomer_welcom}}
    landing: http://x
    channels: []
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = settings_text(key="demo", name='A "brand"', zone="Asia/Shanghai", currency="CNY")
    (tmp_path / "koipond.yaml").write_text(text)
    for name in SHIPPED:
        add_playbook(tmp_path, name)
    return tmp_path


def codes(folder: Path) -> set[tuple[str, int, str]]:
    return {(finding.file, finding.line, finding.code) for finding in check(folder)}


def write(folder: Path, file: str, text: str) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(text)


def edit(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after))


def test_shipped_playbooks_have_no_finding(folder: Path) -> None:
    assert check(folder) == []


def test_every_mistake_of_a_file_is_reported_at_once_with_its_line(folder: Path) -> None:
    write(folder, "strategies/broken.yaml", BROKEN)
    file = "strategies/broken.yaml"
    assert codes(folder) == {
        (file, 1, "owner_missing"),
        (file, 1, "holdout_missing"),
        (file, 3, "unknown_key"),
        (file, 4, "bad_value"),
        (file, 5, "bad_value"),
        (file, 8, "unknown_reference"),
        (file, 9, "unknown_key"),
        (file, 9, "unknown_reference"),
        (file, 10, "unknown_reference"),
        (file, 11, "bad_value"),
        (file, 12, "bad_value"),
    }


def test_unknown_key_comes_with_a_suggestion(folder: Path) -> None:
    edit(folder, "strategies/dormant_recall.yaml", "owner: crm-team", "owner: crm-team\nre_entry_day: 3")
    (finding,) = check(folder)
    assert finding.fix == "Did you mean 're_entry_days'?"


CARE, CODE = "strategies/high_value_care.yaml", "strategies/dormant_recall_code.yaml"
RECALL, NEWS = "strategies/dormant_recall.yaml", "templates/recall_news.yaml"
LINT = [
    (CARE, "holdout_rate: 0.10", "holdout_rate: 0", "holdout_missing", "warning"),
    (CARE, ", per_customer_fen: 500", "", "cost_cap_missing", "error"),
    (CARE, "review_on: 2027-06-30\n", "", "expiry_missing", "error"),
    (CARE, "caps:\n  - {touches_max: 1, days: 30}\n", "", "caps_missing", "warning"),
    (CARE, "max: 1, days: 30", "max: 9, days: 7", "cap_looser_than_policy", "warning"),
    (CARE, "kind: campaign", "kind: policy", "not_supported", "error"),
    (CODE, ", cost_cap_fen: 1000", "", "cost_cap_missing", "error"),
    (CODE, "cost_cap_fen: 1000", "cost_cap_fen: 999", "offer_above_cap", "error"),
    (CODE, "script: recall_code", "script: recall_news", "code_not_shown", "error"),
    (RECALL, "news: recall_news", "news: recall_code", "offer_missing", "error"),
    (RECALL, "audience: past_own_cycle", "audience: everyone_reachable", "not_plain", "error"),
    (RECALL, "channels: [sandbox]", "channels: [wecom_message]", "not_supported", "error"),
    (RECALL, "channels: [sandbox]", "channels: [email]", "landing_is_placeholder", "error"),
    (RECALL, "key: dormant_recall", "key: dormant_recal", "key_is_not_name", "error"),
    ("offers/recall_code.yaml", "valid_days: 14\n", "", "expiry_missing", "error"),
    ("templates/recall_code.yaml", "  id:\n", "  fr:\n", "bad_value", "error"),
    (NEWS, "purchase_on }}, {{", "purchase }}, {{", "unknown_variable", "error"),
    (NEWS, "required: [customer.last_purchase_on]\n", "", "fallback_missing", "error"),
    (NEWS, "{% endif %}您好", "{% end %}您好", "template_error", "error"),
    ("segments/high_value.yaml", "rfm_level = high", "rfm_levle = high", "bad_rule", "error"),
    ("segments/high_value.yaml", "rule: rfm", "rules: rfm", "unknown_key", "error"),
    ("segments/high_value.yaml", "grade = core", "segment high_value", "segment_cycle", "error"),
    ("koipond.yaml", "zone: Asia/Shanghai", "zone: Asia/Atlantis", "bad_value", "error"),
    ("koipond.yaml", "currency: CNY", "currency: RMB!", "bad_value", "error"),
    ("koipond.yaml", "currency: CNY", "currency: XXZ", "bad_value", "error"),
    ("koipond.yaml", "    quiet:", "    exempt_segments: [board]\n    quiet:", "unknown_reference", "error"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "before", "after", "code", "severity"), LINT)
def test_lack_of_restraint_or_care_is_found(
    folder: Path, file: str, before: str, after: str, code: str, severity: str
) -> None:
    edit(folder, file, before, after)
    found = [(f.file, f.code, f.severity) for f in check(folder)]
    assert (file, code, severity) in found


def test_missing_language_is_a_warning(folder: Path) -> None:
    text = (folder / "templates/high_value_care.yaml").read_text()
    (folder / "templates/high_value_care.yaml").write_text(text[: text.index("  id:\n    subject")])
    (finding,) = check(folder)
    assert (finding.code, finding.severity, finding.message) == (
        "language_missing",
        "warning",
        "no text in id",
    )


HOSTILE = {
    "alias": ("key: &a x\nname: *a\n", "alias"),
    "python object": ("key: !!python/object/apply:os.system [ls]\n", "tag"),
    "twice the same key": ("key: a\nkind: campaign\nkey: b\n", "duplicate_key"),
    "no mapping": ("- a\n- b\n", "not_a_mapping"),
    "empty": ("", "not_a_mapping"),
    "broken": ("key: [a\n", "bad_yaml"),
    "deep": ("key: " + "[" * 100 + "]" * 100 + "\n", "too_deep"),
    "two documents": ("key: a\n---\nkey: b\n", "bad_yaml"),
}


@pytest.mark.parametrize(("text", "code"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_yaml_is_a_finding(folder: Path, text: str, code: str) -> None:
    write(folder, "strategies/odd.yaml", text)
    assert [finding.code for finding in check(folder)] == [code]


def test_file_that_is_not_utf8_names_the_line(folder: Path) -> None:
    (folder / "segments/gbk.yaml").write_bytes("key: gbk\nname: 客户\n".encode("gbk"))
    assert codes(folder) == {("segments/gbk.yaml", 2, "not_utf8")}


def test_folders_of_later_versions_are_refused_by_name(folder: Path) -> None:
    write(folder, "journeys/welcome.yaml", "key: welcome\n")
    write(folder, "strategy/odd.yaml", "key: odd\n")
    assert codes(folder) == {
        ("journeys/welcome.yaml", 0, "not_supported"),
        ("strategy/odd.yaml", 0, "unknown_folder"),
    }


def test_two_files_cannot_share_a_key(folder: Path) -> None:
    text = (folder / "segments/high_value.yaml").read_text()
    write(folder, "segments/zz.yaml", text)
    assert {code for _, _, code in codes(folder)} == {"duplicate_key", "key_is_not_name"}


def test_folder_without_settings_says_how_to_make_them(tmp_path: Path) -> None:
    (finding,) = check(tmp_path)
    assert finding.code == "missing_file"
    assert "koipond init" in finding.fix


def test_missing_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        load_folder(tmp_path / "nowhere")


def test_word_no_is_a_text_not_a_boolean(folder: Path) -> None:
    edit(folder, "strategies/dormant_recall.yaml", "variants: {news:", "variants: {no:")
    strategy = load_folder(folder).definitions[("strategy", "dormant_recall")].value
    assert list(strategy.plays[0].script.variants) == ["no", "reminder"]


def test_layer_file_is_read_by_its_own_parser(folder: Path) -> None:
    write(folder, "layers/rfm.yaml", "key: rfm\nfrequency: purchases\nwindow_dayz: 365\n")
    assert codes(folder) == {("layers/rfm.yaml", 2, "bad_value"), ("layers/rfm.yaml", 3, "unknown_field")}
    write(folder, "layers/rfm.yaml", "key: rfm\nfrequency: purchase_days\n")
    assert load_folder(folder).definitions[("layer", "rfm")].value.frequency == "purchase_days"


def test_tag_file_is_read_by_its_own_parser(folder: Path) -> None:
    tag = "key: vip\nowner: crm\nsource: auto\ntags:\n  - {value: big, rule: grade = cor}\n"
    write(folder, "tags/vip.yaml", tag)
    assert codes(folder) == {("tags/vip.yaml", 5, "bad_rule")}
    write(folder, "tags/vip.yaml", tag.replace("cor}", "core}"))
    assert load_folder(folder).definitions[("tag", "vip")].value.rules[0].value == "big"


def test_broken_file_is_not_reported_again_by_those_who_refer_to_it(folder: Path) -> None:
    edit(folder, "segments/high_value.yaml", "rfm_level = high", "rfm_level = hgih")
    assert {file for file, _, _ in codes(folder)} == {"segments/high_value.yaml"}


def test_a_day_that_does_not_exist_hides_no_other_finding(folder: Path) -> None:
    """It is a value of its field: it has its line, and the rest of the file is read."""
    edit(folder, RECALL, "review_on: 2027-06-30", "review_on: 2025-13-01")
    edit(folder, RECALL, "re_entry_days: 60", "re_entry_days: -1")
    lines = (folder / RECALL).read_text().splitlines()
    wanted = [lines.index("review_on: 2025-13-01") + 1, lines.index("re_entry_days: -1") + 1]
    assert codes(folder) == {(RECALL, line, "bad_value") for line in wanted}


def test_a_fault_of_the_settings_is_not_told_again_as_faults_of_the_templates(folder: Path) -> None:
    edit(folder, "koipond.yaml", "zone: Asia/Shanghai", "zone: Mars/Base")
    assert {(file, code) for file, _, code in codes(folder)} == {("koipond.yaml", "bad_value")}


def test_a_circle_of_segments_is_told_at_the_line_of_its_rule(folder: Path) -> None:
    edit(folder, "segments/high_value.yaml", "grade = core", "segment high_value")
    rule = next(
        number
        for number, line in enumerate((folder / "segments/high_value.yaml").read_text().splitlines(), 1)
        if line.startswith("rule:")
    )
    assert ("segments/high_value.yaml", rule, "segment_cycle") in codes(folder)


def test_a_definition_of_gigabytes_is_not_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "huge.yaml"
    with file.open("wb") as out:
        out.truncate(3 * 2**30)
    tracemalloc.start()
    try:
        source, [finding] = read_source(file, "huge.yaml")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (source, finding.code) == (None, "too_large")
    assert str(3 * 2**30) in finding.message
    assert peak < 20_000_000
