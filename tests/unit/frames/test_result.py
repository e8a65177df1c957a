import json

import numpy as np

from koipond.frames import bar_layer, chart, interval_layers, line_layer, plain, reference_layer


def test_numpy_values_become_plain_and_json_can_carry_them() -> None:
    value = plain({"n": np.int64(3), "x": np.array([1.5, np.nan]), 7: (np.bool_(True), "a", None)})
    assert value == {"n": 3, "x": [1.5, None], "7": [True, "a", None]}
    assert json.loads(json.dumps(value, allow_nan=False)) == value


def test_a_number_that_is_not_finite_becomes_none() -> None:
    assert plain([float("inf"), float("-inf"), float("nan"), 0.0]) == [None, None, None, 0.0]


def test_a_chart_carries_its_own_data_and_every_layer_names_columns_of_it() -> None:
    rows = [{"metric": "spend", "difference": np.float64(1.0), "low": 0.5, "high": 1.5}]
    spec = chart(
        rows,
        [
            *interval_layers(label="metric", estimate="difference", low="low", high="high"),
            reference_layer(0.0, axis="x"),
        ],
        title="Effects",
    )
    assert spec["$schema"].endswith("v5.json")
    assert spec["data"]["values"] == [{"metric": "spend", "difference": 1.0, "low": 0.5, "high": 1.5}]
    fields = {e["field"] for layer in spec["layer"] for e in layer["encoding"].values() if "field" in e}
    assert fields <= set(rows[0])
    json.dumps(spec, allow_nan=False)


def test_layers_colour_by_a_column_only_when_told() -> None:
    assert "color" not in line_layer(x="look", y="bound")["encoding"]
    assert bar_layer(x="arm", y="n", color="arm")["encoding"]["color"]["field"] == "arm"
