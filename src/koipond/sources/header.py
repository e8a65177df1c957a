"""Checks on the names of columns, the same for every kind of file."""

import re
from collections import Counter
from collections.abc import Sequence

from koipond.ingest.privacy import masked
from koipond.kernel import InputError, Message, joined, shortened, some_of
from koipond.sources.bounds import NAME_CHARS_MAX, require_columns

_LISTED_MAX = 10
_SHOWN_MAX = 100
_NUMBERED = re.compile(r"[^\W\d]+[\W_]*\d{1,4}")


SNIFF_ROWS = 50


def header_place(rows: Sequence[Sequence[object]]) -> int | None:
    """Return which of the first ``rows`` of a file names the columns; None when all are blank.

    Blank rows and titles stand above it. A title fills the first cell of its row and no other, where most
    rows fill three or more; words beside it fill less than half of what most rows do.
    """
    filled = [[place for place, cell in enumerate(row) if str(cell or "").strip()] for row in rows]
    widths = sorted(len(places) for places in filled if places)
    if not widths:
        return None
    usual = widths[len(widths) // 2]
    named = (
        n
        for n, places in enumerate(filled)
        if places and (usual < 3 or (places != [0] and len(places) * 2 >= usual))
    )
    return next(named, next(n for n, places in enumerate(filled) if places))


def column_names(file: str, cells: Sequence[str | None]) -> tuple[str, ...]:
    """Return the trimmed names in the header ``cells``; raise InputError when two are the same or all empty.

    A cell without a name (an index column) is called ``column N``.
    """
    require_columns(file, len(cells))
    names = [
        (cell or "").strip().strip("\ufeff") or f"column {place}" for place, cell in enumerate(cells, start=1)
    ]
    if not any((cell or "").strip() for cell in cells):
        raise InputError("{file}: row 1 holds no column names; add a header row", file=file)
    if long := next((name for name in names if len(name) > NAME_CHARS_MAX), None):
        raise InputError(
            "{file}: row 1: the column name '{long}…' has {count:,} characters; at most "
            "{name_chars_max:,} are read: is that row a header?",
            file=file,
            long=masked(long[:60]),
            count=len(long),
            name_chars_max=NAME_CHARS_MAX,
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        places: dict[str, list[str]] = {name: [] for name in twice}
        for place, name in enumerate(names, 1):
            if name in places:
                places[name].append(str(place))
        said = [
            Message(
                "'{name}' in columns {some}", name=masked(name)[:_SHOWN_MAX], some=some_of(at, _LISTED_MAX)
            )
            for name, at in places.items()
        ]
        what = shortened("; ", said, _LISTED_MAX)
        raise InputError(
            "{file}: row 1 names a column twice: {what}; rename one of them", file=file, what=what
        )
    if _looks_like_data(names):
        shown = joined(", ", (masked(name)[:_SHOWN_MAX] for name in names[:4]))
        raise InputError(
            "{file}: row 1 looks like data ({shown}), not like column names; add a header row",
            file=file,
            shown=shown,
        )
    return tuple(names)


def _looks_like_data(names: Sequence[str]) -> bool:
    """Most cells of a header are no numbers and no dates; ``x0`` to ``x9999`` are names."""
    digits = sum(
        sum(c.isdigit() for c in name) * 2 > len(name) and _NUMBERED.fullmatch(name) is None for name in names
    )
    return digits * 2 > len(names)
