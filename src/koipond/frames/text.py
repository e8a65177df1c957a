"""Small results as aligned text, as a terminal or a notebook shows them."""

from collections.abc import Sequence
from unicodedata import east_asian_width


def text_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return ``rows`` under ``header`` in aligned columns; numbers to the right, floats to 6 digits.

    Full-width characters count as two columns, so Chinese lines up too.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [
        max([text_width(name), *(text_width(row[i]) for row in cells)]) for i, name in enumerate(header)
    ]
    right = [all(not isinstance(row[i], str) for row in rows) for i in range(len(header))]
    lines = [list(header), ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(_pad(cell, w, r) for cell, w, r in zip(line, widths, right, strict=True)).rstrip()
        for line in lines
    )


def text_width(text: str) -> int:
    """Return how many terminal columns ``text`` takes."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _pad(cell: str, width: int, right: bool) -> str:
    blank = " " * (width - text_width(cell))
    return blank + cell if right else cell + blank


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
