"""The result of an uplift study (增量研究)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from koipond.frames import PlotSpec, TableLike, chart, line_layer, plain, text_table, to_arrow
from koipond.kernel import InputError
from koipond.strategy.uplift.calibration import Calibration, FloatArray, GroupEffect
from koipond.strategy.uplift.curves import Curve
from koipond.strategy.uplift.evaluation import ModelScore
from koipond.strategy.uplift.features import Encoding
from koipond.strategy.uplift.learners import Scorer
from koipond.strategy.uplift.verdict import Verdict

_PLOTTED_POINTS = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmUplift:
    """What is known of one arm against the control."""

    arm: str
    model: str  # the best ranking by Qini
    calibration: Calibration
    groups: tuple[GroupEffect, ...]
    verdict: Verdict
    curves: Mapping[str, Curve]  # Qini curves of out-of-fold scores, by model
    scorer: Scorer = field(repr=False)
    column: int  # of the arm in what ``scorer`` returns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Uplift:
    """Who is moved by what: predictions for the customers of the test, and a verdict for each arm."""

    outcome: str
    control: str
    sizes: Mapping[str, int]  # customers by arm
    predicted: (
        FloatArray  # (customers, arms) calibrated uplift, each from a model that has not seen the customer
    )
    low: FloatArray  # (customers, arms) lower end of its 95 % interval
    models: tuple[ModelScore, ...]
    by_arm: Mapping[str, ArmUplift]
    encoding: Encoding = field(repr=False)

    def __post_init__(self) -> None:
        self.predicted.setflags(write=False)
        self.low.setflags(write=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was filled in before anything was learnt; nothing when no feature had a missing value."""
        return tuple(
            f"{feature.name}: {feature.missing} missing values, {feature.filled_with}"
            for feature in self.encoding.features
            if feature.missing
        )

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(self.by_arm)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return tuple(known.verdict for known in self.by_arm.values())

    @property
    def verdict(self) -> Verdict:
        """The verdict of the only arm; raise InputError when there are several."""
        if len(self.by_arm) > 1:
            raise InputError("several arms have a verdict ({arms}); see verdicts", arms=", ".join(self.arms))
        return self.verdicts[0]

    def score(self, table: TableLike, *, low: bool = False) -> FloatArray:
        """Return (customers, arms) the calibrated uplift of new customers, or its lower ends when ``low``.

        Ready for ``koipond.allocate(uplift.score(customers) * margin, cost, budget)``. Raises InputError when
        the table lacks a feature.
        """
        features = self.encoding.read(to_arrow(table))
        columns = []
        for known in self.by_arm.values():
            score = known.scorer(features)[:, known.column]
            columns.append(known.calibration.low(score) if low else known.calibration.predict(score))
        return np.column_stack(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return verdicts, rankings and groups as plain values; the customers are in ``predicted``."""
        groups = [
            {
                "arm": arm,
                "customers": g.customers,
                "predicted": g.predicted,
                "effect": g.effect,
                "low": g.low,
                "high": g.high,
            }
            for arm, known in self.by_arm.items()
            for g in known.groups
        ]
        whole = {
            "outcome": self.outcome,
            "control": self.control,
            "arms": self.sizes,
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "models": [score.to_dict() for score in self.models],
            "groups": groups,
            "notes": self.notes,
        }
        return dict(plain(whole))

    def __str__(self) -> str:
        models = [[score.arm, score.model, score.mean, score.sd] for score in self.models]
        groups = [
            [arm, number, g.customers, g.predicted, g.effect, g.low, g.high]
            for arm, known in self.by_arm.items()
            for number, g in enumerate(known.groups, start=1)
        ]
        return "\n\n".join(
            [
                *(str(verdict) for verdict in self.verdicts),
                text_table(["arm", "model", "qini", "sd"], models),
                text_table(["arm", "group", "customers", "predicted", "effect", "low", "high"], groups),
                *(["\n".join(self.notes)] if self.notes else []),
            ]
        )

    def plot(self) -> PlotSpec:
        """Return the Qini curves of the first arm: its best model, the response model and a random order."""
        known = next(iter(self.by_arm.values()))
        rows: list[dict[str, Any]] = []
        for name, curve in known.curves.items():
            at = np.unique(np.linspace(0, len(curve.gain) - 1, _PLOTTED_POINTS).round().astype(int))
            rows += [{"customers": curve.customers[i], "gain": curve.gain[i], "order": name} for i in at]
        curve = known.curves[known.model]
        rows += [
            {"customers": x, "gain": x * curve.gain[-1] / curve.customers[-1], "order": "random"}
            for x in (0.0, curve.customers[-1])
        ]
        return chart(rows, [line_layer(x="customers", y="gain", color="order")], title=f"Qini of {known.arm}")
