import numpy as np
import pytest

from koipond.kernel import InputError
from koipond.profiles.clv.collapse import check_histories, collapse, collapse_indexed


def _histories(days: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    x = rng.integers(0, 4, 500).astype(float)
    T = rng.integers(20, 40, 500).astype(float)
    t_x = np.where(x > 0, np.maximum(np.floor(T * rng.random(500)), 1), 0.0)
    scale = 7.0 if days else np.pi
    return x, t_x / scale, T / scale


@pytest.mark.parametrize("days", [True, False])
def test_equal_histories_are_counted_once_and_none_is_lost(days: bool) -> None:
    x, t_x, T = _histories(days)
    rows = collapse(x, t_x, T)
    expected = sorted(set(zip(x, t_x, T, strict=True)))
    assert sorted(zip(rows.x, rows.t_x, rows.T, strict=True)) == expected
    assert rows.weight.sum() == 500
    assert np.sum(rows.weight * rows.x) == x.sum()


@pytest.mark.parametrize("days", [True, False])
def test_the_index_leads_each_customer_to_their_row(days: bool) -> None:
    x, t_x, T = _histories(days)
    rows, index = collapse_indexed(x, t_x, T)
    assert np.array_equal(rows.x[index], x)
    assert np.array_equal(rows.t_x[index], t_x)
    assert np.array_equal(rows.T[index], T)
    assert np.array_equal(np.bincount(index), rows.weight)


def test_everything_wrong_with_a_history_is_named_at_once() -> None:
    with pytest.raises(InputError, match=r"whole numbers.*between 0 and T.*t_x must be 0"):
        check_histories([0.5, 1, 0], [1, 9, 2], [5, 5, 5])


@pytest.mark.parametrize(
    ("x", "t_x", "T"), [([], [], []), ([1], [1], [2, 3]), ([1], [np.nan], [2]), ([1], [1], [np.inf])]
)
def test_arrays_that_cannot_be_histories_are_refused(
    x: list[float], t_x: list[float], T: list[float]
) -> None:
    with pytest.raises(InputError):
        check_histories(x, t_x, T)
