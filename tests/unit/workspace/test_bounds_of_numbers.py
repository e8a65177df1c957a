"""Every whole number of definitions and settings is bounded, and one beyond is a finding at its line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from koipond.kernel import MONEY_MAX
from koipond.strategy.spec import CodeListShape, StrategyShape
from koipond.workspace import check
from koipond.workspace.playbooks import settings_text
from koipond.workspace.settings import WorkspaceSettings
from koipond.workspace.template_spec import TemplateShape

HUGE = ("9223372036854775808", "1" + "0" * 23, "-9223372036854775809", "9" * 5_000)
STRATEGY: dict[str, Any] = {
    "key": "one",
    "kind": "campaign",
    "name": "one",
    "owner": "crm",
    "metric": {"primary": "conversion", "window_days": 30},
    "holdout_rate": 0,
    "budget": {"total_fen": 1, "per_day_fen": 1, "per_customer_fen": 1},
    "caps": [{"touches_max": 1, "days": 1}],
    "priority": 1,
    "re_entry_days": 1,
    "plays": [
        {
            "key": "hi",
            "audience": "everyone",
            "offer": {"code_list": "gifts", "cost_cap_fen": 1},
            "script": "hello",
            "landing": "https://shop.example/a",
            "channels": ["email"],
        }
    ],
}
OFFER = {"key": "gifts", "kind": "code_list", "cost_fen": 1, "value_fen": 1, "valid_days": 1}
SETTINGS = {
    "defaults": {
        "contact_policy": {
            "caps": [{"touches_max": 1, "days": 1}],
            "transactional_caps": [{"touches_max": 1, "days": 1}],
            "quiet": {"start_hour": 1, "end_hour": 1},
            "capped_groups": {"g": [{"touches_max": 1, "days": 1}]},
            "duplicate_content_days": 1,
        },
        "default_margin_bp": 1,
    },
    "quality": dict.fromkeys(
        (
            *("test_orders_min", "test_amount_fen_max", "reward_orders_min"),
            *("reward_days_max", "day_orders_max", "day_events_max"),
        ),
        1,
    ),
    "channels": {"email": {"cost_fen": 1, "quota_per_day": 1}},
}
SEGMENT = {"key": "all", "owner": "crm", "name": "all", "rule": "orders_365d >= 1", "stale_after_days": 1}
FILES: dict[str, dict[str, Any]] = {
    "strategies/one.yaml": STRATEGY,
    "offers/gifts.yaml": OFFER,
    "segments/all.yaml": SEGMENT,
    "koipond.yaml": {
        **yaml.safe_load(settings_text(key="demo", name="a", zone="Asia/Shanghai", currency="CNY")),
        **SETTINGS,
    },
}
Place = tuple[str | int, ...]


def whole_numbers(body: Any, place: Place = ()) -> Iterator[Place]:
    steps = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for step, value in steps:
        if isinstance(value, int) and not isinstance(value, bool):
            yield (*place, step)
        yield from whole_numbers(value, (*place, step))


def fields(shape: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[tuple[str, Any, Any]]:
    """Yield shape, field and what bounds it, of all shapes that may stand in ``shape``."""
    if shape in seen:
        return
    seen.add(shape)
    for name, field in shape.model_fields.items():
        yield f"{shape.__name__}.{name}", field.annotation, field.metadata
        yield from _inner(field.annotation, seen)


def _inner(annotation: Any, seen: set[type[BaseModel]]) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from fields(annotation, seen)
    for inner in get_args(annotation):
        yield from _inner(inner, seen)


def _of_int(annotation: Any, metadata: Any) -> Iterator[Any]:
    """Yield what bounds each whole number in ``annotation``."""
    if annotation is int:
        yield metadata
    own = getattr(annotation, "__metadata__", metadata)
    for inner in get_args(annotation):
        yield from _of_int(inner, own)


def test_no_shape_has_a_whole_number_without_bounds() -> None:
    shapes: tuple[type[BaseModel], ...] = (StrategyShape, CodeListShape, TemplateShape, WorkspaceSettings)
    seen: set[type[BaseModel]] = set()
    named = [one for shape in shapes for one in fields(shape, seen)]
    numbers = [(name, found) for name, annotation, data in named for found in _of_int(annotation, data)]
    assert len(numbers) > 15
    for name, metadata in numbers:
        text = repr(metadata)
        upper = re.search(r"\ble=(\d+)", text)
        assert upper, f"{name} has no upper bound"
        assert re.search(r"\bge=", text), f"{name} has no lower bound"
        assert int(upper[1]) <= MONEY_MAX, name


CASES = [(file, place) for file, body in FILES.items() for place in whole_numbers(body)]


@pytest.mark.parametrize("number", HUGE, ids=lambda text: f"{len(text)} digits")
@pytest.mark.parametrize(("file", "place"), CASES, ids=lambda one: str(one))
def test_a_number_beyond_its_bound_is_a_finding_at_its_line(
    tmp_path: Path, file: str, place: Place, number: str
) -> None:
    for name, body in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(yaml.safe_dump(body, sort_keys=False))
    assert not [one for one in check(tmp_path) if one.code == "bad_value"]
    body: Any = yaml.safe_load((tmp_path / file).read_text())
    inner = body
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = "HERE"
    text = yaml.safe_dump(body, sort_keys=False)
    line = next(count for count, row in enumerate(text.splitlines(), 1) if "HERE" in row)
    (tmp_path / file).write_text(text.replace("HERE", number))
    found = [one for one in check(tmp_path) if (one.file, one.line, one.code) == (file, line, "bad_value")]
    assert found, place
    assert any(str(place[-1]) in one.message for one in found)
