"""A number in a further column of customers is the number that an amount written so would be."""

from pathlib import Path

import pytest

from koipond.testing.memory import MemoryWorkspace


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (("1e2", "60", "5.9e1", "1E+2"), [100.0, 60.0, 59.0, 100.0]),
        (("12.5万", "1.2万元", "3千", "80"), [125_000.0, 12_000.0, 3_000.0, 80.0]),
        (("150rb", "2 jt", "7"), [150_000.0, 2_000_000.0, 7.0]),
        (("1,5jt", "150rb"), [1_500_000.0, 150_000.0]),
        (("1\u00a0299,50", "12,5"), [1_299.5, 12.5]),
        (("１２３．５", "－3", "–4"), [123.5, -3.0, -4.0]),
        (("100", "5千克", "第3组"), [100.0, None, None]),
        (("100", "1e2x", "e2"), [100.0, None, None]),
    ],
)
def test_a_number_is_read_and_its_text_stays(
    tmp_path: Path, cells: tuple[str, ...], numbers: list[float | None]
) -> None:
    space = MemoryWorkspace(tmp_path)
    rows = "".join(f'{n},"{cell}"\n' for n, cell in enumerate(cells, start=1))
    space.load("customers", space.write("c.csv", f"user_id,points\n{rows}"))
    found = {row["customer_no"]: row for row in space.rows("traits")}
    assert [found[n]["number_value"] for n in sorted(found)] == numbers
    assert [found[n]["text_value"] for n in sorted(found)] == [*cells]
