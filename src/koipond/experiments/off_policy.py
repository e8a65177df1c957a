"""``koipond.off_policy``: what another policy would have earned on a log of choices (离线策略评估)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from koipond.experiments.bounds import check_alpha
from koipond.experiments.columns import numeric
from koipond.experiments.off_policy_estimators import (
    Overlap,
    PolicyValue,
    Vector,
    clipped,
    doubly_robust,
    importance_weights,
    ips,
    overlap,
    require_overlap,
    snips,
)
from koipond.frames import (
    PlotSpec,
    TableLike,
    chart,
    interval_layers,
    plain,
    reference_layer,
    require_columns,
    text_table,
    to_arrow,
)
from koipond.kernel import InputError

FOLDS = 5
CELLS_MAX = 5_000_000
PRIOR_CHOICES = 20  # weight of the coarser mean in the reward model
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class OffPolicy:
    """The value of the target policy by each estimator, beside what the logged policy earned."""

    logged: PolicyValue
    values: tuple[PolicyValue, ...]
    overlap: Overlap
    clipped_share: float

    @property
    def best(self) -> PolicyValue:
        """The value to quote: doubly robust where there is one, else self-normalised."""
        return self.values[-1]

    def to_dict(self) -> dict[str, Any]:
        """Return the values, the overlap and the clipping as plain values."""
        result: dict[str, Any] = plain(
            {
                "n": self.overlap.n,
                "effective_sample_size": self.overlap.effective_sample_size,
                "mean_weight": self.overlap.mean_weight,
                "max_weight": self.overlap.max_weight,
                "clipped_share": self.clipped_share,
                "logged": self.logged.to_dict(),
                "values": {value.method: value.to_dict() for value in self.values},
                "best": self.best.method,
            }
        )
        return result

    def __str__(self) -> str:
        rows = [[v.method, v.estimate, v.low, v.high, v.se] for v in (self.logged, *self.values)]
        found = self.overlap
        head = f"{found.n} choices, worth {found.effective_sample_size:.0f}; "
        head += f"largest weight {found.max_weight:.3g}"
        table = text_table(["estimator", "value", "low", "high", "se"], rows)
        return f"{head}, {100 * self.clipped_share:.2g} % cut\n{table}"

    def plot(self) -> PlotSpec:
        """Return the values with their intervals and the logged policy's as a line."""
        rows = [value.to_dict() for value in (self.logged, *self.values)]
        layers = interval_layers(
            label="method", estimate="estimate", low="low", high="high", title="mean reward"
        )
        line = reference_layer(self.logged.estimate, axis="x")
        return chart(rows, [*layers, line], title="Value of the target policy")


def off_policy(
    table: TableLike,
    *,
    action: str = "action",
    reward: str = "reward",
    propensity: str = "propensity",
    target: str | Mapping[Any, float],
    context: Sequence[str] = (),
    clip: float | None = None,
    alpha: float = 0.05,
) -> OffPolicy:
    """Evaluate the policy ``target`` on a log with one choice a row.

    ``propensity``: the chance with which the logged action was chosen. ``target``: the column with the
    chance the new policy gives that action, or action → chance for a policy that ignores the context; only
    then is the doubly robust value computed, with rewards predicted by action and ``context`` columns on
    other folds. ``clip`` cuts the weights (default √n). Raises InputError for bad columns or a reward that
    never varies, and RefusedError
    (``no_overlap``) when the log does not cover the policy.
    """
    check_alpha(alpha)
    rows = to_arrow(table)
    given = [target] if isinstance(target, str) else []
    require_columns(rows, dict.fromkeys([action, reward, propensity, *given, *context]))
    rewards, chances = _floats(rows, reward), _floats(rows, propensity)
    if len(rewards) < 2:
        raise InputError("a log needs choices, there are {count}", count=len(rewards))
    if rewards.min() == rewards.max():
        raise InputError(
            "column {reward} is {rewards:g} in every row: such a log cannot tell policies "
            "apart, and an interval from it would be certain of nothing; wait for rewards "
            "that differ",
            reward=reward,
            rewards=rewards[0],
        )
    actions, labels = _codes(rows, [action])
    chosen: Vector | None = None
    if isinstance(target, str):
        wanted = _floats(rows, target)
    else:
        chosen = _policy(target, [label[0] for label in labels])
        wanted = chosen[actions]
    raw = importance_weights(wanted, chances)
    found = overlap(raw)
    require_overlap(found)
    weights = clipped(raw, clip)
    values = [ips(rewards, weights, alpha=alpha), snips(rewards, weights, alpha=alpha)]
    if chosen is not None:
        cells, _ = _codes(rows, context)
        predicted, expected = _predict(rewards, actions, cells, chosen)
        values.append(doubly_robust(rewards, weights, predicted, expected, alpha=alpha))
    return OffPolicy(
        logged=replace(ips(rewards, np.ones(len(rewards)), alpha=alpha), method="logged"),
        values=tuple(values),
        overlap=found,
        clipped_share=float(np.mean(raw > weights)),
    )


def _policy(target: Mapping[Any, float], labels: list[Any]) -> Vector:
    """Return the target's chance of each logged action; its chances must add to 1."""
    total = sum(target.values())
    if abs(total - 1) > 1e-6 or any(not chance >= 0 for chance in target.values()):
        raise InputError(
            "the target's chances must be 0 or more and add to 1, they add to {total:g}", total=total
        )
    return np.array([float(target.get(label, 0.0)) for label in labels])


def _predict(rewards: Vector, actions: Codes, cells: Codes, chosen: Vector) -> tuple[Vector, Vector]:
    """Return predicted reward of the logged action, and under the target policy, from the other folds.

    The prediction is the mean of the (context, action) cell, leaning on that of the action, leaning on the
    mean.
    """
    width, height = len(chosen), int(cells.max()) + 1
    if width * height > CELLS_MAX:
        raise InputError(
            "{height} contexts × {width} actions are too many to predict: use a coarser context",
            height=height,
            width=width,
        )
    fold = np.arange(len(rewards)) % FOLDS
    predicted, expected = np.empty(len(rewards)), np.empty(len(rewards))
    for k in range(FOLDS):
        train, test = fold != k, fold == k
        where = cells[train] * width + actions[train]
        total = np.bincount(where, rewards[train], width * height).reshape(height, width)
        count = np.bincount(where, minlength=width * height).reshape(height, width)
        mean = rewards[train].mean() if train.any() else 0.0
        by_action = (total.sum(axis=0) + PRIOR_CHOICES * mean) / (count.sum(axis=0) + PRIOR_CHOICES)
        model = (total + PRIOR_CHOICES * by_action) / (count + PRIOR_CHOICES)
        predicted[test] = model[cells[test], actions[test]]
        expected[test] = (model @ chosen)[cells[test]]
    return predicted, expected


def _codes(rows: pa.Table, names: Sequence[str]) -> tuple[Codes, list[tuple[Any, ...]]]:
    """Return a number for each row's combination of ``names``, and the combinations."""
    missing = [name for name in names if rows[name].null_count]
    if missing:
        raise InputError("columns with missing values: {missing}", missing=", ".join(missing))
    codes = np.zeros(rows.num_rows, dtype=np.int64)
    labels: list[tuple[Any, ...]] = [()]
    for name in names:
        coded = rows[name].combine_chunks().dictionary_encode()
        own = coded.dictionary.to_pylist()
        mixed = codes * len(own) + coded.indices.to_numpy(zero_copy_only=False)
        seen, codes = np.unique(mixed, return_inverse=True)
        labels = [(*labels[int(value) // len(own)], own[int(value) % len(own)]) for value in seen]
    return codes, labels


def _floats(rows: pa.Table, name: str) -> Vector:
    if rows[name].null_count:
        raise InputError(
            "column {name} has {null_count} missing values", name=name, null_count=rows[name].null_count
        )
    return numeric(name, rows[name].to_numpy()).astype(np.float64)
