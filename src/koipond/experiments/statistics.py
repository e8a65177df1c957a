"""Addable sufficient statistics (可加统计量): n, sums and cross products of columns over customers. Pure.

Any engine can make them: count, ``sum(a)`` and ``sum(a * b)``; `aggregates` lists what to ask for. Sums of
integers stay Python integers, so money in fen is exact whatever its size; sums of floats are kept about a
shift, because ``sum(x²) - sum(x)²/n`` of raw floats cancels (Chan, Golub and LeVeque 1983, eq. 1.2-1.4).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import fsum, isfinite
from typing import Any

from koipond.kernel import InputError, Message, joined

Number = int | float
_LOST = 1e-11  # a centred sum of squares this much smaller than the raw one is mostly rounding


def aggregates(columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what to aggregate for ``columns``: name → factors of the product to sum; () is the count.

    ``aggregates(["spend", "before"])`` asks for ``n``, ``s0 = sum(spend)``, ``s1 = sum(before)``,
    ``s0_0 = sum(spend * spend)``, ``s0_1 = sum(spend * before)`` and ``s1_1 = sum(before * before)``.
    """
    return {
        "n": (),
        **{f"s{i}": (name,) for i, name in enumerate(columns)},
        **{f"s{i}_{j}": (columns[i], columns[j]) for i, j in _pairs(len(columns))},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSums:
    """Sums over the ``n`` customers of one arm (or of one layer of an arm).

    ``sums[i]`` = Σ(x_i - shifts[i]); ``products`` = Σ(x_i - shifts[i])(x_j - shifts[j]) for i <= j, row by
    row. Statistics of parts add with ``+`` to the statistics of the whole, whatever the shifts of the parts.
    """

    n: int
    columns: tuple[str, ...]
    sums: tuple[Number, ...]
    products: tuple[Number, ...]
    shifts: tuple[Number, ...] = ()

    def __post_init__(self) -> None:
        width = len(self.columns)
        if not self.shifts:
            object.__setattr__(self, "shifts", (0,) * width)
        _check_shape(self)
        object.__setattr__(self, "n", int(self.n))
        for name in ("sums", "products", "shifts"):
            values = tuple(_number(value, f"{name} of {self.columns}") for value in getattr(self, name))
            object.__setattr__(self, name, values)
        _check_values(self)

    @classmethod
    def from_aggregates(cls, columns: Sequence[str], row: Mapping[str, Any]) -> "MetricSums":
        """Return the statistics in ``row``, whose keys are those of `aggregates`; raise InputError.

        A sum over no row is null in SQL and counts as 0.
        """
        missing = [name for name in aggregates(columns) if name not in row]
        if missing:
            raise InputError(
                "the aggregates lack {missing}; see aggregates({columns})",
                missing=", ".join(missing),
                columns=list(columns),
            )
        empty = int(row["n"]) == 0
        if not empty and any(row[name] is None for name in aggregates(columns)):
            raise InputError(
                "a sum is null although n > 0: coalesce missing values of the columns to 0 first"
            )
        return cls(
            n=int(row["n"]),
            columns=tuple(columns),
            sums=tuple(0 if empty else row[f"s{i}"] for i in range(len(columns))),
            products=tuple(0 if empty else row[f"s{i}_{j}"] for i, j in _pairs(len(columns))),
        )

    @classmethod
    def empty(cls, columns: Sequence[str]) -> "MetricSums":
        """Return the statistics of no customers: the zero of ``+``."""
        width = len(columns)
        return cls(n=0, columns=tuple(columns), sums=(0,) * width, products=(0,) * (width * (width + 1) // 2))

    def __add__(self, other: "MetricSums") -> "MetricSums":
        if self.columns != other.columns:
            raise InputError(
                "cannot add statistics of {columns} and {columns_2}: columns differ",
                columns=self.columns,
                columns_2=other.columns,
            )
        if not self.n or not other.n:
            return other if not self.n else self
        moved = other.about(self.shifts)
        return MetricSums(
            n=self.n + other.n,
            columns=self.columns,
            sums=tuple(a + b for a, b in zip(self.sums, moved.sums, strict=True)),
            products=tuple(a + b for a, b in zip(self.products, moved.products, strict=True)),
            shifts=self.shifts,
        )

    def __radd__(self, other: object) -> "MetricSums":
        return self if other == 0 else NotImplemented

    def about(self, shifts: Sequence[Number]) -> "MetricSums":
        """Return the same statistics about other ``shifts``."""
        move = [old - new for old, new in zip(self.shifts, shifts, strict=True)]
        if not any(move):
            return self
        products = (
            p + move[j] * self.sums[i] + move[i] * self.sums[j] + self.n * move[i] * move[j]
            for p, (i, j) in zip(self.products, _pairs(len(move)), strict=True)
        )
        sums = tuple(s + self.n * m for s, m in zip(self.sums, move, strict=True))
        return MetricSums(
            n=self.n, columns=self.columns, sums=sums, products=tuple(products), shifts=tuple(shifts)
        )

    def index(self, column: str) -> int:
        """Return the place of ``column``; raise InputError when it was not aggregated."""
        if column not in self.columns:
            raise InputError(
                "no sums of column {column}; there are sums of {columns}",
                column=column,
                columns=", ".join(self.columns),
            )
        return self.columns.index(column)

    def total(self, column: str) -> Number:
        """Return Σx of ``column``: exact when it was summed in integers."""
        i = self.index(column)
        return self.sums[i] + self.n * self.shifts[i]

    def mean(self, column: str) -> float:
        """Return the mean of ``column``; raise InputError when there is no customer."""
        if not self.n:
            raise InputError("the mean of {column} over no customers is not defined", column=column)
        i = self.index(column)
        return float(self.shifts[i] + _ratio(self.sums[i], self.n))

    def effective_count(self, column: str) -> float:
        """Return Kish's count behind Σ ``column``, (Σx)² / Σx²: so many equal customers weigh as much."""
        plain = self.about((0,) * len(self.columns))
        i = plain.index(column)
        squares = plain._product(i, i)
        return float(_ratio(plain.sums[i] * plain.sums[i], 1) / squares) if squares else 0.0

    def variance(self, column: str) -> float:
        """Return the sample variance (divisor n - 1) of ``column``; raise InputError for n < 2."""
        return self.covariance(column, column)

    def covariance(self, one: str, two: str) -> float:
        """Return the sample covariance (divisor n - 1) of two columns; raise InputError for n < 2."""
        if self.n < 2:
            raise InputError(
                "the variance of {one} needs at least two customers, there is {n}", one=one, n=self.n
            )
        return float(_ratio(self._centred(self.index(one), self.index(two)), self.n - 1))

    def _centred(self, i: int, j: int) -> Number | Fraction:
        """Return Σ(x_i - mean)(x_j - mean); exact for integers, refused when rounding ate it."""
        raw = self._product(i, j)
        centred = raw - _ratio(self.sums[i] * self.sums[j], self.n)
        if i != j or isinstance(centred, Fraction) or centred > _LOST * raw or raw == 0:
            return centred
        raise InputError(
            "the sums of {columns} are rounded too much to tell its variance: sum integers "
            "(minor units), or sum x - c and (x - c)² for a constant c near the mean (shifts)",
            columns=self.columns[i],
        )

    def _product(self, i: int, j: int) -> Number:
        i, j = min(i, j), max(i, j)
        return self.products[i * len(self.columns) - i * (i - 1) // 2 + j - i]


def combined_variance(stats: MetricSums, weights: Mapping[str, float]) -> float:
    """Return the sample variance of Σ weight · column; 0 where only rounding would be left."""
    terms = [a * b * stats.covariance(one, two) for one, a in weights.items() for two, b in weights.items()]
    total, scale = fsum(terms), fsum(abs(term) for term in terms)
    return total if total > 1e-13 * scale else 0.0


def _pairs(width: int) -> Iterator[tuple[int, int]]:
    return ((i, j) for i in range(width) for j in range(i, width))


def _ratio(top: Number | Fraction, bottom: int) -> float | Fraction:
    return top / bottom if isinstance(top, float) else Fraction(top) / bottom


def _number(value: Any, what: str) -> Number:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if hasattr(value, "item"):  # a numpy scalar
        return _number(value.item(), what)
    if isinstance(value, float) and isfinite(value):
        return value
    raise InputError("{what} must be finite numbers, got {value!r}", what=what, value=value)


def _check_shape(stats: MetricSums) -> None:
    width = len(stats.columns)
    sizes = {"sums": width, "products": width * (width + 1) // 2, "shifts": width}
    wrong = [
        Message(
            "{name} has {count} values, not {size}", name=name, count=len(getattr(stats, name)), size=size
        )
        for name, size in sizes.items()
        if len(getattr(stats, name)) != size
    ]
    if len(set(stats.columns)) != width:
        wrong.append(Message("a column is named twice in {columns}", columns=stats.columns))
    if wrong:
        raise InputError("statistics of {width} columns: {wrong}", width=width, wrong=joined("; ", wrong))


def _check_values(stats: MetricSums) -> None:
    squares = {name: stats._product(i, i) for i, name in enumerate(stats.columns)}
    wrong = [
        Message("the sum of squares of {name} is negative", name=name)
        for name, value in squares.items()
        if value < 0
    ]
    if stats.n < 0:
        wrong.append(Message("n is {n}, below 0", n=stats.n))
    if stats.n == 0 and (any(stats.sums) or any(stats.products)):
        wrong.append(Message("n is 0 but the sums are not"))
    for i, name in enumerate(stats.columns):
        # Cauchy-Schwarz, with room for rounding of float sums
        if squares[name] >= 0 and stats.n > 0 and stats.sums[i] ** 2 > stats.n * squares[name] * (1 + 1e-9):
            wrong.append(Message("sum and sum of squares of {name} cannot both be right", name=name))
    if wrong:
        raise InputError(joined("; ", wrong))
