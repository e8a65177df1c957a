"""docs/reference/definitions.md names every finding, every key of a strategy and every variable."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import yaml

from koipond.ingest.quality import QualityRules
from koipond.rules import default_catalog
from koipond.strategy.spec import StrategyShape
from koipond.strategy.variables import known_variables
from koipond.workspace import check, load_folder
from koipond.workspace.kinds import KINDS, NOT_YET
from koipond.workspace.model import Definition
from koipond.workspace.settings import QualityShape, WorkspaceSettings
from koipond.workspace.shape import MISSING_CODES
from koipond.workspace.source import parse_source

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/reference/definitions.md").read_text()
CODE_AT = {"finding": 1, "warn": 1, "_finding": 1, "_whole": 2}
"""Function of `koipond.workspace` → the place of the code among its arguments."""


def codes_in_source() -> set[str]:
    found = {code for code, _ in MISSING_CODES.values()}
    for file in (ROOT / "src/koipond/workspace").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [word.value for word in node.keywords if name == "Finding" and word.arg == "code"]
            given += node.args[CODE_AT[name] : CODE_AT[name] + 1] if name in CODE_AT else []
            found |= {str(arg.value) for arg in given if isinstance(arg, ast.Constant)}
    return found


def test_every_finding_is_documented() -> None:
    documented = set(re.findall(r"`([a-z_0-9]+)`", TEXT[TEXT.index("## Findings") :]))
    found = codes_in_source()
    assert len(found) > 30
    assert found - documented == set()


def test_every_key_of_a_strategy_and_of_the_settings_is_documented() -> None:
    named = set(re.findall(r"[a-z_]+", TEXT))
    assert set(StrategyShape.model_fields) <= named
    assert set(WorkspaceSettings.model_fields) <= named
    assert set(NOT_YET) <= named


def test_every_threshold_of_quality_is_documented_with_its_default() -> None:
    rules = QualityRules()
    assert set(QualityShape.model_fields) == {field.name for field in fields(QualityRules)}
    for row in re.findall(r"^\| (`(?:test|reward|day)_.*)$", TEXT, re.MULTILINE):
        names, defaults = re.findall(r"`([a-z_]+)`", row.split("|")[0]), row.split("|")[1].split(", ")
        given = [defaults] if names == ["test_words"] else [[one] for one in defaults]
        for name, shown in zip(names, given, strict=True):
            value = getattr(rules, name)
            assert [one.strip() for one in shown] == [
                str(one) for one in (value if isinstance(value, tuple) else [value])
            ]
    assert all(f"`{name}`" in TEXT for name in QualityShape.model_fields)


def test_every_variable_is_documented() -> None:
    assert all(f"`{path}`" in TEXT for path in known_variables([]))


def test_example_strategy_is_sound() -> None:
    block = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    source, problems = parse_source(block[1], "strategies/dormant_recall.yaml")
    assert source is not None, problems
    found, findings = KINDS["strategies"].parse(source, default_catalog("CNY"))
    assert isinstance(found, Definition), findings
    assert set(yaml.safe_load(block[1])) == set(StrategyShape.model_fields)


def test_example_workspace_has_no_finding() -> None:
    folder = ROOT / "examples/retail/workspace"
    assert check(folder) == []
    loaded = load_folder(folder)
    assert {kind.name for kind in KINDS.values()} == {
        definition.kind for definition in loaded.definitions.values()
    }
