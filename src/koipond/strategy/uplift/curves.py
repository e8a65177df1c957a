"""Qini and uplift curves (增量曲线) of a ranking of customers. Pure.

Definitions of scikit-uplift 0.5.1 (Radcliffe 2007; Devriendt, Guns and Verbeke 2020): customers are walked
from the highest score down, customers of equal score share one point, and at each point n
qini(n) = treated buyers - control buyers × treated / control, and uplift(n) = (treated rate - control rate) ×
n. Other packages draw other quantities under the same name, causalml's "qini" among them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koipond.frames import PlotSpec, chart, line_layer, plain, text_table
from koipond.kernel import InputError, Message, joined

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_Ranked = tuple[FloatArray, BoolArray, FloatArray]
_SHOWN_POINTS = 11
_PLOTTED_POINTS = 200


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """Gain after treating the first ``customers`` of a ranking, from (0, 0) on."""

    name: str
    customers: FloatArray
    gain: FloatArray

    def __post_init__(self) -> None:
        self.customers.setflags(write=False)
        self.gain.setflags(write=False)

    @property
    def area(self) -> float:
        """Area between the curve and the straight line to its end, by trapezoids."""
        return float(np.trapezoid(self.gain, self.customers) - self.customers[-1] * self.gain[-1] / 2.0)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            **plain({"customers": self.customers, "gain": self.gain, "area": self.area}),
        }

    def __str__(self) -> str:
        at = np.unique(np.linspace(0, len(self.gain) - 1, _SHOWN_POINTS).round().astype(int))
        rows = [[int(self.customers[i]), float(self.gain[i])] for i in at]
        return text_table(["customers", self.name], rows)

    def plot(self) -> PlotSpec:
        """Return the curve over the straight line of a random ranking."""
        at = np.unique(np.linspace(0, len(self.gain) - 1, _PLOTTED_POINTS).round().astype(int))
        end = self.gain[-1] / self.customers[-1]
        rows = [{"customers": self.customers[i], "gain": self.gain[i], "order": "score"} for i in at]
        rows += [{"customers": x, "gain": x * end, "order": "random"} for x in (0.0, self.customers[-1])]
        return chart(rows, [line_layer(x="customers", y="gain", color="order")], title=f"{self.name} curve")


def qini(score: Any, treated: Any, outcome: Any) -> float:
    """Return the area between Qini curve and random line, as a share of the perfect ranking's area.

    ``score``: higher = treat first; ``treated`` and ``outcome``: 0/1 of each customer. Equals scikit-uplift's
    ``qini_auc_score(outcome, score, treated)`` to 1e-12; 0 = random, negative = worse. Raises InputError for
    unequal lengths, scores that are not finite, outcomes other than 0/1, an absent arm, or nothing to rank.
    """
    rank, arm, result = _checked(score, treated, outcome, binary=True)
    return _share_of_perfect(
        _qini_curve(rank, arm, result), _qini_curve(_perfect_score(arm, result), arm, result)
    )


def uplift_auc(score: Any, treated: Any, outcome: Any) -> float:
    """Return the same share for the uplift curve: scikit-uplift's ``uplift_auc_score``. Raises as `qini`."""
    rank, arm, result = _checked(score, treated, outcome, binary=True)
    control_buyers = int(np.sum((result == 1) & ~arm))
    lost_treatments = int(np.sum((result == 0) & arm))
    perfect = 2.0 * (result == arm) + (result if control_buyers > lost_treatments else arm)
    return _share_of_perfect(_uplift_curve(rank, arm, result), _uplift_curve(perfect, arm, result))


def qini_area(score: Any, treated: Any, outcome: Any) -> float:
    """Return the area between Qini curve and random line ÷ customers²: also for outcomes that are amounts.

    In outcome units a customer; it does not compare across data sets as `qini` does.
    """
    rank, arm, result = _checked(score, treated, outcome, binary=False)
    return _qini_curve(rank, arm, result).area / len(rank) ** 2


def qini_curve(score: Any, treated: Any, outcome: Any) -> Curve:
    """Return the Qini curve: incremental outcome of the treated among the first n. Raises as `qini`."""
    return _qini_curve(*_checked(score, treated, outcome, binary=False))


def uplift_curve(score: Any, treated: Any, outcome: Any) -> Curve:
    """Return the uplift curve: difference of the arms' means among the first n, times n. Raises as `qini`."""
    return _uplift_curve(*_checked(score, treated, outcome, binary=False))


def perfect_qini_curve(treated: Any, outcome: Any) -> Curve:
    """Return the Qini curve of who knows every outcome: treated buyers first, control buyers last."""
    _, arm, result = _checked(np.zeros(np.shape(outcome)), treated, outcome, binary=True)
    return _qini_curve(_perfect_score(arm, result), arm, result)


def _perfect_score(arm: BoolArray, result: FloatArray) -> FloatArray:
    return result * np.where(arm, 1.0, -1.0)


def _share_of_perfect(curve: Curve, perfect: Curve) -> float:
    if perfect.area == 0:
        raise InputError("outcome: the same for everybody in effect; no ranking can be better than another")
    return curve.area / perfect.area


def _qini_curve(score: FloatArray, arm: BoolArray, result: FloatArray) -> Curve:
    n, treated, gained, control, baseline = _walk(score, arm, result)
    ratio = np.divide(treated, control, out=np.zeros_like(treated), where=control != 0)
    return _from_zero("qini", n, gained - baseline * ratio)


def _uplift_curve(score: FloatArray, arm: BoolArray, result: FloatArray) -> Curve:
    n, treated, gained, control, baseline = _walk(score, arm, result)
    with_touch = np.divide(gained, treated, out=np.zeros_like(treated), where=treated != 0)
    without = np.divide(baseline, control, out=np.zeros_like(control), where=control != 0)
    return _from_zero("uplift", n, (with_touch - without) * n)


def _walk(score: FloatArray, arm: BoolArray, result: FloatArray) -> tuple[FloatArray, ...]:
    """Return at the end of each run of equal scores: customers, treated, their outcome, controls, theirs."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    arm, result = arm[order], result[order]
    n = ends + 1.0
    treated = np.cumsum(arm, dtype=np.float64)[ends]
    gained = np.cumsum(np.where(arm, result, 0.0))[ends]
    baseline = np.cumsum(np.where(arm, 0.0, result))[ends]
    return n, treated, gained, n - treated, baseline


def _from_zero(name: str, customers: FloatArray, gain: FloatArray) -> Curve:
    return Curve(name=name, customers=np.append(0.0, customers), gain=np.append(0.0, gain))


def _checked(score: Any, treated: Any, outcome: Any, *, binary: bool) -> _Ranked:
    wrong, arrays = [], {}
    for name, given in (("score", score), ("treated", treated), ("outcome", outcome)):
        try:
            arrays[name] = np.asarray(given, dtype=np.float64).ravel()
        except (TypeError, ValueError):
            wrong.append(Message("{name}: not numbers", name=name))
            continue
        if not np.isfinite(arrays[name]).all():
            wrong.append(
                Message(
                    "{name}: {isfinite} values are missing or infinite",
                    name=name,
                    isfinite=int((~np.isfinite(arrays[name])).sum()),
                )
            )
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        wrong.append(Message("lengths differ: {lengths}", lengths=lengths))
    names = ("treated", "outcome") if binary else ("treated",)
    odd = [name for name in names if name in arrays and not np.isin(arrays[name], (0.0, 1.0)).all()]
    wrong += [Message("{name}: holds values other than 0 and 1", name=name) for name in odd]
    if binary and not wrong and len(np.unique(arrays["outcome"])) == 1:
        wrong.append(Message("outcome: the same for everybody; no ranking can be better than another"))
    if not wrong and not 0 < arrays["treated"].sum() < len(arrays["treated"]):
        wrong.append(Message("treated: an arm is empty; both treated and control customers are needed"))
    if wrong:
        raise InputError(joined("; ", wrong), mistakes=tuple(wrong))
    return arrays["score"], arrays["treated"] == 1.0, arrays["outcome"]
