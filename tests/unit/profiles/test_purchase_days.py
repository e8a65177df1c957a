import numpy as np

from koipond.profiles.purchase_days import main_category, purchase_days


def test_the_values_of_a_day_are_summed_and_entries_are_sorted() -> None:
    found = purchase_days(
        {"c": ["b", "a", "b", "b"], "d": [5, 9, 5, 2], "v": [1.0, 2.0, 4.0, 8.0]},
        customer="c",
        at="d",
        amount="v",
    )
    assert found.code.tolist() == [0, 1, 1]
    assert found.day.tolist() == [9, 2, 5]
    assert found.value is not None
    assert found.value.tolist() == [2.0, 8.0, 5.0]
    assert found.starts.tolist() == [0, 1]
    assert found.ends.tolist() == [0, 2]


def test_the_main_category_is_the_most_bought_then_the_latest_then_the_first_name() -> None:
    rows = [
        ("often", 1, "x"), ("often", 2, "x"), ("often", 9, "y"),
        ("late", 1, "x"), ("late", 2, "y"),
        ("same", 1, "y"), ("same", 1, "x"),
        ("none", 1, None),
        ("after", 50, "y"),
    ]  # fmt: skip
    table = {name: [row[i] for row in rows] for i, name in enumerate(("c", "d", "k"))}
    names, main = main_category(table, customer="c", at="d", category="k", until=10)
    picked = np.append(names, None)[main]
    assert dict(zip(["after", "late", "none", "often", "same"], picked, strict=True)) == {
        "after": None, "late": "y", "none": None, "often": "x", "same": "x",
    }  # fmt: skip
