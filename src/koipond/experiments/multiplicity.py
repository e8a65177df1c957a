"""Several comparisons at once (多重比较): adjusted p-values. Pure."""

from collections.abc import Sequence

from koipond.kernel import InputError


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm 1979: the chance of one or more false findings stays under alpha."""
    m = len(_checked(p_values))
    result = [0.0] * m
    largest = 0.0
    for rank, i in enumerate(sorted(range(m), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (m - rank) * p_values[i]))
        result[i] = largest
    return result


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Benjamini and Hochberg 1995: the false share of findings stays low."""
    m = len(_checked(p_values))
    result = [0.0] * m
    smallest = 1.0
    for rank, i in enumerate(sorted(range(m), key=lambda i: p_values[i], reverse=True)):
        smallest = min(smallest, m / (m - rank) * p_values[i])
        result[i] = smallest
    return result


def _checked(p_values: Sequence[float]) -> Sequence[float]:
    wrong = [p for p in p_values if not 0 <= p <= 1]
    if wrong:
        raise InputError("a p-value lies between 0 and 1, got {wrong}", wrong=wrong)
    return p_values
