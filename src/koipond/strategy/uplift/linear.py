"""Linear models with a penalty, fitted by scikit-learn (the extra ``uplift``) and kept as plain numbers."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koipond.kernel import InputError

FloatArray = NDArray[np.float64]
_STEPS_MAX = 100
_TOLERANCE = 1e-8  # so that another machine gives the same answer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearModel:
    """Predicts ``intercept + X · weights``, through the logistic function when ``logistic``."""

    weights: FloatArray  # (columns,)
    intercept: float
    logistic: bool

    def predict(self, features: FloatArray) -> FloatArray:
        """Return (customers,) the expected outcome."""
        line: FloatArray = features @ self.weights + self.intercept
        return 1.0 / (1.0 + np.exp(-line)) if self.logistic else line


def fit_logistic(features: FloatArray, outcome: FloatArray, *, penalty: float = 1.0) -> LinearModel:
    """Return logistic regression with ``penalty``/2 × Σ weight²; a constant when the outcome never varies."""
    share = float(outcome.mean()) if len(outcome) else 0.5
    if share in (0.0, 1.0) or not features.shape[1]:
        share = (float(outcome.sum()) + 0.5) / (len(outcome) + 1.0)
        return _constant(features, float(np.log(share / (1.0 - share))), logistic=True)
    solver = _sklearn_linear().LogisticRegression(
        C=1.0 / penalty, solver="newton-cholesky", max_iter=_STEPS_MAX, tol=_TOLERANCE
    )
    model = solver.fit(features, outcome)
    return LinearModel(weights=model.coef_[0], intercept=float(model.intercept_[0]), logistic=True)


def fit_ridge(
    features: FloatArray, outcome: FloatArray, *, penalty: float = 1.0, weight: FloatArray | None = None
) -> LinearModel:
    """Return least squares with ``penalty`` × Σ weight², each customer counted ``weight`` times."""
    if not features.shape[1]:
        return _constant(features, float(np.average(outcome, weights=weight)), logistic=False)
    model = _sklearn_linear().Ridge(alpha=penalty).fit(features, outcome, sample_weight=weight)
    return LinearModel(weights=model.coef_, intercept=float(model.intercept_), logistic=False)


def fit_outcome(features: FloatArray, outcome: FloatArray, *, binary: bool) -> LinearModel:
    """Return the model of an outcome: logistic for 0/1, ridge for amounts."""
    return fit_logistic(features, outcome) if binary else fit_ridge(features, outcome)


def _constant(features: FloatArray, intercept: float, *, logistic: bool) -> LinearModel:
    return LinearModel(weights=np.zeros(features.shape[1]), intercept=intercept, logistic=logistic)


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which linear algebra keeps to one thread: these fits are small, and on a busy
    machine waiting threads make them many times slower (science §C, gotcha 1). Raise InputError without
    scikit-learn.
    """
    _sklearn_linear()
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits


def _sklearn_linear() -> ModuleType:
    try:
        from sklearn import linear_model
    except ImportError as error:
        raise InputError(
            "uplift models need scikit-learn: install it with pip install 'koipond[uplift]'"
        ) from error
    return linear_model  # type: ignore[no-any-return]
