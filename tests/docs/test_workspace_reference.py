"""The example of koipond.yaml loads without a finding, names every key, and states the true defaults."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from koipond.ingest.quality import QualityRules
from koipond.outreach.model import ContactPolicy
from koipond.workspace import load_folder
from koipond.workspace.settings import ChannelShape, TraitShape, WorkspaceSettings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "workspace.md"
[EXAMPLE] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SEGMENT = "key: {key}\nowner: crm-team\nname: {{en: x, zh: x, id: x}}\nrule: member\n"


def keys_of(shape: type[BaseModel]) -> set[str]:
    """Return the keys of ``shape`` and of the shapes within it."""
    found: set[str] = set()
    for name, field in shape.model_fields.items():
        found.add(name)
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= keys_of(inner)
    return found


def written(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {*value} | {name for inner in value.values() for name in written(inner)}
    return {name for inner in value for name in written(inner)} if isinstance(value, list) else set()


def test_the_example_names_every_key() -> None:
    wanted = keys_of(WorkspaceSettings) | keys_of(ChannelShape) | keys_of(TraitShape)
    assert wanted <= written(yaml.safe_load(EXAMPLE))


def test_the_example_loads_without_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAND_STORE", "postgresql+psycopg://127.0.0.1/brand")
    (tmp_path / "koipond.yaml").write_text(EXAMPLE, encoding="utf-8")
    (tmp_path / "segments").mkdir()
    for key in ("close_circle", "insiders", "signed_on_paper"):
        (tmp_path / "segments" / f"{key}.yaml").write_text(SEGMENT.format(key=key), encoding="utf-8")
    loaded = load_folder(tmp_path)
    assert [str(finding) for finding in loaded.findings] == []
    assert loaded.settings is not None


def test_the_defaults_shown_are_the_true_ones() -> None:
    shown, policy = WorkspaceSettings.model_validate(yaml.safe_load(EXAMPLE)), ContactPolicy()
    assert shown.quality.resolve() == QualityRules()
    assert shown.policy.caps == policy.caps
    assert shown.policy.transactional_caps == policy.transactional_caps
    assert shown.policy.quiet == policy.quiet
    assert shown.policy.duplicate_content_days == policy.duplicate_content_days
