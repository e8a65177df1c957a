"""What a property of an event is to a rule, in memory; the property tests hold the engines to it."""

import pytest

from koipond.rules.memory import Cell, property_cell


@pytest.mark.parametrize(
    ("properties", "cell"),
    [
        ('{"n": "3"}', Cell(text="3", number=3.0)),
        ('{"n": "-1.5"}', Cell(text="-1.5", number=-1.5)),
        ('{"n": 3}', Cell(number=3.0)),
        ('{"n": "3 pieces"}', Cell(text="3 pieces")),
        ('{"n": "1e2"}', Cell(text="1e2")),
        ('{"n": true}', Cell()),
        (None, Cell()),
    ],
)
def test_a_text_that_reads_as_a_number_is_both(properties: str | None, cell: Cell) -> None:
    assert property_cell(properties, "n") == cell
