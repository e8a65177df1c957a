"""Which other model the data do determine (建议): advice is tried before it is given (case B25). Pure."""

import numpy as np

from koipond.kernel import InputError
from koipond.profiles.clv.choice import FITTERS
from koipond.profiles.clv.collapse import Counts

_OTHERS = ("bgnbd", "mbgnbd", "pareto_nbd")


def determined_model(rows: Counts, *, other_than: str) -> str | None:
    """Return the first model but ``other_than`` for which ``rows`` give an interval, or None."""
    for key in _OTHERS:
        if key == other_than:
            continue
        try:
            fit = FITTERS[key](rows)
        except InputError:
            continue
        if np.all(np.isfinite(fit.log_covariance)):
            return key
    return None


def doubt_text(rows: Counts, used: str) -> str:
    """Return why ``used`` can give no interval, and what would: a model only when it can here."""
    other = determined_model(rows, other_than=used)
    ways = f"fit model='{other}'" if other else "take more customers or a longer calibration"
    return (
        f"the data do not determine the parameters of {used} (say, because hardly anybody stops), so no "
        f"interval can be given; {ways}"
    )
