"""Does a customer base buy in a rhythm (复购规律性)? Wheat and Morrison (1990). Pure."""

import numpy as np
import numpy.typing as npt

from koipond.kernel import InputError

NO_RHYTHM_BELOW = 1.2
"""Below this k purchases come about as a Poisson process and a due date means little (science B7)."""


def regularity(earlier_gap: npt.ArrayLike, later_gap: npt.ArrayLike) -> float:
    """Return k: 1 for purchases at random, larger for a steadier rhythm, one pair of gaps a customer.

    If gaps are Gamma(k) at a rate of the customer's own, the share M = earlier / (earlier + later) of two
    consecutive gaps is Beta(k, k), whatever the rates: Var M = 1 / (4 (2k + 1)), solved for k. Infinite when
    all shares are equal; raises InputError for fewer than two pairs or a gap that is not above 0.
    """
    first, second = np.asarray(earlier_gap, dtype=np.float64), np.asarray(later_gap, dtype=np.float64)
    if first.shape != second.shape or first.size < 2:
        raise InputError(
            "regularity needs at least 2 pairs of gaps of equal length, there are {size}", size=first.size
        )
    if not (np.all(first > 0) and np.all(second > 0)):
        raise InputError("gaps must be above 0 days; count a day with several orders once")
    variance = float(np.var(first / (first + second), ddof=1))
    return (1 - 4 * variance) / (8 * variance) if variance > 0 else float("inf")
