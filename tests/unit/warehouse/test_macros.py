from pathlib import Path

import pytest

from koipond.warehouse.engine import Engine, EngineOptions


@pytest.mark.parametrize(
    ("days", "n", "expected"),
    [([5, 9, 12], 2, 9), ([5, 9], 2, 5), ([5, 9], 3, None), ([5], 3, None), ([], 1, None), (None, 1, None)],
)
def test_the_nth_latest_day_is_null_when_there_are_fewer(
    days: list[int] | None, n: int, expected: int | None, tmp_path: Path
) -> None:
    engine = Engine(tmp_path, EngineOptions(threads=1))
    try:
        call = "SELECT koipond_nth_latest(?::INTEGER[], ?::INTEGER)"
        assert engine.raw.execute(call, [days, n]).fetchall() == [(expected,)]
    finally:
        engine.close()
