"""What `why` says of a held grade."""

from dataclasses import dataclass
from datetime import date

import pytest

from koipond.strategy.why.grades import held_answer


@dataclass(frozen=True)
class State:
    runs_below: int
    since: date = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (0, "holds the grade core since 2026-03-01"),
        (
            1,
            "holds the grade core since 2026-03-01; the snapshot lay below it at the last 1 monthly run(s)",
        ),
    ],
)
def test_runs_below_are_named_when_there_are_any(runs: int, said: str) -> None:
    answer = held_answer("core", State(runs_below=runs))
    assert answer["words"]["en"] == said
    assert answer["runs_below"] == runs
    assert ("次" in answer["words"]["zh"]) == bool(runs)
