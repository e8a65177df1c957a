"""`koipond.clv`: fit a customer base in one call."""

from datetime import date

import numpy as np

from koipond.frames import TableLike
from koipond.kernel import InputError
from koipond.profiles.clv.choice import choose
from koipond.profiles.clv.collapse import check_histories, collapse
from koipond.profiles.clv.discrete import summarise_periods
from koipond.profiles.clv.gamma_gamma import CORRELATION_NOTED, ValueFit, fit_gamma_gamma
from koipond.profiles.clv.result import LifetimeValue
from koipond.profiles.clv.summary import PurchaseSummary, summarise


def clv(
    table: TableLike,
    customer: str = "customer_id",
    at: str = "date",
    amount: str | None = None,
    unit: str = "week",
    calibration_end: str | date | None = None,
    model: str = "bgnbd",
) -> LifetimeValue:
    """Fit who comes back, and with ``amount`` what they are worth, to a table of purchases.

    One row a purchase (rows of a day are one purchase); returns, if any, are the caller's to leave out.
    ``model``: bgnbd, mbgnbd, pareto_nbd, bgbb or auto (the likelier of MBG/NBD and Pareto/NBD).
    ``calibration_end`` (included; date, datetime or ISO text) is where learning stops and every forecast
    starts; None takes the last day of the table. The result says which day it was: in its text and in
    ``summary.calibration_end``. The day of an instant with a zone is the calendar day there; of text with Z
    or an offset, the day as written. Times are in ``unit`` (day, week, month, year). Raises InputError for
    bad input, for fewer than two customers and for histories that are all alike; RefusedError when count
    and value are too correlated for Gamma-Gamma. Sources: Fader, Hardie and Lee (2005), Batislam et al.
    (2007), Schmittlein et al. (1987), Fader, Hardie and Shang (2010), Fader and Hardie (2013).
    """
    read = summarise_periods if model == "bgbb" else summarise
    summary = read(table, customer=customer, at=at, amount=amount, unit=unit, calibration_end=calibration_end)
    return fit_summary(summary, model=model)


def fit_summary(summary: PurchaseSummary, *, model: str = "bgnbd") -> LifetimeValue:
    """Fit ``model`` to histories that are already summarised; as `clv` otherwise."""
    choice = choose(collapse(*check_histories(summary.x, summary.t_x, summary.T)), model)
    notes = list(choice.notes)
    if summary.rows_without_customer:
        notes.append(f"{summary.rows_without_customer} rows without a customer were left out")
    value_fit = None
    if summary.mean_value is not None:
        value_fit, said = _fit_value(summary)
        notes += said
    return LifetimeValue(
        summary=summary,
        fit=choice.fit,
        value_fit=value_fit,
        notes=tuple(notes),
        log_likelihoods=choice.log_likelihoods,
    )


def _fit_value(summary: PurchaseSummary) -> tuple[ValueFit, list[str]]:
    assert summary.mean_value is not None
    repeat = summary.x > 0
    used = repeat & (summary.mean_value > 0)
    if np.count_nonzero(used) < 2:
        raise InputError(
            "money needs at least 2 customers with a repeat purchase above 0, there are "
            "{used}; fit without amount",
            used=used.sum(),
        )
    fit = fit_gamma_gamma(summary.x[used], summary.mean_value[used])
    notes = []
    left = int(np.count_nonzero(repeat & ~used))
    if left:
        notes.append(
            f"{left} repeat buyers whose repeat purchases sum to 0 or less count as the population mean"
        )
    if abs(fit.correlation) > CORRELATION_NOTED:
        notes.append(
            f"purchase count and mean value are correlated ({fit.correlation:.2f}); Gamma-Gamma takes them "
            "as independent, so money of frequent buyers is biased the other way"
        )
    if not fit.converged:
        notes.append(
            "Gamma-Gamma did not converge: values vary too little or too few customers repeat. Expected "
            "values lean on what each customer spent; money intervals are refused"
        )
    if fit.model.q <= 2:
        notes.append(f"Gamma-Gamma q = {fit.model.q:.3g} ≤ 2: money has no finite variance; use value_bounds")
    return fit, notes
