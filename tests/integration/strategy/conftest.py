"""Fixtures of plans."""

from collections.abc import Callable
from pathlib import Path

import pytest

from koipond.strategy.plan import PlanRequest
from koipond.testing.plans import Brand, Planned, plan_of, request_of


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., Planned]:
    """Plan over a brand; every plan made in a test adds up: considered = touches + losses."""

    def run(brand: Brand, request: PlanRequest | None = None) -> Planned:
        made = plan_of(brand, tmp_path / str(len(list(tmp_path.iterdir()))), request or request_of())
        assert made.plan.considered == len(made.rows)
        assert made.plan.touches == sum(row["reason"] is None for row in made.rows)
        assert made.plan.considered == made.plan.touches + sum(n for _, n in made.plan.waterfall)
        return made

    return run
