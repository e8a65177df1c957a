"""Which model to believe (模型选择), and what to do when the data cannot say. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from koipond.kernel import InputError, Message
from koipond.profiles.clv.bgbb import fit_bgbb_counts
from koipond.profiles.clv.bgnbd import fit_bgnbd_counts
from koipond.profiles.clv.collapse import Counts
from koipond.profiles.clv.mbgnbd import fit_mbgnbd_counts
from koipond.profiles.clv.model import Fit
from koipond.profiles.clv.pareto_nbd import fit_pareto_nbd_counts

FITTERS: dict[str, Callable[[Counts], Fit]] = {
    "bgnbd": fit_bgnbd_counts,
    "mbgnbd": fit_mbgnbd_counts,
    "pareto_nbd": fit_pareto_nbd_counts,
    "bgbb": fit_bgbb_counts,
}
MODELS = (*FITTERS, "auto")
_CANDIDATES = ("mbgnbd", "pareto_nbd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The fit to use, why, and the log-likelihood of every model that was tried."""

    fit: Fit
    notes: tuple[str, ...]
    log_likelihoods: dict[str, float]


def choose(rows: Counts, model: str) -> Choice:
    """Fit ``model`` to ``rows``, or for ``auto`` the likelier of MBG/NBD and Pareto/NBD.

    BG/NBD is never chosen by itself: it calls every one-time buyer alive. A Pareto/NBD whose likelihood is
    flat or did not converge gives way to MBG/NBD, and the notes say so. Raises InputError for an unknown
    model, when nobody bought twice, for fewer than two customers, and when all have the same history.
    """
    if model not in MODELS:
        raise InputError(
            "model must be one of {models}, not '{model}'", models=", ".join(MODELS), model=model
        )
    if not (rows.x > 0).any():
        raise InputError("nobody has bought twice before calibration_end; there is nothing to learn from")
    customers = round(float(rows.weight.sum()))
    if customers < 2:
        raise InputError("a model needs at least 2 customers, there is 1 by calibration_end")
    if len(rows) < 2:
        raise InputError(
            "all {customers} customers have the same history; a model of how customers "
            "differ cannot be fitted to it",
            customers=customers,
        )
    names = _CANDIDATES if model == "auto" else (model,)
    fits = {name: FITTERS[name](rows) for name in names}
    tried = {name: fit.log_likelihood for name, fit in fits.items()}
    notes = []
    pareto = fits.get("pareto_nbd")
    if pareto is not None and not (pareto.converged and not pareto.flat):
        notes.append(_flat_note(pareto))
        del fits["pareto_nbd"]
        fits.setdefault("mbgnbd", fit_mbgnbd_counts(rows))
        tried["mbgnbd"] = fits["mbgnbd"].log_likelihood
    fit = max(fits.values(), key=lambda one: one.log_likelihood)
    if model == "auto":
        notes.append(f"chose {fit.model.key} by log-likelihood: {_listed(tried)}")
    if not fit.converged or fit.flat:
        notes.append(
            f"{fit.model.key}: the data do not determine every parameter ({_listed(fit.params)}); "
            "forecasts may serve, single parameters do not"
        )
    if not fit.model.alive_before_repeat:
        notes.append(
            "BG/NBD gives P(alive) = 1 to every one-time buyer; count active customers with mbgnbd "
            "or pareto_nbd"
        )
    return Choice(fit=fit, notes=tuple(notes), log_likelihoods=tried)


def _flat_note(fit: Fit) -> str:
    why = (
        Message("its likelihood is flat")
        if fit.converged
        else Message("no maximum within {evaluations} evaluations", evaluations=fit.evaluations)
    )
    return f"pareto_nbd was fitted but not used: {why} ({_listed(fit.params)}); fell back to mbgnbd"


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in values.items())
