from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from koipond.kernel import InputError
from koipond.strategy.uplift.features import fit_encoding


def test_numbers_are_standardised_and_held_within_five_deviations() -> None:
    table = pa.table({"x": [0.0] * 999 + [1e6]})
    matrix = fit_encoding(table, ["x"]).read(table)
    assert matrix.max() == 5.0
    assert matrix[0, 0] == pytest.approx(-1 / np.sqrt(999))


def test_a_missing_number_becomes_the_mean_and_a_flag() -> None:
    encoding = fit_encoding(pa.table({"x": [1.0, None, 3.0]}), ["x"])
    assert encoding.columns == ("x", "x missing")
    assert encoding.read(pa.table({"x": [None, 2.0, 4.0]})).tolist() == [[0, 1], [0, 0], [2, 0]]


def test_words_become_columns_and_the_rarest_level_is_all_zeros() -> None:
    table = pa.table({"w": ["a", "b", "a", "c", "b", "a"]})
    encoding = fit_encoding(table, ["w"])
    assert encoding.columns == ("w=a", "w=b")
    assert encoding.read(pa.table({"w": ["c", "b", "never seen", None]})).tolist() == [
        [0, 0],
        [0, 1],
        [0, 0],
        [0, 0],
    ]


def test_with_missing_words_every_level_has_a_column() -> None:
    assert fit_encoding(pa.table({"w": ["a", None, "b"]}), ["w"]).columns == ("w=a", "w=b")


def test_rare_levels_share_the_zeros() -> None:
    words = [f"level {i:02d}" for i in range(40) for _ in range(i + 1)]
    encoding = fit_encoding(pa.table({"w": words}), ["w"])
    assert len(encoding.columns) == 20
    assert encoding.columns[0] == "w=level 39"


def test_dictionaries_instants_and_flags_are_read() -> None:
    table = pa.table(
        {
            "d": pa.array(["a", "b", "a"]).dictionary_encode(),
            "t": [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3)],
            "f": [True, False, True],
            "constant": [7, 7, 7],
        }
    )
    encoding = fit_encoding(table, ["d", "t", "f", "constant"])
    assert encoding.columns == ("d=a", "t", "f")
    assert encoding.read(table)[:, 1].tolist() == pytest.approx([-np.sqrt(1.5), 0.0, np.sqrt(1.5)])


def test_too_many_columns_are_refused() -> None:
    table = pa.table({f"x{i}": [0.0, 1.0] for i in range(301)})
    with pytest.raises(InputError, match="at most 300"):
        fit_encoding(table, table.column_names)


@pytest.mark.parametrize("nothing", [[np.nan, np.nan], [None, None], pa.array([None, None], pa.string())])
def test_a_feature_that_nobody_has_is_refused_by_name(nothing: object) -> None:
    table = pa.table({"known": [1.0, 2.0], "lost": nothing})
    with pytest.raises(InputError, match="no customer has a value in lost"):
        fit_encoding(table, ["known", "lost"])


def test_missing_values_are_counted() -> None:
    table = pa.table({"x": [1.0, None, float("nan"), 2.0], "w": ["a", None, "b", "a"]})
    assert [feature.missing for feature in fit_encoding(table, ["x", "w"]).features] == [2, 1]
